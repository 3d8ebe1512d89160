"""Operands of kernels: seeded NumPy values laid out with strides inside a larger block,
whose rim is a sentinel that catches whoever writes beside an output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

FLOATS = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")
COMPLEX = ("complex64", "complex128")
DTYPES = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
REAL_OF = {"complex64": "float32", "complex128": "float64"}

RIM = 5  # elements before and after; odd, so that views do not stay aligned
_SENTINEL = 0xA5


def storage_dtype(dtype: str) -> Any:
    """NumPy's dtype of the same bytes; bfloat16 is held as its bits."""
    return np.dtype("uint16" if dtype == "bfloat16" else dtype)


def to_bfloat16(values: Any) -> Array:
    """The bits of float32 values, rounded to nearest, ties to even."""
    single = np.asarray(values, np.float32)
    bits = single.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(single), 0x7FC0, rounded).astype(np.uint16)


def from_bfloat16(bits: Array) -> Array:
    """The values as float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def encode(values: Any, dtype: str) -> Array:
    """Values as they are stored in a dtype, converted as C does."""
    if dtype == "bfloat16":
        return to_bfloat16(values)
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(storage_dtype(dtype))


def widen(stored: Array, dtype: str) -> Array:
    """Stored values in the widest type of their kind: bool, int64, float64 or
    complex128."""
    if dtype == "bfloat16":
        stored = from_bfloat16(stored)
    kind = stored.dtype.kind
    wide = {"b": np.bool_, "f": np.float64, "c": np.complex128}.get(kind, np.int64)
    return stored.astype(wide)


def dense_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides in elements."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


class Operand:
    """A strided view of a block in host memory, as a tensor of a device will have
    it."""

    def __init__(
        self,
        block: Array,
        dtype: str,
        shape: Sequence[int],
        strides: Sequence[int],
        offset: int,
    ) -> None:
        self.block = block  # one dimension, of storage_dtype
        self.dtype = dtype
        self.shape = tuple(shape)
        self.strides = tuple(strides)
        self.offset = offset

    def view(self, block: Array | None = None) -> Array:
        """The stored elements, of this block or of another of its size."""
        block = self.block if block is None else block
        return np.lib.stride_tricks.as_strided(
            block[self.offset :],
            self.shape,
            [s * block.itemsize for s in self.strides],
        )

    def values(self) -> Array:
        """The numbers in float64, complex128, int64 or bool."""
        return widen(self.view(), self.dtype)

    def expanded(self, shape: Sequence[int]) -> Operand:
        """The same elements with stride 0 where a size of 1 is broadcast."""
        pad = len(shape) - len(self.shape)
        strides = [0] * pad + [
            0 if size == 1 and wanted != 1 else stride
            for size, wanted, stride in zip(
                self.shape, shape[pad:], self.strides, strict=True
            )
        ]
        return Operand(self.block, self.dtype, shape, strides, self.offset)

    def rim(self) -> Array:
        """Which elements of the block are not of the view."""
        outside = np.ones(self.block.size, np.bool_)
        self.view(outside)[...] = False
        return outside


def _place(shape: Sequence[int], layout: str) -> tuple[tuple[int, ...], int]:
    """(strides, elements spanned) of a layout."""
    if layout == "transposed":
        strides = dense_strides(tuple(reversed(shape)))[::-1]
    elif layout == "stepped":  # every other element of rows that have a gap of 3
        wide = [2 * s if d == len(shape) - 1 else s for d, s in enumerate(shape)]
        wide = [s + 3 if d == len(shape) - 1 else s for d, s in enumerate(wide)]
        strides = dense_strides(wide)
        strides = (*strides[:-1], 2) if shape else ()
    else:
        strides = dense_strides(shape)
    span = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True) if n)
    return strides, span


def lay(values: Any, dtype: str, layout: str = "dense", rim: int = RIM) -> Operand:
    """An input with these values. Layouts: dense, transposed, stepped."""
    stored = encode(values, dtype)
    strides, span = _place(stored.shape, layout)
    block = sentinel(span + 2 * rim, dtype)
    operand = Operand(block, dtype, stored.shape, strides, rim)
    operand.view()[...] = stored
    return operand


def room(
    shape: Sequence[int], dtype: str, layout: str = "dense", rim: int = RIM
) -> Operand:
    """An output, not yet written: everything is the sentinel."""
    strides, span = _place(shape, layout)
    return Operand(sentinel(span + 2 * rim, dtype), dtype, shape, strides, rim)


def sentinel(count: int, dtype: str) -> Array:
    """A block of which every byte is the same odd value."""
    kind = storage_dtype(dtype)
    return np.full(count * kind.itemsize, _SENTINEL, np.uint8).view(kind)


def draw(
    rng: np.random.Generator,
    dtype: str,
    shape: Sequence[int],
    low: float = -2.0,
    high: float = 2.0,
) -> Array:
    """Random values between the bounds that the dtype holds exactly, in a wide type."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if dtype in INTEGERS:
        first = max(0, int(np.ceil(low))) if dtype == "uint8" else int(np.ceil(low))
        return rng.integers(first, int(np.floor(high)) + 1, shape)
    x: Array = rng.uniform(low, high, shape)
    if dtype in COMPLEX:
        x = x + 1j * rng.uniform(low, high, shape)
    return widen(encode(x, dtype), dtype)
