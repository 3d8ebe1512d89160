"""The PEP 517 backend of `flambeau`: scikit-build-core, told of the environment's
toggles.

Built from a checkout, the wheel depends on the backends of the same checkout, each a
package of its own: USE_CPU and USE_CUDA choose which. FLAMBEAU_RELEASE=1 leaves these
paths out, for wheels that travel to other machines, where extras name the backends.
"""

from __future__ import annotations

import os
from pathlib import Path

from scikit_build_core import build as _build
from scikit_build_core.build import (
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "dynamic_metadata",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

ROOT = Path(__file__).resolve().parents[1]
REQUIRED = ["pluggy>=1.3", "numpy>=1.26"]
# toggle, whether it is on by default, distribution, folder
BACKENDS = [
    ("USE_CPU", True, "flambeau-cpu-mkl", "cpu_mkl"),
    ("USE_CUDA", False, "flambeau-cuda", "cuda"),
]


def toggled(name: str, default: bool) -> bool:
    """A toggle of the environment, with PyTorch's words for yes and no."""
    value = os.environ.get(name, "").upper()
    if not value:
        return default
    return value not in ("0", "OFF", "NO", "FALSE", "N")


def dynamic_metadata(settings: object, project: object) -> dict[str, list[str]]:
    """The dependencies: what always runs, then the backends of this checkout."""
    dependencies = list(REQUIRED)
    from_checkout = (ROOT / "backends").is_dir() and not toggled(
        "FLAMBEAU_RELEASE", False
    )
    for toggle, default, distribution, folder in BACKENDS:
        if not from_checkout or not toggled(toggle, default):
            continue
        source = ROOT / "backends" / folder
        if not (source / "pyproject.toml").is_file():
            raise RuntimeError(
                f"{toggle}=1 asks for {distribution}, which this checkout does not "
                f"have: unset {toggle}"
            )
        dependencies.append(f"{distribution} @ {source.as_uri()}")
    return {"dependencies": dependencies}


def _prepare() -> None:
    jobs = os.environ.get("MAX_JOBS")
    if jobs:
        os.environ["CMAKE_BUILD_PARALLEL_LEVEL"] = jobs


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, list[str] | str] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the wheel; its file name."""
    _prepare()
    return _build.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: dict[str, list[str] | str] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build an editable wheel; its file name."""
    _prepare()
    return _build.build_editable(wheel_directory, config_settings, metadata_directory)


def __getattr__(name: str) -> object:
    # scikit-build-core offers the metadata hooks only where they can be answered.
    if name.startswith("prepare_metadata_for_build_"):
        return getattr(_build, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
