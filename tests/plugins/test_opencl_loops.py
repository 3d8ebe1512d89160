"""The OpenCL device's reductions, scans, sorts, indexing and products against NumPy in
float64."""

from __future__ import annotations

import numpy as np
import pytest
from opencl_calls import (
    ALL,
    EPS,
    FLOATS,
    INTS,
    Device,
    Scalar,
    Strided,
    cast,
    close,
    needs_device,
    numbers,
    spread,
    wide,
)
from opencl_oracles import convolve

pytestmark = needs_device


@pytest.fixture(scope="module")
def run() -> Device:
    return Device()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261127)


# ---- reductions ----------------------------------------------------------------------
def reduced(run, op, a, axes, dtype):
    """A reduction as the host calls it: the output seen with a's sizes, stride 0."""
    shape = [n for d, n in enumerate(a.shape) if d not in axes]
    out = cast(np.full(shape, 7), dtype)
    steps = iter(s // out.itemsize for s in out.strides)
    strides = [0 if d in axes else next(steps) for d in range(a.ndim)]
    run(op, Strided(out, a.shape, strides), a)
    return out


SHAPES = [
    ((5,), (0,)), ((64, 32, 64), (0, 2)), ((100000,), (0,)), ((7, 300), (1,)),
    ((300, 7), (0,)), ((3, 4, 5), (1,)), ((5000, 3), (1,)), ((3, 70, 2), (0, 1, 2)),
    ((1, 1), (0,)), ((4, 0, 3), (1,)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "axes"), SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int64"])
def test_reductions(run, rng, shape, axes, dtype):
    a = numbers(rng, shape, dtype)
    x = a if dtype == "int64" else wide(a)
    size = np.abs(x).sum(axis=axes)
    out = reduced(run, "sum", a, axes, dtype)
    atol = 4 * EPS[dtype] * size.max() if dtype in EPS and size.size else 0
    close(out, x.sum(axis=axes), 4, atol=atol)
    for op in ("any", "all"):
        want = getattr(np, op)(x, axis=axes)
        np.testing.assert_array_equal(reduced(run, op, a, axes, "bool"), want)
    if a.size:
        np.testing.assert_array_equal(
            wide(reduced(run, "amax", a, axes, dtype)), x.max(axis=axes)
        )
        np.testing.assert_array_equal(
            wide(reduced(run, "amin", a, axes, dtype)), x.min(axis=axes)
        )


def test_products_counts_and_dot(run, rng):
    a = (rng.standard_normal((40, 90)) * 0.1 + 1).astype("float32")
    np.testing.assert_allclose(
        reduced(run, "prod", a, (1,), "float32"), a.astype(float).prod(1), rtol=2e-5
    )
    small = numbers(rng, (3, 8), "int8")
    np.testing.assert_array_equal(
        reduced(run, "prod", small, (1,), "int8"), small.prod(axis=1, dtype=np.int8)
    )
    for view in (a, a[::2, ::-3], a.T, a > 1, a[0, :1]):
        count = run("count_nonzero", np.zeros((), np.int64), view)
        assert count == np.count_nonzero(view)
    x, y = rng.standard_normal((2, 30001))
    out = run("dot", np.zeros(()), x, y[::-1])
    np.testing.assert_allclose(out, x @ y[::-1], rtol=1e-12)


def test_nan_goes_through_extremes(run, rng):
    for n in (10, 5000):
        a = rng.standard_normal((3, n)).astype("float32")
        a[1, n // 2] = np.nan
        for op, f in (("amax", np.max), ("amin", np.min)):
            out = reduced(run, op, a, (1,), "float32")
            np.testing.assert_array_equal(out, f(a, axis=1))
        for op in ("argmax", "argmin"):
            out = run(op, np.zeros((3, 1), np.int64), a, attrs=[1])
            np.testing.assert_array_equal(out[:, 0], getattr(np, op)(a, axis=1))


# ---- along one dimension -------------------------------------------------------------
LINES = [((5,), 0), ((3, 4, 5), 1), ((64, 300), 0), ((3, 1000), 1), ((2, 3000, 2), -2)]


@pytest.mark.parametrize(("shape", "dim"), LINES)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "int64", "bool"])
def test_along_a_dimension(run, rng, shape, dim, dtype):
    a = numbers(rng, shape, dtype)
    for view in (a, np.asfortranarray(a)):
        places = list(shape)
        places[dim] = 1
        for op in ("argmax", "argmin"):
            out = run(op, np.zeros(places, np.int64), view, attrs=[dim])
            want = getattr(np, op)(a, axis=dim, keepdims=True)
            np.testing.assert_array_equal(out, want)
        if dtype in ("float32", "int64"):
            out = run("cumsum", np.empty_like(view), view, attrs=[dim])
            np.testing.assert_allclose(
                out, np.cumsum(wide(a), axis=dim), rtol=1e-5, atol=2e-4
            )
        for descending in (0, 1):
            values, index = np.empty_like(view), np.empty(shape, np.int64)
            run("sort", [values, index], view, attrs=[dim, descending])
            key = -wide(a) if descending else wide(a)
            want = np.argsort(key, axis=dim, kind="stable")
            np.testing.assert_array_equal(index, want)
            np.testing.assert_array_equal(values, np.take_along_axis(a, want, dim))


def test_sort_puts_nan_last_and_first(run):
    a = np.array([3, np.nan, -np.inf, 0, np.nan, np.inf, -0.0], "float32")
    values, index = np.empty_like(a), np.empty(7, np.int64)
    run("sort", [values, index], a, attrs=[0, 0])
    np.testing.assert_array_equal(index, [2, 3, 6, 0, 5, 1, 4])
    run("sort", [values, index], a, attrs=[0, 1])
    np.testing.assert_array_equal(index, [1, 4, 5, 0, 3, 6, 2])


def test_running_products_in_place(run, rng):
    a = (rng.standard_normal((2, 600)) * 0.05 + 1).astype("float32")
    want = np.cumprod(a.astype(float), axis=1)
    np.testing.assert_allclose(run("cumprod", a, a, attrs=[1]), want, rtol=1e-4)


# ---- indexing ------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ALL)
def test_gather_and_scatter(run, rng, dtype):
    a = numbers(rng, (5, 7, 3), dtype)
    index = rng.integers(0, 7, (4, 9, 2))
    out = run("gather", cast(np.zeros((4, 9, 2)), dtype), a, index, attrs=[1])
    want = np.take_along_axis(wide(a)[:4, :, :2], index, 1)
    np.testing.assert_array_equal(wide(out), want)
    rows, _, columns = np.meshgrid(*map(np.arange, index.shape), indexing="ij")
    ufuncs = {1: np.add, 3: np.maximum, 4: np.minimum}
    if dtype != "bool":
        ufuncs[2] = np.multiply
    src = cast(rng.integers(0, 3, (4, 9, 3)), dtype)  # sums of integers are exact
    start = cast(rng.integers(0, 3, (5, 7, 3)), dtype)
    for mode, ufunc in ufuncs.items():
        out = start.copy()
        run("scatter", out, index, src[:, :, :2], attrs=[1, mode])
        want = start.copy() if dtype in (*INTS, "bool") else wide(start)
        values = src if dtype in (*INTS, "bool") else wide(src)
        ufunc.at(want, (rows, index, columns), values[:, :, :2])
        np.testing.assert_array_equal(wide(out), wide(want))
    out = start.copy()
    run("scatter", out, index, Scalar(1, dtype), attrs=[1, 0])
    want = wide(start)
    want[rows, index, columns] = 1
    np.testing.assert_array_equal(wide(out), want)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "int64", "bool"])
