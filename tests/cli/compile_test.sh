#!/usr/bin/env bash
# Tries `poolformer compile`, and the other commands on what it writes.
# SPDX-License-Identifier: Apache-2.0
#
# Usage: compile_test.sh PROGRAM
set -uo pipefail

# shellcheck source=tests/cli/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/checks.sh"

compiled=$work/c10.pf

try_compile() {
    run 0 compile "$model" -o "$compiled"
    says "^$compiled: poolformer_c10 for (sse4_1|avx2|avx512), [0-9,]+ bytes "
    check 'says the size of the file' grep -qF " $(stat -c %s "$compiled") bytes " <(tr -d , <"$work/out")
    is_quiet
    run 0 classify "$compiled" "$photo"
    says '^ +cat +[0-9.]+ %$'
    run 0 inspect "$compiled"
    says '^name +poolformer_c10$'
    says '^graph after fusion: [0-9]+ nodes$'
    is_quiet
    run 0 bench "$compiled" --seconds 0.1 --threads 1
    run 0 compile "$compiled" -o "$work/again.pf"
    check 'writes the same file again' cmp -s "$compiled" "$work/again.pf"
}

try_instruction_sets() {
    run 0 compile "$model" -o "$work/sse.pf" --isa sse4_1
    run 0 classify "$work/sse.pf" "$photo"
    says 'sse4_1'
    run 1 compile "$model" -o "$work/none.pf" --isa mmx
    complains 'found "mmx"'
    export PF_ISA=avx9
    run 1 classify "$work/sse.pf" "$photo"
    complains 'PF_ISA: found "avx9", expected one of .*unset PF_ISA'
    unset PF_ISA
}

try_errors() {
    run 2 compile "$model"
    complains '--output is required'
    run 1 compile "$work/absent" -o "$work/none.pf"
    complains 'absent: no such file or folder, expected .*compile.*; models/README.md'
    run 1 compile "$model" -o "$work/absent/none.pf"
    complains 'absent/none.pf: cannot create .*; name a file in a folder that exists'
    run 1 compile "$model" -o "$work"
    complains 'found a folder, expected a file name'
    head -c 100000 "$compiled" >"$work/cut.pf"
    run 1 classify "$work/cut.pf" "$photo"
    complains 'cut.pf: found 100000 bytes, expected [0-9]+ and weight_bytes'
    complains 'copy or compile it again'
    : >"$work/empty.pf"
    run 1 classify "$work/empty.pf" "$photo"
    complains 'empty.pf: found no compiled model'
    cp -r "$model" "$work/own"
    for part in model.json model.safetensors; do
        run 1 compile "$work/own" -o "$work/own/$part"
        complains "$part: is a file of the model itself"
    done
    check 'leaves the model as it is' diff -r "$model" "$work/own"
    check 'leaves no file behind' test -z "$(find "$work" -name '*none*' -o -name '*.pf.?*')"
}

try_compile
try_instruction_sets
try_errors
finish
