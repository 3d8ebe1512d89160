"""Layers, losses, their functions, and the parameters that they train."""

from __future__ import annotations

from typing import Any

from . import functional as functional
from . import init as init
from .modules import *  # noqa: F403
from .modules import __all__ as _layers
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

# Loaded at first use: no layer needs them.
_LATER = ("attention", "common_types", "grad", "parallel", "utils")

__all__ = [
    *_layers,
    "Buffer",
    "DataParallel",  # noqa: F405
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "factory_kwargs",
]


def __getattr__(name: str) -> Any:
    import importlib

    if name in _LATER:
        return importlib.import_module("." + name, __name__)
    if name == "DataParallel":
        from .parallel import DataParallel

        globals()[name] = DataParallel
        return DataParallel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def factory_kwargs(kwargs: dict[str, Any] | None) -> dict[str, Any]:
    """The device, dtype and memory format for creating tensors, out of `kwargs`.

    They may also stand in `kwargs["factory_kwargs"]`; TypeError for any other name,
    or for one given twice.
    """
    if kwargs is None:
        return {}
    simple = ("device", "dtype", "memory_format")
    unexpected = kwargs.keys() - {*simple, "factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    result = dict(kwargs.get("factory_kwargs", {}))
    for name in simple:
        if name in kwargs:
            if name in result:
                raise TypeError(
                    f"{name} specified twice, in **kwargs and in factory_kwargs"
                )
            result[name] = kwargs[name]
    return result
