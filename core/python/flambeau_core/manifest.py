"""A backend's manifest: the JSON file that says what a backend is, read without
importing it.

The entry point `name = package` of the group `flambeau.backends` names a package that
holds `manifest.json`:

    {"name": "cpu_mkl", "device_type": "cpu", "abi": {"min": 1, "max": 1},
     "library": "libflambeau_cpu_mkl.so", "score": 100}

optionally with `probe` (see probe.py), `toggles`, `versions`, `isas` and `description`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .entry_points import EntryPoint

FILE = "manifest.json"


class ManifestError(ValueError):
    """A manifest that is missing or malformed; the message names plugin and field."""


class Manifest:
    """What a backend says of itself; `library` is absolute."""

    __slots__ = (
        "abi_max",
        "abi_min",
        "description",
        "device_type",
        "distribution",
        "isas",
        "library",
        "name",
        "probe",
        "score",
        "toggles",
        "version",
        "versions",
    )

    def __init__(self, data: dict[str, Any], folder: str, origin: EntryPoint) -> None:
        where = f"backend '{origin.name}' of {origin.origin}"
        self.name: str = _field(data, "name", str, where)
        self.device_type: str = _field(data, "device_type", str, where)
        abi: dict[str, Any] = _field(data, "abi", dict, where)
        self.abi_min: int = _field(abi, "min", int, where)
        self.abi_max: int = _field(abi, "max", int, where)
        self.library = os.path.join(folder, _field(data, "library", str, where))
        self.score: int = _field(data, "score", int, where)
        self.probe: str | dict[str, Any] | None = data.get("probe")
        self.toggles: dict[str, bool] = _field(data, "toggles", dict, where, {})
        self.versions: dict[str, str] = _field(data, "versions", dict, where, {})
        self.isas: list[str] = _field(data, "isas", list, where, [])
        self.description: str = _field(data, "description", str, where, "")
        self.distribution = origin.distribution
        self.version = origin.version

    def __repr__(self) -> str:
        return (
            f"<Manifest {self.name}: device '{self.device_type}', score {self.score}>"
        )


def load(entry: EntryPoint) -> Manifest:
    """The manifest that an entry point leads to; ManifestError says what is wrong."""
    import json

    folder = _package_folder(entry)
    path = os.path.join(folder, FILE)
    where = f"backend '{entry.name}' of {entry.origin}"
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except OSError as error:
        raise ManifestError(f"{where}: cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ManifestError(f"{where}: {path} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise ManifestError(f"{where}: expected an object in {path}, got {data!r:.40}")
    return Manifest(data, folder, entry)


def _package_folder(entry: EntryPoint) -> str:
    parts = entry.module.split(".")
    beside = os.path.join(entry.root, *parts)
    if os.path.isfile(os.path.join(beside, FILE)):
        return beside
    # An editable installation keeps the package elsewhere; only finders know where. The
    # parents of a dotted name would be imported by the search, so it looks for the top.
    import importlib.util

    try:
        spec = importlib.util.find_spec(parts[0])
    except (ImportError, ValueError) as error:
        raise ManifestError(
            f"backend '{entry.name}' of {entry.origin}: cannot find {parts[0]}: {error}"
        ) from None
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = os.path.join(folder, *parts[1:])
        if os.path.isfile(os.path.join(path, FILE)):
            return path
    return beside


_missing: Any = object()


def _field(
    data: dict[str, Any], name: str, kind: type, where: str, default: Any = _missing
) -> Any:
    value = data.get(name, default)
    if value is _missing:
        raise ManifestError(f"{where}: {FILE} has no '{name}'")
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ManifestError(
            f"{where}: {FILE}: expected {kind.__name__} for '{name}', got {value!r:.60}"
        )
    return value
