"""Writes the source of a new backend: the template, a working backend for a device
called acme, with the name replaced."""

from __future__ import annotations

import os
import re

SUFFIX = ".in"  # of the template's files, so that no tool takes them for Flambeau's own
TEMPLATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "template")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_WORD = re.compile(r"flambeau-acme|acme|Acme|ACME")


def write(name: str, folder: str, python: bool) -> list[str]:
    """Write the backend into a folder that is empty or not there; the files written.

    ValueError when the name cannot be that of a device, FileExistsError when the folder
    holds something.
    """
    check(name)
    if os.path.isdir(folder) and os.listdir(folder):
        raise FileExistsError(f"folder {folder} is not empty")
    written = []
    for part in ("both", "python" if python else "cpp"):
        root = os.path.join(TEMPLATE, part)
        for path in _files(root):
            target = _named(path.removesuffix(SUFFIX), name)
            source = os.path.join(root, path)
            _copy(source, os.path.join(folder, target), name)
            written.append(target)
    return sorted(written)


def check(name: str) -> None:
    """ValueError when a device cannot be called so."""
    if not _NAME.fullmatch(name) or len(name) > 40:
        raise ValueError(
            f"expected lower-case letters and digits, in words joined by one "
            f"underscore, for argument 'name', got {name!r}"
        )


def _files(root: str) -> list[str]:
    """The template's files below a folder, relative to it."""
    found = []
    for folder, _, names in os.walk(root):
        found += [
            os.path.relpath(os.path.join(folder, file), root)
            for file in names
            if file.endswith(SUFFIX)
        ]
    return sorted(found)


def _named(text: str, name: str) -> str:
    words = {
        # A distribution, whose words are joined by dashes.
        "flambeau-acme": f"flambeau-{name.replace('_', '-')}",
        "acme": name,
        "Acme": "".join(word.capitalize() for word in name.split("_")),
        "ACME": name.upper(),
    }
    return _WORD.sub(lambda match: words[match[0]], text)


def _copy(source: str, target: str, name: str) -> None:
    with open(source, encoding="utf-8") as file:
        text = _named(file.read(), name)
    os.makedirs(os.path.dirname(target) or os.curdir, exist_ok=True)
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)
    if target.endswith(".sh"):
        os.chmod(target, 0o755)
