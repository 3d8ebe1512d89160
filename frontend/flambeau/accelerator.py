"""Whatever accelerator there is: the first device type with memory of its own.

Without one, everything but the questions whether there is one raises RuntimeError.
"""

from __future__ import annotations

import warnings
from typing import Any

from . import _C
from ._device_types import accelerator_type, current_index, need_accelerator
from ._device_types import device_count as _count
from ._devices import DeviceModule
from ._devices import set_stream as _set_stream

__all__ = [
    "current_accelerator",
    "current_device_idx",
    "current_device_index",
    "current_stream",
    "device_count",
    "device_index",
    "empty_cache",
    "empty_host_cache",
    "get_device_capability",
    "get_memory_info",
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

_modules: dict[str, DeviceModule] = {}


def _module() -> DeviceModule:
    kind = need_accelerator()
    if kind not in _modules:
        _modules[kind] = DeviceModule(kind)
    return _modules[kind]


def _index(device: Any, optional: bool = True) -> int:
    """The index that a device of the accelerator's type means; ValueError for one of
    another type, or without an index where it may not be left out."""
    if isinstance(device, int):
        return device
    kind = need_accelerator()
    index = None
    if device is not None:
        meant = _C.device(device)
        if meant.type != kind:
            raise ValueError(
                f"{meant.type} doesn't match the current accelerator {kind}."
            )
        index = meant.index
    if index is not None:
        return int(index)
    if not optional:
        raise ValueError(
            "Expected a flambeau.device with a specified index or an integer, but got:"
            f"{device}"
        )
    return current_device_index()


# ---- which there is ------------------------------------------------------------------
def current_accelerator(check_available: bool = False) -> Any:
    """The device type of the accelerator, without an index, or None."""
    kind = accelerator_type()
    return None if kind is None else _C.device(kind)


def is_available() -> bool:
    """True when there is an accelerator that can be used."""
    return accelerator_type() is not None


def device_count() -> int:
    """How many accelerators there are; 0 without one."""
    kind = accelerator_type()
    return 0 if kind is None else _count(kind)


def get_device_capability(device: Any = None, /) -> dict[str, Any]:
    """`supported_dtypes`: those that the device itself makes and converts."""
    where = _C.device(need_accelerator(), _index(device))
    names = _C._kernel_dtypes(where, "copy")
    return {"supported_dtypes": {getattr(_C, name) for name in names}}


# ---- the current one -----------------------------------------------------------------
def current_device_index() -> int:
    """The index of the current accelerator."""
    return int(_C._current_index(need_accelerator()))


def set_device_index(device: Any, /) -> None:
    """Choose the current accelerator; a negative index does nothing."""
    kind, index = need_accelerator(), _index(device, optional=False)
    if index >= 0:
        _C._set_current_index(kind, index)


def _deprecated(old: str, new: str) -> None:
    warnings.warn(f"{old}: use {new} instead", FutureWarning, stacklevel=3)


def current_device_idx() -> int:
    """The older name of current_device_index."""
    _deprecated("current_device_idx", "current_device_index")
    return current_device_index()


def set_device_idx(device: Any, /) -> None:
    """The older name of set_device_index."""
    _deprecated("set_device_idx", "set_device_index")
    set_device_index(device)


class device_index:
    """A context in which the accelerator of an index is the current one; None changes
    nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device
        self._context: current_index | None = None

    def __enter__(self) -> None:
        if self.idx is not None:
            self._context = current_index(need_accelerator(), self.idx)
            self._context.__enter__()

    def __exit__(self, *exc: object) -> None:
        if self._context is not None:
            self._context.__exit__(*exc)
            self._context = None


# ---- streams -------------------------------------------------------------------------
def current_stream(device: Any = None, /) -> Any:
    """The stream that this thread's work goes to."""
    from ._streams import Stream

    where = _C.device(need_accelerator(), _index(device))
    return Stream(where, stream_id=_C._stream_get(where))


def set_stream(stream: Any) -> None:
    """Choose the stream that work goes to; its device becomes the current one."""
    kind = need_accelerator()
    if stream.device.type != kind:
        raise ValueError(
            f"{stream.device.type} doesn't match the current accelerator {kind}."
        )
    _set_stream(stream)


def synchronize(device: Any = None, /) -> None:
    """Wait until all work is done."""
    _module().synchronize(_index(device))


# ---- memory --------------------------------------------------------------------------
def empty_cache() -> None:
    """Give unused memory back to the device."""
    _module().empty_cache()


def empty_host_cache() -> None:
    """Nothing: pinned memory is given back at once."""
    need_accelerator()


def get_memory_info(device_index: Any = None, /) -> tuple[int, int]:
    """(free, total) bytes of the device."""
    return _module().mem_get_info(_index(device_index))


def memory_stats(device_index: Any = None, /) -> dict[str, int]:
    """Counters of the caching allocator."""
    return _module().memory_stats(_index(device_index))


def memory_allocated(device_index: Any = None, /) -> int:
    """Bytes that tensors hold now."""
    return _module().memory_allocated(_index(device_index))


def max_memory_allocated(device_index: Any = None, /) -> int:
    """The most bytes that tensors have held."""
    return _module().max_memory_allocated(_index(device_index))


def memory_reserved(device_index: Any = None, /) -> int:
    """Bytes taken from the device."""
    return _module().memory_reserved(_index(device_index))


def max_memory_reserved(device_index: Any = None, /) -> int:
    """The most bytes taken from the device."""
    return _module().max_memory_reserved(_index(device_index))


def reset_peak_memory_stats(device_index: Any = None, /) -> None:
    """Count peaks from now on."""
    _module().reset_peak_memory_stats(_index(device_index))


def reset_accumulated_memory_stats(device_index: Any = None, /) -> None:
    """Nothing: totals are never reset."""
    need_accelerator()
