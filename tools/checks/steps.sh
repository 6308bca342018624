# The steps of tools/test.sh, one function each; sourced there, run from the top of the repository.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# A step's exit code when this machine cannot run it; its last line of output says why.
kNotRun=77

release=build/release
model=models/poolformer_c10
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi

runnable_isas() {
    "$release/tests/signature/pf_signature" --list || echo no-release-build
}

step_tree() { # every file: licence line, size, no traces of one machine
    tools/checks/tree.py --self-test
    tools/checks/tree.py
}

step_layering() { # includes point down; #if stays where it may be
    tools/checks/layering.py --self-test
    tools/checks/layering.py
}

step_format() { # clang-format 14 would change nothing
    if ! command -v clang-format-14 >/dev/null; then
        echo "this system has no package clang-format-14, and other versions lay out differently"
        return "$kNotRun"
    fi
    git ls-files -z -co --exclude-standard '*.cpp' '*.hpp' '*.c' '*.h' |
        xargs -0 clang-format-14 --dry-run -Werror
}

step_scripts() { # shell scripts parse
    local script
    git ls-files -co --exclude-standard '*.sh' .ci/run | while read -r script; do
        bash -n "$script"
    done
}

step_header() { # poolformer.h is C99 and C++17, poolformer.hpp C++17 and C++20, without a warning
    local warnings=(-Wall -Wextra -pedantic -Werror -fsyntax-only)
    local include=engine/include compiler standard exceptions
    for compiler in gcc clang; do
        $compiler -xc -std=c99 "${warnings[@]}" $include/poolformer/poolformer.h
        for standard in c++17 c++20; do
            $compiler -xc++ -std=$standard "${warnings[@]}" $include/poolformer/poolformer.h
            for exceptions in -fexceptions -fno-exceptions; do
                $compiler -std=$standard $exceptions "${warnings[@]}" -I$include \
                    tests/consumer/use_from_cpp.cpp
            done
        done
    done
}

step_build() { # one of the builds release (g++), asan and tsan (clang++), or a target of it
    local options=("${launcher[@]}")
    # Several sources at a time are quicker; `release` keeps them apart, to find missing includes.
    [ "$1" = release ] || options+=(-DCMAKE_UNITY_BUILD=ON)
    case "$1" in
        release) options+=(-DCMAKE_CXX_COMPILER=g++ -DPF_BUILD_EXAMPLES=ON) ;;
        asan) options+=(-DCMAKE_CXX_COMPILER=clang++ -DPF_BUILD_FUZZERS=ON
            -DPF_BUILD_BENCHMARKS=ON) ;;
        tsan) options+=(-DCMAKE_CXX_COMPILER=clang++ -DPF_BUILD_TOOLS=OFF) ;;
    esac
    cmake --preset "$1" "${options[@]}"
    cmake --build "build/$1" "${@:2}"
}

# The tests that take their instruction set from PF_ISA; all others go through every one themselves, or
# know none. And those of the golden networks.
by_isa='*tests/engine/api/*,*/session_sharing_test.cpp,*/session_busy_test.cpp,*/fork_test.cpp,*/compiled_file_malformed_test.cpp'
golden='*tests/engine/golden_*'

# run_cases NAME PROGRAM [OPTION]...: doctest's cases, logged as NAME. No case at all is a failure.
run_cases() {
    local log=build/test-logs/$1.txt
    "${@:2}" 2>&1 | tee "$log"
    [ "${PIPESTATUS[0]}" -eq 0 ] && grep -qE 'test cases: +[1-9]' "$log"
}

# run_job JOB PROGRAM [OPTION]...: a part of all cases: `golden` (networks, half of the time), what an
# instruction set has of its own, or `others`.
run_job() {
    local filter=--source-file=$by_isa
    case "$1" in
        golden) filter="--source-file=$golden" ;;
        others) filter="--source-file-exclude=$golden,$by_isa" ;;
        *) export PF_ISA=$1 ;;
    esac
    run_cases "$@" "$filter"
}

# run_tests PROGRAM OPTION... -- ISA...: runs all of doctest's cases once, or once per instruction set, as
# many parts at a time as there are cores.
run_tests() {
    local command=() job status=0
    while [ "$1" != -- ]; do command+=("$1") && shift; done
    shift
    set -- golden others "$@"
    # shellcheck disable=SC2016
    printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} \
        bash -c '. tools/checks/steps.sh && run_job "$0" "$@" >/dev/null' {} "${command[@]}" || status=$?
    for job in "$@"; do echo "$job" && cat "build/test-logs/$job.txt"; done
    return "$status"
}

# The float64 interpreter knows no instruction set, and golden networks keep it busy for a minute.
interpreter='the interpreter equals PyTorch*'

step_tests() { # all tests but the longest of the interpreter, on each instruction set given
    run_tests "$release/tests/pf_tests" "--test-case-exclude=$interpreter" -- "$@"
}

step_tests_system() { # what sessions take from heap and system, on each instruction set given
    local isa log=build/test-logs/allocation status=0
    printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} env PF_ISA={} \
        "$release/tests/allocation/pf_allocation_test" -o=$log-{}.txt || status=$?
    for isa in "$@"; do
        cat "$log-$isa.txt"
        PF_ISA=$isa "$release/tests/resources/pf_resource_test" || status=$? # wants the cores for itself
    done
    return "$status"
}

