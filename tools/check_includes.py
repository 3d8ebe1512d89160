"""Checks the layers of the C++ code by its includes.

The core includes nothing of the frontend or of a backend, and no Python; the frontend
nothing of a backend; a backend of Flambeau's nothing but `flambeau/backend.h` and
`flambeau/backend_negotiate.h`. The header of the contract is C11 on its own.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = {"flambeau/backend.h", "flambeau/backend_negotiate.h"}
SUFFIXES = {".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
PYTHON = re.compile(r"^(Python\.h|pybind11/|numpy/)")


def includes(path: Path) -> list[tuple[int, str]]:
    """The line number and name of every include of a file."""
    text = path.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, m.start()) + 1, m[1] or m[2])
        for m in INCLUDE.finditer(text)
    ]


def sources(folder: Path) -> list[Path]:
    """The C and C++ files below a folder."""
    return sorted(p for p in folder.rglob("*") if p.suffix in SUFFIXES)


def owner(path: Path, name: str, roots: dict[str, list[Path]]) -> str | None:
    """The layer in which an include lies; None for the system's and the libraries'."""
    if (path.parent / name).is_file():
        return layer(path.parent / name)
    for folder in roots.get(layer(path), []):
        if (folder / name).is_file():
            return layer(folder / name)
    return "core" if name.startswith("flambeau/") else None


def layer(path: Path) -> str:
    """core, frontend, or the folder of a backend or plugin."""
    parts = path.resolve().relative_to(ROOT).parts
    return parts[0] if parts[0] in ("core", "frontend") else "/".join(parts[:2])


def wrong(path: Path, name: str, roots: dict[str, list[Path]]) -> str | None:
    """Why this file may not include that name; None when it may."""
    here, there = layer(path), owner(path, name, roots)
    if here == "core":
        if PYTHON.match(name):
            return "the core knows no Python"
        return f"the core includes {there}" if there not in (None, "core") else None
    if here == "frontend":
        allowed = there in (None, "core", "frontend")
        return None if allowed else f"the frontend includes {there}"
    if there == "core" and name not in CONTRACT:
        return "a backend sees the contract alone"
    if PYTHON.match(name):
        return "a backend knows no Python"
    return None if there in (None, "core", here) else f"{here} includes {there}"


def contract_is_plain() -> list[str]:
    """The contract's header may include only itself and the C library."""
    errors = []
    for name in CONTRACT:
        path = ROOT / "core" / "include" / name
        for line, included in includes(path):
            if included not in CONTRACT | {"stddef.h", "stdint.h", "string.h"}:
                errors.append(f"{path}:{line}: the contract includes {included}")
    return errors


def main() -> int:
    """Print what breaks the layers; 1 when something does."""
    folders = [ROOT / "core", ROOT / "frontend" / "csrc"]
    folders += [p for top in ("backends", "plugins") for p in (ROOT / top).glob("*")]
    roots = {
        "core": [ROOT / "core/include", ROOT / "core/src"],
        "frontend": [ROOT / "core/include", ROOT / "frontend/csrc"],
    }
    for folder in folders[2:]:
        roots[layer(folder)] = [folder, ROOT / "core/include"]
    errors = contract_is_plain()
    count = 0
    for path in [p for folder in folders for p in sources(folder)]:
        count += 1
        for line, name in includes(path):
            reason = wrong(path, name, roots)
            if reason:
                errors.append(f"{path.relative_to(ROOT)}:{line}: {name}: {reason}")
    print(
        "\n".join(
            [*errors, f"{count} files, {len(errors)} includes against the layers"]
        )
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
