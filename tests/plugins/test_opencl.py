"""The OpenCL device: every family of kernels against NumPy in float64."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from opencl_calls import (
    Device,
    Scalar,
    Strided,
    cast,
    convolve,
    name_of,
    random_words,
    spread,
    unavailable,
    wide,
)
from scipy import special

REASON = unavailable()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

ROOT = Path(__file__).parents[2]
EPS = {"float64": 2.2e-16, "float32": 1.2e-7, "float16": 9.8e-4, "bfloat16": 7.8e-3}
INTS = ["uint8", "int8", "int16", "int32", "int64"]
FLOATS = list(EPS)
ALL = ["bool", *INTS, *FLOATS]
SEED, OFFSET = 0x0123456789ABCDEF, 0xFEDCBA98
STREAM = [SEED, OFFSET]
ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0]


@pytest.fixture(scope="module")
def run() -> Device:
    return Device()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261127)


def numbers(rng, shape, dtype):
    """Small numbers of a dtype."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    low = 0 if dtype == "uint8" else -9
    if dtype in INTS:
        return cast(rng.integers(low, 10, shape), dtype)
    return cast(rng.standard_normal(shape) * 2, dtype)


def close(got, want, times=8.0, atol=0.0):
    """Equal up to some units in the last place of the dtype."""
    dtype = name_of(got)
    if dtype not in EPS:
        np.testing.assert_array_equal(got, want)
        return
    eps = EPS[dtype] * times
    np.testing.assert_allclose(
        wide(got), wide(cast(want, dtype)), rtol=eps, atol=max(atol, EPS[dtype])
    )


# ---- what is there -------------------------------------------------------------------
def primitives():
    text = (ROOT / "docs/extending/kernels.md").read_text()
    names = []
    for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE):
        for group, mark in re.findall(r"`([^`]+)`( \(P[^)]*\))?", row):
            names += group.split() if mark else []
    return names


def test_every_primitive_and_no_fused_kernel(run):
    names = primitives()
    assert len(names) > 60
    assert set(run.backend._kernels) == set(names)


def test_devices_and_memory(run):
    backend, device = run.backend, run.handle
    assert backend.count() >= 1
    assert backend.device_name(0)
    free, total = backend.available(device)
    assert 0 < free <= total == backend.total_memory(0)
    one, two = backend.allocate(device, 100), backend.allocate(device, 0)
    assert backend.available(device)[0] == free - 128 - 64
    text = np.frombuffer(b"0123456789", np.uint8)
    backend.from_host(device, one + 90, text)
    back = np.zeros(4, np.uint8)
    backend.to_host(device, back, one + 93)
    assert back.tobytes() == b"3456"
    backend.release(device, one, 100)
    assert backend.allocate(device, 5) == one  # its number is given out again
    backend.release(device, one, 5)
    backend.release(device, two, 0)
    assert backend.available(device)[0] == free
    with pytest.raises(MemoryError, match="opencl: .* bytes"):
        backend.allocate(device, total * 2)


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_no_platform_is_said_in_words(tmp_path, folder):
    if folder == "empty":
        (tmp_path / folder).mkdir()
    code = "from flambeau_opencl.platforms import probe; print(probe())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OCL_ICD_VENDORS": str(tmp_path / folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "there is no OpenCL device" in done.stdout
    assert str(tmp_path / folder) in done.stdout
    assert "pocl-opencl-icd" in done.stdout


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
