"""Calls kernels of the OpenCL device as the host does, by the protocol of Python
backends: records with addresses in, bytes back."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


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


# ---- what the tests share ------------------------------------------------------------
REASON = unavailable()
needs_device = pytest.mark.skipif(REASON is not None, reason=REASON or "")

EPS = {"float64": 2.2e-16, "float32": 1.2e-7, "float16": 9.8e-4, "bfloat16": 7.8e-3}
INTS = ["uint8", "int8", "int16", "int32", "int64"]
FLOATS = list(EPS)
ALL = ["bool", *INTS, *FLOATS]
STREAM = [0x0123456789ABCDEF, 0xFEDCBA98]  # seed and offset


def numbers(rng: np.random.Generator, shape: Any, dtype: str) -> np.ndarray:
    """Small numbers of a dtype."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    low = 0 if dtype == "uint8" else -9
    if dtype in INTS:
        return cast(rng.integers(low, 10, shape), dtype)
    return cast(rng.standard_normal(shape) * 2, dtype)


def close(got: np.ndarray, want: Any, times: float = 8.0, atol: float = 0.0) -> None:
    """Equal up to some units in the last place of the dtype."""
    dtype = name_of(got)
    if dtype not in EPS:
        np.testing.assert_array_equal(got, want)
        return
    eps = EPS[dtype] * times
    np.testing.assert_allclose(
        wide(got), wide(cast(want, dtype)), rtol=eps, atol=max(atol, EPS[dtype])
    )
