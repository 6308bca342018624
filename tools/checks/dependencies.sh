#!/usr/bin/env bash
# Checks that CMake names what to install when a package is missing or too old.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# complains WORDS OPTION...: CMake fails, and says these words.
complains() {
    local output
    if output=$(cmake -S . -B "$work/build" -U 'CMAKE_DISABLE_FIND_PACKAGE_*' -U 'PF_ONEDNN_*' \
        -U '*_DIR' -DPF_BUILD_PYTHON=ON "${@:2}" 2>&1); then
        echo "CMake accepts ${*:2}; expected: $1"
        return 1
    fi
    if ! grep -qF -- "$1" <<<"$(tr -s ' \n' ' ' <<<"$output")"; then
        echo "$output"
        echo "With ${*:2} this is not said: $1"
        return 1
    fi
}

is_missing() { # PACKAGE WHAT OPTION
    complains "$2 was not found. On Debian or Ubuntu: apt-get install $1." "$3"
}

is_too_old() { # PACKAGE WHAT FOUND EXPECTED OPTION
    complains "$2 is too old: found version $3, expected $4 or newer." "$5"
    complains "apt-get install $1." "$5"
}

# make_package NAME VERSION: as an old distribution would have it.
make_package() {
    mkdir -p "$work/$1"
    : >"$work/$1/$1Config.cmake"
    echo "set(PACKAGE_VERSION $2)" >"$work/$1/$1ConfigVersion.cmake"
}

is_missing libxsimd-dev 'xsimd (8.1 or newer)' -DCMAKE_DISABLE_FIND_PACKAGE_xsimd=ON
is_missing libdnnl-dev 'oneDNN (2.6 or newer)' -DPF_ONEDNN_INCLUDE_DIR=
is_missing libdnnl-dev 'oneDNN (2.6 or newer)' -DPF_ONEDNN_LIBRARY=
is_missing nlohmann-json3-dev nlohmann-json -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON
is_missing libcli11-dev CLI11 -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON
is_missing libjpeg-dev libjpeg-turbo -DCMAKE_DISABLE_FIND_PACKAGE_JPEG=ON
is_missing libpng-dev libpng -DCMAKE_DISABLE_FIND_PACKAGE_PNG=ON
is_missing doctest-dev doctest -DCMAKE_DISABLE_FIND_PACKAGE_doctest=ON
is_missing libbenchmark-dev 'Google Benchmark' -DCMAKE_DISABLE_FIND_PACKAGE_benchmark=ON
is_missing python3-dev 'Python (3.10 or newer, with its headers)' -DCMAKE_DISABLE_FIND_PACKAGE_Python=ON
is_missing pybind11-dev 'pybind11 (2.10 or newer)' -DCMAKE_DISABLE_FIND_PACKAGE_pybind11=ON

make_package xsimd 7.6.0
is_too_old libxsimd-dev xsimd 7.6.0 8.1 "-Dxsimd_DIR=$work/xsimd"
mkdir -p "$work/onednn/oneapi/dnnl"
printf '#define DNNL_VERSION_%s\n' 'MAJOR 2' 'MINOR 5' 'PATCH 4' >"$work/onednn/oneapi/dnnl/dnnl_version.h"
is_too_old libdnnl-dev oneDNN 2.5 2.6 "-DPF_ONEDNN_INCLUDE_DIR=$work/onednn"
echo "every missing or old package is named"
