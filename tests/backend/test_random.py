"""Random kernels: Philox against a model of it, distributions by their moments."""

import numpy as np
import pytest
from harness import Backend, bfloat16, values

SEED, OFFSET = 0x0123456789ABCDEF, 0xFEDCBA9876543210


@pytest.fixture(scope="module")
def k() -> Backend:
    return Backend()


def philox_block(counter, key):
    """The ten rounds on Python integers."""
    c, k0, k1 = list(counter), *key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [
            (p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF,
            (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF,
        ]  # fmt: skip
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def words(n, seed=SEED, offset=OFFSET):
    out = []
    for b in range((n + 3) // 4):
        counter = [b & 0xFFFFFFFF, b >> 32, offset & 0xFFFFFFFF, offset >> 32]
        out += philox_block(counter, (seed & 0xFFFFFFFF, seed >> 32))
    return np.array(out[:n], np.uint64)


def signed(x):
    return x - (1 << 64) if x >= 1 << 63 else x


STREAM = [SEED, signed(OFFSET)]


def test_model_known_answers():
    # Random123's kat_vectors for philox4x32-10.
    assert philox_block([0] * 4, (0, 0)) == [
        0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8
    ]  # fmt: skip
    assert philox_block([0xFFFFFFFF] * 4, (0xFFFFFFFF,) * 2) == [
        0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD
    ]  # fmt: skip
    assert philox_block(
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], (0xA4093822, 0x299F31D0)
    ) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


@pytest.mark.parametrize("n", [0, 1, 3, 4, 31, 32, 33, 1023, 1024, 1025, 5000])
def test_uniform_words(k, n):
    out = k("uniform", np.empty(n, np.float32), attrs=[0.0, 1.0, *STREAM])
    assert np.array_equal(out, (words(n) >> np.uint64(8)) * 2.0**-24)
    w = words(2 * n).reshape(n, 2)
    wide = w[:, 0] | w[:, 1] << np.uint64(32)
    out = k("uniform", np.empty(n), attrs=[0.0, 1.0, *STREAM])
    assert np.array_equal(out, (wide >> np.uint64(11)) * 2.0**-53)
    out = k("randint", np.empty(n, np.int64), attrs=[-5, 100, *STREAM])
    assert np.array_equal(out, (wide % np.uint64(105)).astype(np.int64) - 5)


@pytest.mark.parametrize(
    "span", [1, 2, 3, 7, 1 << 20, (1 << 20) + 1, 1 << 33, 2**63 - 1]
)
def test_randint_ranges(k, span):
    w = words(2000).reshape(1000, 2)
    wide = w[:, 0] | w[:, 1] << np.uint64(32)
    out = k("randint", np.empty(1000, np.int64), attrs=[0, span, *STREAM])
    assert np.array_equal(out, (wide % np.uint64(span)).astype(np.int64))


def test_randint_whole_range(k):
    w = words(200).reshape(100, 2)
    out = k("randint", np.empty(100, np.int64), attrs=[-(2**63), 2**63 - 1, *STREAM])
    wide = (w[:, 0] | w[:, 1] << np.uint64(32)) % np.uint64(2**64 - 1)
    assert np.array_equal(out, (wide + np.uint64(1 << 63)).view(np.int64))


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "int32", "float32", "bool"]
)
def test_randint_dtypes(k, dtype):
    hi = 2 if dtype == "bool" else 100
    ref = k("randint", np.empty(999, np.int64), attrs=[0, hi, *STREAM])
    out = k("randint", np.empty(999, dtype), attrs=[0, hi, *STREAM])
    assert np.array_equal(out, ref.astype(dtype))


def test_uniform_scaled(k):
    out = k("uniform", np.empty(10000, np.float32), attrs=[-2.0, 3.0, *STREAM])
    u = (words(10000) >> np.uint64(8)) * 2.0**-24
    np.testing.assert_allclose(out, -2 + 5 * u, rtol=1e-6, atol=1e-6)
    for empty in (np.empty(100000, np.float16), bfloat16(np.empty(100000))):
        half = values(k("uniform", empty, attrs=[0.0, 1.0, *STREAM]))
        assert half.min() >= 0
        assert half.max() < 1
        assert abs(half.mean() - 0.5) < 0.01
    same = k("uniform", np.empty(10, np.float32), attrs=[2.0, 2.0, *STREAM])
    assert np.all(same == 2)


def test_normal_is_box_muller(k):
    n = 4001
    for dtype, tolerance in ((np.float32, 3e-6), (np.float64, 1e-13)):
        if dtype == np.float32:
            u = (words(n + 3) >> np.uint64(8)) * 2.0**-24
        else:
            w = words(2 * n + 2).reshape(-1, 2)
            u = ((w[:, 0] | w[:, 1] << np.uint64(32)) >> np.uint64(11)) * 2.0**-53
        u = u[: n + 1].reshape(-1, 2)
        r = np.sqrt(-2 * np.log1p(-u[:, 0]))
        angle = 2 * np.pi * u[:, 1]
        ref = np.stack([r * np.cos(angle), r * np.sin(angle)], 1).ravel()[:n]
        out = k("normal", np.empty(n, dtype), attrs=[0.0, 1.0, *STREAM])
        np.testing.assert_allclose(out, ref, rtol=tolerance, atol=tolerance)
        out = k("normal", np.empty(n, dtype), attrs=[3.0, 0.5, *STREAM])
        np.testing.assert_allclose(out, 3 + ref / 2, rtol=tolerance, atol=tolerance)


