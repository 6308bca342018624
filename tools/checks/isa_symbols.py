#!/usr/bin/env python3
# Checks that no code compiled for one instruction set can be linked into the path of another.
# SPDX-License-Identifier: Apache-2.0
"""Usage: isa_symbols.py BUILD_FOLDER | --self-test

A weak symbol (an inline function, a template) that is defined in the object of kernels/targets/
avx512.cpp and in any other object of the library is one function to the linker, which may keep the
AVX-512 copy and hand it to a CPU without AVX-512. So no such symbol may exist, nor in the
benchmarks, whose bench/products/ has such objects, too. BUILD_FOLDER is where CMake built the
library: it holds the objects below kernels/, engine/ and maybe bench/.
"""

import itertools
import pathlib
import re
import subprocess
import sys
import tempfile

WEAK = set("WVu")
DEFINED = WEAK | set("TDBRGSCi")  # external definitions, as nm abbreviates them
HARMLESS = re.compile(r"^DW\.ref\.")  # the compiler's own marker: a pointer, the same everywhere


def symbols(path):
    """name -> kind of every external symbol that an object defines."""
    command = ["nm", "--defined-only", "--extern-only", str(path)]
    found = {}
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        kind, name = line.split()[-2:]
        if kind in DEFINED and not HARMLESS.match(name):
            found[name] = kind
    return found


def demangle(name):
    command = ["c++filt", name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def shared_symbols(targets, others):
    """(target, other object, symbol) of each weak symbol of a target that is defined elsewhere."""
    table = {path: symbols(path) for path in [*targets, *others]}
    for target, other in itertools.product(targets, [*targets, *others]):
        if target != other:
            weak = {name for name, kind in table[target].items() if kind in WEAK}
            yield from ((target, other, name) for name in sorted(weak & table[other].keys()))


def check(build):
    objects = sorted(path for folder in ("kernels", "engine", "bench")
                     for path in build.glob(f"{folder}/**/*.o"))
    targets = [path for path in objects if path.parent.name in ("targets", "products")]
    others = [path for path in objects if path not in targets]
    if len(targets) < 2 or not others:
        sys.exit(f"{build}: found {len(targets)} objects of kernels/targets and bench/products and "
                 f"{len(others)} others, expected at least 2 and 1. Is this where the library was built?")
    problems = [f"{target.name} and {other.name} both define {demangle(name)}"
                for target, other, name in shared_symbols(targets, others)]
    print("\n".join(problems) or f"{len(targets)} targets, {len(objects)} objects, nothing shared")
    return problems


def self_test():
    """An inline function in two objects is found; under two names it is not."""
    source = ("inline float twice(float x) {{ return x + x; }}\n"
              "float (*{0}())(float) {{ return twice; }}\n")
    parts = [("kernels/targets/a", "a"), ("kernels/targets/b", "b"), ("engine/c", "c")]
    with tempfile.TemporaryDirectory() as folder:
        build = pathlib.Path(folder)
        for path, name in parts:
            (build / path).parent.mkdir(parents=True, exist_ok=True)
            (build / f"{path}.cpp").write_text(source.format(name), encoding="utf-8")
            subprocess.run(["g++", "-O0", "-c", f"{build / path}.cpp", "-o", f"{build / path}.o"],
                           check=True)
        found = {(target.stem, other.stem) for target, other, _ in
                 shared_symbols(*[sorted(build.glob(pattern)) for pattern in
                                  ("kernels/targets/*.o", "engine/*.o")])}
        expected = {("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")}
        if found != expected:
            sys.exit(f"self-test: found {found}, expected {expected}")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) != 2:
        sys.exit(__doc__)
    else:
        sys.exit(1 if check(pathlib.Path(sys.argv[1])) else 0)


if __name__ == "__main__":
    main()
