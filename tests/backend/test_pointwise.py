"""Pointwise kernels against NumPy in higher precision, over dtypes and layouts."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sp
from harness import Backend, Bfloat16, KernelError, Scalar, bfloat16, values

FLOATS = ["float16", "bfloat16", "float32", "float64"]
INTS = ["uint8", "int8", "int16", "int32", "int64"]
COMPLEX = ["complex64", "complex128"]
EPS = {
    "float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-23, "float64": 2**-52,
    "complex64": 2**-22, "complex128": 2**-51,
}  # fmt: skip


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def make(rng: np.random.Generator, dtype: str, shape: object, scale: float = 2.0):
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in INTS:
        low = 0 if dtype == "uint8" else -9
        return rng.integers(low, 10, shape).astype(dtype)
    x = rng.standard_normal(shape) * scale
    if dtype in COMPLEX:
        return (x + 1j * rng.standard_normal(shape) * scale).astype(dtype)
    return bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)


def empty(shape: object, dtype: str):
    if dtype == "bfloat16":
        return np.empty(shape, np.uint16).view(Bfloat16)
    return np.empty(shape, dtype)


def wide(a: np.ndarray) -> np.ndarray:
    v = values(a)
    if v.dtype.kind == "c":
        return v.astype(np.complex128)
    return v.astype(np.float64) if v.dtype.kind == "f" else v


def close(got: np.ndarray, want: np.ndarray, dtype: str, ulps: float = 4) -> None:
    g, w = wide(got), want
    with np.errstate(all="ignore"):
        if dtype in EPS:
            info = np.finfo(np.float32 if dtype == "bfloat16" else dtype)
            tiny = 2.0**-133 if dtype == "bfloat16" else float(info.smallest_subnormal)
            tol = EPS[dtype] * ulps
            limit = tol * np.abs(w) + tiny
            if dtype in COMPLEX:
                ok = (np.abs(g - w) <= limit) | ~np.isfinite(w)
            else:
                big = np.abs(w) > float(info.max) * (1 - tol)
                same = (np.isnan(g) & np.isnan(w)) | (g == w)
                ok = same | (np.abs(g - w) <= limit) | (big & np.isinf(g))
        else:
            ok = g == w
    bad = np.argwhere(~np.broadcast_to(ok, g.shape))
    assert not bad.size, (
        bad[0],
        g[tuple(bad[0])],
        np.broadcast_to(w, g.shape)[tuple(bad[0])],
    )


EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    np.inf,
    -np.inf,
    np.nan,
    1e-30,
    -1e-30,
    1e4,
    -1e4,
    0.5,
    60.0,
]


def sign_of(x):
    return np.where(np.isnan(x), x, np.sign(x))


UNARY = {
    "neg": np.negative, "abs": np.abs, "sign": sign_of, "square": np.square,
    "relu": lambda x: np.where(x < 0, 0, x), "reciprocal": lambda x: 1 / x,
    "ceil": np.ceil, "floor": np.floor, "round": np.rint, "trunc": np.trunc,
    "frac": lambda x: x - np.trunc(x), "sqrt": np.sqrt, "rsqrt": lambda x: 1 / np.sqrt(x),
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log2": np.log2,
    "log10": np.log10, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "sigmoid": sp.expit, "erf": sp.erf, "erfc": sp.erfc,
    "erfinv": sp.erfinv, "i0": sp.i0, "i1": sp.i1, "i0e": sp.i0e, "i1e": sp.i1e,
    "sinc": np.sinc, "ndtri": sp.ndtri, "log_ndtr": sp.log_ndtr,
}  # fmt: skip
# Where the reference itself is looser (erfc of SciPy by 500), or cancellation is inherent.
ULPS = {"lgamma": 40, "digamma": 60, "sinc": 40, "i0": 60, "i1": 60, "i0e": 30, "i1e": 30,
        "erfinv": 16, "ndtri": 40, "log_ndtr": 40, "erfc": 600, "sinh": 6, "tan": 8}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", UNARY)
def test_unary_floats(backend: Backend, op: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.standard_normal(1003) * 3, rng.uniform(-1, 1, 99), EDGES])
    if op == "sinc":
        x = x[np.abs(x) < 100]
    x = bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)
    out = backend.iterate(op, empty(x.shape, dtype), x)
    with np.errstate(all="ignore"):
        want = UNARY[op](wide(x))
    if op == "sinc":
        assert np.nanmax(np.abs(wide(out) - want)) < 4 * EPS[dtype]
        return
    close(out, want, dtype, ULPS.get(op, 4))


@pytest.mark.parametrize("op", ["lgamma", "digamma"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gamma(backend: Backend, op: str, dtype: str) -> None:
    x = np.linspace(0.1, 40, 800).astype(dtype)
    out = backend.iterate(op, np.empty_like(x), x)
    want = {"lgamma": sp.gammaln, "digamma": sp.digamma}[op](x.astype(np.float64))
    assert np.all(np.abs(out - want) <= 8 * EPS[dtype] * np.maximum(np.abs(want), 1))


@pytest.mark.parametrize("dtype", INTS)
@pytest.mark.parametrize(
    "op", ["neg", "abs", "sign", "square", "relu", "floor", "round"]
)
def test_unary_ints(backend: Backend, op: str, dtype: str) -> None:
    x = make(np.random.default_rng(2), dtype, 1003)
    with np.errstate(all="ignore"):
        want = UNARY[op](x).astype(dtype)
    close(backend.iterate(op, np.empty_like(x), x), want, dtype)


COMPLEX_UNARY = [
    "neg", "square", "reciprocal", "sqrt", "exp", "log", "sin", "cos", "tan", "asin",
    "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "log10", "log1p",
    "expm1", "log2",
]  # fmt: skip


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("op", [*COMPLEX_UNARY, "abs", "angle", "real", "imag", "conj"])
def test_unary_complex(backend: Backend, op: str, dtype: str) -> None:
    x = make(np.random.default_rng(3), dtype, 131, 0.7)
    real = {"abs": np.abs, "angle": np.angle, "real": np.real, "imag": np.imag}
    if op in real:
        out = np.empty(x.shape, x.real.dtype)
        close(backend.iterate(op, out, x), real[op](wide(x)), out.dtype.name)
    else:
        ref = np.conj if op == "conj" else UNARY[op]
        close(backend.iterate(op, np.empty_like(x), x), ref(wide(x)), dtype, 16)


TESTS = {
    "logical_not": np.logical_not, "isnan": np.isnan, "isinf": np.isinf,
    "isfinite": np.isfinite, "signbit": np.signbit, "isposinf": np.isposinf,
    "isneginf": np.isneginf,
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", TESTS)
def test_tests(backend: Backend, op: str, dtype: str) -> None:
    x = np.array(EDGES * 5)
    x = bfloat16(x) if dtype == "bfloat16" else x.astype(dtype)
    out = backend.iterate(op, np.empty(x.shape, bool), x)
    close(out, TESTS[op](values(x)), "bool")
    assert set(out.view(np.uint8)) <= {0, 1}


BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "pow": np.power, "maximum": np.maximum, "minimum": np.minimum, "fmax": np.fmax,
    "fmin": np.fmin, "atan2": np.arctan2, "fmod": np.fmod, "remainder": np.remainder,
    "div_floor": np.floor_divide, "div_trunc": lambda a, b: np.trunc(a / b),
    "hypot": np.hypot, "copysign": np.copysign, "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2, "heaviside": np.heaviside, "xlogy": sp.xlogy,
    "xlog1py": sp.xlog1py,
}  # fmt: skip
EXACT = {"div_floor", "fmod", "remainder", "div_trunc"}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", BINARY)
def test_binary_floats(backend: Backend, op: str, dtype: str) -> None:
    rng = np.random.default_rng(4)
    a, b = make(rng, dtype, 2005), make(rng, dtype, 2005)
    out = backend.iterate(op, empty(a.shape, dtype), a, b)
    compute = np.float64 if dtype == "float64" else np.float32  # of the quotient
    same = compute if op in EXACT else np.float64
    with np.errstate(all="ignore"):
        want = BINARY[op](values(a).astype(same), values(b).astype(same))
    if op.startswith("logaddexp"):  # cancels near 0: measured against the operands
        assert np.all(
            np.abs(wide(out) - want) <= 4 * EPS[dtype] * (1 + np.abs(wide(a)))
        )
        return
    close(out, want.astype(np.float64), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "op",
    [
        "add",
        "pow",
        "maximum",
        "atan2",
        "fmod",
        "hypot",
        "fmax",
        "copysign",
        "logaddexp",
    ],
)
def test_binary_edges(backend: Backend, op: str, dtype: str) -> None:
    e = np.array([*EDGES, 2.0, 3.0, -3.0, 2.5], dtype)
    a, b = (np.ascontiguousarray(m.reshape(-1)) for m in np.meshgrid(e, e))
    out = backend.iterate(op, np.empty_like(a), a, b)
    with np.errstate(all="ignore"):
        want = BINARY[op](a.astype(np.float64), b.astype(np.float64))
    if op in ("atan2", "copysign"):
        assert np.array_equal(
            np.signbit(out[~np.isnan(want)]), np.signbit(want[~np.isnan(want)])
        )
    close(out, want, dtype)


INT_BINARY = [
    "add",
    "sub",
    "mul",
    "maximum",
    "minimum",
    "fmod",
    "remainder",
    "div_floor",
]


@pytest.mark.parametrize("dtype", INTS)
@pytest.mark.parametrize(
    "op", [*INT_BINARY, "gcd", "lcm", "bitwise_and", "bitwise_xor"]
)
def test_binary_ints(backend: Backend, op: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    a, b = make(rng, dtype, 1003), make(rng, dtype, 1003)
    b[b == 0] = 3
    ref = BINARY.get(op) or getattr(np, op)
    with np.errstate(all="ignore"):
        want = ref(a, b).astype(dtype)
    close(backend.iterate(op, np.empty_like(a), a, b), want, dtype)


def test_int_division_edges(backend: Backend) -> None:
    a = np.array([-(2**31), 7, -7], np.int32)
    m = np.array([-1, -1, -1], np.int32)
    assert backend.iterate("remainder", np.empty_like(a), a, m).tolist() == [0, 0, 0]
    assert backend.iterate("div_floor", np.empty_like(a), a, m).tolist() == [
        -(2**31),
        -7,
        7,
    ]
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        backend.iterate("div_floor", np.empty_like(a), a, np.array([1, 0, 1], np.int32))
    s = backend.iterate("pow", np.empty_like(a), np.array([2, -1, 3], np.int32),
                        np.array([-1, -3, 4], np.int32))  # fmt: skip
    assert s.tolist() == [0, -1, 81]


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "pow"])
def test_binary_complex(backend: Backend, op: str, dtype: str) -> None:
    rng = np.random.default_rng(6)
    a, b = make(rng, dtype, 133), make(rng, dtype, 133)
    close(
        backend.iterate(op, np.empty_like(a), a, b),
        BINARY[op](wide(a), wide(b)),
        dtype,
        64,
    )


@pytest.mark.parametrize(
    "exponent", [2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 1.0, 0.0, 1.5, 2.5, -3.0]
)
def test_pow_scalar(backend: Backend, exponent: float) -> None:
    a = np.concatenate([np.abs(make(np.random.default_rng(7), "float32", 500)), EDGES])
    a = a.astype(np.float32)
    out = backend.iterate("pow", np.empty_like(a), a, Scalar(exponent, "float32"))
    with np.errstate(all="ignore"):
        want = np.power(a.astype(np.float64), exponent)
    if exponent in (0.5, -0.5):  # taken as roots, as PyTorch does
        keep = ~np.isinf(a)
        out, want = out[keep], want[keep]
    close(out, want, "float32")


def test_bools(backend: Backend) -> None:
    a, b = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)
    for op, ref in {"add": a | b, "sub": a ^ b, "mul": a & b, "maximum": a | b}.items():
        assert np.array_equal(backend.iterate(op, np.empty_like(a), a, b), ref)
    assert np.array_equal(backend.iterate("bitwise_not", np.empty_like(a), a), ~a)


COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal,
           "gt": np.greater, "ge": np.greater_equal, "logical_and": np.logical_and,
           "logical_or": np.logical_or, "logical_xor": np.logical_xor}  # fmt: skip


@pytest.mark.parametrize("dtype", [*FLOATS, *INTS, "bool", *COMPLEX])
@pytest.mark.parametrize("op", COMPARE)
def test_compare(backend: Backend, op: str, dtype: str) -> None:
    if dtype in COMPLEX and op in ("lt", "le", "gt", "ge"):
        return
    rng = np.random.default_rng(8)
    a, b = make(rng, dtype, 1003), make(rng, dtype, 1003)
    b[::3] = a[::3]
    a[5] = 0
    out = backend.iterate(op, np.empty(a.shape, bool), a, b)
    assert np.array_equal(out, COMPARE[op](values(a), values(b)))
    assert out.view(np.uint8).max() <= 1


@pytest.mark.parametrize("dtype", [*FLOATS, *INTS, "bool", *COMPLEX])
def test_where(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(9)
    a, b, c = (
        make(rng, dtype, (37, 29)),
        make(rng, dtype, (37, 29)),
        make(rng, "bool", (37, 29)),
    )
    out = backend.iterate("where", empty(a.shape, dtype), c, a, b)
    assert np.array_equal(values(out), np.where(c, values(a), values(b)))
    backend.iterate("where", out, c[:, :1], a, Scalar(0, dtype))
    assert np.array_equal(values(out), np.where(c[:, :1], values(a), 0))


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bfloat16"])
def test_clamp(backend: Backend, dtype: str) -> None:
    a = make(np.random.default_rng(10), dtype, 1003)
    if dtype.startswith("float"):
        a[3] = np.nan
    lo, hi = Scalar(-1, dtype), Scalar(1, dtype)
    v = values(a)
    assert np.array_equal(values(backend.iterate("clamp", a.copy(), a, lo, hi)),
                          np.clip(v, -1, 1), equal_nan=dtype != "int32")  # fmt: skip
    assert np.array_equal(values(backend.iterate("clamp", a.copy(), a, None, hi)),
                          np.minimum(v, 1), equal_nan=dtype != "int32")  # fmt: skip


@pytest.mark.parametrize("dtype", [*FLOATS, "complex64"])
def test_three_operands(backend: Backend, dtype: str) -> None:
    rng = np.random.default_rng(11)
    a, b, c = (make(rng, dtype, 517) for _ in range(3))
    x, y, z = wide(a), wide(b), wide(c)
    scale = np.abs(x) + np.abs(y * z) + np.abs(y / z) + np.abs(y) + np.abs(z) + 1
    for op, want, attrs in (
        ("addcmul", x + 0.5 * y * z, [0.5 + 0j]),
        ("addcdiv", x + 0.5 * y / z, [0.5 + 0j]),
        ("lerp", x + z * (y - x), []),
        ("add_scaled", x + 2 * y, [2 + 0j]),
    ):
        ins = (a, b) if op == "add_scaled" else (a, b, c)
        out = backend.iterate(op, empty(a.shape, dtype), *ins, attrs=attrs)
        factor = 12 if op == "lerp" else 4
        assert np.all(
            np.abs(wide(out) - want) <= factor * EPS[dtype] * scale * (1 + np.abs(z))
        )


# ---- layouts -----------------------------------------------------------------------------


def layouts(dtype: str):
    rng = np.random.default_rng(12)
    for shape in [
        (70, 90),
        (33, 17, 5),
        (1000, 3),
        (2, 600),
        (9, 9, 9, 9),
        (1, 1),
        (0, 4),
    ]:
        base = make(rng, dtype, shape)
        yield base, base
        yield base, make(rng, dtype, shape[::-1]).T
        yield base, make(rng, dtype, shape)[..., ::-1]
        yield (
            base,
            make(rng, dtype, tuple(2 * s for s in shape))[
                tuple([slice(None, None, 2)] * len(shape))
            ],
        )
        yield base, make(rng, dtype, (*shape[:-1], 1))
        yield base, make(rng, dtype, shape[-1:])
        yield base.T, make(rng, dtype, shape).T
        yield base.T, np.ascontiguousarray(make(rng, dtype, shape).T)


@pytest.mark.parametrize(
    "dtype", ["int8", "float16", "float32", "float64", "complex128"]
)
def test_layouts(backend: Backend, dtype: str) -> None:
    for a, b in layouts(dtype):
        want = (a + b).astype(dtype)
        out = np.empty(want.shape, dtype)
        backend.iterate("add", out, a, b)
        assert np.array_equal(out, want), (a.shape, a.strides, b.strides)
        strided = np.empty((*want.shape[:-1], want.shape[-1] * 2), dtype)[..., ::2]
        backend.iterate("add", strided, a, b)
        assert np.array_equal(strided, want)
        turned = np.empty(want.shape[::-1], dtype).T
        backend.iterate("add", turned, b, a)
        assert np.array_equal(turned, want)
        into = a.copy()
        if into.shape == want.shape:
            backend.iterate("add", into, into, b)
            assert np.array_equal(into, want)


def test_zero_dimensions_and_scalars(backend: Backend) -> None:
    one = np.array(3.0, np.float32)
    assert backend("add", np.empty((), np.float32), one, one) == 6
    out = backend("add", np.empty((), np.float32), one, Scalar(1.5, "float32"))
    assert out == 4.5
    backend(
        "add",
        np.empty((0,), np.float32),
        np.empty((0,), np.float32),
        one.reshape(1)[:0],
    )


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_large_and_threads(backend: Backend, threads: int) -> None:
    backend.set_num_threads(threads)
    rng = np.random.default_rng(13)
    a, b = make(rng, "float32", 3_000_011), make(rng, "float32", 3_000_011)
    out = backend.iterate("add", np.empty_like(a), a, b)
    assert np.array_equal(out, a + b)
    m = make(rng, "float32", (1500, 1111))
    out = backend.iterate("add", np.empty_like(m), m, np.ascontiguousarray(m.T).T)
    assert np.array_equal(out, m + m)
    backend.set_num_threads(2)


# ---- activations ----------------------------------------------------------------------------


def test_activations(backend: Backend) -> None:
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    cases = {
        "gelu": ([0], f.gelu), "gelu_tanh": ([1], lambda x: f.gelu(x, approximate="tanh")),
        "silu": ([], f.silu), "mish": ([], f.mish), "hardswish": ([], f.hardswish),
        "hardsigmoid": ([], f.hardsigmoid), "log_sigmoid": ([], f.logsigmoid),
        "selu": ([], f.selu), "elu": ([0.7, 1.0, 1.0], lambda x: f.elu(x, 0.7)),
        "leaky_relu": ([0.1], lambda x: f.leaky_relu(x, 0.1)),
        "hardtanh": ([-0.5, 0.7], lambda x: f.hardtanh(x, -0.5, 0.7)),
        "softplus": ([2.0, 3.0], lambda x: f.softplus(x, 2.0, 3.0)),
    }  # fmt: skip
    rng = np.random.default_rng(14)
    for name, (attrs, ref) in cases.items():
        op = "gelu" if name == "gelu_tanh" else name
        for dtype, tol in (("float32", 3e-6), ("float64", 1e-13)):
            x = np.concatenate(
                [rng.standard_normal(999) * 4, [0.0, 50.0, -50.0]]
            ).astype(dtype)
            g = rng.standard_normal(x.shape).astype(dtype)
            t = torch.tensor(x.astype(np.float64), requires_grad=True)
            y = ref(t)
            y.backward(torch.tensor(g.astype(np.float64)))
            out = backend.iterate(op, np.empty_like(x), x, attrs=attrs)
            if name == "hardsigmoid":  # PyTorch has 1/6 in float32
                tol = max(tol, 1e-6)
            np.testing.assert_allclose(
                out, y.detach().numpy(), tol, tol / 10, err_msg=name
            )
            out = backend.iterate(f"{op}_backward", np.empty_like(x), g, x, attrs=attrs)
            np.testing.assert_allclose(out, t.grad.numpy(), tol, tol, err_msg=name)


def test_gelu_backward_far_out(backend: Backend) -> None:
    """The slope's limits, and PyTorch's infinity times 0."""
    x = np.tile(np.array([40, -40, np.inf, -np.inf, np.nan], "float32"), 5)
    out = backend.iterate(
        "gelu_backward", np.empty_like(x), np.ones_like(x), x, attrs=[0]
    )
    wanted = np.tile(np.array([1, 0, np.nan, np.nan, np.nan], "float32"), 5)
    np.testing.assert_array_equal(out, wanted)
