"""Attention, forward and backward, against the formula in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Backend, bfloat16, values

TOLERANCE = {"float16": 1e-2, "bfloat16": 5e-2, "float32": 5e-6, "float64": 1e-12}


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def cast(a: np.ndarray, dtype: str) -> np.ndarray:
    return bfloat16(a) if dtype == "bfloat16" else np.asarray(a).astype(dtype)


def wide(a: np.ndarray) -> np.ndarray:
    return np.asarray(values(a), np.float64)


def reference(
    q: Any, k: Any, v: Any, mask: Any, scale: float, causal: bool, g: Any
) -> tuple[Any, ...]:
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, 1), np.repeat(v, group, 1)
    x = scale * q @ k.swapaxes(-1, -2)
    if causal:
        x = np.where(np.tri(*x.shape[-2:], dtype=bool), x, -np.inf)
    if mask is not None:
        x = np.where(mask, x, -np.inf) if mask.dtype == bool else x + wide(mask)
    top = x.max(-1, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(top), top, 0))
    sums = e.sum(-1, keepdims=True)
    p = e / np.where(sums == 0, 1, sums)
    with np.errstate(divide="ignore"):
        lse = (np.log(sums) + top)[..., 0]
    out = p @ v
    dp = g @ v.swapaxes(-1, -2)
    ds = p * (dp - (g * out).sum(-1, keepdims=True)) * scale
    fold = lambda a: a.reshape(a.shape[0], -1, group, *a.shape[2:]).sum(2)  # noqa: E731
    dk, dv = ds.swapaxes(-1, -2) @ q, p.swapaxes(-1, -2) @ g
    return out, lse, ds @ k, fold(dk), fold(dv)


def close(got: np.ndarray, want: Any, dtype: str) -> None:
    t = TOLERANCE[dtype]
    scale = max(1.0, float(np.abs(want[np.isfinite(want)]).max(initial=0)))
    np.testing.assert_allclose(wide(got), want, rtol=t, atol=t * scale)


SHAPES = [  # b, h, hk, t, s, d
    (1, 1, 1, 1, 1, 1),
    (2, 3, 3, 5, 7, 8),
    (1, 4, 2, 64, 64, 32),
    (1, 2, 1, 130, 300, 20),
    (2, 2, 2, 260, 260, 64),
    (1, 1, 1, 300, 100, 33),
]


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", ["none", "bool", "float", "row"])
def test_attention(
    backend: Backend, dtype: str, shape: Any, causal: bool, masked: str
) -> None:
    b, h, hk, t, s, d = shape
    rng = np.random.default_rng(0)
    q = cast(rng.standard_normal((b, t, h, d)), dtype).swapaxes(1, 2)  # as split heads
    g = cast(rng.standard_normal((b, h, t, d)), dtype)
    k, v = (cast(rng.standard_normal((b, hk, s, d)), dtype) for _ in range(2))
    mask = None
    if masked == "bool":
        mask = np.broadcast_to(rng.random((1, 1, t, s)) > 0.3, (b, h, t, s))
        mask = np.lib.stride_tricks.as_strided(mask, mask.shape, mask.strides)
    elif masked == "float":
        mask = cast(rng.standard_normal((b, h, t, s)), dtype)
    elif masked == "row":
        mask = np.broadcast_to(rng.random((b, 1, 1, s)) > 0.3, (b, h, t, s))
    stat = "float64" if dtype == "float64" else "float32"
    out, lse = cast(np.ones(q.shape), dtype), np.ones((b, h, t), stat)
    attrs = [d**-0.5, int(causal)]
    backend("attention", [out, lse], q, k, v, mask, attrs=attrs)
    want = reference(*(wide(a) for a in (q, k, v)), mask, d**-0.5, causal, wide(g))
    close(out, want[0], dtype)
    np.testing.assert_allclose(lse, want[1], rtol=TOLERANCE[stat], atol=1e-5)
    grads = [cast(np.ones(a.shape), dtype) for a in (q, k, v)]
    backend("attention_backward", grads, g, q, k, v, out, lse, mask, attrs=attrs)
    for got, expected in zip(grads, want[2:], strict=True):
        close(got, expected, dtype)


def test_rows_that_see_nothing(backend: Backend) -> None:
    q = np.ones((1, 1, 3, 4), np.float32)
    mask = np.array([[1, 0], [0, 0], [1, 1]], bool).reshape(1, 1, 3, 2)
    k = v = np.ones((1, 1, 2, 4), np.float32)
    out, lse = np.full_like(q, 7), np.ones((1, 1, 3), np.float32)
    backend("attention", [out, lse], q, k, v, mask, attrs=[1.0, 0])
    np.testing.assert_array_equal(out[0, 0, :, 0], [1, 0, 1])
    assert lse[0, 0, 1] == -np.inf
    grads = [np.full_like(a, 9) for a in (q, k, v)]
    backend("attention_backward", grads, q, q, k, v, out, lse, mask, attrs=[1.0, 0])
    assert all(np.isfinite(a).all() for a in grads)


def test_threads_agree(backend: Backend) -> None:
    backend.set_num_threads(2)
    try:
        test_attention(backend, "float32", (3, 4, 2, 70, 90, 16), True, "float")
    finally:
        backend.set_num_threads(1)
