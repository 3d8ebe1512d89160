"""Linear algebra and Fourier transforms: by what defines each result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import LINALG_ERROR, Backend, KernelError

DTYPES = ["float32", "float64", "complex64", "complex128"]
SIZES = [(1, 1, 1), (3, 5, 5), (2, 7, 4), (2, 4, 7), (1, 60, 60), (0, 3, 3), (2, 0, 0)]
SQUARE = [s for s in SIZES if s[1] == s[2]]


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def make(shape: Any, dtype: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape)
    if dtype.startswith("complex"):
        a = a + 1j * rng.standard_normal(shape)
    return a.astype(dtype)


def adjoint(a: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(a, -1, -2))


def real(dtype: str) -> str:
    return {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)


def complex_of(dtype: str) -> str:
    return {"float32": "complex64", "float64": "complex128"}.get(dtype, dtype)


def close(got: Any, want: Any, dtype: str, scale: float = 1) -> None:
    t = 2e-4 if real(dtype) == "float32" else 1e-11
    np.testing.assert_allclose(got, want, rtol=t, atol=t * scale)


def unit_columns(a: np.ndarray, dtype: str) -> None:
    eye = np.eye(a.shape[-1])
    close(adjoint(a) @ a, np.broadcast_to(eye, (*a.shape[:-2], *eye.shape)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SQUARE, ids=str)
def test_cholesky(backend: Backend, dtype: str, size: Any) -> None:
    a = make(size, dtype)
    a = a @ adjoint(a) + 3 * np.eye(size[1], dtype=dtype)
    out, info = np.ones_like(a), np.ones(size[0], np.int32)
    backend("cholesky", [out, info], a, attrs=[0])
    close(out @ adjoint(out), a, dtype, 10)
    np.testing.assert_array_equal(out, np.tril(out))
    backend("cholesky", [out, info], a, attrs=[1])
    close(adjoint(out) @ out, a, dtype, 10)
    assert not info.any()


def test_cholesky_info(backend: Backend) -> None:
    a = np.array([[1.0, 2], [2, 1]])[None]
    info = np.zeros(1, np.int32)
    backend("cholesky", [np.empty_like(a), info], a, attrs=[0])
    assert info[0] == 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_lu(backend: Backend, dtype: str, size: Any) -> None:
    b, m, n = size
    a, k = make(size, dtype), min(m, n)
    lu, info = np.ones_like(a), np.ones(b, np.int32)
    pivots = np.ones((b, k), np.int32)
    backend("lu_factor", [lu, pivots, info], a)
    for i in range(b):
        left = np.tril(lu[i, :, :k], -1) + np.eye(m, k)
        rows = np.arange(m)
        for j, p in enumerate(pivots[i]):
            rows[[j, p - 1]] = rows[[p - 1, j]]
        close(left @ np.triu(lu[i, :k]), a[i][rows], dtype, 10)
    if m != n:
        return
    rhs = make((b, n, 3), dtype, 1)
    for mode, op in enumerate((a, np.swapaxes(a, 1, 2), adjoint(a))):
        x = np.ones_like(rhs)
        backend("lu_solve", x, lu, pivots, rhs, attrs=[mode])
        close(op @ x, rhs, dtype, 30)
    inverse = np.ones_like(a)
    backend("inv", [inverse, info], a)
    close(inverse @ a, np.broadcast_to(np.eye(n), a.shape), dtype, 30)
    assert not info.any()


def test_inv_singular(backend: Backend) -> None:
    a, info = np.ones((1, 2, 2)), np.zeros(1, np.int32)
    backend("inv", [np.empty_like(a), info], a)
    assert info[0] == 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("upper", [0, 1])
@pytest.mark.parametrize("unit", [0, 1])
@pytest.mark.parametrize("transpose", [0, 1, 2])
def test_triangular(
    backend: Backend, dtype: str, upper: int, unit: int, transpose: int
) -> None:
    full = make((2, 6, 6), dtype) + 4 * np.eye(6, dtype=dtype)
    rhs, x = make((2, 6, 3), dtype, 1), np.ones((2, 6, 3), dtype)
    backend("triangular_solve", x, full, rhs, attrs=[upper, unit, transpose])
    a = np.triu(full) if upper else np.tril(full)
    if unit:
        a = a - np.eye(6) * a + np.eye(6)
    a = [a, np.swapaxes(a, 1, 2), adjoint(a)][transpose]
    close(a @ x, rhs, dtype, 10 * float(np.abs(x).max()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("complete", [0, 1])
def test_qr(backend: Backend, dtype: str, size: Any, complete: int) -> None:
    b, m, n = size
    a, k = make(size, dtype), m if complete else min(m, n)
    q, r = np.ones((b, m, k), dtype), np.ones((b, k, n), dtype)
    backend("qr", [q, r], a, attrs=[complete])
    close(q @ r, a, dtype, 5)
    unit_columns(q, dtype)
    np.testing.assert_array_equal(r, np.triu(r))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("full", [0, 1])
def test_svd(backend: Backend, dtype: str, size: Any, full: int) -> None:
    b, m, n = size
    a, k = make(size, dtype), min(m, n)
    u = np.ones((b, m, m if full else k), dtype)
    vh = np.ones((b, n if full else k, n), dtype)
    s = np.ones((b, k), real(dtype))
    backend("svd", [u, s, vh], a, attrs=[full, 1])
    close((u[..., :k] * s[:, None]) @ vh[:, :k], a, dtype, 5)
    unit_columns(u, dtype)
    unit_columns(adjoint(vh), dtype)
    assert (np.diff(s) <= 0).all()
    only = np.ones_like(s)
    backend("svd", [None, only, None], a, attrs=[full, 0])
    close(only, s, dtype, 10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SQUARE, ids=str)
@pytest.mark.parametrize("upper", [0, 1])
def test_eigh(backend: Backend, dtype: str, size: Any, upper: int) -> None:
    a = make(size, dtype)
    a = (a + adjoint(a)) / 2
    half = np.triu(a) if upper else np.tril(a)
    v, w = np.ones_like(a), np.ones(size[:2], real(dtype))
    backend("eigh", [w, v], half, attrs=[upper, 1])
    close(a @ v, v * w[:, None], dtype, 10)
    unit_columns(v, dtype)
    assert (np.diff(w) >= 0).all()
    only = np.ones_like(w)
    backend("eigh", [only, None], half, attrs=[upper, 0])
    close(only, w, dtype, 10)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SQUARE, ids=str)
def test_eig(backend: Backend, dtype: str, size: Any) -> None:
    a = make(size, dtype)
    kind = complex_of(dtype)
    v, w = np.ones(a.shape, kind), np.ones(size[:2], kind)
    backend("eig", [w, v], a, attrs=[1])
    close(a @ v, v * w[:, None], dtype, 20)
    close(np.linalg.norm(v, axis=1), np.ones(size[:2]), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 5, 5), (2, 9, 4), (2, 4, 9)], ids=str)
def test_lstsq(backend: Backend, dtype: str, size: Any) -> None:
    b, m, n = size
    a, rhs = make(size, dtype), make((b, m, 2), dtype, 1)
    x, rank = np.ones((b, n, 2), dtype), np.ones(b, np.int64)
    s = np.ones((b, min(m, n)), real(dtype))
    backend("lstsq", [x, rank, s], a, rhs, attrs=[1e-6])
    for i in range(b):
        close(x[i], np.linalg.lstsq(a[i], rhs[i], rcond=None)[0], dtype, 5)
        close(s[i], np.linalg.svd(a[i], compute_uv=False), dtype, 5)
    assert (rank == min(m, n)).all()


def test_nan_does_not_hang(backend: Backend) -> None:
    a = np.full((1, 4, 4), np.nan)
    try:
        backend("eigh", [np.ones((1, 4)), np.ones_like(a)], a, attrs=[0, 1])
    except KernelError as e:
        assert e.status == LINALG_ERROR


LENGTHS = [1, 2, 3, 8, 12, 30, 31, 97, 128, 1000]


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("n", LENGTHS)
def test_fft(backend: Backend, dtype: str, n: int) -> None:
    for shape, dims in (((3, n), (1,)), ((n, 3), (0,)), ((2, n, 4), (1,))):
        a, out = make(shape, dtype), np.ones(shape, dtype)
        backend("fft_c2c", out, a, attrs=[dims, 1, 1.0])
        close(out, np.fft.fftn(a, axes=dims), dtype, 5 * n**0.5)
        backend("fft_c2c", out, a, attrs=[dims, 0, 1.0 / n])
        close(out, np.fft.ifftn(a, axes=dims), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", LENGTHS)
def test_real_fft(backend: Backend, dtype: str, n: int) -> None:
    kind, half = complex_of(dtype), n // 2 + 1
    for shape, dims in (((3, n), (1,)), ((n, 3), (0,)), ((2, 5, n), (1, 2))):
        last = dims[-1]
        a = make(shape, dtype)
        out = np.ones([half if d == last else s for d, s in enumerate(shape)], kind)
        backend("fft_r2c", out, a, attrs=[dims, 1.0])
        close(out, np.fft.rfftn(a, axes=dims), dtype, 5 * n)
        back = np.ones(shape, dtype)
        scale = 1.0 / np.prod([shape[d] for d in dims])
        backend("fft_c2r", back, out, attrs=[dims, float(scale)])
        close(back, a, dtype)


def test_fft_of_strided_input(backend: Backend) -> None:
    a = make((6, 8, 4), "complex128").transpose(2, 0, 1)[:, ::2]
    out = np.ones(a.shape, "complex128")
    backend("fft_c2c", out, a, attrs=[(0, 1, 2), 1, 1.0])
    close(out, np.fft.fftn(a), "complex128", 10)