def test_index_and_index_put(run, rng, dtype):
    a = numbers(rng, (5, 7, 3), dtype)
    first, last = rng.integers(-5, 5, 6), rng.integers(-3, 3, 6)
    where = [[5, 3], [21, 1]]
    each = [Strided(i, (6, 7), (1, 0)) for i in (first, last)]
    self = Strided(a, (6, 7), (0, 3))
    out = run("index", np.zeros_like(a, shape=(6, 7)), self, *each, attrs=where)
    np.testing.assert_array_equal(out, a[first, :, last])
    values = cast(rng.integers(0, 3, (6, 7)), dtype)
    start = cast(rng.integers(0, 3, (5, 7, 3)), dtype)
    got, want = start.copy(), start.copy()
    target = Strided(got, (6, 7), (0, 3))
    run("index_put", target, *each, values, attrs=[*where, 1])
    np.add.at(want, (first[:, None], np.arange(7), last[:, None]), values)
    np.testing.assert_array_equal(got, want)
    distinct = np.array([4, 0, 2, 1, -2, 3 - 5]), np.array([0, 1, 2, 0, 1, 2])
    each = [Strided(i, (6, 7), (1, 0)) for i in distinct]
    run("index_put", target, *each, values, attrs=[*where, 0])
    want[distinct[0], :, distinct[1]] = values
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("bad", [7, -1, 2**40])
def test_index_out_of_range_names_its_op(run, bad):
    a = np.arange(14.0).reshape(2, 7)
    index = np.full((2, 2), bad)
    with pytest.raises(IndexError, match="gather: index out of range"):
        run("gather", np.zeros((2, 2)), a, index, attrs=[1])
    with pytest.raises(IndexError, match="scatter: index out of range"):
        run("scatter", a.copy(), index, Scalar(1.0, "float64"), attrs=[1, 1])
    if bad != -1:
        with pytest.raises(IndexError, match="index: index out of range"):
            run("index", np.zeros(1), Strided(a, (1,), (0,)), np.array([bad]),
                attrs=[[7], [1]])  # fmt: skip
    out = run("gather", np.zeros((2, 2)), a, index * 0 + 6, attrs=[1])
    np.testing.assert_array_equal(out, [[6, 6], [13, 13]])  # and all is well again


