#!/usr/bin/env bash
# Tries the command line as a user would: answers, errors, exit codes.
# SPDX-License-Identifier: Apache-2.0
#
# Usage: commands_test.sh PROGRAM MEMORY_QUERY
set -uo pipefail

# shellcheck source=tests/cli/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"
memory_query=${2:?needs the path of the program pf_memory_query}

try_help() {
    local subcommand
    run 0 --version
    says '^poolformer [0-9]+\.[0-9]+\.[0-9]+$'
    run 0 --help
    says 'Exit codes:'
    for subcommand in classify bench bench-diff inspect compile; do
        run 0 "$subcommand" --help
        says 'Examples:'
        says "poolformer $subcommand"
        says 'Exit codes:'
    done
}

try_usage_errors() {
    local seconds
    run 2
    complains 'subcommand is required'
    run 2 clasify
    complains 'found "clasify", expected one of classify bench bench-diff inspect compile'
    run 2 classify
    complains 'MODEL is required'
    run 2 classify "$model"
    complains 'no images'
    run 2 classify "$model" "$photo" --tops 3
    complains 'not expected: --tops'
    run 2 classify "$model" "$photo" --top 0
    run 2 classify "$model" "$photo" --top many
    run 2 classify "$model" "$photo" --threads 0
    run 2 classify "$model" "$photo" --threads -1
    run 2 bench "$model" --size 224
    complains 'expected HEIGHTxWIDTH'
    run 2 bench "$model" --batch 0
    for seconds in never nan 0.01 1e9 1s; do
        run 2 bench "$model" --seconds "$seconds"
        complains "seconds: found \"$seconds\", expected 0.1 to 86400"
    done
    run 2 bench-diff "$work/one.json"
    complains 'AFTER is required'
    run 2 bench-diff "$work/one.json" "$work/two.json" --threshold nan
    complains 'expected 0 to 1000'
    run 2 inspect
    run 2 inspect "$model" "$model"
}

try_classify() {
    run 0 classify "$model" "$photo" --top 3
    says 'chelsea\.png$'
    num_lines 3 '^  [a-z]+ +[0-9.]+ %$'
    says '^latency [0-9.]+ ms \(pre-processing [0-9.]+ ms\); (avx512|avx2|sse4_1), [0-9]+ thread'
    is_quiet
    run 0 classify "$model" "$photo" --top 1000
    num_lines 10 ' %$'
    run 0 classify "$model" "$photo" --threads 1
    says ', 1 thread,'
    num_lines 5 ' %$'
}

try_several_images() {
    cp "$photo" "$work/misnamed.jpg"
    run 0 classify "$model" "$photo" "$work/misnamed.jpg" "$decode/rgb_420.jpg" "$decode/gray_1.png"
    num_lines 20 ' %$'
    says 'medians of 4 images'
    is_quiet

    head -c 300 "$decode/rgb_420.jpg" >"$work/cut.jpg"
    run 1 classify "$model" "$work/missing.png" "$photo" "$work/cut.jpg" "$decode/cmyk.jpg"
    num_lines 5 ' %$'
    complains 'missing\.png: cannot open: No such file or directory; name a JPEG or PNG file'
    complains 'cut\.jpg: damaged JPEG'
    complains 'cmyk\.jpg: found a CMYK JPEG.*convert'
    complains '3 of 4 images could not be classified'

    printf '%s\r\n\n%s\n' "$photo" "$work/missing.png" >"$work/list"
    run 1 classify "$model" --images-from "$work/list" "$decode/rgb.png"
    num_lines 10 ' %$'
    complains '1 of 3 images'
    run 1 classify "$model" ''
    complains 'found an empty name, expected that of a JPEG or PNG file'
    run 1 classify "$model" --images-from "$work/no list"
    complains 'cannot read the list'
    command="poolformer classify --images-from -"
    printf '%s\n' "$photo" | "$program" classify "$model" --images-from - >"$work/out" 2>"$work/err"
    num_lines 5 ' %$'
}

