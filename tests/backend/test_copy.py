"""Copies, conversions and rearrangements against NumPy."""

from __future__ import annotations

import ctypes as C
import mmap

import numpy as np
import pytest
from harness import DTYPES, Backend, Bfloat16, Scalar, bfloat16, values


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def empty(shape: object, dtype: str):
    if dtype == "bfloat16":
        return np.empty(shape, np.uint16).view(Bfloat16)
    return np.empty(shape, dtype)


def make(dtype: str, shape: object):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2 if dtype == "bool" else 100, shape)
    return bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_conversions(backend: Backend, source: str, target: str) -> None:
    for shape in [(1000,), (37, 53)]:
        a = make(source, shape)
        for b in (a, a.T, a[..., ::2], a[..., ::-1]):
            out = backend.iterate("copy", empty(b.shape, target), b)
            want = values(b)
            if want.dtype.kind == "c" and not target.startswith("c"):
                want = want.real if target != "bool" else want != 0
            assert np.array_equal(values(out), want.astype(values(out).dtype))


def test_float_to_ints(backend: Backend) -> None:
    a = np.array([-1.5, 2.7, 255.9, -129.0, 0.3, np.nan], np.float32)
    assert backend("copy", np.empty(5, np.int64), a[:5]).tolist() == [
        -1,
        2,
        255,
        -129,
        0,
    ]
    assert backend("copy", np.empty(4, np.uint8), a[:4]).tolist() == [255, 2, 255, 127]
    assert backend("copy", np.empty(6, bool), a).all()


@pytest.mark.parametrize("size", [1, 5, 16, 31, 33, 100, 257])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "float32", "float64", "complex128"]
)
def test_transposes(backend: Backend, dtype: str, size: int) -> None:
    a = make(dtype, (size, size + 7))
    assert np.array_equal(
        backend.iterate("copy", np.empty((size + 7, size), dtype), a.T), a.T
    )
    b = make(dtype, (3, size, 4, 17))
    for order in [(0, 3, 1, 2), (3, 2, 1, 0), (0, 2, 3, 1), (2, 0, 3, 1)]:
        want = b.transpose(order)
        assert np.array_equal(
            backend.iterate("copy", np.empty(want.shape, dtype), want), want
        )


@pytest.mark.parametrize("dtype", DTYPES)
def test_fill(backend: Backend, dtype: str) -> None:
    out = empty((41, 77), dtype)
    backend.iterate("fill", out, Scalar(1, dtype))
    assert np.all(values(out) == 1)
    backend.iterate("fill", out[::2, ::3], Scalar(0, dtype))
    assert np.all(values(out[::2, ::3]) == 0) and np.all(values(out[1::2]) == 1)


def test_complex_parts(backend: Backend) -> None:
    re, im = make("float32", 100), make("float32", 100) + 1
    z = backend("make_complex", np.empty(100, np.complex64), re, im)
    assert np.array_equal(z, re + 1j * im)
    z = backend("polar", np.empty(100, np.complex64), re, im)
    np.testing.assert_allclose(z, re * np.exp(1j * im.astype(np.float64)), 1e-6, 1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "complex128"])
def test_cat(backend: Backend, dtype: str) -> None:
    a, b, c = make(dtype, (3, 40, 5)), make(dtype, (3, 17, 5)), make(dtype, (5, 0, 3))
    want = np.concatenate([a, b, c.transpose(2, 1, 0)], 1)
    out = backend(
        "cat", np.empty(want.shape, dtype), a, b, c.transpose(2, 1, 0), attrs=[1]
    )
    assert np.array_equal(out, want)
    t = make(dtype, (5, 40, 3)).transpose(2, 1, 0)
    out = backend("cat", np.empty((6, 40, 5), dtype), a, t, attrs=[0])
    assert np.array_equal(out, np.concatenate([a, t]))


