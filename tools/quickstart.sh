#!/usr/bin/env bash
# From a fresh checkout to a classified photo: installs what is missing, builds, runs.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

usage() {
    cat <<'END'
Usage: tools/quickstart.sh [IMAGE...]

Installs missing Debian or Ubuntu packages (root or sudo), builds the poolformer command line into
build/release, and classifies IMAGE (JPEG or PNG) with the trained model that ships in models/.
Without IMAGE: models/photos/chelsea.png, a cat. The model knows ten kinds of things: airplane,
automobile, bird, cat, deer, dog, frog, horse, ship, truck.

Examples:
    tools/quickstart.sh
    tools/quickstart.sh holiday.jpg
END
}

case "${1:-}" in
    --help | -h) usage && exit 0 ;;
    -*) echo "Unknown option '$1'; see tools/quickstart.sh --help." >&2 && exit 2 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release
log=$root/build/quickstart.log

# Runs a command quietly; shows the end of what it said if it fails.
quietly() {
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        echo "This step failed: $*" >&2
        echo "The whole output is in $log." >&2
        exit 1
    fi
}

"$root/tools/install_dependencies.sh"
mkdir -p "$root/build"
echo "Building the poolformer command line (one to three minutes the first time) ..."
# A copied checkout would go on with the folder that it was copied from.
built_from=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
if [ ! "$built_from" -ef "$root" ] || [ ! -e "$build/build.ninja" ]; then
    rm -rf "$build"
    quietly cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DPF_BUILD_TESTS=OFF -DPF_BUILD_BENCHMARKS=OFF
fi
quietly cmake --build "$build" --target poolformer_cli
echo
[ "$#" -gt 0 ] || set -- "$root/models/photos/chelsea.png"
exec "$build/tools/cli/poolformer" classify "$root/models/poolformer_c10" "$@"
