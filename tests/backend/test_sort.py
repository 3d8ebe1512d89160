"""sort, topk, kthvalue and searchsorted against NumPy."""

import numpy as np
import pytest
from harness import Backend, bfloat16, dtype_name, values

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64",
          "float16", "bfloat16", "float32", "float64"]  # fmt: skip
LENGTHS = [0, 1, 2, 17, 127, 128, 129, 300, 5000]


@pytest.fixture(scope="module")
def k() -> Backend:
    return Backend()


def sample(shape, dtype, seed=0, special=True):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in ("float16", "bfloat16", "float32", "float64"):
        x = rng.normal(size=shape) * 10
        if special and x.size > 10:
            flat = x.reshape(-1)
            for v in (np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf, 1.0, 1.0):
                flat[rng.integers(0, x.size, max(1, x.size // 40))] = v
        return bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def like(a, shape=None):
    out = np.empty(a.shape if shape is None else shape, np.asarray(a).dtype)
    return out.view(type(a))


def order(a, axis=-1, descending=False):
    """The stable order with NaN as the largest."""
    v = values(a)
    if v.dtype == bool:
        v = v.astype(np.uint8)
    if not descending:
        return np.argsort(v, axis=axis, kind="stable")
    # Stable and descending: sort the reversed array ascending, then reverse.
    i = np.argsort(np.flip(v, axis), axis=axis, kind="stable")
    return v.shape[axis] - 1 - np.flip(i, axis)


def bits(a):
    return np.ascontiguousarray(np.asarray(a)).view(np.uint8)


def check_sort(k, a, dim, descending):
    out, index = like(a), np.empty(a.shape, np.int64)
    k("sort", [out, index], a, attrs=[dim, int(descending)])
    expected = order(a, dim, descending)
    assert np.array_equal(index, expected)
    taken = np.take_along_axis(np.asarray(a), expected, dim)
    assert np.array_equal(bits(out), bits(taken))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
def test_sort(k, dtype, n):
    for descending in (False, True):
        check_sort(k, sample((n,), dtype, n), 0, descending)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
@pytest.mark.parametrize("dim", [0, 1, 2])
def test_sort_dims_and_strides(k, dtype, dim):
    a = sample((7, 150, 9), dtype)
    check_sort(k, a, dim, False)
    check_sort(k, a.transpose(2, 0, 1), dim, True)
    check_sort(k, a[::-1, ::2, ::3], dim, False)


def test_sort_in_place_keeps_signs(k):
    a = sample((1000,), "float32")
    b, index = a.copy(), np.empty(1000, np.int64)
    k("sort", [b, index], b, attrs=[0, 0])
    assert np.array_equal(index, order(a))
    assert np.array_equal(bits(b), bits(a[index]))


def test_sort_wide_keys_with_ties(k):
    rng = np.random.default_rng(3)
    # Keys of 64 bits whose upper bits agree: the part that does not fit decides.
    a = rng.integers(0, 50, 3000) + rng.integers(0, 4, 3000) * (1 << 61)
    a[:2] = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    check_sort(k, a, 0, False)
    check_sort(k, a, 0, True)
    check_sort(k, np.zeros(3000), 0, True)


def test_sort_large(k):
    check_sort(k, sample((300000,), "float32"), 0, False)
    check_sort(k, sample((300000,), "float64"), 0, True)


def test_sort_of_a_number(k):
    out, index = np.empty((), np.float32), np.empty((), np.int64)
    k("sort", [out, index], np.array(3, np.float32), attrs=[0, 0])
    assert out == 3
    assert index == 0


SELECTIONS = [(1, 1), (10, 3), (64, 64), (1000, 5), (1000, 24), (1000, 25),
              (3000, 700), (500, 500), (20000, 30), (20000, 5000)]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "count"), SELECTIONS)
@pytest.mark.parametrize("largest", [0, 1])
def test_topk(k, dtype, n, count, largest):
    a = sample((3, n), dtype, n)
    out, index = like(a, (3, count)), np.empty((3, count), np.int64)
    k("topk", [out, index], a, attrs=[1, count, largest, 1])
    expected = order(a, 1, bool(largest))[:, :count]
    assert np.array_equal(index, expected)
    taken = np.take_along_axis(np.asarray(a), expected, 1)
    assert np.array_equal(bits(out), bits(taken))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("pool", [(0.0, -0.0), (np.nan,), (np.nan, np.inf),
                                  (np.nan, -np.inf), (np.inf, -np.inf)])  # fmt: skip
@pytest.mark.parametrize("largest", [0, 1])
def test_topk_of_few_distinct_values(k, dtype, pool, largest):
    a = np.random.default_rng(3).choice(np.array(pool, dtype), (3, 200))
    for count in (1, 8, 20):
        out, index = np.empty((3, count), dtype), np.empty((3, count), np.int64)
        k("topk", [out, index], a, attrs=[1, count, largest, 1])
        assert np.array_equal(index, order(a, 1, bool(largest))[:, :count])
        assert np.array_equal(bits(out), bits(np.take_along_axis(a, index, 1)))


def test_topk_strided_and_unsorted(k):
    a = sample((300, 40), "float32", 1)
    out, index = np.empty((30, 40), np.float32), np.empty((30, 40), np.int64)
    k("topk", [out, index], a, attrs=[0, 30, 1, 0])
    assert np.array_equal(np.sort(index, 0), np.sort(order(a, 0, True)[:30], 0))
    assert np.array_equal(bits(out), bits(np.take_along_axis(a, index, 0)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 100, 5000])
def test_kthvalue(k, dtype, n):
    a = sample((2, n), dtype, n)
    for count in {1, (n + 1) // 2, n}:
        out, index = like(a, (2, 1)), np.empty((2, 1), np.int64)
        k("kthvalue", [out, index], a, attrs=[1, count])
        expected = order(a, 1)[:, count - 1 : count]
        assert np.array_equal(index, expected)
        assert np.array_equal(
            bits(out), bits(np.take_along_axis(np.asarray(a), expected, 1))
        )


def test_kthvalue_strided(k):
    a = sample((100, 6), "float64")
    out, index = np.empty((1, 6)), np.empty((1, 6), np.int64)
    k("kthvalue", [out, index], a, attrs=[0, 40])
    assert np.array_equal(index, order(a, 0)[39:40])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 31, 1000])
@pytest.mark.parametrize("right", [0, 1])
def test_searchsorted(k, dtype, n, right):
    a = sample((n,), dtype, 1)
    a = np.take_along_axis(np.asarray(a), order(a), 0).view(type(a))
    x = sample((400,), dtype, 2)
    expected = np.searchsorted(values(a), values(x), "right" if right else "left")
    for wide in (np.int64, np.int32):
        out = k("searchsorted", np.empty(400, wide), a, x, attrs=[right])
        assert np.array_equal(out, expected), dtype_name(a)


def test_searchsorted_batches(k):
    a = np.sort(sample((3, 4, 50), "float32", 1, special=False), -1)
    x = sample((3, 4, 7), "float32", 2, special=False)
    out = k("searchsorted", np.empty(x.shape, np.int64), a, x, attrs=[0])
    for i in np.ndindex(3, 4):
        assert np.array_equal(out[i], np.searchsorted(a[i], x[i]))
    t = np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0)
    assert np.array_equal(
        k("searchsorted", np.empty(x.shape, np.int64), a, t, attrs=[0]), out
    )
    shared = k("searchsorted", np.empty(x.shape, np.int64), a[0, 0], t, attrs=[1])
    assert np.array_equal(shared, np.searchsorted(a[0, 0], x, "right"))
