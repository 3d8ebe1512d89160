"""Gather, scatter and indexing kernels against NumPy."""

import numpy as np
import pytest
from harness import INDEX_ERROR, Backend, KernelError, Scalar, bfloat16, values

DTYPES = ["bool", "uint8", "int16", "int32", "int64", "float16", "bfloat16",
          "float32", "float64", "complex64", "complex128"]  # fmt: skip


@pytest.fixture(scope="module")
def k() -> Backend:
    return Backend()


def sample(shape, dtype="float32", seed=0):
    x = np.random.default_rng(seed).integers(0, 60, shape)
    return bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)


def like(a, shape, fill=0):
    out = np.full(shape, fill, np.asarray(a).dtype)
    return out.view(type(a))


def wide(a):
    """The values in a type that holds sums of them."""
    v = values(a)
    return v if v.dtype == bool else v.astype(complex if v.dtype.kind == "c" else float)


def raw(a):
    return np.asarray(a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_gather(k, dtype, dim):
    a = sample((5, 40, 7), dtype)
    rng = np.random.default_rng(1)
    shape = [5, 40, 7]
    shape[dim] = 300
    index = rng.integers(0, a.shape[dim], shape)
    expected = np.take_along_axis(raw(a), index, dim)
    out = k("gather", like(a, shape), a, index, attrs=[dim])
    assert np.array_equal(raw(out), expected)
    strided = np.asfortranarray(index)
    t = np.asfortranarray(raw(a)).view(type(a))
    out = like(a, (*shape[:2], 2 * shape[2]))[..., ::2]
    assert np.array_equal(raw(k("gather", out, t, strided, attrs=[dim])), expected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("start", [0, 3])
def test_gather_large(k, dtype, start):
    """Past the caches, from addresses that fit whole vectors and from others."""
    rng = np.random.default_rng(2)
    a = rng.standard_normal((700, 50)).astype(dtype)
    index = rng.integers(0, 50, (700, 4003))
    out = np.zeros(700 * 4003 + start, dtype)[start:].reshape(700, 4003)
    k("gather", out, a, index, attrs=[1])
    assert np.array_equal(out, np.take_along_axis(a, index, 1))
    index[690, 4001] = 50
    with pytest.raises(KernelError, match="out of"):
        k("gather", out, a, index, attrs=[1])


def test_gather_part_expanded_and_empty(k):
    a = sample((6, 8))
    index = np.array([[3], [1]])
    expected = np.take_along_axis(a[:2], np.broadcast_to(index, (2, 1)), 1)
    assert np.array_equal(k("gather", like(a, (2, 1)), a, index, attrs=[1]), expected)
    rows = np.broadcast_to(np.array([[5], [0], [2]]), (3, 8))
    assert np.array_equal(
        k("gather", like(a, (3, 8)), a, rows, attrs=[0]), a[[5, 0, 2]]
    )
    k("gather", like(a, (0, 8)), a, np.empty((0, 8), np.int64), attrs=[0])
    one = k("gather", np.empty((), np.float32), np.array(7, np.float32),
            np.array(0), attrs=[0])  # fmt: skip
    assert one == 7


@pytest.mark.parametrize("op", ["gather", "scatter", "index_select", "embedding"])
@pytest.mark.parametrize("bad", [-1, 5, 1 << 40])
def test_out_of_range(k, op, bad):
    a = sample((5, 4))
    index = np.zeros((700, 4), np.int64)
    index[631, 2] = bad
    one = np.zeros(700, np.int64)
    one[631] = bad
    calls = {
        "gather": (like(a, (700, 4)), a, index),
        "scatter": (a.copy(), index, like(a, (700, 4))),
        "index_select": (like(a, (700, 4)), a, one),
        "embedding": (like(a, (700, 4)), a, one),
    }
    attrs = {"scatter": [0, 0], "embedding": []}.get(op, [0])
    with pytest.raises(KernelError) as e:
        k(op, *calls[op], attrs=attrs)
    assert e.value.status == INDEX_ERROR
    assert e.value.message == (
        f"index {bad} is out of bounds for dimension 0 with size 5"
    )


MODES = [np.add, np.multiply, np.maximum, np.minimum]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1])
def test_scatter(k, dtype, dim):
    rng = np.random.default_rng(2)
    a, src = sample((6, 5), dtype), sample((4, 3), dtype, 3)
    index = rng.integers(0, a.shape[dim], (4, 3))
    for mode in range(5):
        if mode >= 3 and "complex" in dtype:
            continue
        v, s = values(a).copy(), values(src)
        if dtype.startswith("float") or dtype == "bfloat16":
            v = v.astype(np.float64)
        for i, j in np.ndindex(4, 3):
            at = (index[i, j], j) if dim == 0 else (i, index[i, j])
            v[at] = s[i, j] if mode == 0 else MODES[mode - 1](v[at], s[i, j])
        out = k("scatter", a.copy(), index, src, attrs=[dim, mode])
        tolerance = {"bfloat16": 3e-2, "float16": 3e-3}.get(dtype, 1e-6)
        if dtype in ("float16", "bfloat16") and mode == 2:
            v = np.where(np.abs(v) > 6e4, values(out), v)  # beyond float16
        np.testing.assert_allclose(
            values(out).astype(complex), v.astype(complex), rtol=tolerance
        )


