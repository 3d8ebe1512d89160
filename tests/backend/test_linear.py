"""matmul, linear and dot against NumPy in float64, over dtypes, strides and odd sizes."""

from __future__ import annotations

import numpy as np
import pytest
from harness import Backend, bfloat16, values

TOLERANCE = {
    "float16": 4e-3, "bfloat16": 3e-2, "float32": 3e-6, "float64": 1e-13,
    "complex64": 3e-6, "complex128": 1e-13,
}  # fmt: skip
FLOATS = list(TOLERANCE)
INTS = ["int8", "uint8", "int16", "int32", "int64"]
SIZES = [(1, 1, 1), (4, 4, 4), (3, 5, 7), (8, 32, 32), (1, 300, 130), (300, 1, 130)]
SIZES += [(17, 33, 65), (64, 64, 64), (130, 70, 500), (5, 2000, 3), (2, 40, 800)]


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def make(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype in INTS:
        return rng.integers(0, 100, shape).astype(dtype)
    a = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        return (a + 1j * rng.standard_normal(shape)).astype(dtype)
    return bfloat16(a) if dtype == "bfloat16" else a.astype(dtype)


def empty(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if dtype == "bfloat16":
        return bfloat16(np.full(shape, 7.0))
    return np.full(shape, 7, dtype)


def wide(a: np.ndarray) -> np.ndarray:
    v = values(a)
    return v.astype(np.complex128 if v.dtype.kind == "c" else np.float64)


def check(got: np.ndarray, want: np.ndarray, dtype: str, k: int) -> None:
    if dtype in INTS:
        bits = np.iinfo(dtype).bits
        want = np.asarray(want).astype(np.int64) & (
            (1 << bits) - 1 if bits < 64 else -1
        )
        mask = (1 << bits) - 1 if bits < 64 else -1
        np.testing.assert_array_equal(got.astype(np.int64) & mask, want)
        return
    tolerance = TOLERANCE[dtype]
    scale = max(1.0, k) ** 0.5
    np.testing.assert_allclose(wide(got), want, rtol=tolerance, atol=tolerance * scale)


def transposed(a: np.ndarray) -> np.ndarray:
    """The same numbers with the last two strides exchanged."""
    return np.swapaxes(np.swapaxes(a, -1, -2).copy(), -1, -2)


@pytest.mark.parametrize("dtype", FLOATS + INTS)
@pytest.mark.parametrize("size", SIZES)
def test_matmul(backend: Backend, dtype: str, size: tuple[int, int, int]) -> None:
    m, n, k = size
    rng = np.random.default_rng(1)
    a, b = make(rng, (1, m, k), dtype), make(rng, (1, k, n), dtype)
    want = wide(a) @ wide(b)
    for x in (a, transposed(a)):
        for y in (b, transposed(b)):
            out = empty((1, m, n), dtype)
            backend("matmul", out, x, y, attrs=[1 + 0j, 0j])
            check(out, want, dtype, k)
    out = transposed(empty((1, m, n), dtype))
    backend("matmul", out, a, b, attrs=[1 + 0j, 0j])
    check(out, want, dtype, k)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [(3, 5, 7), (40, 70, 50), (129, 64, 65)])
def test_addmm(backend: Backend, dtype: str, size: tuple[int, int, int]) -> None:
    m, n, k = size
    rng = np.random.default_rng(2)
    a, b = make(rng, (1, m, k), dtype), make(rng, (1, k, n), dtype)
    c = make(rng, (1, m, n), dtype)
    row = np.broadcast_to(c[:, :1], c.shape).view(type(c))
    column = np.broadcast_to(c[:, :, :1], c.shape).view(type(c))
    scalar = np.broadcast_to(c[:, :1, :1], c.shape).view(type(c))
    for third in (c, transposed(c), row, column, scalar):
        for alpha, beta in ((1, 1), (0.5, 2), (2, 1)):
            out = empty((1, m, n), dtype)
            backend("matmul", out, a, b, third, attrs=[complex(alpha), complex(beta)])
            check(out, alpha * (wide(a) @ wide(b)) + beta * wide(third), dtype, 4 * k)
    want = wide(a) @ wide(b) + wide(c)
    backend("matmul", c, a, b, c, attrs=[1 + 0j, 1 + 0j])  # in place
    check(c, want, dtype, 4 * k)


def test_beta_zero_ignores_nan(backend: Backend) -> None:
    a = np.ones((1, 4, 4), np.float32)
    c = np.full((1, 4, 4), np.nan, np.float32)
    out = np.full((1, 4, 4), np.nan, np.float32)
    backend("matmul", out, a, a, c, attrs=[1 + 0j, 0j])
    np.testing.assert_array_equal(out, 4)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "bfloat16", "int32", "complex64"]
)
def test_batches(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(3)
    for batch, m, n, k in (
        (5, 16, 16, 16),
        (40, 3, 4, 5),
        (3, 128, 130, 64),
        (0, 2, 2, 2),
    ):
        a, b = make(rng, (batch, m, k), dtype), make(rng, (batch, k, n), dtype)
        one = make(rng, (1, k, n), dtype)
        shared = np.lib.stride_tricks.as_strided(
            one, b.shape, (0, *one.strides[1:]), subok=True
        )
        for y in (b, transposed(b), shared):
            out = empty((batch, m, n), dtype)
            backend("matmul", out, a, y, attrs=[1 + 0j, 0j])
            check(out, wide(a) @ wide(y), dtype, k)


def test_awkward_strides(backend: Backend) -> None:
    rng = np.random.default_rng(4)
    big = rng.standard_normal((1, 80, 90)).astype(np.float32)
    a, b = big[:, ::2, ::3], big[:, 20:50, ::-1][:, :, :21]
    for out in (
        np.empty((1, 40, 42), np.float32)[:, :, ::2],
        np.empty((1, 40, 21), "f"),
    ):
        backend("matmul", out, a, b, attrs=[1 + 0j, 0j])
        check(out, wide(a) @ wide(b), "float32", 30)
    spread = np.broadcast_to(big[:, :1, :1], (1, 70, 70))
    out = np.empty((1, 70, 70), np.float32)
    backend("matmul", out, spread, spread, attrs=[1 + 0j, 0j])
    check(out, wide(spread) @ wide(spread), "float32", 70)


def test_empty_inner(backend: Backend) -> None:
    a, b = np.ones((1, 3, 0), np.float32), np.ones((1, 0, 4), np.float32)
    out = np.full((1, 3, 4), 5, np.float32)
    backend("matmul", out, a, b, attrs=[1 + 0j, 0j])
    np.testing.assert_array_equal(out, 0)
    c = np.full((1, 3, 4), 5, np.float32)
    backend("matmul", out, a, b, c, attrs=[1 + 0j, 2 + 0j])
    np.testing.assert_array_equal(out, 10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("size", [*SIZES, (32, 256, 784), (0, 4, 4), (4, 4, 0)])
def test_linear(backend: Backend, dtype: str, size: tuple[int, int, int]) -> None:
    m, n, k = size
    rng = np.random.default_rng(5)
    x, w = make(rng, (m, k), dtype), make(rng, (n, k), dtype)
    bias = make(rng, (n,), dtype)
    for b in (None, bias):
        want = wide(x) @ wide(w).T + (0 if b is None else wide(b))
        for relu in (0, 1):
            out = empty((m, n), dtype)
            backend("linear", out, x, w, b, attrs=[relu])
            check(out, np.maximum(want, 0) if relu else want, dtype, k)


@pytest.mark.parametrize("dtype", FLOATS + INTS)
def test_dot(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(6)
    for n in (0, 1, 5, 64, 1000, 40001):
        a, b = make(rng, (n,), dtype), make(rng, (n,), dtype)
        if dtype in INTS:
            want = np.dot(a.astype(np.int64), b.astype(np.int64))
        else:
            want = np.dot(wide(a), wide(b))
        out = empty((), dtype)
        backend("dot", out, a, b)
        check(out, want, dtype, max(n, 16))
        half = empty((), dtype)
        backend("dot", half, a[::2], b[::2])
        want = wide(a)[::2] @ wide(b)[::2]
        check(half, want, dtype, max(n, 16))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_agree(backend: Backend, threads: int) -> None:
    rng = np.random.default_rng(7)
    backend.set_num_threads(threads)
    try:
        for m, n, k in ((300, 257, 190), (257, 300, 190), (14, 4000, 70)):
            a = make(rng, (1, m, k), "float64")
            b = make(rng, (1, k, n), "float64")
            out = empty((1, m, n), "float64")
            backend("matmul", out, a, b, attrs=[1 + 0j, 0j])
            check(out, a @ b, "float64", k)
    finally:
        backend.set_num_threads(1)
