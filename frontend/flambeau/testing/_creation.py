"""make_tensor: random tensors for tests."""

from __future__ import annotations

from typing import Any

from flambeau import _C
from flambeau._C import Tensor

__all__ = ["make_tensor"]


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of uniform random values in [low, high) (defaults: -9 to 9, 0 to 9 for
    uint8, both truth values for bool).

    noncontiguous: strided in the last dimension; exclude_zero: zeros become the
    smallest positive number. ValueError for low >= high, or requires_grad with
    integers.
    """
    sizes = (
        tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape
    )
    if requires_grad and not (dtype.is_floating_point or dtype.is_complex):
        raise ValueError(
            f"make_tensor: requires_grad must be False for integral dtypes, got {dtype}"
        )
    lo, hi = _bounds(dtype, low, high)
    if lo >= hi and dtype is not _C.bool:
        raise ValueError(f"make_tensor: expected low < high, got {lo} and {hi}")
    full = sizes
    spread = noncontiguous and sizes and sizes[-1] > 0
    if spread:
        full = (*sizes[:-1], 2 * sizes[-1])
    t = _values(full, dtype, device, lo, hi)
    if exclude_zero:
        tiny = 1 if not (dtype.is_floating_point or dtype.is_complex) else 1e-4
        t = _C._ops.where(t == 0, _C.tensor(tiny, dtype=dtype, device=device), t)
    if spread:
        t = t[..., ::2]
    if memory_format is not None:
        t = t.contiguous(memory_format=memory_format)
    return t.requires_grad_(requires_grad)


def _bounds(dtype: Any, low: Any, high: Any) -> tuple[Any, Any]:
    if dtype is _C.bool:
        return 0, 2
    if dtype is _C.uint8:
        return (0 if low is None else low), (10 if high is None else high)
    whole = not (dtype.is_floating_point or dtype.is_complex)
    return (-9 if low is None else low), (
        (10 if whole else 9) if high is None else high
    )


def _values(sizes: Any, dtype: Any, device: Any, low: Any, high: Any) -> Tensor:
    if dtype.is_complex:
        part = _C.float64 if dtype is _C.complex128 else _C.float32
        real = _values(sizes, part, device, low, high)
        imag = _values(sizes, part, device, low, high)
        return _C._ops.complex(real, imag)
    if dtype.is_floating_point:
        unit = _C._ops.rand(sizes, device=device, dtype=_C.float32)
        return (unit * (high - low) + low).to(dtype)
    return _C._ops.randint(int(low), int(high), sizes, device=device).to(dtype)
