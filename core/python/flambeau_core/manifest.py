"""A backend's manifest: the JSON file that says what a backend is, read without
importing it.

The entry point `name = package` of the group `flambeau.backends` names a package that
holds `manifest.json`:

    {"name": "cpu_mkl", "device_type": "cpu", "abi": {"min": 1, "max": 1},
     "library": "libflambeau_cpu_mkl.so", "score": 100}

A backend written in Python has `"module": "package.module:Name"` in place of `library`:
a class, or a function that returns an instance. `abi` is the range of versions of the
contract that the backend speaks; one in Python may leave it out. Optional are `probe`
(see probe.py), `toggles`, `versions`, `isas` and `description`.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .entry_points import EntryPoint

# Names travel through FLAMBEAU_BACKENDS, a list with commas, and device types through
# strings such as "acme:0".
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_TYPE = re.compile(r"[a-z_][a-z0-9_]*")
_DOTTED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
FILE = "manifest.json"


class ManifestError(ValueError):
    """A manifest that is missing or malformed; the message names plugin and field."""


class Manifest:
    """What a backend says of itself; `library` is absolute. Either `library` or
    `module` is set, the other is empty."""

    __slots__ = (
        "abi_max",
        "abi_min",
        "description",
        "device_type",
        "distribution",
        "isas",
        "library",
        "module",
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
        _check_name(where, "name", self.name, _NAME)
        _check_name(where, "device_type", self.device_type, _TYPE)
        self.library, self.module = _implementation(data, folder, where)
        self.abi_min, self.abi_max = _abi(data, bool(self.module), where)
        self.score: int = _field(data, "score", int, where)
        self.probe: str | dict[str, Any] | None = data.get("probe")
        if self.probe is not None and not isinstance(self.probe, (str, dict)):
            raise ManifestError(
                f"{where}: {FILE}: expected str or dict for 'probe', "
                f"got {self.probe!r:.60}"
            )
        self.toggles: dict[str, bool] = _mapping(data, "toggles", bool, where)
        self.versions: dict[str, str] = _mapping(data, "versions", str, where)
        self.isas: list[str] = _field(data, "isas", list, where, [])
        self.description: str = _field(data, "description", str, where, "")
        self.distribution = origin.distribution
        self.version = origin.version

    def __repr__(self) -> str:
        return (
            f"<Manifest {self.name}: device '{self.device_type}', score {self.score}>"
        )


def _check_name(where: str, field: str, value: str, pattern: re.Pattern[str]) -> None:
    if not pattern.fullmatch(value):
        raise ManifestError(
            f"{where}: {FILE}: expected {pattern.pattern} for '{field}', got "
            f"{value!r:.60}"
        )


def _implementation(data: dict[str, Any], folder: str, where: str) -> tuple[str, str]:
    """The path of the library and the module; one of them is empty."""
    library: str = _field(data, "library", str, where, "")
    module: str = _field(data, "module", str, where, "")
    if bool(library) == bool(module):
        what = "both" if library else "neither"
        raise ManifestError(
            f"{where}: {FILE}: expected either 'library' or 'module', got {what}"
        )
    if module and not _DOTTED.fullmatch(module):
        raise ManifestError(
            f"{where}: {FILE}: expected 'package.module:Name' for 'module', "
            f"got {module!r:.60}"
        )
    return (os.path.join(folder, library) if library else ""), module


def _abi(data: dict[str, Any], optional: bool, where: str) -> tuple[int, int]:
    """The range of versions; (0, 0) when a Python backend gives none."""
    if optional and "abi" not in data:
        return 0, 0
    abi: dict[str, Any] = _field(data, "abi", dict, where)
    low: int = _field(abi, "min", int, where)
    high: int = _field(abi, "max", int, where)
    if not 1 <= low <= high:
        raise ManifestError(
            f"{where}: {FILE}: expected 1 <= min <= max for 'abi', got {abi!r:.60}"
        )
    return low, high


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
    except (ValueError, RecursionError) as error:
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


def _mapping(data: dict[str, Any], name: str, kind: type, where: str) -> dict[str, Any]:
    """An optional object whose values are all of one kind."""
    found: dict[str, Any] = _field(data, name, dict, where, {})
    for key, value in found.items():
        if not isinstance(value, kind):
            raise ManifestError(
                f"{where}: {FILE}: expected {kind.__name__} for '{key}' of '{name}', "
                f"got {value!r:.60}"
            )
    return found
