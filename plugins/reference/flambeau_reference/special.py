"""Functions that NumPy does not have, in double precision."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def joined(real: Any, imag: Any) -> Any:
    """The complex numbers of these parts; `real + 1j * imag` would make NaN of inf."""
    z = np.empty(np.broadcast_shapes(np.shape(real), np.shape(imag)), np.complex128)
    z.real, z.imag = real, imag
    return z


def polar(size: Any, angle: Any) -> Any:
    return joined(size * np.cos(angle), size * np.sin(angle))


def sgn(a: Any) -> Any:
    """z / |z|, 0 for 0; NumPy before version 2 has another idea of a complex sign."""
    if a.dtype.kind != "c":
        return np.sign(a)
    size = np.abs(a)
    size = np.where(size == 0, 1, size)
    return joined(a.real / size, a.imag / size)


def expm1(a: Any) -> Any:
    if a.dtype.kind != "c":
        return np.expm1(a)
    # exp(x) cos(y) - 1 with no cancellation near 0.
    e, half = np.exp(a.real), np.sin(a.imag / 2)
    return joined(np.expm1(a.real) - 2 * e * half * half, e * np.sin(a.imag))


def log1p(a: Any) -> Any:
    if a.dtype.kind != "c":
        return np.log1p(a)
    x, y = a.real, a.imag
    near = np.maximum(np.abs(x), np.abs(y)) < 0.5
    small = np.log1p(np.where(near, x * (2 + x) + y * y, 0)) / 2
    return np.where(near, joined(small, np.arctan2(y, 1 + x)), np.log(1 + a))


def xlogy(a: Any, b: Any) -> Any:
    return np.where(np.isnan(b), b, np.where(a == 0, 0, a * np.log(b)))


def xlog1py(a: Any, b: Any) -> Any:
    return np.where(np.isnan(b), b, np.where(a == 0, 0, a * np.log1p(b)))


def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # a pole; too large
        return math.inf


_erf, _erfc, _log_gamma = (
    np.frompyfunc(f, 1, 1) for f in (math.erf, math.erfc, _lgamma)
)


def erf(a: Any) -> Any:
    return np.asarray(_erf(a), np.float64)


def erfc(a: Any) -> Any:
    return np.asarray(_erfc(a), np.float64)


def lgamma(a: Any) -> Any:
    return np.asarray(_log_gamma(a), np.float64)


def _erfinv(x: Any, rest: Any) -> Any:
    """The y >= 0 with erf(y) = x and erfc(y) = rest: Winitzki's approximation, mended
    by Halley's method on whichever of the two has not lost its digits."""
    log = np.log(rest * (1 + x))
    k = 2 / (np.pi * 0.147) + log / 2
    y = np.sqrt(np.sqrt(k * k - log / 0.147) - k)
    for _ in range(4):
        error = np.where(x < 0.5, erf(y) - x, rest - erfc(y))
        step = error / (2 / math.sqrt(math.pi) * np.exp(-y * y))
        y = y - step / (1 + y * step)
    return np.where(rest == 0, np.inf, np.where(x == 0, 0, y))


def erfinv(a: Any) -> Any:
    x = np.abs(a)
    return np.copysign(_erfinv(x, 1 - x), a)


def ndtri(a: Any) -> Any:
    """The quantile of the normal distribution."""
    rest = 2 * np.minimum(a, 1 - a)
    return np.copysign(math.sqrt(2) * _erfinv(1 - rest, rest), a - 0.5)


def digamma(a: Any) -> Any:
    """Reflected to x > 0, moved up to x > 10, then the asymptotic series."""
    low = a < 0
    x = np.where(low, 1 - a, a)
    total = np.zeros_like(x)
    for _ in range(10):
        small = x < 10
        total -= np.where(small, 1 / x, 0)
        x = np.where(small, x + 1, x)
    z = 1 / (x * x)
    series = 0.0
    for numerator, denominator in (
        (1, 12), (-691, 32760), (1, 132), (-1, 240), (1, 252), (-1, 120), (1, 12)
    ):  # fmt: skip
        series = z * (numerator / denominator + series)
    value = total + np.log(x) - 0.5 / x - series
    value = value - np.where(low, np.pi / np.tan(np.pi * (a - np.rint(a))), 0)
    value = np.where(low & (a == np.rint(a)), np.nan, value)
    return np.where(a == 0, -np.copysign(np.inf, a), value)
