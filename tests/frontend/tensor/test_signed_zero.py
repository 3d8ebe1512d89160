"""The sign of a zero survives every path of a kernel: whole vectors, tails, single
numbers, and sums that start from it."""

from __future__ import annotations

import math

import flambeau
import pytest


@pytest.mark.parametrize("dtype", [flambeau.float32, flambeau.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 15, 17, 33])
def test_division_by_negative_zero(n: int, dtype: flambeau.dtype) -> None:
    a = flambeau.full((n,), -0.0, dtype=dtype)
    assert (1 / a).tolist() == [-math.inf] * n
    assert a.reciprocal().tolist() == [-math.inf] * n


@pytest.mark.parametrize("n", [1, 8, 16, 17, 40])
def test_running_product_keeps_it(n: int) -> None:
    a = flambeau.ones(n)
    a[0] = -0.0
    assert (1 / flambeau.cumprod(a, 0)).tolist() == [-math.inf] * n