def test_normal_distribution(k):
    from scipy import stats

    z = k("normal", np.empty(400000, np.float32), attrs=[0.0, 1.0, 7, 0])
    assert stats.kstest(z.astype(float), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 0.01
    half = k("normal", np.empty(100000, np.float16), attrs=[0.0, 1.0, 7, 0])
    assert abs(half.astype(float).std() - 1) < 0.02


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("op", "a", "b", "law"),
    [
        ("exponential", 2.0, 0.0, ("expon", (0, 0.5))),
        ("cauchy", 1.0, 3.0, ("cauchy", (1, 3))),
        ("log_normal", 0.5, 0.25, ("lognorm", (0.25, 0, np.exp(0.5)))),
        ("uniform", -1.0, 4.0, ("uniform", (-1, 5))),
    ],
)
def test_continuous_laws(k, op, a, b, law, dtype):
    from scipy import stats

    x = k(op, np.empty(200000, dtype), attrs=[a, b, 11, 3])
    assert np.all(np.isfinite(x))
    assert stats.kstest(x.astype(float), law[0], law[1]).pvalue > 1e-3


def test_exponential_is_positive(k):
    x = k("exponential", np.empty(1 << 22, np.float32), attrs=[1.0, 0.0, 5, 0])
    assert x.min() > 0


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int16"])
def test_geometric(k, dtype):
    x = k("geometric", np.empty(200000, dtype), attrs=[0.3, 0.0, 1, 2]).astype(float)
    assert x.min() == 1
    assert abs(x.mean() - 1 / 0.3) < 0.05
    assert abs((x == 1).mean() - 0.3) < 0.01
    assert np.all(k("geometric", np.empty(10, dtype), attrs=[1.0, 0.0, 1, 2]) == 1)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"]
)
def test_bernoulli(k, dtype):
    n = 3001
    if np.dtype(dtype).itemsize == 8:
        w = words(2 * n).reshape(n, 2)
        u = ((w[:, 0] | w[:, 1] << np.uint64(32)) >> np.uint64(11)) * 2.0**-53
    else:
        u = (words(n) >> np.uint64(8)) * 2.0**-24
    out = k("bernoulli", np.empty(n, dtype), None, attrs=[0.3, *STREAM])
    assert np.array_equal(out, (u < 0.3).astype(dtype))
    for p, expected in ((0.0, 0), (1.0, 1)):
        assert np.all(
            k("bernoulli", np.empty(n, dtype), attrs=[p, *STREAM]) == expected
        )
    for wide in (np.float32, np.float64):
        p = np.linspace(0, 1, n, dtype=wide)
        out = k("bernoulli", np.empty(n, dtype), p, attrs=[0.0, *STREAM])
        assert np.array_equal(out, (u < p).astype(dtype))


def test_dropout(k):
    x = np.arange(1, 5001, dtype=np.float32).reshape(50, 100)
    y, mask = np.empty_like(x), np.empty(x.shape, bool)
    k("dropout", [y, mask], x, attrs=[0.25, *STREAM])
    u = ((words(5000) >> np.uint64(8)) * 2.0**-24).reshape(50, 100)
    assert np.array_equal(mask, u < 0.75)
    np.testing.assert_allclose(y, np.where(mask, x / 0.75, 0), rtol=1e-6)
    # Strided operands: the order of elements decides, not that of memory.
    t, y2 = np.asfortranarray(x), np.empty((50, 200), np.float32)[:, ::2]
    mask2 = np.empty((100, 50), bool).T
    k("dropout", [y2, mask2], t, attrs=[0.25, *STREAM])
    assert np.array_equal(mask2, mask)
    assert np.array_equal(y2, y)
    k("dropout", [y, mask], x, attrs=[1.0, *STREAM])
    assert not mask.any()
    assert not y.any()
    k("dropout", [y, mask], x, attrs=[0.0, *STREAM])
    assert mask.all()
    assert np.array_equal(y, x)
    in_place = x.copy()
    k("dropout", [in_place, mask], in_place, attrs=[0.5, *STREAM])
    assert np.array_equal(in_place, np.where(mask, 2 * x, 0))
    half = x.astype(np.float16)[:4]
    yh, mh = np.empty_like(half), np.empty(half.shape, bool)
    k("dropout", [yh, mh], half, attrs=[0.5, *STREAM])
    assert np.array_equal(yh, np.where(mh, half * 2, 0))


@pytest.mark.parametrize("n", [0, 1, 2, 5, 300, 5000])
def test_randperm(k, n):
    w = [int(x) for x in words(2 * n)]
    ref = list(range(n))
    for i in range(n):
        word = w[2 * i] | w[2 * i + 1] << 32
        j = i + (word * (n - i) >> 64)
        ref[i], ref[j] = ref[j], ref[i]
    assert k("randperm", np.empty(n, np.int64), attrs=STREAM).tolist() == ref


def test_randperm_is_fair(k):
    first = np.zeros((5, 5))
    for seed in range(4000):
        p = k("randperm", np.empty(5, np.int64), attrs=[seed, 0])
        first[np.arange(5), p] += 1
    assert np.abs(first / 4000 - 0.2).max() < 0.03


def test_threads_do_not_change_numbers(k):
    results = []
    for threads in (1, 2, 4):
        k.set_num_threads(threads)
        results.append(
            k("normal", np.empty(300001, np.float32), attrs=[0.0, 1.0, 3, 4])
        )
    k.set_num_threads(2)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])
