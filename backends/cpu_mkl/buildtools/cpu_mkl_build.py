"""The PEP 517 backend of `flambeau-cpu-mkl`: scikit-build-core, and the wheels of MKL
and oneDNN as build requirements only where the toggles ask for them."""

from __future__ import annotations

import os
import platform

from scikit_build_core import build as _build
from scikit_build_core.build import build_sdist, get_requires_for_build_sdist

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
]

LIBRARIES = {
    "USE_MKL": ["mkl-static>=2024", "mkl-include>=2024"],
    "USE_MKLDNN": ["onednn-cpu-gomp==2023.2.0", "onednn-devel-cpu-gomp==2023.2.0"],
}


def toggled(name: str) -> bool:
    """A toggle of the environment; on unless it says no, or the processor is not
    x86-64."""
    value = os.environ.get(name, "").upper()
    if not value:
        return platform.machine().lower() in ("x86_64", "amd64")
    return value not in ("0", "OFF", "NO", "FALSE", "N")


def _libraries() -> list[str]:
    return [wheel for name, ws in LIBRARIES.items() if toggled(name) for wheel in ws]


def get_requires_for_build_wheel(
    config_settings: dict[str, list[str] | str] | None = None,
) -> list[str]:
    """What scikit-build-core needs, and the libraries that the toggles ask for."""
    return [*_build.get_requires_for_build_wheel(config_settings), *_libraries()]


def get_requires_for_build_editable(
    config_settings: dict[str, list[str] | str] | None = None,
) -> list[str]:
    """As for a wheel."""
    return [*_build.get_requires_for_build_editable(config_settings), *_libraries()]


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
