"""Whatever accelerator there is: the first loaded device type that is not the CPU."""

from __future__ import annotations

from typing import Any

from . import _C
from ._devices import DeviceModule

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "current_stream",
    "device_count",
    "device_index",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_accumulated_memory_stats",
    "reset_peak_memory_stats",
    "set_device_idx",
    "set_device_index",
    "set_stream",
    "synchronize",
]


def _installed() -> list[str]:
    from .backends import installed

    kinds = [b.manifest.device_type for b in installed() if b.manifest is not None]
    return [k for k in dict.fromkeys(kinds) if k not in ("cpu", "meta")]


def _module() -> DeviceModule:
    for kind in _installed():
        module = DeviceModule(kind)
        if module.is_available():
            return module
    return DeviceModule("cpu")


def current_accelerator(check_available: bool = False) -> Any:
    """The device type of the accelerator, or None."""
    kind = _module().kind
    return None if kind == "cpu" else _C.device(kind)


def is_available() -> bool:
    """True when there is an accelerator that can be used."""
    return _module().kind != "cpu"


def device_count() -> int:
    """How many accelerators there are."""
    module = _module()
    return 0 if module.kind == "cpu" else module.device_count()


def current_device_index() -> int:
    """The index of the current accelerator."""
    return 0


current_device_idx = current_device_index


def set_device_index(device: Any) -> None:
    """Choose the current accelerator; there is one only."""


set_device_idx = set_device_index


class device_index:
    """A context in which the accelerator is the current one."""

    def __init__(self, device: Any) -> None:
        self.idx = device

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass


def current_stream(device: Any = None) -> Any:
    """The stream that work goes to."""
    return _module().current_stream(device)


def set_stream(stream: Any) -> None:
    """Choose the stream that work goes to."""


def synchronize(device: Any = None) -> None:
    """Wait until all work is done."""
    _module().synchronize(device)


def empty_cache() -> None:
    """Give unused memory back to the device."""
    _module().empty_cache()


def memory_stats(device_index: Any = None) -> dict[str, int]:
    """Counters of the caching allocator."""
    return _module().memory_stats(device_index)


def memory_allocated(device_index: Any = None) -> int:
    """Bytes that tensors hold now."""
    return _module().memory_allocated(device_index)


def max_memory_allocated(device_index: Any = None) -> int:
    """The most bytes that tensors have held."""
    return _module().max_memory_allocated(device_index)


def memory_reserved(device_index: Any = None) -> int:
    """Bytes taken from the device."""
    return _module().memory_reserved(device_index)


def max_memory_reserved(device_index: Any = None) -> int:
    """The most bytes taken from the device."""
    return _module().max_memory_reserved(device_index)


def reset_peak_memory_stats(device_index: Any = None) -> None:
    """Count peaks from now on."""
    _module().reset_peak_memory_stats(device_index)


def reset_accumulated_memory_stats(device_index: Any = None) -> None:
    """Nothing: totals are never reset."""
