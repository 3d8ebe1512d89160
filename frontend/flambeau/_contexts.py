"""Decorators that hold a context while a function runs."""

from __future__ import annotations

from functools import wraps
from typing import Any


def under_device(device: Any, function: Any) -> Any:
    """`function`, run with `device` as the default device."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with device:
            return function(*args, **kwargs)

    return wrapper
