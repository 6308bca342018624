#!/usr/bin/env python3
# Checks that includes point one way through the layers, and that #if stays where it may be.
# SPDX-License-Identifier: Apache-2.0
"""Usage: layering.py [--draw | --self-test]

--draw prints the layers as the includes really are, as a Mermaid diagram for the documents.
"""

import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Which layers a layer may include. Whatever is not listed here may not exist.
BASE, LOAD, GRAPH = "engine/base", "engine/load", "engine/graph"
INTERPRET, COMPILE, RUN = "engine/interpret", "engine/compile", "engine/run"
IMAGE, API, PUBLIC, KERNELS = "engine/image", "engine/api", "engine/include", "kernels"
ENGINE = [BASE, LOAD, GRAPH, INTERPRET, COMPILE, RUN, IMAGE, API, PUBLIC]
ALLOWED = {
    PUBLIC: [],
    KERNELS: [],
    BASE: [],
    LOAD: [BASE],
    IMAGE: [BASE, LOAD],
    GRAPH: [BASE, LOAD],
    INTERPRET: [BASE, LOAD, GRAPH],
    COMPILE: [BASE, LOAD, GRAPH, KERNELS],
    RUN: [BASE, LOAD, GRAPH, IMAGE, COMPILE, KERNELS],
    API: [BASE, LOAD, GRAPH, INTERPRET, COMPILE, RUN, IMAGE, PUBLIC, KERNELS],
    "tools": [*ENGINE, KERNELS],
    "bench": [*ENGINE, KERNELS, "tools", "tests"],
    "tests": [*ENGINE, KERNELS, "tools"],
}

# Headers of others that only these folders and files may include.
CONFINED = {
    "dnnl": ["kernels/onednn"],
    "oneapi": ["kernels/onednn"],
    "omp.h": ["kernels/onednn"],
    "xsimd": ["kernels/simd", "kernels/targets"],
    "immintrin.h": ["kernels/simd", "kernels/targets"],
    "CLI": ["tools/cli/options.cpp", "tools/cli/main.cpp"],
    "nlohmann": ["engine/load", "tools", "tests", "bench"],
}
# Conditional compilation is at home here; the public header is C and needs its guards.
CONDITIONAL = ["kernels/targets", "kernels/onednn", "engine/base", "engine/include",
               "tests/abi"]

SUFFIXES = {".cpp", ".hpp", ".c", ".h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|elif|else)\b")


def is_below(path, folders):
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def layer_of(path):
    return next((layer for layer in ALLOWED if is_below(path, [layer])), None)


def sources(root):
    """Every C and C++ file of a layer, as a path relative to root."""
    tops = sorted({layer.split("/")[0] for layer in ALLOWED})
    files = (file for top in tops for file in sorted((root / top).rglob("*")))
    return [str(file.relative_to(root)) for file in files if file.suffix in SUFFIXES]


def includes(root, path):
    """Yields (line number, is quoted, included path) of a file."""
    text = (root / path).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] == '"', match[2]


def target_layer(root, target):
    """The layer an include names, or None for a header of somebody else."""
    if target.startswith("poolformer/"):
        return PUBLIC
    return layer_of(target) if (root / target).exists() else None


def check_include(root, path, layer, is_quoted, target):
    """What is wrong with one include, or None."""
    for prefix, homes in CONFINED.items():
        if target.startswith(prefix) and not is_below(path, homes):
            return f"<{target}> belongs in {' or '.join(homes)} only"
    reached = target_layer(root, target)
    if reached is None:
        problem = f'"{target}" is no file of this repository: root the path there'
        return problem if is_quoted else None
    if reached != layer and reached not in ALLOWED[layer]:
        allowed = ", ".join(ALLOWED[layer]) or "no other layer"
        return f"{layer} may not include {reached} ({target}); it may include {allowed}"
    return None


