#!/usr/bin/env bash
# Sets up and runs the comparison with other engines; options: run.sh --help.
# SPDX-License-Identifier: Apache-2.0
#
# Builds below build/; Python packages, models and ONNX files go to
# ${XDG_CACHE_HOME:-~/.cache}/poolformer.cpp, outside the checkout.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
suite=$root/bench/suite/suite.py

measures=yes
for argument in "$@"; do
    case "$argument" in
        --help | -h) exec python3 "$suite" --help ;;
        --plot-from | --plot-from=*) measures=no ;;
    esac
done

# build NAME OPTION... -- TARGET...: a release build in build/NAME.
build() {
    local folder=$root/build/$1 options=()
    shift
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DPF_BUILD_TESTS=OFF \
        "${options[@]}" >&2
    cmake --build "$folder" --target "$@" >&2
}

if [ "$measures" = yes ]; then
    "$root/tools/install_dependencies.sh" --suite >&2
    python3 "$suite" "$@" --check-options
    build bench -DPF_BUILD_TOOLS=ON -DPF_BUILD_BENCHMARKS=ON -- \
        poolformer_cli pf_bench_probe pf_bench
    build bench-shared -DBUILD_SHARED_LIBS=ON -DPF_BUILD_TOOLS=OFF -DPF_BUILD_BENCHMARKS=OFF -- \
        poolformer
fi
python=$("$root/tools/python_env.sh" "$root/bench/suite/requirements.txt")
exec "$python" "$suite" --library "$root/build/bench-shared/engine/libpoolformer.so" \
    --probe "$root/build/bench/bench/libpf_bench_probe.so" \
    --cli "$root/build/bench/tools/cli/poolformer" "$@"
