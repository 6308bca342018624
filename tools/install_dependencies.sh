#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that building (and, with --tests, testing) needs.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

usage() {
    cat <<'END'
Usage: tools/install_dependencies.sh [--tests | --full | --live | --suite]

Installs what is missing of the packages that building poolformer needs; with --tests also what
tools/test.sh needs, with --full or --live also what tools/test.sh --full or --live needs, with --suite
also what bench/suite/run.sh needs. Needs root or sudo, and the network, only if something is missing.

Example:
    tools/install_dependencies.sh --tests
END
}

with_tests=no
with_slow=no
with_live=no
with_suite=no
case "${1:-}" in
    "") ;;
    --tests) with_tests=yes ;;
    --full) with_tests=yes && with_slow=yes ;;
    --live) with_tests=yes && with_slow=yes && with_live=yes ;;
    --suite) with_tests=yes && with_live=yes && with_suite=yes ;;
    --help | -h) usage && exit 0 ;;
    *) echo "Unknown option '$1'; see tools/install_dependencies.sh --help." >&2 && exit 2 ;;
esac

# The compiler and the build; oneDNN (convolutions), xsimd (vectors), JSON; command line, decoders.
packages=(g++ cmake ninja-build pkg-config
    libdnnl-dev libxsimd-dev nlohmann-json3-dev libcli11-dev libjpeg-dev libpng-dev)
# Test framework, benchmarks; a second compiler; instruction counts; the checks of tools/checks; the
# Python module; what making a Debian package needs.
test_packages=(doctest-dev libbenchmark-dev clang valgrind binutils python3 git
    python3-dev python3-numpy pybind11-dev dpkg-dev file)
[ "$with_tests" = no ] || packages+=("${test_packages[@]}")
# Documentation and ABI; an emulated CPU (tools/checks/emulated_avx512.sh).
slow_packages=(doxygen abigail-tools bochs isolinux syslinux-common xorriso cpio busybox-static)
[ "$with_slow" = no ] || packages+=("${slow_packages[@]}")

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_candidate() {
    # Read to the end: a pipe that closes early fails the writer, and with it the answer.
    [[ "$(apt-cache policy "$1" 2>/dev/null)" =~ Candidate:\ [^\(] ]]
}

# Installs those of "$@" that are missing.
install_missing() {
    local missing=() package
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Missing packages, and neither root nor sudo to install them. As root, run:" >&2
            echo "    apt-get install ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "Installing with apt-get: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "This script knows Debian and Ubuntu only. Install what these packages hold, by your" >&2
    echo "system's own means, then build with cmake (README.md):" >&2
    echo "    ${packages[*]}" >&2
    exit 1
fi

install_missing "${packages[@]}"

if [ "$with_tests" = yes ]; then
    # The sanitizers' and the fuzzer's run time, of the very clang that is installed.
    clang_major=$(clang -dumpversion | cut -d. -f1)
    install_missing "libclang-rt-$clang_major-dev"
    # Layout differs between versions, so exactly one counts. Where a distribution has dropped it,
    # tools/test.sh says that the format check did not run.
    if is_installed clang-format-14 || has_candidate clang-format-14; then
        install_missing clang-format-14
    fi
fi
if [ "$with_live" = yes ] && ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    install_missing python3-venv
fi
# torch.compile compiles against Python's own headers.
python_header='import sysconfig; print(sysconfig.get_path("include") + "/Python.h")'
if [ "$with_suite" = yes ] && [ ! -e "$(python3 -c "$python_header")" ]; then
    install_missing python3-dev
fi

gcc_major=$(g++ -dumpversion | cut -d. -f1)
if [ "$gcc_major" -lt 12 ]; then
    echo "g++ $gcc_major is too old: poolformer needs g++ 12 or newer (C++20)." >&2
    echo "Debian 12, Ubuntu 24.04 and later have it." >&2
    exit 1
fi
