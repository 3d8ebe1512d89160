"""Entry points read from the metadata files along a path, importing no package.

`importlib.metadata` gives the same answer, and costs 15 ms to import: a quarter of what
`import flambeau` may take. So the two-line format is read here.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BACKENDS = "flambeau.backends"
PLUGINS = "flambeau.plugins"


class EntryPoint:
    """One line of a distribution's entry_points.txt."""

    __slots__ = ("distribution", "group", "name", "root", "value", "version")

    def __init__(
        self,
        group: str,
        name: str,
        value: str,
        distribution: str,
        version: str,
        root: str,
    ) -> None:
        self.group = group
        self.name = name
        self.value = value
        self.distribution = distribution
        self.version = version
        self.root = root  # the folder of the path that holds the metadata

    def __repr__(self) -> str:
        return f"<{self.group}: {self.name} = {self.value}, from {self.origin}>"

    @property
    def origin(self) -> str:
        """The distribution that offers it, with its version."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def module(self) -> str:
        """The module named left of the colon."""
        return self.value.partition(":")[0].partition("[")[0].strip()


def scan(paths: Iterable[str] | None = None) -> list[EntryPoint]:
    """All entry points of the groups `flambeau.*` along `paths` (default: sys.path).

    A distribution found twice counts where it is found first, as when it is imported.
    """
    found: list[EntryPoint] = []
    seen: set[str] = set()
    for root in dict.fromkeys(sys.path if paths is None else paths):
        for folder in _metadata_folders(root or os.curdir):
            name, version = _split_folder(folder)
            key = name.lower().replace("-", "_").replace(".", "_")
            if key in seen:
                continue
            seen.add(key)
            text = _read(os.path.join(root or os.curdir, folder, "entry_points.txt"))
            if b"[flambeau." in text:
                lines = text.decode(errors="replace")
                found += _parse(
                    lines, name.replace("_", "-"), version, root or os.curdir
                )
    return found


def _metadata_folders(root: str) -> list[str]:
    try:
        names = os.listdir(root)
    except OSError:  # a path entry that is a zip file or is not there holds none
        return []
    return sorted(n for n in names if n.endswith((".dist-info", ".egg-info")))


def _split_folder(folder: str) -> tuple[str, str]:
    parts = folder.rpartition(".")[0].split("-")
    return parts[0], parts[1] if len(parts) > 1 else ""


def _read(path: str) -> bytes:
    # The calls of the system themselves: a file object costs three times as much, and a
    # path holds hundreds of distributions.
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # most distributions have no entry points
        return b""
    try:
        parts = []
        while part := os.read(file, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    except OSError:  # a folder of that name
        return b""
    finally:
        os.close(file)


def _parse(text: str, distribution: str, version: str, root: str) -> list[EntryPoint]:
    entries: list[EntryPoint] = []
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif line and line[0] not in "#;" and group.startswith("flambeau."):
            name, _, value = line.partition("=")
            entries.append(
                EntryPoint(
                    group, name.strip(), value.strip(), distribution, version, root
                )
            )
    return entries
