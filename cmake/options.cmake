# Compiler settings every target of this project shares, as the interface target pf_options.
# SPDX-License-Identifier: Apache-2.0
add_library(pf_options INTERFACE)
target_compile_features(pf_options INTERFACE cxx_std_20)
target_include_directories(pf_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
target_compile_options(pf_options INTERFACE -Wall -Wextra -Wpedantic -fno-math-errno
                                            -ffp-contract=off -fvisibility=hidden)
if(PF_IS_TOP_LEVEL) # a new compiler's new warning is no reason to fail the build of a project around us
    target_compile_options(pf_options INTERFACE -Werror)
endif()
# g++ 12 sees an overlap that cannot be in its own std::string (GCC bug 105651).
target_compile_options(pf_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# For code around the engine that no time depends on: doctest's, CLI11's and nlohmann's templates take
# g++ almost twice as long at -O3.
add_library(pf_quick_build INTERFACE)
target_compile_options(pf_quick_build INTERFACE $<$<CONFIG:Release>:-O1>)
if(PF_SANITIZE)
    target_compile_options(pf_options INTERFACE -fsanitize=${PF_SANITIZE} -fno-omit-frame-pointer
                                                -fno-sanitize-recover=all)
    target_link_options(pf_options INTERFACE -fsanitize=${PF_SANITIZE})
endif()
