"""Special functions in float64 for the oracles, from their textbook definitions.

Slow and short on purpose: they share nothing with any backend. Series and recurrences
are those of the NIST Digital Library of Mathematical Functions, chapters 5, 7, 8, 10
and 25.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np

from ._operand import Array


def _each(function: Callable[..., float]) -> Callable[..., Array]:
    """The function over arrays; NaN where it is not defined."""

    def safe(*args: float) -> float:
        if any(math.isnan(a) for a in args):
            return math.nan
        try:
            return function(*args)
        except (ValueError, OverflowError, ZeroDivisionError):
            return math.nan

    over = np.vectorize(safe, otypes=[np.float64])

    def call(*args: Any) -> Array:
        if 0 in np.broadcast_shapes(*(np.shape(a) for a in args)):
            return np.empty(np.broadcast_shapes(*(np.shape(a) for a in args)))
        return np.asarray(over(*args))

    return call


erf = _each(math.erf)
erfc = _each(math.erfc)
lgamma = _each(math.lgamma)


def _erfinv(y: float) -> float:
    x = NormalDist().inv_cdf((y + 1) / 2) / math.sqrt(2)
    for _ in range(2):  # Newton's method mends what (y + 1) / 2 lost
        x -= (math.erf(x) - y) * math.sqrt(math.pi) / 2 * math.exp(x * x)
    return x


def _digamma(x: float) -> float:
    total = 0.0
    while x < 30:
        total -= 1 / x
        x += 1
    square = 1 / (x * x)
    tail = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    return total + math.log(x) - 0.5 / x - tail


_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)


def _zeta(s: float, q: float) -> float:
    """Hurwitz's, by Euler and Maclaurin's formula."""
    n = 20
    total = sum((q + k) ** -s for k in range(n))
    x = q + n
    total += x ** (1 - s) / (s - 1) + 0.5 * x**-s
    term = s * x ** (-s - 1)
    for j, b in enumerate(_BERNOULLI, 1):
        total += b / math.factorial(2 * j) * term
        term *= (s + 2 * j - 1) * (s + 2 * j) / (x * x)
    return float(total)


def _igamma(a: float, x: float) -> float:
    term = total = 1 / a
    for n in range(1, 300):
        term *= x / (a + n)
        total += term
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def _bessel(order: int, scaled: bool) -> Callable[[float], float]:
    """Modified Bessel functions as the integral over half a turn; the trapezoidal rule
    is exact to rounding for a periodic integrand."""
    angles = (np.arange(200) + 0.5) * math.pi / 200

    def value(x: float) -> float:
        grown = np.exp(x * np.cos(angles) - (abs(x) if scaled else 0))
        return float(np.mean(grown * np.cos(order * angles)))

    return value


def _log_ndtr(x: float) -> float:
    if x > 0:
        return math.log1p(-math.erfc(x / math.sqrt(2)) / 2)
    return math.log(math.erfc(-x / math.sqrt(2)) / 2)


erfinv = _each(_erfinv)
digamma = _each(_digamma)
zeta = _each(_zeta)
igamma = _each(_igamma)
i0 = _each(_bessel(0, False))
i1 = _each(_bessel(1, False))
i0e = _each(_bessel(0, True))
i1e = _each(_bessel(1, True))
ndtri = _each(NormalDist().inv_cdf)
log_ndtr = _each(_log_ndtr)


def polygamma(n: int, x: Array) -> Array:
    """The derivative number n of digamma."""
    sign: float = (-1) ** (n + 1)
    return np.asarray(sign * math.factorial(n) * zeta(np.float64(n + 1), x))
