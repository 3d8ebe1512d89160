"""What was built, with which toggles and libraries."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILE = os.path.join(os.path.dirname(__file__), "_build_info.json")


def build_info() -> dict[str, Any]:
    """How the frontend was built: compiler, build type, toggles."""
    import json

    with open(_FILE, encoding="utf-8") as file:
        info: dict[str, Any] = json.load(file)
    return info


def show() -> str:
    """A description of this installation: the frontend, then each backend."""
    from flambeau.backends import installed
    from flambeau.version import __version__

    info = build_info()
    lines = [
        f"Flambeau {__version__}, built with:",
        f"  - {info['compiler']}, {info['build_type']}, for Python {info['python']}",
        f"  - {_settings(info['toggles'])}",
    ]
    for backend in installed():
        manifest = backend.manifest
        if manifest is None:
            lines.append(f"Backend {backend.name}: {backend.reason}")
            continue
        lines.append(f"Backend {manifest.name} ({backend.entry.origin}):")
        lines.append(f"  - device '{manifest.device_type}', score {manifest.score}")
        lines.append(f"  - {_settings(manifest.toggles)}")
        versions = ", ".join(f"{k} {v}" for k, v in manifest.versions.items() if v)
        lines.append(f"  - {versions or 'no libraries'}")
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """The number of threads and what sets it."""
    import flambeau

    lines = [f"flambeau.get_num_threads(): {flambeau.get_num_threads()}"]
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        lines.append(f"{name}: {os.environ.get(name, '(not set)')}")
    lines.append(f"os.cpu_count(): {os.cpu_count()}")
    return "\n".join(lines) + "\n"


def _settings(toggles: dict[str, bool]) -> str:
    return ", ".join(f"{name}={int(value)}" for name, value in toggles.items())
