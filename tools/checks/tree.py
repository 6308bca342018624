#!/usr/bin/env python3
# Checks what every file of the repository owes: headers, size, no traces of one machine.
# SPDX-License-Identifier: Apache-2.0
"""Usage: tree.py [--self-test]

Looks at every file that git tracks or would track.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

SOURCE = re.compile(r"\.(cpp|hpp|c|h|py|sh|cmake)$|CMakeLists\.txt$|^\.ci/run$")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
LICENCE_LINE = re.compile(rf"(//|#|/\*| \*) ?{re.escape(LICENCE)}( \*/)?")
MAX_SOURCE_LINES = 500
MAX_FILE_BYTES = 6 << 20
# Packages come from the distribution or from where the user's own pip looks. The letter in brackets
# keeps this list from finding itself.
REGISTRY_HOSTS = ["pyp[i].org", "pythonhoste[d].org", "download.pytorc[h].org", "npmj[s].org",
                  "anacond[a].org", "proxy.golan[g].org", "crates.i[o]"]
UNFINISHED = re.compile(r"\b(TOD[O]|FIXM[E]|XX[X])\b")


def machine_path(root):
    """Matches absolute paths that only one machine has: home folders, where this checkout is."""
    top = root.parts[1] if len(root.parts) > 2 else "home"
    shared = {"usr", "opt", "tmp", "var", "mnt"}
    tops = {"home", "root", "Users", *({top} - shared)}
    return re.compile(r"(?<![\w.~}/-])/(" + "|".join(sorted(map(re.escape, tops))) + r")/\w")


def check_text(path, text, root=ROOT):
    """What is wrong with one file, as a list of sentences."""
    problems = []
    lines = text.splitlines()
    forbidden = [(machine_path(root), "a path of one machine"), (UNFINISHED, "unfinished work")]
    forbidden += [(re.compile(host.replace(".", r"\.")), "a package registry")
                  for host in REGISTRY_HOSTS]
    for number, line in enumerate(lines, 1):
        problems += [f"{path}:{number}: names {what}: {match[0]}"
                     for pattern, what in forbidden if (match := pattern.search(line))]
    if SOURCE.search(path):
        if len(lines) > MAX_SOURCE_LINES:
            problems.append(f"{path}: {len(lines)} lines; split what is over {MAX_SOURCE_LINES}")
        if not any(LICENCE_LINE.fullmatch(line) for line in lines[:4]):
            problems.append(f"{path}: lacks '{LICENCE}' on one of its first lines, by itself")
        first = lines[1] if lines and lines[0].startswith("#!") else (lines or [""])[0]
        if not re.match(r"(//|#|/\*) ?\S", first):
            problems.append(f"{path}: does not open with a comment saying what it is for")
    return problems


def check(root):
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [(name, root / name) for name in names if name and (root / name).is_file()]
    problems = []
    for name, file in files:
        size = file.stat().st_size
        if size > MAX_FILE_BYTES:
            problems.append(f"{name}: {size} bytes; at most {MAX_FILE_BYTES} belong in git")
        try:
            problems += check_text(name, file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            pass  # an image or weights
    print("\n".join(problems) or f"{len(files)} files are in order")
    return problems


def self_test():
    good = f"// What it is for.\n// {LICENCE}\n"
    root = pathlib.Path("/somewhere/main")
    planted = ["// see /somewhere/else\n", "// /ho" + "me/me/x\n", "// TO" + "DO later\n",
               "// https://py" + "pi.org/simple\n", "//\n" * MAX_SOURCE_LINES]
    if check_text("a.cpp", good + "// a/home/b ../home/x /usr/lib\n", root):
        sys.exit("self-test: a clean file is refused")
    for text in planted:
        if len(check_text("a.cpp", good + text, root)) != 1:
            sys.exit(f"self-test: not found: {text[:40]}")
    if len(check_text("a.cpp", f"// What it is for. {LICENCE}\n", root)) != 1:
        sys.exit("self-test: a licence that is part of a sentence is not found")
    if len(check_text("a.cpp", "int x;\n", root)) != 2:
        sys.exit("self-test: missing headers are not found")


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        sys.exit(1 if check(ROOT) else 0)


if __name__ == "__main__":
    main()
