"""unique against NumPy: integers that are counted, and all that is sorted."""

from __future__ import annotations

import flambeau
import numpy as np
import pytest


def check(a: np.ndarray) -> None:
    values, inverse, counts = np.unique(a, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(a.shape)
    x = flambeau.from_numpy(a)
    np.testing.assert_array_equal(flambeau.unique(x).numpy(), values)
    assert flambeau.unique(x).dtype == x.dtype
    got = flambeau.unique(x, return_inverse=True, return_counts=True)
    for part, want in zip(got, (values, inverse, counts), strict=True):
        np.testing.assert_array_equal(part.numpy(), want)
    got = flambeau.unique(x, return_inverse=True)
    np.testing.assert_array_equal(got[1].numpy(), inverse)
    got = flambeau.unique(x, return_counts=True)
    np.testing.assert_array_equal(got[1].numpy(), counts)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("shape", [(0,), (1,), (255,), (256,), (3, 5, 70)])
def test_integers(dtype, shape):
    rng = np.random.default_rng(0)
    info = np.iinfo(dtype)
    check(rng.integers(info.min, info.max, shape, dtype, endpoint=True))
    check(rng.integers(info.min, info.min + 20, shape, dtype))
    check(rng.integers(info.max - 9, info.max, shape, dtype, endpoint=True))


@pytest.mark.parametrize("spread", [299, 300, 301, 2**63])
def test_spread_about_the_number_of_elements(spread):
    a = np.zeros(300, np.int64)
    a[7], a[8] = -(spread // 2), spread - spread // 2 - 1
    check(a)
    check(np.repeat(a, 3)[1::3])


def test_other_dtypes():
    rng = np.random.default_rng(0)
    check(rng.integers(0, 5, 400).astype(np.float32))
    check(rng.integers(0, 2, 400).astype(bool))