def test_scatter_scalar_strides_nan(k):
    a = np.zeros((4, 6), np.float32)
    index = np.array([[0, 3, 3], [1, 1, 5]])
    k("scatter", a[::2], index, Scalar(2.5, "float32"), attrs=[1, 0])
    expected = np.zeros((4, 6))
    expected[0, [0, 3]] = expected[2, [1, 5]] = 2.5
    assert np.array_equal(a, expected)
    for mode in (3, 4):
        b = np.array([1, np.nan, 1], np.float32)
        k("scatter", b, np.array([0, 1, 2]), np.array([np.nan, 0, 5], np.float32),
          attrs=[0, mode])  # fmt: skip
        assert np.isnan(b[:2]).all()
        assert b[2] == (5 if mode == 3 else 1)


def test_scatter_add_many_duplicates(k):
    rng = np.random.default_rng(4)
    index, v = rng.integers(0, 100, 100000), rng.normal(size=100000)
    expected = np.bincount(index, v, 100)
    first = k("scatter", np.zeros(100), index, v, attrs=[0, 1])
    np.testing.assert_allclose(first, expected, rtol=1e-12)
    for _ in range(3):
        assert np.array_equal(
            k("scatter", np.zeros(100), index, v, attrs=[0, 1]), first
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_index_select(k, dtype, dim):
    a = sample((6, 7, 8), dtype)
    index = np.random.default_rng(0).integers(0, a.shape[dim], 20)
    expected = np.take(raw(a), index, dim)
    assert np.array_equal(
        raw(k("index_select", like(a, expected.shape), a, index, attrs=[dim])), expected
    )
    t = raw(a).transpose(2, 1, 0)
    expected = np.take(t, index % t.shape[dim], dim)
    out = like(a, expected.shape)
    k("index_select", out, t.view(type(a)), (index % t.shape[dim])[::1], attrs=[dim])
    assert np.array_equal(raw(out), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("alpha", [1.0, -2.0])
def test_index_add(k, dtype, alpha):
    if dtype in ("bool", "uint8") and alpha < 0:
        pytest.skip("an unsigned or bool tensor has no negative factor")
    a, index = sample((6, 5), dtype), np.array([1, 5, 1, 0])
    for dim in (0, 1):
        index = index % a.shape[dim]
        src = sample((4, 5) if dim == 0 else (6, 4), dtype, 5)
        v = wide(a).copy()
        at = (index,) if dim == 0 else (slice(None), index)
        np.add.at(v, at, values(src) if dtype == "bool" else alpha * values(src))
        out = k("index_add", a.copy(), index, src, attrs=[dim, alpha])
        rtol = {"bfloat16": 2e-2, "float16": 2e-3}.get(dtype, 1e-6)
        np.testing.assert_allclose(values(out), v.astype(values(out).dtype), rtol=rtol)


def strides_of(a, dims):
    return [a.strides[d] // a.itemsize for d in dims]


def read(k, a, *index):
    """a[index] for leading integer arrays, as the host calls the kernel."""
    count, shape = len(index), np.broadcast_shapes(*(i.shape for i in index))
    rest = a.shape[count:]
    out = np.empty(shape + rest, a.dtype)
    view = np.lib.stride_tricks.as_strided(
        a, shape + rest, (0,) * len(shape) + a.strides[count:]
    )
    spread = [i.reshape(i.shape + (1,) * len(rest)) for i in index]
    dims = range(count)
    attrs = [[a.shape[d] for d in dims], strides_of(a, dims)]
    return k.iterate("index", out, view, *spread, attrs=attrs)


@pytest.mark.parametrize(
    "dtype", ["uint8", "float16", "float32", "int64", "complex128"]
)
def test_index(k, dtype):
    a = sample((9, 8, 5), dtype)
    rng = np.random.default_rng(1)
    i, j = rng.integers(-9, 9, (300, 3)), rng.integers(-8, 8, (300, 3))
    assert np.array_equal(read(k, a, i), a[i])
    assert np.array_equal(read(k, a, i, j), a[i, j])
    assert np.array_equal(
        read(k, a[::2, ::-1], i % 5, j[:1]), a[::2, ::-1][i % 5, j[:1]]
    )
    flat = a.reshape(-1)
    n = rng.integers(-360, 360, 5000)
    assert np.array_equal(read(k, flat, n), flat[n])
    assert read(k, flat, n[:0]).size == 0


def test_index_out_of_range(k):
    a = sample((9, 8))
    with pytest.raises(KernelError, match="index 9 is out of bounds for dimension 0"):
        read(k, a, np.array([0, -9, 9]))
    with pytest.raises(KernelError, match="index -9 .* dimension 1 with size 8") as e:
        read(k, a, np.array([0, 1]), np.array([0, -9]))
    assert e.value.status == INDEX_ERROR


def write(k, a, index, v, accumulate):
    count, shape = len(index), np.broadcast_shapes(*(i.shape for i in index))
    rest = a.shape[count:]
    view = np.lib.stride_tricks.as_strided(
        np.asarray(a), shape + rest, (0,) * len(shape) + a.strides[count:]
    ).view(type(a))
    spread = [i.reshape(i.shape + (1,) * len(rest)) for i in index]
    spread = [np.broadcast_to(i, shape + rest) for i in spread]
    v = np.broadcast_to(np.asarray(v), shape + rest).view(type(v))
    attrs = [
        [a.shape[d] for d in range(count)],
        strides_of(a, range(count)),
        accumulate,
    ]
    k("index_put", view, *spread, v, attrs=attrs)
    return a


@pytest.mark.parametrize("dtype", DTYPES)
def test_index_put(k, dtype):
    rng = np.random.default_rng(1)
    i, j = rng.integers(-6, 6, 40), rng.integers(-7, 7, 40)
    a = sample((6, 7, 3), dtype)
    rows, cells = sample((40, 7, 3), dtype, 1), sample((40, 3), dtype, 2)
    expected = raw(a).copy()
    for n in range(40):
        expected[i[n]] = raw(rows)[n]
    assert np.array_equal(raw(write(k, a.copy(), [i], rows, 0)), expected)
    expected = raw(a).copy()
    for n in range(40):
        expected[i[n], j[n]] = raw(cells)[n]
    assert np.array_equal(raw(write(k, a.copy(), [i, j], cells, 0)), expected)
    v = wide(a).copy()
    np.add.at(v, (i, j), values(cells))
    if dtype == "uint8":
        v = v % 256
    out = values(write(k, a.copy(), [i, j], cells, 1))
    rtol = {"bfloat16": 2e-2, "float16": 2e-3}.get(dtype, 1e-6)
    np.testing.assert_allclose(out, v.astype(out.dtype), rtol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
def test_embedding(k, dtype):
    w = sample((50, 24), dtype)
    index = np.random.default_rng(0).integers(0, 50, (3, 17))
    out = k("embedding", like(w, (3, 17, 24)), w, index)
    assert np.array_equal(raw(out), raw(w)[index])


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"]
)
@pytest.mark.parametrize("padding", [-1, 3])
def test_embedding_backward(k, dtype, padding):
    rng = np.random.default_rng(0)
    index = rng.integers(0, 40, (5, 30))
    g = sample((5, 30, 24), dtype)
    expected = np.zeros((50, 24), complex)
    np.add.at(expected, index[index != padding], values(g)[index != padding])
    out = k("embedding_backward", like(g, (50, 24), 9), g, index, attrs=[padding])
    rtol = {"bfloat16": 1e-2, "float16": 1e-3}.get(dtype, 1e-6)
    np.testing.assert_allclose(values(out).astype(complex), expected, rtol=rtol)


def test_embedding_backward_large_and_errors(k):
    rng = np.random.default_rng(0)
    index, g = (
        rng.integers(0, 60000, 500),
        rng.normal(size=(500, 48)).astype(np.float32),
    )
    expected = np.zeros((60000, 48), np.float32)
    np.add.at(expected, index, g)
    out = k(
        "embedding_backward", np.full((60000, 48), 3, np.float32), g, index, attrs=[-1]
    )
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)
    empty = np.empty(0, np.int64)
    out = k(
        "embedding_backward", np.full((4, 3), 3.0), np.empty((0, 3)), empty, attrs=[-1]
    )
    assert not out.any()
    index[7] = 60000
    with pytest.raises(KernelError, match="index 60000 .* size 60000"):
        k("embedding_backward", np.empty((60000, 48), np.float32), g, index, attrs=[-1])
