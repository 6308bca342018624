#!/usr/bin/env python3
# Checks that poolformer.h only grows in ways that programs built against it before survive.
# SPDX-License-Identifier: Apache-2.0
"""Usage: abi.py [--update | --self-test]

Compares the binary interface that the header declares with tests/abi/poolformer.abi, by abidiff.
New functions, new enumerators and new fields at the end of a struct that begins with struct_size are
fine; all else is a failure. --update writes the file anew, when a version is released. The library
itself is held against the header by exports.sh. Exit code 77: abidiff is not installed.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "engine/include/poolformer/poolformer.h"
REFERENCE = ROOT / "tests/abi/poolformer.abi"
NOT_RUN = 77


def build(header, library):
    """A library whose functions do nothing but have the header's signatures."""
    without_comments = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    functions = re.findall(r"^PF_API ([^;]+);", without_comments, re.MULTILINE)
    bodies = [f"{function} {{ __builtin_trap(); }}" for function in functions]
    source = library.with_suffix(".c")
    source.write_text(header + "\n".join(bodies) + "\n", encoding="utf-8")
    subprocess.run(["cc", "-std=c99", "-g", "-shared", "-fPIC", "-fvisibility=hidden", source.name,
                    "-o", library.name], cwd=library.parent, check=True)


def without_growth(header):
    """The header without the fields at the end of structs that say how large they are which the
    reference does not know. To let abidiff ignore such fields makes it ignore the others' types."""
    classes = ElementTree.parse(REFERENCE).iter("class-decl")
    known = {c.get("name"): {field.get("name") for field in c.iter("var-decl")} for c in classes}

    def cut(match):
        start, struct, body = match.groups()
        fields = body.split(";")[:-1]
        while struct in known and re.search(r"\w+$", fields[-1])[0] not in known[struct]:
            fields.pop()
        return start + ";".join(fields) + f";\n}} {struct};"

    without_comments = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return re.sub(r"(typedef struct (\w+) \{\s*size_t struct_size;)([^}]*)\} \2;", cut,
                  without_comments)


def difference(header):
    """What abidiff says against a header; None if it is compatible."""
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "libpoolformer.so"
        build(without_growth(header), library)
        done = subprocess.run(["abidiff", "--no-added-syms", "--leaf-changes-only", REFERENCE,
                               library], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stdout + done.stderr


def update():
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "libpoolformer.so"
        build(HEADER.read_text(encoding="utf-8"), library)
        subprocess.run(["abidw", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path",
                        "--no-elf-needed", "--out-file", REFERENCE, library], check=True)


# Edits of the header, and whether programs survive them.
EDITS = [
    (r"\bPF_BUSY = 6", "PF_BUSY = 16", False),
    (r"size_t input_height;.*", "", False),
    (r"size_t input_height;.*", r"\g<0>\n    size_t inserted;", False),
    (r"size_t class_index\b", "unsigned class_index", False),
    (r"PF_API void pf_team_destroy\([^;]*;", "", False),
    (r"\n\} pf_allocator;", r"\n    void* added;\g<0>", False),
    (r"const size_t\* stage_map_floats;", "", False),
    (r"const size_t\* stage_map_floats;", "const unsigned* stage_map_floats;", False),
    (r"const size_t\* stage_map_floats;", "const size_t* renamed;", False),
    (r"uint64_t timeout_us;(?=\s*/\* How)", "uint32_t timeout_us;", False),
    (r"\n\} pf_run;", r"\n    void* added;\g<0>", True),
    (r"PF_OK = 0,", r"\g<0>\n    PF_ADDED = 77,", True),
    (r"PF_API const char\* pf_version\(void\);", r"\g<0>\nPF_API int pf_added(void);", True),
]


def self_test():
    header = HEADER.read_text(encoding="utf-8")
    for pattern, replacement, survives in EDITS:
        edited, count = re.subn(pattern, replacement, header, count=1)
        if count != 1:
            sys.exit(f"self-test: nothing in {HEADER.name} matches {pattern}")
        said = difference(edited)
        if survives != (said is None):
            sys.exit(f"self-test: {pattern} -> {replacement}: expected it to be "
                     f"{'accepted' if survives else 'refused'}. {said}")


def main():
    if shutil.which("abidiff") is None:
        print("this system has no package abigail-tools")
        sys.exit(NOT_RUN)
    if sys.argv[1:] == ["--update"]:
        update()
    elif sys.argv[1:] == ["--self-test"]:
        self_test()
    elif len(sys.argv) != 1:
        sys.exit(__doc__)
    else:
        sys.exit(difference(HEADER.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