writes_no_escape() {
    check 'writes no escape' [ "$(cat "$work/out" "$work/err" | tr -dc '\033\233' | wc -c)" -eq 0 ]
}

# File names with an escape sequence, and with the C1 character that begins one too.
try_control_characters() {
    local name=$'red\e[31m\xc2\x9b31m.png'
    cp "$photo" "$work/$name"
    run 1 classify "$model" "$work/$name" "$work/missing $name"
    says 'red\?\[31m\?31m\.png$'
    complains 'missing red\?\[31m\?31m\.png: cannot open'
    writes_no_escape
    run 0 compile "$model" -o "$work/$name"
    says 'red\?\[31m\?31m\.png: '
    writes_no_escape
    run 2 bench "$model" "$name"
    complains 'not expected: red\?\[31m\?31m\.png'
    writes_no_escape
}

# Shown on a terminal only, and for several images only.
try_progress() {
    local images shown
    if ! command -v script >/dev/null; then
        echo "note the progress on a terminal: not checked; it needs \`script\`, of the package bsdutils"
        return
    fi
    for images in 1 2; do
        command="poolformer classify, of $images images on a terminal"
        shown="'$program' classify '$model' '$photo'"
        [ "$images" -eq 1 ] || shown+=" '$photo'"
        script -qec "$shown" /dev/null >"$work/out" 2>"$work/err" </dev/null
        check 'exits with 0' [ "$?" -eq 0 ]
        num_lines "$((images - 1))" '1 of 2 \(50 %\)'
        num_lines "$((5 * images))" '^  [a-z]+ +[0-9.]+ %'
    done
}

try_json() {
    run 1 classify "$model" "$photo" "$work/missing.png" --json --top 2
    json 'len(lines) == 2 and lines[0]["file"].endswith("chelsea.png")'
    json '1 >= lines[0]["top"][0]["probability"] > lines[0]["top"][1]["probability"] > 0'
    json 'len(lines[0]["top"]) == 2'
    json '{"class", "label"} < set(lines[0]["top"][0]) and lines[0]["run_ms"] > 0'
    json '"cannot open" in lines[1]["error"]'
    run 0 classify "$model" "$photo" --json --top 10
    # Each one is rounded to a float: by 2^-24 of itself, 6e-8.
    json 'abs(sum(top["probability"] for top in lines[0]["top"]) - 1) < 6e-8'
}

# The answer does not depend on threads, and hardly on the instruction set.
try_instruction_sets() {
    local isa isas first
    run 0 inspect "$model"
    isas=$(sed -nE 's/^this CPU runs +(.*); cannot run: .*/\1/p' "$work/out" | tr -d ,)
    check 'lists sse4_1, which every supported CPU runs' grep -q sse4_1 <<<"$isas"
    run 0 classify "$model" "$photo" --top 1
    first=$(sed -nE '2s/^ *([^ ]+) .*/\1/p' "$work/out")
    for isa in $isas; do
        export PF_ISA=$isa
        run 0 classify "$model" "$photo" --top 1 --threads 2
        says "ms\); $isa, 2 threads"
        says "^  $first "
    done
    export PF_ISA=altivec
    run 1 classify "$model" "$photo"
    complains 'PF_ISA.*altivec'
    complains 'unset PF_ISA'
    run 1 bench "$model" --seconds 0.1
    run 1 inspect "$model"
    complains 'altivec'
    unset PF_ISA
}

