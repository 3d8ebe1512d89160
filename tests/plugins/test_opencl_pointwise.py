"""The OpenCL device's loops over elements, and its random numbers, against NumPy in
float64."""

from __future__ import annotations

import numpy as np
import pytest
from opencl_calls import (
    ALL,
    EPS,
    FLOATS,
    INTS,
    STREAM,
    Device,
    Scalar,
    cast,
    close,
    needs_device,
    numbers,
    spread,
    wide,
)
from opencl_oracles import random_words
from scipy import special

pytestmark = needs_device
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0]


@pytest.fixture(scope="module")
def run() -> Device:
    return Device()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261127)


# ---- pointwise -----------------------------------------------------------------------
UNARY = {
    "neg": np.negative, "abs": np.abs, "sign": np.sign, "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x), "reciprocal": lambda x: 1 / x, "exp": np.exp,
    "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sigmoid": special.expit, "square": np.square,
    "ceil": np.ceil, "floor": np.floor, "round": np.rint, "trunc": np.trunc,
    "frac": lambda x: x - np.trunc(x), "erf": special.erf, "erfc": special.erfc,
    "erfinv": special.erfinv, "digamma": special.digamma,
    "lgamma": lambda x: np.where(np.isinf(x), np.inf, special.gammaln(x)),
    "relu": lambda x: np.where(x < 0, 0, x), "sgn": np.sign, "conj": np.conj,
}  # fmt: skip
# Drivers' own errors, and zeros of lgamma and digamma off the numbers tried.
LOOSE = {"erfc": 40, "lgamma": 60, "digamma": 30, "tan": 30, "sin": 30, "cos": 30}


@pytest.mark.parametrize("dtype", FLOATS)
def test_unary(run, rng, dtype):
    x = np.concatenate([rng.standard_normal(99) * s for s in (0.01, 1, 20)] + [ODD])
    for op, f in UNARY.items():
        if op == "digamma":
            x = np.abs(x)  # its zeros and poles are below 0
        a = cast(x, dtype)
        out = run(op, np.zeros_like(a), a)
        with np.errstate(all="ignore"):
            want = f(wide(a))
        near_zero = 9 if op in ("digamma", "lgamma") else 0  # at a zero of the function
        close(out, want, LOOSE.get(op, 8), atol=near_zero * EPS[dtype])


@pytest.mark.parametrize("dtype", ["bool", *INTS])
def test_unary_of_integers(run, rng, dtype):
    a = numbers(rng, 300, dtype)
    for op in ("neg", "abs", "sign", "square", "relu", "round", "bitwise_not"):
        if dtype not in run.backend.kernel(op)[1]:
            assert dtype == "bool"
            continue
        f = {**UNARY, "bitwise_not": np.invert}[op]
        out = run(op, np.zeros_like(a), a)
        np.testing.assert_array_equal(out, f(a).astype(dtype) if op != "sign" or
                                      dtype != "bool" else a)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int32", "bool"])
def test_tests(run, rng, dtype):
    x = np.concatenate([rng.standard_normal(50), ODD])
    a = numbers(rng, 50, dtype) if dtype in (*INTS, "bool") else cast(x, dtype)
    reference = {
        "logical_not": lambda v: v == 0, "isnan": np.isnan, "isinf": np.isinf,
        "isfinite": np.isfinite, "signbit": np.signbit, "isposinf": np.isposinf,
        "isneginf": np.isneginf,
    }  # fmt: skip
    for op, f in reference.items():
        out = run(op, np.zeros(a.shape, bool), a)
        np.testing.assert_array_equal(out, f(wide(a)), err_msg=op)


BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.true_divide,
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum,
    "atan2": np.arctan2, "fmod": np.fmod, "remainder": np.remainder,
    "div_floor": np.floor_divide, "div_trunc": lambda a, b: np.trunc(a / b),
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
def test_binary(run, rng, dtype):
    pairs = np.array(np.meshgrid(ODD, ODD)).reshape(2, -1)
    x = np.concatenate([rng.standard_normal(200) * 9, pairs[0]])
    y = np.concatenate([rng.standard_normal(200) * 9, pairs[1]])
    a, b = cast(x, dtype), cast(y, dtype)
    for op in ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "atan2"):
        out = run(op, np.zeros_like(a), a, b)
        with np.errstate(all="ignore"):
            close(out, BINARY[op](wide(a), wide(b)))
    # Whole numbers, so that no quotient is rounded to the next one.
    a = cast([*rng.integers(-20, 20, 300), *pairs[0].round()], dtype)
    b = cast([*rng.integers(-20, 20, 300), *pairs[1].round()], dtype)
    for op in ("fmod", "remainder", "div_floor", "div_trunc"):
        known = np.isfinite(wide(a)) & (np.isfinite(wide(b)) | (op == "fmod"))
        out = run(op, np.zeros_like(a), a, b)
        with np.errstate(all="ignore"):
            close(out[known], BINARY[op](wide(a), wide(b))[known])


