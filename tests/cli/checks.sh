# What the scripts beside this one share: run the command line, check what it says, count.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

program=${1:?needs the path of the poolformer program}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
model=$root/models/poolformer_c10
photo=$root/models/photos/chelsea.png
decode=$root/tests/golden/image/decode
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PF_ISA
passed=0
failed=0

# run EXIT_CODE ARGUMENT...: runs the program, keeps what it said, checks the exit code.
run() {
    local expected=$1 status=0
    shift
    command="poolformer $*"
    "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    check "exits with $expected, not $status" [ "$status" -eq "$expected" ]
}

# check WHAT COMMAND...: counts whether the command succeeds.
check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED: '$command' $what"
    sed 's/^/    | /' "$work/out" "$work/err"
}

says() { check "says '$1'" grep -qE -- "$1" "$work/out"; }
complains() { check "complains '$1'" grep -qE -- "$1" "$work/err"; }
is_quiet() { check "has no errors" [ ! -s "$work/err" ]; }
num_lines() { check "writes $1 lines like '$2'" [ "$(grep -cE -- "$2" "$work/out")" -eq "$1" ]; }

# json EXPRESSION: true in Python, with `lines` the parsed lines of output.
json() {
    check "writes JSON with $1" python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" "$work/out"
}

# The last line: how many checks there were. Fails if one did.
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