step_tests_avx512() { # the kernels and S12 on an emulated CPU with AVX-512, if this one has none (minutes)
    if runnable_isas | grep -qx avx512; then
        echo "this CPU has AVX-512, and so it is tested with all others"
        return "$kNotRun"
    fi
    tools/checks/emulated_avx512.sh build/emulation "$release/tests/pf_tests" --no-colors \
        --source-file='*tests/kernels/*'
    tools/checks/emulated_avx512.sh build/emulation "$release/tests/pf_tests" --no-colors \
        --test-case='the executor equals PyTorch: S12 at 65x64*'
}

step_tests_interpreter() { # the float64 interpreter on the golden networks
    run_cases interpreter "$release/tests/pf_tests" "--test-case=$interpreter"
}

step_tests_asan() { # as `tests`, without the large networks, with Address- and UBSanitizer
    run_tests build/asan/tests/pf_tests "--test-case-exclude=$interpreter" \
        --test-suite-exclude=golden-large -- "$@"
}

step_tests_interpreter_asan() { # the interpreter on the small golden networks, with both sanitizers
    run_cases interpreter build/asan/tests/pf_tests "--test-case=$interpreter" \
        --test-suite-exclude=golden-large
}

step_tests_tsan() { # sessions, teams of threads and the API with ThreadSanitizer
    # The children that tests fork off start threads of their own. Of the kernels it watches those
    # for SSE4.1: it does not see wider loads and stores.
    TSAN_OPTIONS=die_after_fork=0 run_cases tsan build/tsan/tests/pf_tests \
        '--source-file=*tests/engine/run/*,*tests/engine/api/*'
}

step_command_line() { # the command line of a build (default: release), as ctest runs it
    ctest --test-dir "build/${1:-release}" --verbose --no-tests=error --tests-regex '^cli_'
}

# expect WORDS PROGRAM [ARGUMENT]...: the program succeeds, and says these words.
expect() {
    local output
    output=$("${@:2}")
    echo "$output"
    grep -qF "$1" <<<"$output"
}

is_shown() { # FILE: README.md has it, but for its first two lines
    [[ $(<README.md) == *"$(sed 1,2d "$1")"* ]] || { echo "README.md shows another $1." && return 1; }
}

step_examples() { # the examples of tools/examples, with the shipped model
    local folder=$release/tools/examples
    expect 'airplane 0.276' "$folder/ten_lines_c" "$model"
    expect 'airplane 0.2759' "$folder/ten_lines_cpp" "$model"
    is_shown tools/examples/ten_lines.c
    is_shown tools/examples/ten_lines.cpp
    expect '20 requests without a deadline' "$folder/request_loop" "$model" 20 0
    expect '20 of 20 requests missed' "$folder/request_loop" "$model" 20 1
    expect 'always the same bits' "$folder/shared_team" "$model" "$model"
    expect 'most like: cat' "$folder/embedded_model"
    if "$folder/ten_lines_c" no-such-model; then
        echo "A model that does not exist must be refused."
        return 1
    fi
    build_python
    PYTHONPATH=build/python expect 'cat: 52.2 %' /usr/bin/python3 tools/examples/ten_lines.py "$model"
}

step_signature() { # one hash of the logits per instruction set, twice the same
    local first
    first=$("$release/tests/signature/pf_signature")
    echo "$first"
    [ "$first" = "$("$release/tests/signature/pf_signature")" ]
}

step_dependencies() { # a package that is missing or too old is named
    tools/checks/dependencies.sh
}

# build_consumer BUILD_SHARED_LIBS LANGUAGES: into build/consumer, where the other kind's objects serve.
build_consumer() {
    cmake -S tests/consumer -B build/consumer -G Ninja "${launcher[@]}" -U CMAKE_BUILD_TYPE \
        -DBUILD_SHARED_LIBS="$1" -DLANGUAGES="$2" -DCMAKE_UNITY_BUILD=ON
    cmake --build build/consumer
}

step_consumer() { # projects that use the library by add_subdirectory: in C alone, in C and C++
    local is_shared library program
    for is_shared in OFF ON; do
        build_consumer "$is_shared" C
        build/consumer/use_from_c "$model"
    done
    build_consumer ON 'C;CXX'
    for program in use_from_c use_from_cpp use_without_exceptions; do
        "build/consumer/$program" "$model"
    done
    library=$(find build/consumer/poolformer -name 'libpoolformer.so')
    tools/checks/exports.sh "$library"
    # A program that was built against the first header runs with this library.
    cc -std=c99 -Itests/abi/first_header tests/consumer/use_from_c.c "$library" \
        -Wl,-rpath,"$(dirname "$library")" -o build/consumer/use_first_header
    build/consumer/use_first_header "$model"
}

