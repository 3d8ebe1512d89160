"""Counts what a device needs, from the template and the reference device, for the table
in docs/extending/new_device.md.

    python tools/count_device.py           print the table
    python tools/count_device.py --write   put it into the document
    python tools/count_device.py --check   1 when the document is more than 5 % off

Lines are those that hold code: no blank ones, comments or docstrings. A function of C++
is one that stands outside of a class; what stands for the vendor's driver is left out.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "extending" / "new_device.md"
TEMPLATE = ROOT / "frontend" / "flambeau" / "backends" / "template"
BEGIN, END = "<!-- counted by tools/count_device.py -->", "<!-- end -->"
FUNCTION = re.compile(
    r"^(?!namespace|struct|class|enum|union|using|typedef)[A-Za-z_][^;={}#]*\)\s*\{",
    re.MULTILINE,
)


def python(*files: Path) -> tuple[int, int]:
    """Functions and lines of code of Python files."""
    functions = lines = 0
    for file in files:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        functions += sum(isinstance(node, kinds) for node in ast.walk(tree))
        lines += len(_code(text) - _docstrings(tree))
    return functions, lines


def _code(text: str) -> set[int]:
    """The numbers of the lines that hold a token of code."""
    silent = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    silent += (tokenize.INDENT, tokenize.DEDENT)
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            found |= set(range(token.start[0], token.end[0] + 1))
    return found


def _docstrings(tree: ast.Module) -> set[int]:
    """The numbers of the lines of docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
            continue
        if isinstance(node.value.value, str) and node.end_lineno is not None:
            found |= set(range(node.lineno, node.end_lineno + 1))
    return found


def cpp(*files: Path) -> tuple[int, int]:
    """Functions and lines of code of C++ files."""
    functions = lines = 0
    for file in files:
        text = re.sub(r"//[^\n]*", "", file.read_text(encoding="utf-8"))
        functions += len(FUNCTION.findall(text))
        lines += sum(bool(line.strip()) for line in text.splitlines())
    return functions, lines


def table() -> str:
    """The table, in Markdown."""
    src, package = TEMPLATE / "cpp" / "src", TEMPLATE / "python" / "flambeau_acme"
    boot = cpp(*(src / f"{f}.in" for f in ("device.cpp", "fill_copy.cpp", "kernels.h")))
    small = python(package / "backend.py.in", package / "fill_copy.py.in")
    whole = python(*sorted((ROOT / "plugins/reference").rglob("flambeau_*/**/*.py")))
    rows = [
        ("to boot, in C++: the tables, `fill` and `copy`", *boot),
        ("to boot, in Python: a class, `fill` and `copy`", *small),
        ("to run everything by fallback", "nothing more", "nothing more"),
        ("to run everything itself, in Python: `plugins/reference`", *whole),
    ]
    lines = ["| a device needs | functions | lines |", "| --- | --- | --- |"]
    lines += [f"| {what} | {count} | {length} |" for what, count, length in rows]
    return "\n".join(lines)


def numbers(text: str) -> list[int]:
    """The figures of a table."""
    return [int(n) for n in re.findall(r"\| (\d+)(?= \|)", text)]


def main() -> int:
    """Print, write or check the table."""
    text, counted = DOCUMENT.read_text(encoding="utf-8"), table()
    head, _, rest = text.partition(BEGIN)
    written, mark, tail = rest.partition(END)
    if not mark:
        print(f"{DOCUMENT}: expected {BEGIN} and {END}")
        return 1
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(f"{head}{BEGIN}\n{counted}\n{END}{tail}", encoding="utf-8")
    elif sys.argv[1:] == ["--check"]:
        now, then = numbers(counted), numbers(written)
        far = len(now) != len(then) or any(
            abs(a - b) > 0.05 * a for a, b in zip(now, then, strict=True)
        )
        if far:
            print(f"{DOCUMENT.relative_to(ROOT)}: the table says {then}, counted {now}")
            return 1
    print(counted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
