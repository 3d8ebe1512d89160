"""Helpers around models: data loading, checkpointing, hooks, DLPack."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = frozenset({"checkpoint", "data", "dlpack", "hooks"})


def __getattr__(name: str) -> Any:
    """Submodules are imported at their first use, as ``flambeau``'s own are."""
    if name in _MODULES:
        return import_module(f"flambeau.utils.{name}")
    raise AttributeError(f"module 'flambeau.utils' has no attribute {name!r}")
