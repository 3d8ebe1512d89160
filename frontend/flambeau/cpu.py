"""The CPU: memory, streams."""

from __future__ import annotations

from ._device_types import HOST
from ._devices import public

globals().update(public(HOST))


def current_device() -> str:
    """The CPU has one device, whose name this is."""
    return HOST
