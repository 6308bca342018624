#!/usr/bin/env python3
# Checks how many instructions one inference of the shipped model takes: speed that is repeatable.
# SPDX-License-Identifier: Apache-2.0
"""Usage: instruction_count.py BUILD_FOLDER MODEL [--update]

Runs pf_repeat_run under valgrind's callgrind with few and with more repetitions; the difference is
what inferences cost. The number must be within 3 % of tests/guards/instruction_count.json, which
has one number per compiler; --update writes it anew (then say why in the commit). On AVX2, because
valgrind knows no AVX-512. Exit code 77: this machine cannot run it; the last line says why.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

COMMITTED = pathlib.Path(__file__).with_suffix(".json")
TOLERANCE = 0.03
FEW, MORE = 1, 4
NOT_RUN = 77


def instructions(program, model, repetitions):
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                   str(program), str(model), str(repetitions)]
        environment = {**os.environ, "PF_ISA": "avx2", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not collected:
        sys.exit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr}")
    return int(collected[1])


def compiler(build):
    """Such as "g++ 12", from what CMake found."""
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    path = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.MULTILINE)[1]
    command = [path, "-dumpversion"]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    name = "clang++" if "clang" in path else "g++"
    return f"{name} {version.strip().split('.')[0]}"


def has_avx2():
    return " avx2 " in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--update"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    build, model = map(pathlib.Path, arguments)
    name = compiler(build)
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    expected = committed["instructions_per_inference"].get(name)
    update = "--update" in sys.argv
    if not has_avx2() or (expected is None and not update):
        print(f"no number for {name}" if has_avx2() else "this CPU has no AVX2")
        sys.exit(NOT_RUN)
    program = build / "tests/guards/pf_repeat_run"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        few, more = pool.map(lambda count: instructions(program, model, count), (FEW, MORE))
    found = (more - few) // (MORE - FEW)
    if update:
        committed["instructions_per_inference"][name] = found
        COMMITTED.write_text(json.dumps(committed, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {found} instructions per inference, written to {COMMITTED.name}")
        return
    change = found / expected - 1
    print(f"{name}: {found} instructions per inference, {change:+.2%} of the committed {expected}")
    if abs(change) > TOLERANCE:
        sys.exit(f"expected within {TOLERANCE:.0%}. If that is meant, run {sys.argv[0]} "
                 f"{build} {model} --update and say why in the commit.")


if __name__ == "__main__":
    main()
