"""Philox and convolutions in NumPy, to compare the OpenCL device with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


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
