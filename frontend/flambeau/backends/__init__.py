"""Devices and who implements them; and the settings of libraries, named as PyTorch's.

`python -m flambeau.backends` prints what is installed, what loads, and what not and
why.
"""

from __future__ import annotations

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
    "get_include",
    "installed",
    "mkl",
    "mkldnn",
    "mps",
    "openmp",
    "plugins",
    "select",
]


def __getattr__(name: str) -> ModuleType:
    if name in _SETTINGS:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
