"""CUDA devices: truthful about there being none, the same functions otherwise."""

from __future__ import annotations

from importlib import import_module

from .._devices import public

globals().update(public("cuda"))

from .._C import OutOfMemoryError as OutOfMemoryError  # noqa: E402


def __getattr__(name: str) -> object:
    if name == "amp":
        return import_module("flambeau.cuda.amp")
    raise AttributeError(f"module 'flambeau.cuda' has no attribute '{name}'")


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """True when a CUDA device is there: all that are supported have bfloat16."""
    return bool(globals()["is_available"]())


def get_device_capability(device: object = None) -> tuple[int, int]:
    """The compute capability. RuntimeError without a CUDA device."""
    globals()["init"]()
    raise RuntimeError("get_device_capability: the backend does not tell")


def get_device_properties(device: object = None) -> object:
    """Name and memory. RuntimeError without a CUDA device."""
    from types import SimpleNamespace

    name = globals()["get_device_name"](device)
    total = globals()["mem_get_info"](device)[1]
    return SimpleNamespace(name=name, total_memory=total)


def ipc_collect() -> None:
    """Nothing: memory is not shared between processes."""


def is_current_stream_capturing() -> bool:
    """False: graphs are not captured."""
    return False


class _Ranges:
    """nvtx: ranges in a profile, of no account here."""

    @staticmethod
    def range_push(msg: str) -> None:
        """Nothing."""

    @staticmethod
    def range_pop() -> None:
        """Nothing."""


nvtx = _Ranges