# ---- products ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "sizes", [(1, 3, 4, 5), (2, 64, 64, 64), (3, 65, 100, 70), (1, 1, 1, 1)]
)
@pytest.mark.parametrize("dtype", [*FLOATS, "int64", "int8"])
def test_matmul(run, rng, sizes, dtype):
    b, m, k, n = sizes
    x, y = numbers(rng, (b, m, k), dtype), numbers(rng, (b, k, n), dtype)
    c = numbers(rng, (n,), dtype)
    floats = dtype in FLOATS
    left, right = (wide(x), wide(y)) if floats else (x, y)
    want = left @ right
    scale = np.abs(wide(x)) @ np.abs(wide(y))
    atol = 4 * EPS[dtype] * scale.max() if floats else 0
    out = cast(np.zeros((b, m, n)), dtype)
    for a in (x, x.swapaxes(1, 2).copy().swapaxes(1, 2)):
        for d in (y, y.swapaxes(1, 2).copy().swapaxes(1, 2)):
            close(run("matmul", out, a, d, None, attrs=[1, 0]), want, 4, atol)
    addend = spread(c, (b, m, n))
    out = run("matmul", out, x, y, addend, attrs=[2, 3])
    more = 2 * want + 3 * (wide(c) if floats else c)
    close(out, more, 4, 3 * atol)
    first = Strided(y, (b, k, n), (0, n, 1))  # one matrix for the whole batch
    out = run("matmul", out, x, first, None, attrs=[1, 0])
    close(out, left @ right[:1], 4, atol)


CONVOLUTIONS = {
    "1d": ((2, 3, 11), (5, 3, 4), [[3], [2], [2], 1, 0, [0]]),
    "2d": ((3, 4, 9, 8), (6, 4, 3, 2), [[2, 1], [1, 0], [1, 2], 1, 0, [0, 0]]),
    "3d": ((2, 4, 5, 6, 7), (6, 2, 2, 3, 2),
           [[1, 2, 1], [0, 1, 1], [2, 1, 1], 2, 0, [0, 0, 0]]),
    "tiles": ((3, 33, 8, 8), (70, 33, 3, 3), [[1, 1], [1, 1], [1, 1], 1, 0, [0, 0]]),
    "depthwise": ((2, 6, 9, 9), (6, 1, 3, 3), [[1, 1], [1, 1], [1, 1], 6, 0, [0, 0]]),
    "wide window": ((2, 3, 20, 20), (4, 3, 9, 9),
                    [[1, 1], [4, 4], [1, 1], 1, 0, [0, 0]]),
    "transposed 1d": ((2, 4, 7), (4, 5, 3), [[1], [1], [2], 1, 1, [0]]),
    "transposed 2d": ((2, 4, 5, 6), (4, 3, 3, 2),
                      [[2, 3], [1, 0], [1, 2], 2, 1, [1, 2]]),
    "transposed 3d": ((1, 2, 3, 4, 3), (2, 3, 2, 2, 3),
                      [[2, 1, 2], [0, 0, 1], [1, 1, 1], 1, 1, [1, 0, 0]]),
}  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
def test_convolution(run, rng, case, dtype):
    shape, weight, spec = CONVOLUTIONS[case]
    x, w = numbers(rng, shape, dtype), numbers(rng, weight, dtype)
    want = convolve(wide(x), wide(w), spec)
    atol = 4 * EPS[dtype] * convolve(np.abs(wide(x)), np.abs(wide(w)), spec).max()
    out = cast(np.zeros(want.shape), dtype)
    close(run("convolution", out, x, w, None, attrs=spec), want, 4, atol)
    bias = numbers(rng, want.shape[1:2], dtype)
    turned = x.swapaxes(0, 1).copy().swapaxes(0, 1)
    run("convolution", out, turned, w, bias, attrs=spec)
    more = want + wide(bias).reshape(-1, *[1] * (want.ndim - 2))
    close(out, more, 4, 2 * atol)
