"""Philox4x32-10 in NumPy, and the numbers that docs/extending/kernels.md makes of
it."""

from __future__ import annotations

import numpy as np

from .._operand import Array

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def words(count: int, seed: int, offset: int) -> Array:
    """The first 32-bit words of a stream, as uint64."""
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    seed, offset = seed % 2**64, offset % 2**64
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    c0, c1 = blocks & _LOW, blocks >> _HALF
    c2 = np.full_like(blocks, offset & 0xFFFFFFFF)
    c3 = np.full_like(blocks, offset >> 32)
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (
            (p1 >> _HALF) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _HALF) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], 1).reshape(-1)[:count]


def wide_words(count: int, seed: int, offset: int) -> Array:
    """64-bit words, of two words each, the low one first."""
    pair = words(2 * count, seed, offset).reshape(count, 2)
    return np.asarray(pair[:, 0] | pair[:, 1] << _HALF)


def uniform(count: int, dtype: str, seed: int, offset: int) -> Array:
    """Uniform numbers in [0, 1) as float64, exact; of float32 for shorter dtypes."""
    if dtype in ("float64", "int64"):
        wide = wide_words(count, seed, offset) >> np.uint64(11)
        return wide.astype(np.float64) * 2.0**-53
    short = words(count, seed, offset) >> np.uint64(8)
    return short.astype(np.float64) * 2.0**-24


def normal(count: int, dtype: str, seed: int, offset: int) -> Array:
    """Box and Muller's, of the pairs of uniforms of a block."""
    even = count + count % 2
    u = uniform(even, dtype, seed, offset).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log1p(-u[:, 0]))
    angle = 2 * np.pi * u[:, 1]
    pair = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return pair.reshape(-1)[:count]


def randint(count: int, low: int, high: int, seed: int, offset: int) -> Array:
    """Whole numbers in [low, high), as int64."""
    span = np.uint64(high - low)
    return (wide_words(count, seed, offset) % span).astype(np.int64) + low


def permutation(count: int, seed: int, offset: int) -> Array:
    """Fisher and Yates's shuffle from the front."""
    order = list(range(count))
    for i, word in enumerate(wide_words(count, seed, offset).tolist()):
        j = i + (word * (count - i) >> 64)
        order[i], order[j] = order[j], order[i]
    return np.array(order, np.int64)
