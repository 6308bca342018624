# Finds the distribution's packages; one that is missing or too old is named, with how to get it.
# SPDX-License-Identifier: Apache-2.0
function(pf_require found what package)
    if(NOT ${found})
        message(FATAL_ERROR "${what} was not found. On Debian or Ubuntu: "
                            "apt-get install ${package}. "
                            "(tools/install_dependencies.sh --tests installs everything.)")
    endif()
endfunction()

# Not left to find_package: many packages accept no request but one for their own major version.
function(pf_require_version version oldest what package)
    if(version VERSION_LESS oldest)
        message(FATAL_ERROR "${what} is too old: found version ${version}, expected ${oldest} or newer. "
                            "Debian 12, Ubuntu 24.04 and later have it: apt-get install ${package}.")
    endif()
endfunction()

find_package(Threads REQUIRED)
# C++'s own libraries, libstdc++ or libc++: what a C compiler does not link by itself.
set(PF_CXX_LIBRARIES ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER PF_CXX_LIBRARIES INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi|m)$")
list(REMOVE_DUPLICATES PF_CXX_LIBRARIES)
find_package(xsimd QUIET)
pf_require(xsimd_FOUND "xsimd (8.1 or newer)" libxsimd-dev)
pf_require_version("${xsimd_VERSION}" 8.1 xsimd libxsimd-dev)
include(cmake/find_onednn.cmake)
pf_require(PF_ONEDNN_INCLUDE_DIR "oneDNN (2.6 or newer)" libdnnl-dev)
pf_require(PF_ONEDNN_LIBRARY "oneDNN (2.6 or newer)" libdnnl-dev)
file(STRINGS ${PF_ONEDNN_INCLUDE_DIR}/oneapi/dnnl/dnnl_version.h onednn_version
    REGEX "define DNNL_VERSION_(MAJOR|MINOR) ")
string(REGEX REPLACE "[^0-9]*([0-9]+)[^0-9]+([0-9]+).*" "\\1.\\2" onednn_version "${onednn_version}")
pf_require_version("${onednn_version}" 2.6 oneDNN libdnnl-dev)
find_package(nlohmann_json CONFIG QUIET)
pf_require(nlohmann_json_FOUND "nlohmann-json" nlohmann-json3-dev)

if(PF_BUILD_TOOLS)
    find_package(CLI11 CONFIG QUIET)
    pf_require(CLI11_FOUND "CLI11" libcli11-dev)
    find_package(JPEG QUIET)
    pf_require(JPEG_FOUND "libjpeg-turbo" libjpeg-dev)
    find_package(PNG QUIET)
    pf_require(PNG_FOUND "libpng" libpng-dev)
endif()
if(PF_BUILD_TESTS)
    find_package(doctest CONFIG QUIET)
    pf_require(doctest_FOUND "doctest" doctest-dev)
endif()
if(PF_BUILD_BENCHMARKS)
    find_package(benchmark CONFIG QUIET)
    pf_require(benchmark_FOUND "Google Benchmark" libbenchmark-dev)
endif()
if(PF_BUILD_PYTHON)
    find_package(Python 3.10 COMPONENTS Interpreter Development.Module QUIET)
    pf_require(Python_FOUND "Python (3.10 or newer, with its headers)" python3-dev)
    find_package(pybind11 CONFIG QUIET)
    pf_require(pybind11_FOUND "pybind11 (2.10 or newer)" pybind11-dev)
    pf_require_version("${pybind11_VERSION}" 2.10 pybind11 pybind11-dev)
endif()