build_python() { # the Python module with the library of the release build, into build/python
    cmake --preset release "${launcher[@]}" -DPF_BUILD_PYTHON=ON \
        -DPython_EXECUTABLE=/usr/bin/python3 # which has the distribution's numpy
    cmake --build "$release" --target poolformer_python
    rm -rf build/python
    cmake --install "$release" --component python --prefix build/python
}

step_python() { # the Python module with the library of the release build, and its tests
    build_python
    PYTHONPATH=build/python /usr/bin/python3 -m unittest discover --start-directory tools/python/tests
}

step_suite() { # what becomes of the benchmark suite's rounds, up to bench-diff; measures nothing
    PYTHONPATH=bench/suite:tools/export:tests/live \
        /usr/bin/python3 tests/suite/suite_test.py "$release/tools/cli/poolformer"
}

step_exporter() { # the exporter's tests that need no torch; the engine loads what it writes
    local folder=build/exporter/s12
    export PYTHONPATH=tools/export:tools/export/tests
    /usr/bin/python3 -m unittest test_bounds test_folders test_names_and_layout test_safetensors \
        test_transformers_folder test_write
    /usr/bin/python3 -m poolformer_export export --random 1 --size s12 --force "$folder"
    expect poolformer_s12_random "$release/tools/cli/poolformer" inspect "$folder"
}

step_abi() { # programs built against earlier versions of poolformer.h keep running
    tools/checks/abi.py || return
    tools/checks/abi.py --self-test
}

step_packages() { # installed, shared and static, for CMake and pkg-config; and as a Debian package
    tools/checks/packages.sh "${launcher[@]}"
}

step_isa_symbols() { # no function of one instruction set can be linked into another's path
    tools/checks/isa_symbols.py --self-test
    tools/checks/isa_symbols.py "$release"
    tools/checks/isa_symbols.py build/consumer/poolformer # not optimised, but for the kernels
}

step_hot_loops() { # the inner loops multiply as often as they should, and in registers
    tools/checks/hot_loops.py --self-test
    tools/checks/hot_loops.py "$release"
}

step_instruction_count() { # instructions per inference of the shipped model
    tests/guards/instruction_count.py "$release" "$model"
}

step_endurance() { # thousands of runs: allocations, memory, threads (minutes)
    local program
    for program in pf_tests allocation/pf_allocation_test resources/pf_resource_test; do
        run_cases "endurance-${program##*/}" "$release/tests/$program" --no-skip '--test-case=slow:*'
    done
}

step_fuzz() { # SECONDS [SEED]: all fuzzers, side by side; the same seed (1) makes the same inputs
    local fuzzers=(build/asan/tests/fuzz/fuzz_*) fuzzer pids=() pid
    [ "${#fuzzers[@]}" -eq 3 ]
    for fuzzer in "${fuzzers[@]}"; do
        # A busy machine is no reason to call an input slow.
        [ -x "$fuzzer" ] && "$fuzzer" -seed="${2:-1}" -max_total_time="$1" -timeout=10 \
            -print_final_stats=1 -artifact_prefix=build/test-logs/ &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
}

step_docs() { # the site of headers and guides, without a warning, in build/docs/html
    if ! command -v doxygen >/dev/null; then
        echo "this system has no package doxygen"
        return "$kNotRun"
    fi
    rm -rf build/docs
    mkdir -p build/docs
    doxygen docs/Doxyfile
    # Comments of the header must have arrived: a filter that fails says nothing.
    grep -q 'Ends the run that is going on in another thread' build/docs/html/poolformer_8h.html
    grep -q 'Ends the run that is going on in another thread' build/docs/html/python_reference.html
    # Nor does Doxygen warn of links out of the site, which lies in one folder.
    if grep -E 'href="(\.|bench/|docs/|engine/|models/|tests/|tools/)' build/docs/html/*.html; then
        echo "Links to files that are not part of the site."
        return 1
    fi
}

step_live() { # compares with live PyTorch, timm and transformers
    local python
    python=$(tools/python_env.sh)
    cmake --preset release -B build/shared "${launcher[@]}" -DBUILD_SHARED_LIBS=ON \
        -DPF_BUILD_TESTS=OFF -DPF_BUILD_BENCHMARKS=OFF -DPF_BUILD_TOOLS=OFF
    cmake --build build/shared
    "$python" tests/live/compare_live.py "$(find build/shared -name 'libpoolformer.so')"
}

step_wheel() { # the wheel in the pinned environment: its types, its tests, from_timm against live timm
    local python folder=$PWD/build/wheel tests=tools/python/tests
    python=$(tools/python_env.sh)
    rm -rf "$folder"/*.whl "$folder/site"
    CMAKE_ARGS=${launcher[*]} "$python" -m pip wheel --no-index --no-deps --no-build-isolation \
        --config-settings build-dir="$folder/build" --wheel-dir "$folder" tools/python
    "$python" -m pip install --no-index --no-deps --target "$folder/site" "$folder"/*.whl
    "$python" -m mypy --config-file tools/python/pyproject.toml --cache-dir "$folder/mypy" \
        "$folder/site/poolformer" "$tests/typed_use.py"
    export PYTHONPATH=$folder/site
    "$python" -m unittest discover --start-directory "$tests"
    "$python" -m unittest discover --start-directory "$tests/live"
}
