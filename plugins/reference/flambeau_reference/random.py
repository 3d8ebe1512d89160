"""Random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", 2011): element i depends on seed, offset and i alone, the same everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import FLOATS, ORDERED, store, widen

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def words(seed: int, offset: int, count: int) -> Any:
    """The first `count` 32-bit words of a stream, each in a uint64."""
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    start = np.uint64(offset & 0xFFFFFFFFFFFFFFFF)
    c0, c1 = block & LOW, block >> HALF
    c2, c3 = np.full_like(block, start & LOW), np.full_like(block, start >> HALF)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1 = (b >> HALF) ^ c1 ^ np.uint64(k0), b & LOW
        c2, c3 = (a >> HALF) ^ c3 ^ np.uint64(k1), a & LOW
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).reshape(-1)[:count]


def words64(seed: int, offset: int, count: int) -> Any:
    """The first 64-bit words of a stream, low half first."""
    w = words(seed, offset, 2 * count)
    return w[0::2] | w[1::2] << HALF


def units(call: Any, count: int) -> Any:
    """Integers behind the uniforms, and 1 / their number."""
    if call.dtypes[0] == "float64":
        return words64(call.i(2), call.i(3), count) >> np.uint64(11), 2.0**-53
    return words(call.i(2), call.i(3), count) >> np.uint64(8), 2.0**-24


def below(high: Any, dtype: str) -> Any:
    """The last value before `high` (an array of the dtype)."""
    if dtype != "bfloat16":
        return np.nextafter(high, -np.inf, dtype=high.dtype)
    bits = int(high)
    return 0x8001 if bits & 0x7FFF == 0 else bits + 1 if bits >> 15 else bits - 1


def uniform(call: Any) -> None:
    """lo + u (hi - lo) in float32 (double for float64), each step rounded; never hi."""
    out, dtype, low, high = call.outputs[0], call.dtypes[0], call.f(0), call.f(1)
    real = np.float64 if dtype == "float64" else np.float32
    n, unit = units(call, out.size)
    u = n.astype(real) * real(unit)
    store(out, dtype, (real(low) + u * real(high - low)).reshape(out.shape))
    end = np.empty((), out.dtype)
    store(end, dtype, high)
    if low < widen(end, dtype):
        out[widen(out, dtype) >= widen(end, dtype)] = below(end, dtype)


def normal(call: Any) -> None:
    """mean + std z, by Box-Muller on pairs of uniforms."""
    out = call.outputs[0]
    n, unit = units(call, out.size + out.size % 2)
    radius = np.sqrt(-2 * np.log(1 - n[0::2] * unit))
    angle = 2 * np.pi * unit * n[1::2]
    z = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    z = z.reshape(-1)[: out.size].reshape(out.shape)
    store(out, call.dtypes[0], call.f(0) + call.f(1) * z)


def randint(call: Any) -> None:
    out, low = call.outputs[0], call.i(0)
    span = (call.i(1) - low) & 0xFFFFFFFFFFFFFFFF
    w = words64(call.i(2), call.i(3), out.size)
    w = w % np.uint64(span) if span else w
    values = w.astype(np.int64) + np.int64(low)
    store(out, call.dtypes[0], values.reshape(out.shape))


KERNELS = {
    "uniform": (uniform, FLOATS),
    "normal": (normal, FLOATS),
    "randint": (randint, ORDERED),
}
