#!/usr/bin/env bash
# Builds and tests; what people and continuous integration both run. The last lines say what was not run.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

usage() {
    cat <<'END'
Usage: tools/test.sh [--live] [--full]
       tools/test.sh --step NAME [ARGUMENT]

Installs missing Debian or Ubuntu packages (root or sudo; python3-numpy and pybind11-dev are among them,
but nothing comes by pip without --live), builds below build/, and runs all checks but the slow ones, which
it names at the end; about 12 minutes on two cores (2.4 GHz EPYC). The output of each step is kept in
build/test-logs/.

    --live   also compare with live PyTorch, timm and transformers, and try the command line with
             sanitizers; at most 40 minutes in all
    --full   fuzz for 10 minutes instead of 1, from a seed that is the date; run the shipped model
             thousands of times and the interpreter with sanitizers; test threads with ThreadSanitizer,
             the installed packages, the ABI and the documentation, as --live does; at most 60 minutes,
             --live included
    --step   run one step (below) and show its output

PF_TEST_DATA names a folder with images/ (photos) and data/cifar10-jpeg.tar.xz, which --live checks the
pre-processing and the shipped model with; without it ../shared is tried, and what is missing is named.

The last line is "N passed, N failed": test cases where a step has them, else steps. The exit code
is 0 if nothing failed.

Steps:
END
    sed -n 's/^step_\([a-z_]*\)() { *# \(.*\)/    \1: \2/p' "$root/tools/checks/steps.sh"
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source=tools/checks/steps.sh
. tools/checks/steps.sh

logs=build/test-logs
mkdir -p "$logs"
download="Python packages, outside the checkout: about 250 MB with a CPU
         build of torch, 2 to 4 GB where the package index only has a CUDA build"
passed=0
failed=0
not_run=()
fuzz=(60 1) # seconds, and a seed that makes a failure easy to repeat
is_full=no
dependencies=--tests

# Prints how many cases passed and failed by what a log says: doctest's, the live comparison's.
cases() {
    awk '/^\[doctest\] test cases:/ || /^[0-9]+ passed, [0-9]+ failed$/ {
             for (i = 2; i <= NF; ++i) {
                 if ($i ~ /^passed/) passed += $(i - 1)
                 if ($i ~ /^failed/) failed += $(i - 1)
             }
         }
         END { print passed + 0, failed + 0 }' "$1"
}

# A failed step's last words, if all that it lacks may be what another one builds.
say_what_is_not_built() {
    local status=$?
    [ "$status" -eq 0 ] || [ -x build/release/tests/pf_tests ] ||
        echo "Most steps use what 'tools/test.sh --step build release' builds, and that has not been run." >&2
}

# Adds a step's cases to the totals; a step without any is one itself.
count() {
    local status=$2 cases_passed cases_failed
    read -r cases_passed cases_failed < <(cases "$1")
    [ "$status" -ne 0 ] || [ "$cases_passed" -ne 0 ] || cases_passed=1
    [ "$status" -eq 0 ] || [ "$cases_failed" -ne 0 ] || cases_failed=1
    passed=$((passed + cases_passed))
    failed=$((failed + cases_failed))
    summary="$cases_passed passed"
    [ "$cases_failed" -eq 0 ] || summary+=", $cases_failed failed"
}

# run NAME [ARGUMENT]: one step, in a process of its own; carries on when it fails.
run() {
    local log="$logs/$*.log" started=$SECONDS status=0 summary note
    log=${log// /-}
    timeout "${step_limit:-900}" tools/test.sh --step "$@" >"$log" 2>&1 &
    running=$!
    wait "$running" || status=$?
    if [ "$status" -eq "$kNotRun" ]; then
        not_run+=("$*: $(tail -n 1 "$log")")
        printf '  --   %-28s not run\n' "$*"
        return
    fi
    count "$log" "$status"
    # ctest puts a number before each line.
    while read -r note; do not_run+=("$1: $note"); done \
        < <(sed -n 's/^\([0-9]*: \)\?note \(.*: not checked\)/\2/p' "$log")
    if [ "$status" -eq 0 ]; then
        printf '  ok   %-28s %4d s   %s\n' "$*" $((SECONDS - started)) "$summary"
    else
        printf '  FAIL %-28s %4d s   %s\n' "$*" $((SECONDS - started)) "$summary"
        tail -n 40 "$log" | sed 's/^/       | /'
        echo "       | (all of it: $log)"
    fi
}

while [ "$#" -gt 0 ]; do
    case "$1" in
        --live) dependencies=--live && echo "The first time, --live downloads $download." ;;
        --full)
            fuzz=(600 "$(date +%Y%m%d)") && is_full=yes # other inputs every day
            [ "$dependencies" = --live ] || dependencies=--full
            ;;
        --step)
            shift
            if ! declare -F "step_${1:-}" >/dev/null; then
                echo "There is no step '${1:-}'; tools/test.sh --help lists them." >&2
                exit 2
            fi
            trap say_what_is_not_built EXIT
            "step_$1" "${@:2}"
            exit
            ;;
        --help | -h) usage && exit 0 ;;
        *) echo "Unknown option '$1'; see tools/test.sh --help." >&2 && exit 2 ;;
    esac
    shift
done

if ! tools/install_dependencies.sh "$dependencies"; then
    echo "0 passed, 1 failed"
    exit 1
fi
rm -f "$logs"/*
running=
trap 'kill $running 2>/dev/null; exit 130' INT TERM
for name in tree layering format scripts header dependencies; do run "$name"; done
run build release
mapfile -t isas < <(runnable_isas)
run tests "${isas[@]}"
run tests_system "${isas[@]}"
run tests_interpreter
for name in command_line suite signature consumer python exporter examples isa_symbols hot_loops \
    instruction_count; do
    run "$name"
done
if [ "$dependencies" = --live ]; then
    run build asan # all of it: clang++ has other warnings than g++
else
    run build asan --target pf_tests fuzz_model fuzz_safetensors fuzz_compiled
fi
run tests_asan "${isas[@]}"
run fuzz "${fuzz[@]}" # its line of output has the seed
if [ "$is_full" = yes ]; then
    run tests_interpreter_asan
    step_limit=2400 run tests_avx512
    run endurance
else
    not_run+=("thousands of runs of the shipped model, the interpreter with sanitizers, AVX-512 on an
         emulated CPU, fuzzing with a new seed: tools/test.sh --full")
fi
if [ "$dependencies" = --live ] || [ "$is_full" = yes ]; then
    run build tsan --target pf_tests
    run tests_tsan
    run abi
    run packages
    run docs
else
    not_run+=("the tests of threads with ThreadSanitizer: tools/test.sh --full, or --live")
    not_run+=("the installed packages, the ABI, the documentation by Doxygen: tools/test.sh --full, or --live")
fi
if [ "$dependencies" = --live ]; then
    run command_line asan
    step_limit=1500 run live
    run wheel
else
    not_run+=("the command line with sanitizers; clang++'s warnings about it, the benchmarks and the
         examples: tools/test.sh --live")
    not_run+=("the comparison with live PyTorch, timm and transformers. Run it with
         tools/test.sh --live
         The first time it downloads $download.")
fi

echo
for reason in "${not_run[@]}"; do echo "Not run: $reason"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
