# Finds the distribution's packages; a missing one is named together with how to get it.
# SPDX-License-Identifier: Apache-2.0
macro(pf_require found what package)
    if(NOT ${found})
        message(FATAL_ERROR "${what} was not found. On Debian or Ubuntu: "
                            "apt-get install ${package}. (tools/quickstart.sh installs everything.)")
    endif()
endmacro()

find_package(Threads REQUIRED)
find_package(xsimd QUIET)
pf_require(xsimd_FOUND "xsimd (8.1 or newer)" libxsimd-dev)
# Not by its CMake package: Debian's demands the headers of OpenCL, which nothing here uses.
find_path(PF_ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(PF_ONEDNN_LIBRARY dnnl)
pf_require(PF_ONEDNN_INCLUDE_DIR "oneDNN (2.6 or newer)" libdnnl-dev)
pf_require(PF_ONEDNN_LIBRARY "oneDNN (2.6 or newer)" libdnnl-dev)
mark_as_advanced(PF_ONEDNN_INCLUDE_DIR PF_ONEDNN_LIBRARY)
add_library(pf_onednn UNKNOWN IMPORTED)
set_target_properties(pf_onednn PROPERTIES
    IMPORTED_LOCATION ${PF_ONEDNN_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${PF_ONEDNN_INCLUDE_DIR})
find_package(nlohmann_json CONFIG QUIET)
pf_require(nlohmann_json_FOUND "nlohmann-json" nlohmann-json3-dev)

if(PF_BUILD_TOOLS)
    find_package(CLI11 CONFIG QUIET)
    pf_require(CLI11_FOUND "CLI11" libcli11-dev)
    find_package(JPEG QUIET)
    pf_require(JPEG_FOUND "libjpeg-turbo" libjpeg62-turbo-dev)
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
