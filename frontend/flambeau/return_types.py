"""The named tuples that ops with several results return: return_types.max, ..."""

from __future__ import annotations

from typing import Any

from . import _C


def __getattr__(name: str) -> Any:
    return _C._return_type(name)