@pytest.mark.parametrize(
    "dtype", ["uint8", "int16", "float32", "float64", "complex128"]
)
def test_flip_and_roll(backend: Backend, dtype: str) -> None:
    a = np.random.default_rng(1).integers(0, 100, (5, 70, 33)).astype(dtype)
    for dims in [(0,), (2,), (1, 2), (0, 1, 2), ()]:
        assert np.array_equal(
            backend("flip", np.empty_like(a), a, attrs=[dims]), np.flip(a, dims)
        )
    for shifts, dims in [
        ((7,), (2,)),
        ((-3, 40), (0, 1)),
        ((0,), (1,)),
        ((100,), (2,)),
    ]:
        out = backend("roll", np.empty_like(a), a, attrs=[dims, shifts])
        assert np.array_equal(out, np.roll(a, shifts, dims))


@pytest.mark.parametrize("k", [-(2**63), -100, -3, 0, 1, 30, 100, 2**63 - 1])
def test_triangles(backend: Backend, k: int) -> None:
    a = np.random.default_rng(2).standard_normal((3, 40, 57)).astype(np.float32)
    for m in (a, a.transpose(0, 2, 1), a[:, :, ::2]):
        for op, ref in (("tril", np.tril), ("triu", np.triu)):
            out = backend(op, np.empty(m.shape, np.float32), m, attrs=[k])
            want = ref(m, min(max(k, -100), 100))
            assert np.array_equal(out, want)
            assert np.array_equal(backend(op, out, out, attrs=[k]), want)


def aligned(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """An empty array that begins with a line of the cache, as tensors do."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


# Outputs of more than 8 MiB are written past the caches.
@pytest.mark.parametrize(
    "shape", [(1100, 2048), (1513, 1509), (40, 65536), (2064, 1040)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large(backend: Backend, dtype: str, shape: tuple[int, int]) -> None:
    a = np.random.default_rng(3).standard_normal(shape).astype(dtype)
    turned = backend.iterate("copy", aligned(shape[::-1], dtype), a.T)
    assert np.array_equal(turned, a.T)
    total = backend.iterate("add", aligned(shape[::-1], dtype), turned, a.T)
    assert np.array_equal(total, a.T + a.T)
    flipped = backend("flip", aligned(shape, dtype), a, attrs=[(1,)])
    assert np.array_equal(flipped, a[:, ::-1])
    for shift in (0, 7, 48, -1):
        out = backend("roll", aligned(shape, dtype), a, attrs=[(1,), (shift,)])
        assert np.array_equal(out, np.roll(a, shift, 1))
    for op, ref in (("tril", np.tril), ("triu", np.triu)):
        for k in (-5, 0, 33):
            out = backend(op, aligned(shape, dtype), a, attrs=[k])
            assert np.array_equal(out, ref(a, k))
    for target in ("int64", "float64", "float32"):
        out = backend.iterate("copy", aligned(shape, target), a * 1000)
        assert np.array_equal(out, (a * 1000).astype(target))
    single = a.astype(np.float32)
    half = backend.iterate("copy", aligned(shape, "float16"), single)
    assert np.array_equal(half, single.astype(np.float16))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_wide_integers(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(4)
    for scale in (1e3, 1e9, 1e12, 1e15, 9e18):
        x = rng.uniform(-scale, scale, 1003)
        a, i = x.astype(dtype), x.astype(np.int64)
        out = backend("copy", np.empty(a.shape, np.int64), a)
        assert np.array_equal(out, a.astype(np.int64))
        assert np.array_equal(
            backend("copy", np.empty(i.shape, dtype), i), i.astype(dtype)
        )


@pytest.mark.parametrize("op", ["cat", "clamp"])
def test_call_of_an_older_host(backend: Backend, op: str) -> None:
    # The host's struct may be shorter than the backend's header has it: what lies
    # behind it, here a page that cannot be read, is not touched.
    a, out = np.arange(-3.0, 3.0), np.zeros(6)
    low, attrs = (np.array([-1.0] * 6), ()) if op == "clamp" else (None, (0,))
    call = backend.prepare(op, out, *(a, low) if op == "clamp" else (a,), attrs=attrs)
    pages = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    end = C.addressof(C.c_char.from_buffer(pages)) + mmap.PAGESIZE
    assert C.CDLL(None).mprotect(C.c_void_p(end), mmap.PAGESIZE, 0) == 0
    size = C.sizeof(call.call)
    C.memmove(end - size, C.byref(call.call), size)
    call.pointer = C.cast(end - size, type(call.pointer))
    call.check()
    assert np.array_equal(out, np.maximum(a, -1.0) if op == "clamp" else a)