@pytest.mark.parametrize("dtype", INTS)
def test_binary_of_integers(run, rng, dtype):
    a, b = numbers(rng, 400, dtype), numbers(rng, 400, dtype)
    nonzero = cast(np.where(b == 0, 3, b), dtype)
    for op in ("add", "sub", "mul", "maximum", "minimum"):
        np.testing.assert_array_equal(run(op, np.zeros_like(a), a, b), BINARY[op](a, b))
    for op in ("fmod", "remainder", "div_floor"):
        want = BINARY[op](a, nonzero)
        np.testing.assert_array_equal(run(op, np.zeros_like(a), a, nonzero), want)
    want = np.trunc(a / nonzero)
    np.testing.assert_array_equal(run("div_trunc", np.zeros_like(a), a, nonzero), want)
    for op, f in (("bitwise_and", np.bitwise_and), ("bitwise_or", np.bitwise_or),
                  ("bitwise_xor", np.bitwise_xor)):  # fmt: skip
        np.testing.assert_array_equal(run(op, np.zeros_like(a), a, b), f(a, b))
    up = np.abs(b) % cast(7, dtype)
    np.testing.assert_array_equal(run("pow", np.zeros_like(a), a, up), a**up)
    np.testing.assert_array_equal(run("shift_left", np.zeros_like(a), a, up), a << up)
    np.testing.assert_array_equal(run("shift_right", np.zeros_like(a), a, up), a >> up)


def test_division_by_zero_is_told_at_the_next_copy(run):
    a = np.array([4, 5, -(2**63)], np.int64)
    with pytest.raises(RuntimeError, match="div_floor: ZeroDivisionError"):
        run("div_floor", np.zeros_like(a), a, np.array([1, 0, 1]))
    out = run("div_floor", np.zeros_like(a), a, np.array([3, -2, -1]))
    np.testing.assert_array_equal(out, [1, -3, -(2**63)])


@pytest.mark.parametrize("dtype", ALL)
def test_comparisons_and_where(run, rng, dtype):
    a, b = numbers(rng, 300, dtype), numbers(rng, 300, dtype)
    if dtype in FLOATS:
        a[:10] = cast(ODD, dtype)
    for op in ("eq", "ne", "lt", "le", "gt", "ge"):
        f = getattr(np, {"eq": "equal", "ne": "not_equal", "lt": "less",
                         "le": "less_equal", "gt": "greater",
                         "ge": "greater_equal"}[op])  # fmt: skip
        out = run(op, np.zeros(300, bool), a, b)
        np.testing.assert_array_equal(out, f(wide(a), wide(b)), err_msg=op)
    for op in ("logical_and", "logical_or", "logical_xor"):
        out = run(op, np.zeros(300, bool), a, b)
        np.testing.assert_array_equal(out, getattr(np, op)(wide(a), wide(b)))
    chosen = rng.random(300) < 0.5
    out = run("where", np.zeros_like(a), chosen, a, b)
    np.testing.assert_array_equal(wide(out), np.where(chosen, wide(a), wide(b)))


@pytest.mark.parametrize("source", ALL)
@pytest.mark.parametrize("target", ["bool", "int8", "int64", "float16", "float32"])
def test_copies_convert(run, rng, source, target):
    a = numbers(rng, 200, source)
    out = run("copy", cast(np.zeros(200), target), a)
    want = wide(a) != 0 if target == "bool" else wide(a).astype(target)
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("dtype", ALL)
def test_fill_and_sequence(run, dtype):
    out = cast(np.zeros((4, 6)), dtype)
    run("fill", out[:, ::2], Scalar(1, dtype))
    want = np.zeros((4, 6))
    want[:, ::2] = 1
    np.testing.assert_array_equal(wide(out), want)
    if dtype != "bool":
        step = 0.5 if dtype in FLOATS else 2
        run("iota", out[1], attrs=[3, step])
        np.testing.assert_array_equal(wide(out[1]), 3 + step * np.arange(6))
        run("iota", out[2, ::-1], attrs=[3, step])
        np.testing.assert_array_equal(wide(out[2]), 3 + step * np.arange(6)[::-1])


