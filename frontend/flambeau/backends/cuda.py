"""Settings for CUDA's libraries, kept for the CUDA backend; without one they change
nothing."""

from __future__ import annotations

import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class _Matmul:
    """How matrix products on CUDA may trade precision for speed."""

    __slots__ = (
        "allow_bf16_reduced_precision_reduction",
        "allow_fp16_reduced_precision_reduction",
        "allow_tf32",
    )

    def __init__(self) -> None:
        self.allow_tf32 = False
        self.allow_fp16_reduced_precision_reduction = True
        self.allow_bf16_reduced_precision_reduction = True


matmul = _Matmul()
_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def is_built() -> bool:
    """True when a CUDA backend is installed, whether or not there is a GPU."""
    from ._runtime import registry

    return any(b.device_type == "cuda" for b in registry.backends)


def enable_flash_sdp(enabled: bool) -> None:
    """Allow or forbid the flash kernel of scaled dot-product attention."""
    _attention["flash"] = enabled


def flash_sdp_enabled() -> bool:
    """Whether the flash kernel of attention is allowed."""
    return _attention["flash"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow or forbid the memory-efficient kernel of attention."""
    _attention["mem_efficient"] = enabled


def mem_efficient_sdp_enabled() -> bool:
    """Whether the memory-efficient kernel of attention is allowed."""
    return _attention["mem_efficient"]


def enable_math_sdp(enabled: bool) -> None:
    """Allow or forbid attention composed of matrix products and a softmax."""
    _attention["math"] = enabled


def math_sdp_enabled() -> bool:
    """Whether composed attention is allowed."""
    return _attention["math"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow or forbid cuDNN's kernel of attention."""
    _attention["cudnn"] = enabled


def cudnn_sdp_enabled() -> bool:
    """Whether cuDNN's kernel of attention is allowed."""
    return _attention["cudnn"]


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Allow the given kernels of attention inside a `with` block."""
    before = dict(_attention)
    _attention.update(
        flash=enable_flash,
        math=enable_math,
        mem_efficient=enable_mem_efficient,
        cudnn=enable_cudnn,
    )
    try:
        yield
    finally:
        _attention.update(before)