def check_file(root, path):
    layer = layer_of(path)
    if layer is None:
        return [f"{path}: in no known layer; add it to ALLOWED in tools/checks/layering.py"]
    problems = []
    for number, is_quoted, target in includes(root, path):
        if problem := check_include(root, path, layer, is_quoted, target):
            problems.append(f"{path}:{number}: {problem}")
    text = (root / path).read_text(encoding="utf-8")
    if not is_below(path, CONDITIONAL):
        for number, line in enumerate(text.splitlines(), 1):
            if CONDITION.match(line):
                homes = ", ".join(CONDITIONAL)
                problems.append(f"{path}:{number}: conditional compilation outside {homes}")
    if path.endswith(".hpp") and "#pragma once" not in text:
        problems.append(f"{path}: lacks #pragma once")
    return problems


def check(root):
    return [problem for path in sources(root) for problem in check_file(root, path)]


def real_edges(root):
    """layer -> layers it really includes."""
    edges = {}
    for path in sources(root):
        layer = layer_of(path)
        if layer in ("tests", "bench"):
            continue
        for _, _, target in includes(root, path):
            reached = target_layer(root, target)
            if reached not in (None, layer):
                edges.setdefault(layer, set()).add(reached)
    return edges


def reachable(edges, start):
    found, waiting = set(), list(edges.get(start, ()))
    while waiting:
        layer = waiting.pop()
        if layer not in found:
            found.add(layer)
            waiting.extend(edges.get(layer, ()))
    return found


def draw(root):
    """Mermaid text; an arrow that a longer way implies is left out."""
    edges = real_edges(root)
    lines = ["graph BT"]
    for layer in ALLOWED:
        direct = edges.get(layer, set())
        implied = {far for near in direct for far in reachable(edges, near)}
        lines += [f"    {layer} --> {reached}" for reached in sorted(direct - implied)]
    return "\n".join(lines)


def self_test():
    """Each planted violation is found, and a clean tree has none."""
    clean = {"engine/base/a.hpp": "#pragma once\n", "engine/include/poolformer/poolformer.h": "",
             "engine/run/b.hpp": '#pragma once\n#include "engine/base/a.hpp"\n#include <vector>\n'}
    planted = {
        "upwards": {"engine/base/c.cpp": '#include "engine/run/b.hpp"\n'},
        "kernels to engine": {"kernels/c.cpp": '#include "engine/base/a.hpp"\n'},
        "image to run": {"engine/image/c.cpp": '#include "engine/run/b.hpp"\n'},
        "angle brackets": {"kernels/c.cpp": "#include <engine/base/a.hpp>\n"},
        "inside to public": {"engine/run/c.cpp": "#include <poolformer/poolformer.h>\n"},
        "product to tests": {"tests/t.hpp": "#pragma once\n",
                             "tools/c.cpp": '#include "tests/t.hpp"\n'},
        "relative": {"engine/run/c.cpp": '#include "../base/a.hpp"\n'},
        "not rooted": {"engine/run/c.cpp": '#include "b.hpp"\n'},
        "dnnl": {"engine/run/c.cpp": "#include <dnnl.hpp>\n"},
        "xsimd": {"kernels/c.cpp": "#include <xsimd/xsimd.hpp>\n"},
        "conditional": {"engine/run/c.cpp": "#ifdef __AVX2__\n#endif\n"},
        "no pragma": {"engine/run/c.hpp": "\n"},
        "unknown layer": {"engine/extra/c.cpp": "\n"},
    }
    for name, files in {"": {}, **planted}.items():
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, text in {**clean, **files}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            problems = check(root)
            if len(problems) != (1 if name else 0):
                sys.exit(f"self-test '{name or 'clean'}': found {problems}")


def main():
    if sys.argv[1:] == ["--draw"]:
        print(draw(ROOT))
    elif sys.argv[1:] == ["--self-test"]:
        self_test()
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        problems = check(ROOT)
        print("\n".join(problems) or f"{len(sources(ROOT))} files, every include points down")
        sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