def test_strided_broadcast_and_scalar_operands(run, rng):
    a = rng.standard_normal((6, 5, 4)).astype("float32")
    b = rng.standard_normal((5, 1)).astype("float32")
    wanted = a + b
    out = run("add", np.empty_like(a), a, spread(b, a.shape))
    np.testing.assert_array_equal(out, wanted)
    out = run("add", np.empty((4, 5, 6), "float32"), a.T, spread(b, a.shape[::-1]))
    np.testing.assert_array_equal(out, a.T + b)
    out = run("sub", np.empty_like(a[::2, ::-1]), a[::2, ::-1], a[1::2])
    np.testing.assert_array_equal(out, a[::2, ::-1] - a[1::2])
    out = run("sub", np.empty_like(a), Scalar(2.5, "float32"), a)
    np.testing.assert_array_equal(out, np.float32(2.5) - a)
    out = run("mul", np.empty_like(a), a, Scalar(-3.0, "float32"))
    np.testing.assert_array_equal(out, a * np.float32(-3))
    same = a.copy()
    run("mul", same, same, same)  # in place
    np.testing.assert_array_equal(same, a * a)
    whole = np.zeros((7, 8, 9), "float32")
    run("exp", whole[1:7:2, 2:7, ::3], a[:3, :, :3])
    assert np.count_nonzero(whole) == 45
    np.testing.assert_allclose(whole[1:7:2, 2:7, ::3], np.exp(a[:3, :, :3]), rtol=1e-6)
    deep = rng.standard_normal((2, 3, 2, 3, 2, 3, 2)).astype("float32")
    order = deep.transpose(6, 0, 5, 1, 4, 2, 3)
    out = run("neg", np.empty(order.shape, "float32"), order)
    np.testing.assert_array_equal(out, -order)


@pytest.mark.parametrize(
    "op", ["add", "exp", "sum", "cumsum", "sort", "fill", "uniform"]
)
def test_nothing_is_done_to_nothing(run, op):
    out, a = np.empty((0, 3), "float32"), np.empty((0, 3), "float32")
    ins = {"add": [a, a], "fill": [Scalar(1.0, "float32")], "uniform": []}.get(op, [a])
    outs = [out, np.empty((0, 3), np.int64)] if op == "sort" else out
    attrs = {"uniform": [0.0, 1.0, *STREAM], "cumsum": [0], "sort": [0, 0]}.get(op, [])
    run(op, outs, *ins, attrs=attrs)
    assert run.handle.suspect is False


# ---- random --------------------------------------------------------------------------
@pytest.mark.parametrize("n", [1, 3, 4, 33, 1025])
def test_random_words_to_the_bit(run, n):
    u = (random_words(n, *STREAM) >> np.uint64(8)) * 2.0**-24
    out = run("uniform", np.empty(n, np.float32), attrs=[0.0, 1.0, *STREAM])
    np.testing.assert_array_equal(out, u)
    scaled = run("uniform", np.empty(n, np.float32), attrs=[-2.0, 3.0, *STREAM])
    want = np.float32(-2) + u.astype("float32") * np.float32(5)
    np.testing.assert_array_equal(scaled, want)
    pairs = random_words(2 * n, *STREAM).reshape(n, 2)
    long = pairs[:, 0] | pairs[:, 1] << np.uint64(32)
    out = run("uniform", np.empty(n), attrs=[0.0, 1.0, *STREAM])
    np.testing.assert_array_equal(out, (long >> np.uint64(11)) * 2.0**-53)
    for low, high in ((-5, 100), (0, 1 << 40), (-(2**63), 2**63 - 1)):
        out = run("randint", np.empty(n, np.int64), attrs=[low, high, *STREAM])
        want = [int(w) % (high - low) + low for w in long]
        np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_is_box_muller(run, dtype):
    n = 2001
    if dtype == "float64":
        w = random_words(2 * n + 2, *STREAM).reshape(-1, 2)
        u = ((w[:, 0] | w[:, 1] << np.uint64(32)) >> np.uint64(11)) * 2.0**-53
    else:
        u = (random_words(n + 1, *STREAM) >> np.uint64(8)) * 2.0**-24
    u = u.reshape(-1, 2)
    r, angle = np.sqrt(-2 * np.log1p(-u[:, 0])), 2 * np.pi * u[:, 1]
    z = np.stack([r * np.cos(angle), r * np.sin(angle)], 1).ravel()[:n]
    out = run("normal", cast(np.zeros(n), dtype), attrs=[3.0, 0.5, *STREAM])
    close(out, 3 + z / 2, 16)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_uniform_halves_stay_below_the_end(run, dtype):
    for low, high in ((0.0, 1.0), (-1.0, 0.0), (0.5, 3.0)):
        out = cast(np.zeros(50000), dtype)
        x = wide(run("uniform", out, attrs=[low, high, *STREAM]))
        assert low <= x.min()
        assert x.max() < high
        assert abs(x.mean() - (low + high) / 2) < 0.02


def test_random_integers_of_other_dtypes(run):
    want = run("randint", np.empty(500, np.int64), attrs=[0, 100, *STREAM])
    for dtype in ("uint8", "int8", "int16", "int32", "float32", "bfloat16"):
        out = run("randint", cast(np.zeros(500), dtype), attrs=[0, 100, *STREAM])
        np.testing.assert_array_equal(wide(out), want)
