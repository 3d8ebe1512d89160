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


def get_device_capability(device: object = None) -> tuple[int, int]:
    """The compute capability. RuntimeError without a CUDA device."""
    globals()["init"]()
    raise RuntimeError("get_device_capability: the backend does not tell")


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
