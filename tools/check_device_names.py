"""Checks that core and frontend compare no device's name: what it can do decides.

Finds, in Python, literal names of device types in comparisons, `match` patterns, tests
of text (`startswith`), collections and dict look-ups; in C++, names of device types
beside `==` and `!=`, in look-ups by text, and any comparison of `device_type_name(...)`
or of the host's name. A name that is only data (a default argument, an argument of a
call) is allowed. What is left is listed below, each with its reason; one that is not
needed any more is an error.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ("frontend/flambeau", "core/python")
CPP = ("core/include", "core/src", "frontend/csrc")

# PyTorch's device types, and those of its out-of-tree backends; to them come the types
# of the backends and plugins in this repository.
KNOWN = {
    *("cpu", "cuda", "hip", "hpu", "ideep", "ipu", "lazy", "maia", "meta", "mkldnn"),
    *("mps", "mtia", "npu", "opencl", "privateuseone", "rocm", "vulkan", "xla", "xpu"),
}

# (file, name of the function, class or variable) -> why names may stand there.
ALLOWED = {
    ("frontend/flambeau/_lazy.py", "_MODULES"): "submodules of the package",
    ("frontend/flambeau/_tensor.py", "_MOVERS"): "names of PyTorch's methods",
    ("frontend/flambeau/backends/__init__.py", "_SETTINGS"): "submodules",
    ("frontend/flambeau/backends/__init__.py", "__all__"): "submodules",
    ("frontend/flambeau/backends/_advice.py", "_PACKAGES"): (
        "what to install for a device that nobody implements, and the toggle that may "
        "have left it out: advice, which decides nothing"
    ),
    ("frontend/flambeau/backends/cuda.py", "is_built"): (
        "PyTorch's question whether a backend for CUDA is there"
    ),
    ("frontend/flambeau/version.py", "__all__"): "PyTorch's names of versions",
}

Finding = tuple[int, str, str]  # line, context, what was found


def names() -> set[str]:
    """The device types that must not be compared."""
    found = set(KNOWN)
    for path in [
        *ROOT.glob("backends/*/**/manifest.json*"),
        *ROOT.glob("plugins/*/**/manifest.json*"),
    ]:
        try:
            found.add(json.loads(path.read_text(encoding="utf-8"))["device_type"])
        except (ValueError, KeyError, TypeError):  # a template, filled in by a build
            match = re.search(r'"device_type":\s*"(\w+)"', path.read_text("utf-8"))
            found |= {match[1]} if match else set()
    return found


# ---- Python --------------------------------------------------------------------------
class Finder(ast.NodeVisitor):
    """Collects the places of one module where a device's name decides something."""

    TESTS = ("startswith", "endswith", "removeprefix", "get", "index", "count", "find")

    def __init__(self, known: set[str]) -> None:
        self.known = known
        self.context: list[str] = []
        self.found: list[Finding] = []

    def is_name(self, node: ast.AST | None) -> bool:
        """Whether a node is a literal like "cuda" or "cuda:0"."""
        return (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.partition(":")[0] in self.known
        )

    def report(self, node: ast.AST, what: str) -> None:
        """Keep a finding with the names of what it stands in."""
        line: int = getattr(node, "lineno", 0)
        self.found.append((line, ".".join(self.context), what))

    def inside(self, name: str, node: ast.AST) -> None:
        """Visit the parts of something that has a name."""
        self.context.append(name)
        self.generic_visit(node)
        self.context.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.inside(node.name, node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.inside(node.name, node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.inside(node.name, node)

    def visit_Assign(self, node: ast.Assign) -> None:
        target = node.targets[0]
        self.inside(target.id if isinstance(target, ast.Name) else "", node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        target = node.target
        self.inside(target.id if isinstance(target, ast.Name) else "", node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for operand in (node.left, *node.comparators):
            if self.is_name(operand):
                self.report(operand, "a comparison")
        self.generic_visit(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> None:
        if self.is_name(node.value):
            self.report(node.value, "a pattern of match")

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in self.TESTS:
            for argument in node.args[:1]:
                if self.is_name(argument):
                    self.report(argument, f"an argument of .{node.func.attr}()")
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self.is_name(node.slice):
            self.report(node.slice, "a look-up")
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key in node.keys:
            if self.is_name(key) and key is not None:
                self.report(key, "a key of a dict")
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self.members(node, node.elts)

    def visit_List(self, node: ast.List) -> None:
        self.members(node, node.elts)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        self.members(node, node.elts)

    def members(self, node: ast.AST, items: list[ast.expr]) -> None:
        """A collection in which a name may be looked for."""
        for item in items:
            if self.is_name(item):
                self.report(item, "a member of a collection")
        self.generic_visit(node)


def in_python(text: str, known: set[str]) -> list[Finding]:
    """The findings in a module's text."""
    finder = Finder(known)
    finder.visit(ast.parse(text))
    return finder.found


# ---- C++ -----------------------------------------------------------------------------
def plain(text: str) -> str:
    """The text with comments blanked out, its lines kept."""
    pattern = r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/'

    def blank(match: re.Match[str]) -> str:
        piece = match[0]
        return piece if piece[0] == '"' else re.sub(r"[^\n]", " ", piece)

    return re.sub(pattern, blank, text, flags=re.DOTALL)


def in_cpp(text: str, known: set[str]) -> list[Finding]:
    """The findings in a source's text; the context is always empty."""
    name = r'"(?:' + "|".join(sorted(known)) + r')(?::\d+)?"'
    call = r"device_type_name\s*\((?:[^()]|\([^()]*\))*\)"
    equal = r"\s*(?:==|!=)\s*"
    patterns = {
        "a comparison with a name": rf"{equal}{name}|{name}{equal}",
        "a comparison of a name": rf"{call}{equal}|{equal}(?:\w+::)*{call}",
        "a comparison with the host's name": (
            rf"{equal}(?:\w+::)*kHostDeviceType|kHostDeviceType{equal}"
        ),
        "a look-up by a name": (
            rf"\b(?:strcmp|strncmp|compare|find|count|at|contains|starts_with)\s*"
            rf"\([^();]*{name}|\[\s*{name}\s*\]"
        ),
    }
    text = plain(text)
    return sorted(
        (text.count("\n", 0, match.end()) + 1, "", what)
        for what, pattern in patterns.items()
        for match in re.finditer(pattern, text)
    )


# ---- all -----------------------------------------------------------------------------
def sources() -> Iterator[Path]:
    """The files of core and frontend that are checked."""
    for folder in PYTHON:
        yield from sorted((ROOT / folder).rglob("*.py"))
    for folder in CPP:
        for suffix in ("*.h", "*.cpp"):
            yield from sorted((ROOT / folder).rglob(suffix))


def main() -> int:
    """Print what compares a device's name; 1 when something does."""
    known, errors, used, count = names(), [], set(), 0
    for path in sources():
        count += 1
        where = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        find = in_python if path.suffix == ".py" else in_cpp
        for line, context, what in find(text, known):
            key = (where, context)
            if key in ALLOWED:
                used.add(key)
                continue
            errors.append(
                f"{where}:{line}: the name of a device type is {what}"
                + (f" in {context}" if context else "")
                + "; ask what the device can do, or use its interned id"
            )
    errors += [
        f"{where}: {context}: allowed without need, in tools/check_device_names.py"
        for where, context in ALLOWED.keys() - used
    ]
    print("\n".join([*errors, f"{count} files, {len(errors)} errors about names"]))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
