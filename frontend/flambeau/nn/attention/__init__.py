"""Choosing how attention is computed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

__all__ = ["WARN_FOR_UNFUSED_KERNELS", "SDPBackend", "sdpa_kernel"]

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(IntEnum):
    """PyTorch's names for ways to compute `scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """Accept a choice among PyTorch's ways; each device of Flambeau has one of its own.

    Raises AssertionError unless `backends` is an SDPBackend or a list of them.
    """
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    if not isinstance(chosen, list) or not all(
        isinstance(b, SDPBackend) for b in chosen
    ):
        raise AssertionError(
            "sdpa_kernel: expected an SDPBackend or a list of them for argument "
            f"'backends', got {backends!r}"
        )
    if not chosen:
        raise AssertionError("sdpa_kernel: expected at least one backend, got none")
    yield
