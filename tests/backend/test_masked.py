"""Selection by masks, regular sequences and histograms against NumPy."""

import numpy as np
import pytest
from harness import INDEX_ERROR, Backend, KernelError, bfloat16, values

DTYPES = ["bool", "uint8", "int16", "int32", "int64", "float16", "bfloat16",
          "float32", "float64", "complex64", "complex128"]  # fmt: skip


@pytest.fixture(scope="module")
def k() -> Backend:
    return Backend()


def sample(shape, dtype="float32", density=0.5, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 60, shape) * (rng.random(shape) < density)
    return bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("density", [0.0, 0.03, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(0,), (1,), (64,), (1000,), (30, 70), (3, 4, 5, 6)])
def test_nonzero(k, dtype, density, shape):
    a = sample(shape, dtype, density)
    expected = np.argwhere(values(a))
    count = k("count_nonzero", np.empty((), np.int64), a)
    assert count == len(expected)
    guard = np.full((len(expected) + 1, len(shape)), -7)
    k("nonzero", guard[:-1], a)
    assert np.array_equal(guard[:-1], expected)
    assert np.all(guard[-1] == -7)


def test_nonzero_strided(k):
    a = sample((40, 30), "int32", 0.3).T[::2]
    expected = np.argwhere(a)
    assert k("count_nonzero", np.empty((), np.int64), a) == len(expected)
    out = np.empty((2, len(expected)), np.int64).T
    assert np.array_equal(k("nonzero", out, a), expected)
    b = sample((200,), "float32", 0.3)[::-2]
    out = np.empty((np.count_nonzero(b), 1), np.int64)
    assert np.array_equal(k("nonzero", out, b), np.argwhere(b))
    special = np.array([np.nan, -0.0, 0.0, 1e-45], np.float32)
    assert k("count_nonzero", np.empty((), np.int64), special) == 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 1000])
def test_masked_select(k, dtype, density, n):
    a, mask = sample((n,), dtype, 1.0), sample((n,), "bool", density, 1)
    expected = np.asarray(a)[mask]
    guard = np.zeros(len(expected) + 1, np.asarray(a).dtype)
    guard.view(np.uint8)[:] = 0xAB
    out = guard[:-1].view(type(a))
    k("masked_select", out, a, mask)
    assert np.array_equal(np.asarray(out), expected)
    assert np.all(guard[-1:].view(np.uint8) == 0xAB)


def test_masked_select_strided(k):
    a, mask = sample((50, 40)).T, sample((40, 100), "bool", 0.4, 3)[:, ::2]
    out = np.empty(mask.sum(), np.float32)
    assert np.array_equal(k("masked_select", out, a, mask), a[mask])
    wide = np.empty(2 * mask.sum(), np.float32)[::2]
    assert np.array_equal(k("masked_select", wide, a, mask), a[mask])
    row = np.broadcast_to(mask[0], mask.shape)
    out = np.empty(row.sum(), np.float32)
    assert np.array_equal(k("masked_select", out, a, row), a[row])


@pytest.mark.parametrize("dtype", ["bool", "float16", "float32", "complex128"])
def test_masked_scatter(k, dtype):
    a, mask = sample((30, 70), dtype, 1.0), sample((30, 70), "bool", 0.4, 3)
    source = sample((2500,), dtype, 1.0, 4)
    expected = a.copy()
    expected[mask] = source[: mask.sum()]
    assert np.array_equal(k("masked_scatter", a.copy(), mask, source), expected)
    t = np.asfortranarray(a)
    assert np.array_equal(k("masked_scatter", t, mask, source), expected)
    with pytest.raises(KernelError, match="masked_scatter: expected as many"):
        k("masked_scatter", a.copy(), mask, source[: mask.sum() - 1])
    k("masked_scatter", a.copy(), mask, source[: mask.sum()])


@pytest.mark.parametrize("bins", [1, 10, 2048, 2049, 10000])
@pytest.mark.parametrize("n", [0, 3, 50001])
def test_bincount(k, bins, n):
    x = np.random.default_rng(0).integers(0, bins, n)
    expected = np.bincount(x, minlength=bins)
    assert np.array_equal(k("bincount", np.full(bins, 9), x), expected)
    strided = np.repeat(x, 2)[::2]
    assert np.array_equal(k("bincount", np.full(bins, 9), strided), expected)
    w = np.random.default_rng(1).random(n)
    out = k("bincount", np.full(bins, 9.0), x, w)
    np.testing.assert_allclose(out, np.bincount(x, w, bins), rtol=1e-12)


@pytest.mark.parametrize("bad", [-1, 10])
def test_bincount_out_of_range(k, bad):
    x = np.zeros(1001, np.int64)
    x[700] = bad
    with pytest.raises(KernelError, match=f"index {bad} ") as e:
        k("bincount", np.empty(10, np.int64), x)
    assert e.value.status == INDEX_ERROR


@pytest.mark.parametrize(
    "dtype", ["float16", "bfloat16", "float32", "float64", "int32"]
)
def test_histc(k, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-64, 64, (50, 40)) / (1 if dtype == "int32" else 16)
    a = bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)
    lo, hi = float(values(a).min()) / 2, float(values(a).max())
    out = k("histc", np.empty(16, np.float32), a, attrs=[lo, hi])
    assert np.array_equal(out, np.histogram(values(a), 16, (lo, hi))[0])
    t = k("histc", np.empty(16, np.float32), a.T[::1], attrs=[lo, hi])
    assert np.array_equal(t, out)
    nan = np.array([np.nan, 1, 2, np.inf], np.float32)
    assert k("histc", np.empty(2, np.float32), nan, attrs=[0.0, 2.0]).tolist() == [0, 2]


@pytest.mark.parametrize("dtype", DTYPES)
def test_iota(k, dtype):
    whole = dtype in ("bool", "uint8", "int16", "int32", "int64")
    out = sample((100,), dtype)
    if whole:
        k("iota", out, attrs=[3, 2])
        assert np.array_equal(out, (3 + 2 * np.arange(100)).astype(dtype))
    else:
        k("iota", out, attrs=[complex(-3, 0), complex(0.5, 0)])
        assert np.array_equal(values(out), -3 + 0.5 * np.arange(100))
    assert k("iota", np.empty(0, np.int64), attrs=[3, 2]).size == 0


def test_iota_large_integers_and_strides(k):
    out = np.zeros(10, np.int64)[::-1]
    k("iota", out, attrs=[2**62 + 1, -3])
    assert np.array_equal(out, 2**62 + 1 - 3 * np.arange(10))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 11, 100])
def test_linspace(k, n):
    for dtype, rtol in (("float32", 1e-6), ("float64", 1e-15)):
        out = k("linspace", np.empty(n, dtype), attrs=[-1.5, 2.5])
        np.testing.assert_allclose(out, np.linspace(-1.5, 2.5, n), rtol=rtol, atol=rtol)
        mirrored = k("linspace", np.empty(n, dtype), attrs=[-2.5, 2.5])
        if n > 1:
            assert np.array_equal(mirrored, -mirrored[::-1])
    assert np.array_equal(
        k("linspace", np.empty(5, np.int64), attrs=[0.0, 10.0]), [0, 2, 5, 7, 10]
    )