try_broken_images() {
    local size name
    mkdir -p "$work/broken"
    : >"$work/broken/empty.png"
    echo 'no image at all' >"$work/broken/text.jpg"
    for size in 3 100 500 800; do head -c "$size" "$decode/rgb_420.jpg" >"$work/broken/$size.jpg"; done
    for size in 8 30 60 900; do head -c "$size" "$decode/rgb.png" >"$work/broken/$size.png"; done
    tail -c +2 "$decode/rgb.png" >"$work/broken/beheaded.png"
    cp "$decode/rgb_16.png" "$decode/cmyk.jpg" "$work/broken"
    for name in "$work"/broken/*; do
        run 1 classify "$model" "$name"
        complains "^poolformer: $name: .*; "
        check 'answers nothing' [ ! -s "$work/out" ]
    done
    run 1 classify "$model" "$work"
    complains "found a folder, expected a file; name the images in it, as with $work/\*\.jpg"
    run 1 classify "$model" "$work/broken"/*
    complains '13 of 13 images'
}

try_broken_models() {
    run 1 classify "$work/nowhere" "$photo"
    complains 'nowhere'
    run 1 inspect "$work"
    complains 'model\.json'
    cp -r "$model" "$work/cut"
    head -c 5000 "$model/model.safetensors" >"$work/cut/model.safetensors"
    for subcommand in inspect bench; do
        run 1 "$subcommand" "$work/cut"
        complains 'cut/model\.safetensors'
    done
    complains 'tools/export'
}

try_bench() {
    run 0 bench "$model" --threads 1 --seconds 0.1 --json "$work/bench.json"
    says '^median +[0-9.]+ ms +of [0-9,]+ runs'
    says '^p90 '
    says '^p99 '
    says 'GFLOP/s, [0-9.]+ % of the FMA peak'
    cp "$work/bench.json" "$work/out"
    check 'writes a valid file' python3 -c '
import json, sys
result = json.load(open(sys.argv[1]))
place = result["environment"]
assert 0 < result["min_ms"] <= result["median_ms"] <= result["p90_ms"] <= result["p99_ms"]
assert min(result[key] for key in ("percent_of_peak", "gflops", "fma_peak_gflops")) > 0
assert result["p99_ms"] <= result["p999_ms"]
assert result["p99_is_reliable"] == (result["runs"] >= 1000)
assert result["p999_is_reliable"] == (result["runs"] >= 10000)
assert len(result["rounds"]) >= 3 and all(min(each.values()) > 0 for each in result["rounds"])
assert place["threads"] == 1 and place["cpu_budget"] >= 1 and place["cpu"] and place["compiler"]
' "$work/bench.json"
    run 0 bench "$model" --size 33x18 --batch 2 --threads 2 --seconds 0.1 --json -
    says '"input_height": 33'
    says '"batch": 2'
    run 0 bench "$model" --size 300x300 --seconds 0.1
    says '^p99 .*not reliable: [0-9]+ runs, at least 1000 '
    says '^p99.9 .*not reliable: [0-9]+ runs, at least 10000 '
    run 1 bench "$model" --seconds 86400 --json "$work/no/such/folder.json"  # says so at once
    complains 'folder.json: cannot create a file beside it: No such file'
    run 1 bench "$model" --seconds 86400 --json "$work"
    complains 'found a folder, expected a file name'
    run 1 bench "$model" --size 60000x60000
    complains '60000x60000 .*; choose another --size'
}

try_little_memory() {
    local limited=(bash -c 'ulimit -v 1000000 && exec "$@"' - "$program")
    if ! "${limited[@]}" --version >"$work/out" 2>&1; then
        echo "note little memory: not checked; programs with sanitizers do not start then"
        return
    fi
    command="poolformer bench, with 1 GB of addresses"
    "${limited[@]}" bench "$model" --size 9999x9999 >"$work/out" 2>"$work/err"
    check 'exits with 1' [ "$?" -eq 1 ]
    complains 'cannot allocate [0-9]+ bytes; use a smaller --size'
}

# A process that may use one CPU has a budget of one, and runs one thread.
try_cpu_budget() {
    local cpu
    cpu=$(python3 -c 'import os; print(min(os.sched_getaffinity(0)))')
    command="taskset -c $cpu poolformer bench"
    taskset -c "$cpu" "$program" bench "$model" --seconds 0.1 --json "$work/one_cpu.json" \
        >"$work/out" 2>"$work/err"
    check 'exits with 0' [ "$?" -eq 0 ]
    check 'counts one CPU' python3 -c '
import json, sys
place = json.load(open(sys.argv[1]))["environment"]
assert place["cpu_budget"] == place["threads"] == 1, place
' "$work/one_cpu.json"
}

# make_result FILE MS MODEL: what `poolformer bench --json` could have written.
make_result() {
    python3 -c '
import json, sys
place = {"cpu": "a CPU", "isa": "avx2", "threads": 1}
rounds = [{"median_ms": float(sys.argv[2]) + i % 7 / 100, "peak_gflops": 50} for i in range(60)]
json.dump({"model": sys.argv[3], "input_height": 8, "input_width": 8, "batch": 1,
           "macs_per_image": 9, "environment": place, "rounds": rounds}, open(sys.argv[1], "w"))
' "$work/$1" "$2" "$3"
}

try_bench_diff() {
    local name
    make_result ten.json 10 tiny
    make_result twelve.json 12 tiny
    make_result other.json 10 other
    run 0 bench-diff "$work/ten.json" "$work/ten.json"
    says '^tiny +poolformer +10\.030 +10\.030 +\+0\.0 .* no change shown$'
    run 3 bench-diff "$work/ten.json" "$work/twelve.json" --json
    says '"verdict": "slower"'
    run 0 bench-diff "$work/ten.json" "$work/twelve.json" --threshold 25
    run 1 bench-diff "$work/ten.json" "$work/other.json"
    complains 'other\.json: field "model": found "other", expected "tiny" as in .*ten\.json'
    head -c 100 "$work/ten.json" >"$work/cut.json"
    for name in cut.json missing.json broken; do
        run 1 bench-diff "$work/ten.json" "$work/$name"
        complains "^poolformer: $work/$name: "
    done
    for name in one two; do run 0 bench "$model" --seconds 1 --json "$work/$name.json"; done
    command='poolformer bench-diff, of real results'
    "$program" bench-diff "$work/one.json" "$work/two.json" >"$work/out" 2>"$work/err"
    check 'exits with 0 or 3' grep -qx '[03]' <<<"$?"
    says '^poolformer_c10 +poolformer .*(faster|slower|no change shown)$'
    complains 'warning: .*fewer than 50'
}

try_inspect() {
    run 0 inspect "$model" --size 64x48
    says '^name +poolformer_c10$'
    says '^parameters +[0-9,]{7,}$'
    says '^MACs +[0-9,]{8,} per image of 64x48'
    says '^weights +[0-9,]+ bytes'
    says '^activations +[0-9,]+ bytes'
    says '^graph: [0-9]+ nodes$'
    says ' group_norm '
    says '^graph after fusion: [0-9]+ nodes$'
    says ' channel_mlp '
    is_quiet
    run 0 inspect "$model" --size 64x48 --threads 2
    check 'prints the bytes that the library tells' [ \
        "$(sed -nE 's/^(weights|activations) +([0-9,]+) bytes.*/\2/p' "$work/out" | tr -d , | xargs)" = \
        "$("$memory_query" "$model" 64 48 2)" ]
    # Two copies of the weights, to pack them, as for a run; not a third to draw.
    command='poolformer inspect, against bench'
    check 'takes no more memory' python3 -c '
import os, resource, subprocess, sys
program, model = sys.argv[1:]
# What is freed counts no more.
os.environ.update(MALLOC_MMAP_THRESHOLD_="1000000", ASAN_OPTIONS="quarantine_size_mb=0")
def peak_kb(*arguments):
    subprocess.run([program, *arguments, "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of the largest so far
assert peak_kb("bench", model, "--seconds", "0.1") + 2048 > peak_kb("inspect", model)
' "$program" "$model"
    command='poolformer inspect, to a full disk'
    "$program" inspect "$model" >/dev/full 2>"$work/err"
    check 'exits with 1' [ "$?" -eq 1 ]
    complains 'cannot write to standard output'
}

try_help
try_usage_errors
try_classify
try_several_images
try_control_characters
try_progress
try_json
try_instruction_sets
try_broken_images
try_broken_models
try_bench
try_little_memory
try_cpu_budget
try_bench_diff
try_inspect
finish
