#!/usr/bin/env python3
# Writes the Python module's reference as one Markdown page, from its sources; run by docs/Doxyfile.
# SPDX-License-Identifier: Apache-2.0
"""usage: docs/python_page.py tools/python/poolformer/__init__.py

What __all__ names, with the signatures and docstrings that are there, and nothing else.
"""

import ast
import inspect
import sys
import textwrap
from pathlib import Path

Source = list[str]  # lines


def header(lines: Source, node: ast.stmt) -> str:
    """The lines of a class or function up to its docstring."""
    return "\n".join(lines[node.lineno - 1 : node.body[0].lineno - 1])


def is_public(node: ast.stmt) -> bool:
    """A method to show; one that is overloaded by its implementation only."""
    if not isinstance(node, ast.FunctionDef):
        return False
    is_overload = any(ast.unparse(decorator) == "overload" for decorator in node.decorator_list)
    return not is_overload and not node.name.startswith("_")


def block(title: str, code: str, node: ast.stmt) -> str:
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    if not text:
        raise SystemExit(f"{title} has no docstring")
    return f"{title}\n\n{verbatim(textwrap.dedent(code).strip(), '', text)}\n"


def verbatim(*lines: str) -> str:
    """As written: a block of code would be taken for C++, with links to its classes."""
    return "\n".join(["@verbatim", *lines, "@endverbatim"])


def class_blocks(lines: Source, node: ast.ClassDef) -> list[str]:
    code = header(lines, node)
    for item in node.body[1:]:
        if isinstance(item, (ast.Assign, ast.AnnAssign)):  # with the comments before it
            first = item.lineno - 1
            while lines[first - 1].lstrip().startswith("#"):
                first -= 1
            code += "\n" + "\n".join(lines[first : item.end_lineno])
        elif isinstance(item, ast.FunctionDef) and item.name == "__init__":
            code += "\n" + header(lines, item)
    methods = filter(is_public, node.body)
    return [
        block(f"## {node.name}", code, node),
        *(block(f"### {node.name}.{m.name}", header(lines, m), m) for m in methods),
    ]


def page(init: Path) -> str:
    package = ast.parse(init.read_text())
    (names,) = (
        ast.literal_eval(node.value)
        for node in package.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    found: dict[str, list[str]] = {}
    for file in sorted(init.parent.glob("*.py")):
        text = file.read_text()
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = class_blocks(text.splitlines(), node)
            elif isinstance(node, ast.FunctionDef) and node.name in names:
                code = header(text.splitlines(), node)
                found[node.name] = [block(f"## {node.name}", code, node)]
    title = "# The Python module: reference {#python_reference}"
    introduction = verbatim(ast.get_docstring(package) or "")
    parts = [part for name in names for part in found[name]]
    return "\n".join([title, "\n[TOC]\n", introduction, "", *parts])


print(page(Path(sys.argv[1])))
