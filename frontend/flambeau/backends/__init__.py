"""Devices and who implements them; and the settings of libraries, named as PyTorch's.

`python -m flambeau.backends` prints what is installed, what loads, and what not and
why.
"""

from __future__ import annotations

from ._fallback import (
    fallback_counts,
    fallback_policy,
    reset_fallback_counts,
    set_fallback_policy,
)
from ._include import get_include
from ._runtime import allowed, doctor, explain, installed, plugins, select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

_SETTINGS = ("cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp")

__all__ = [
    "allowed",
    "cpu",
    "cuda",
    "cudnn",
    "doctor",
    "explain",
    "fallback_counts",
    "fallback_policy",
    "get_include",
    "installed",
    "mkl",
    "mkldnn",
    "mps",
    "openmp",
    "plugins",
    "reset_fallback_counts",
    "select",
    "set_fallback_policy",
]


def __getattr__(name: str) -> ModuleType:
    if name in _SETTINGS:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
