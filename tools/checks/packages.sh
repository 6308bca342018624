#!/usr/bin/env bash
# Installs the library as users do, shared and static, and builds programs against it; tries the .deb.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

packages=$PWD/build/packages
model=models/poolformer_c10
max_library_bytes=1500000
options=("$@") # for CMake
warnings=(-Wall -Wextra -Wpedantic -Werror)

usage() {
    cat <<'END_OF_USAGE'
Usage: tools/checks/packages.sh [CMAKE OPTION...]

Works in build/packages. As root it also installs the Debian package, tries it and removes it.
END_OF_USAGE
}

# install_library shared|static OPTION...: into $packages/shared or $packages/static.
install_library() {
    local build=$packages/build-$1
    cmake -S . -B "$build" -G Ninja "${options[@]}" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX=/usr -DPF_BUILD_TESTS=OFF -DPF_BUILD_BENCHMARKS=OFF "${@:2}"
    cmake --build "$build"
    rm -rf "${packages:?}/$1"
    cmake --install "$build" --strip --prefix "$packages/$1"
}

check_shared_library() { # size, what it needs, what it shows
    local library bytes needed
    library=$(find "$packages/shared" -name 'libpoolformer.so.*' -type f)
    bytes=$(stat -c %s "$library")
    echo "$(basename "$library"), stripped: $bytes bytes, at most $max_library_bytes"
    [ "$bytes" -le "$max_library_bytes" ]
    needed=$(readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    echo "needs ${needed//$'\n'/ }"
    if grep -vE '^(libc|libm|libstdc\+\+|libgcc_s|libdnnl|ld-linux-x86-64)\.so\.[0-9]+$' \
        <<<"$needed"; then
        echo "The library needs these, and should not."
        return 1
    fi
    tools/checks/exports.sh "$library"
}

run_programs() { # FOLDER: what was built of tests/consumer
    "$1/use_from_c" "$model"
    "$1/use_from_cpp" "$model"
}

use_by_cmake() { # shared|static: in a project of C alone, then of C and C++
    local folder languages
    folder=$(mktemp -d) # where nothing of the checkout is near
    cp -r tests/consumer "$folder/source"
    for languages in C 'C;CXX'; do
        cmake -S "$folder/source" -B "$folder/build" -G Ninja -DPOOLFORMER=package \
            -DLANGUAGES="$languages" -DCMAKE_PREFIX_PATH="$packages/$1"
        cmake --build "$folder/build"
        "$folder/build/use_from_c" "$model"
    done
    run_programs "$folder/build"
    "$folder/build/use_without_exceptions" "$model"
    rm -r "$folder"
}

# compile_programs FOLDER FLAG...: the same programs without CMake, into FOLDER.
compile_programs() {
    mkdir -p "$1"
    gcc -std=c99 "${warnings[@]}" tests/consumer/use_from_c.c "${@:2}" -o "$1/use_from_c"
    g++ -std=c++17 "${warnings[@]}" tests/consumer/use_from_cpp.cpp "${@:2}" -o "$1/use_from_cpp"
}

use_by_pkg_config() { # shared|static [--static]
    local description flags
    description=$(find "$packages/$1" -name poolformer.pc)
    read -ra flags < <(PKG_CONFIG_PATH=$(dirname "$description") \
        pkg-config --cflags --libs "${@:2}" poolformer)
    echo "pkg-config:" "${flags[@]}"
    compile_programs "$packages/pkg-config-$1" "${flags[@]}"
    LD_LIBRARY_PATH=$(dirname "$description")/.. run_programs "$packages/pkg-config-$1"
}

make_deb() { # prints its path
    rm -rf "$packages/deb"
    cpack -G DEB --config "$packages/build-shared/CPackConfig.cmake" -B "$packages/deb" >&2
    find "$packages/deb" -maxdepth 1 -name '*.deb'
}

# What of the paths in the file $1 is still there, but folders that are not ours.
what_stays() {
    local path
    while read -r path; do
        if [ -d "$path" ] && [[ "$path" != *poolformer* ]]; then continue; fi
        if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi
    done <"$1"
}

try_deb() { # FILE: installs, uses and removes it
    local flags stays
    dpkg-deb --field "$1" Package Version Architecture Depends Installed-Size
    dpkg-deb --field "$1" Depends | grep -q libdnnl
    if [ "$(id -u)" -ne 0 ] || dpkg-query -W poolformer 2>/dev/null; then
        echo "note the .deb, installed: not checked; it takes root, and a system without the package"
        return
    fi
    trap 'dpkg --purge poolformer' EXIT
    dpkg --install "$1"
    dpkg --listfiles poolformer | tee "$packages/installed"
    grep -q '/notices/libxsimd-dev$' "$packages/installed"
    /usr/bin/poolformer --version
    /usr/bin/poolformer classify "$model" models/photos/chelsea.png | tee "$packages/classified"
    grep -q '^  cat ' "$packages/classified"
    read -ra flags < <(pkg-config --cflags --libs poolformer)
    compile_programs "$packages/pkg-config-deb" "${flags[@]}"
    run_programs "$packages/pkg-config-deb"
    trap - EXIT
    dpkg --purge poolformer
    stays=$(what_stays "$packages/installed")
    if [ -n "$stays" ]; then
        echo "These files stay when the package is removed: $stays"
        return 1
    fi
}

if [ "${1:-}" = --help ]; then usage && exit 0; fi
install_library shared -DBUILD_SHARED_LIBS=ON
check_shared_library
use_by_cmake shared
use_by_pkg_config shared
install_library static -DBUILD_SHARED_LIBS=OFF -DPF_BUILD_TOOLS=OFF
use_by_cmake static
use_by_pkg_config static --static
try_deb "$(make_deb)"
