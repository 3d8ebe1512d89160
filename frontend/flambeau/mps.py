"""Apple's GPUs: none is supported, and is_available says so."""

from __future__ import annotations

from ._devices import public

globals().update(public("mps"))


def current_allocated_memory() -> int:
    """Bytes that tensors hold."""
    return int(globals()["memory_allocated"]())


def driver_allocated_memory() -> int:
    """Bytes taken from the device."""
    return int(globals()["memory_reserved"]())
