"""Calls kernels of the OpenCL device as the host does, by the protocol of Python
backends: records with addresses in, bytes back."""

from __future__ import annotations

import ctypes
import importlib.util
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np


def unavailable() -> str | None:
    """Why the tests of the OpenCL device cannot run here; None when they can."""
    if importlib.util.find_spec("flambeau_opencl") is None:
        return "flambeau-opencl is not installed"
    from flambeau_opencl.platforms import probe

    return probe()


class Half(np.ndarray):
    """The bits of bfloat16 numbers."""


def bfloat16(values: Any) -> Half:
    """Numbers rounded to bfloat16, to nearest and even."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    nan = np.isnan(np.asarray(values, np.float32))
    return np.where(nan, 0x7FC0, rounded).astype(np.uint16).view(Half)


def cast(values: Any, dtype: str) -> np.ndarray:
    """An array of a dtype by name, bfloat16 included."""
    if dtype == "bfloat16":
        return bfloat16(values)
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(np.asarray(values).astype(dtype))


def name_of(a: np.ndarray) -> str:
    return "bfloat16" if isinstance(a, Half) else a.dtype.name


def wide(a: np.ndarray) -> np.ndarray:
    """The values as float64."""
    if isinstance(a, Half):
        return (np.asarray(a).astype(np.uint32) << 16).view(np.float32).astype(float)
    return a.astype(np.float64)


class Scalar:
    """A number in host memory."""

    def __init__(self, value: Any, dtype: str) -> None:
        self.value, self.dtype = value, dtype


class Strided:
    """An array that is seen with other sizes and strides (in elements): what an
    iterated kernel gets, where the host has broadcast or laid out."""

    def __init__(self, base: np.ndarray, shape: Any, strides: Any, offset: int = 0):
        self.base, self.shape, self.strides = base, tuple(shape), tuple(strides)
        self.offset = offset


def spread(a: np.ndarray, shape: Sequence[int]) -> Strided:
    """`a` broadcast to a shape, stride 0 along what it lacks."""
    pad = len(shape) - a.ndim
    steps = [s // a.itemsize for s in a.strides]
    strides = [
        0 if d < pad or a.shape[d - pad] == 1 != shape[d] else steps[d - pad]
        for d in range(len(shape))
    ]
    return Strided(a, shape, strides)


class Device:
    """The first OpenCL device, with a way to run one kernel on arrays."""

    def __init__(self) -> None:
        from flambeau_opencl.backend import OpenCL

        self.backend = OpenCL()
        self.handle = self.backend.open(0)

    def __call__(self, op: str, out: Any, *ins: Any, attrs: Sequence[Any] = ()) -> Any:
        """Runs a kernel, writes the results back into the arrays and returns them."""
        outs = list(out) if isinstance(out, (list, tuple)) else [out]
        blocks: dict[int, Any] = {}
        records = [self._record(a, blocks) for a in (*outs, *ins)]
        call = SimpleNamespace(
            op=op, device=self.handle, stream=0, n_attr=len(attrs),
            outputs=tuple(records[: len(outs)]), inputs=tuple(records[len(outs) :]),
            dtypes=tuple("" if r is None else r.dtype for r in records),
            i=lambda k: int(attrs[k]), f=lambda k: float(attrs[k]),
            c=lambda k: complex(attrs[k]), ints=lambda k: list(attrs[k]),
        )  # fmt: skip
        found = self.backend.kernel(op)
        assert found is not None, f"no kernel {op}"
        main = call.inputs[0] if ins and call.inputs[0] is not None else call.outputs[0]
        assert main.dtype in found[1], f"{op} does not take {main.dtype}"
        try:
            found[0](call)
            for a in outs:
                base = a.base if isinstance(a, Strided) else a
                low, size = span(base)
                if size:
                    self.backend.to_host(self.handle, memory(low, size), blocks[low][0])
            self.backend.synchronize(self.handle)
        finally:
            for address, size in blocks.values():
                self.backend.release(self.handle, address, size)
        return out

    def _record(self, a: Any, blocks: dict[int, Any]) -> Any:
        if a is None:
            return None
        if isinstance(a, Scalar):
            return SimpleNamespace(
                address=0, shape=(), strides=(), dtype=a.dtype, value=a.value
            )
        base = a.base if isinstance(a, Strided) else a
        low, size = span(base)
        if low not in blocks:
            blocks[low] = self.backend.allocate(self.handle, size), size
            if size:
                self.backend.from_host(self.handle, blocks[low][0], memory(low, size))
        start = blocks[low][0] + (base.ctypes.data - low if size else 0)
        if isinstance(a, Strided):
            shape, strides = a.shape, a.strides
            start += a.offset * base.itemsize
        else:
            shape, strides = a.shape, tuple(s // a.itemsize for s in a.strides)
        return SimpleNamespace(
            address=start, shape=shape, strides=strides, dtype=name_of(base), value=None
        )


def span(a: np.ndarray) -> tuple[int, int]:
    """Where the memory of an array begins, and how many bytes it reaches over."""
    if not a.size:
        return a.ctypes.data, 0
    low, high = np.lib.array_utils.byte_bounds(np.asarray(a))
    return low, high - low


def memory(low: int, size: int) -> memoryview:
    """Bytes at an address, writable."""
    return memoryview((ctypes.c_char * size).from_address(low)).cast("B")


# ---- oracles -------------------------------------------------------------------------
def philox(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """Philox4x32-10 on Python integers."""
    c, k0, k1 = list(counter), *key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [
            (p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF,
            (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF,
        ]  # fmt: skip
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def random_words(n: int, seed: int, offset: int) -> np.ndarray:
    """The first n words of a stream."""
    out: list[int] = []
    key = seed & 0xFFFFFFFF, seed >> 32
    for b in range((n + 3) // 4):
        out += philox([b, 0, offset & 0xFFFFFFFF, offset >> 32], key)
    return np.array(out[:n], np.uint64)


def convolve(x: np.ndarray, w: np.ndarray, spec: Sequence[Any]) -> np.ndarray:
    """A convolution in float64, window place by window place."""
    stride, padding, dilation, groups, transposed, extra = spec
    if transposed:
        x, w = stretch(x, stride, extra), turn(w, groups)
        padding = [
            d * (k - 1) - p
            for d, k, p in zip(dilation, w.shape[2:], padding, strict=True)
        ]
        stride = [1] * len(stride)
    width = [(p, p) if p >= 0 else (0, 0) for p in padding]
    x = np.pad(x, [(0, 0), (0, 0), *width])
    x = x[(..., *(slice(-p, p or None) if p < 0 else slice(None) for p in padding))]
    sizes = [
        (n - d * (k - 1) - 1) // s + 1
        for n, d, k, s in zip(x.shape[2:], dilation, w.shape[2:], stride, strict=True)
    ]
    n, o, c = x.shape[0], w.shape[0], w.shape[1]
    out = np.zeros((n, groups, o // groups, *sizes))
    parts = x.reshape(n, groups, c, *x.shape[2:])
    weights = w.reshape(groups, o // groups, *w.shape[1:])
    for place in np.ndindex(*w.shape[2:]):
        at = tuple(
            slice(p * d, p * d + (m - 1) * s + 1, s)
            for p, d, m, s in zip(place, dilation, sizes, stride, strict=True)
        )
        seen, here = parts[(..., *at)], weights[(..., *place)]
        out += np.einsum("ngc...,goc->ngo...", seen, here)
    return out.reshape(n, o, *sizes)


def stretch(x: np.ndarray, stride: Sequence[int], extra: Sequence[int]) -> np.ndarray:
    """Zeros between the elements, and some behind them."""
    sizes = [
        (n - 1) * s + 1 + e for n, s, e in zip(x.shape[2:], stride, extra, strict=True)
    ]
    out = np.zeros((*x.shape[:2], *sizes))
    ends = [(n - 1) * s + 1 for n, s in zip(x.shape[2:], stride, strict=True)]
    out[(..., *(slice(0, e, s) for e, s in zip(ends, stride, strict=True)))] = x
    return out


def turn(w: np.ndarray, groups: int) -> np.ndarray:
    """The weight of a transposed convolution as that of a plain one."""
    c, o = w.shape[:2]
    parts = w.reshape(groups, c // groups, *w.shape[1:]).swapaxes(1, 2)
    parts = parts.reshape(groups * o, c // groups, *w.shape[2:])
    return parts[(..., *(slice(None, None, -1) for _ in w.shape[2:]))]


def size_of(shape: Sequence[int]) -> int:
    return math.prod(shape)
