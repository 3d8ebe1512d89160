"""Reductions against NumPy in float64, over dtypes, layouts and reduced dimensions."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special as sp
from harness import Backend, Bfloat16, bfloat16, values

FLOATS = ["float16", "bfloat16", "float32", "float64"]
EPS = {"float16": 2**-11, "bfloat16": 2**-8, "float32": 2**-23, "float64": 2**-52}


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def make(dtype: str, shape: object, seed: int = 0):
    x = np.random.default_rng(seed).standard_normal(shape)
    if dtype == "bfloat16":
        return bfloat16(x)
    if dtype.startswith("c"):
        return (x + 1j * np.random.default_rng(seed + 1).standard_normal(shape)).astype(
            dtype
        )
    return (x if dtype.startswith("f") else np.trunc(x * 3)).astype(dtype)


def reduce(backend: Backend, op: str, a, axes, dtype: str, attrs=(), n_out: int = 1):
    """As the host does it: outputs are expanded to the sizes of the operand."""
    kept = tuple(1 if d in axes else s for d, s in enumerate(a.shape))
    outs, views = [], []
    for _ in range(n_out):
        out = np.full(kept, 77, np.uint16 if dtype == "bfloat16" else dtype)
        view = np.lib.stride_tricks.as_strided(
            out, a.shape, [0 if d in axes else s for d, s in enumerate(out.strides)]
        )
        if dtype == "bfloat16":
            out, view = out.view(Bfloat16), view.view(Bfloat16)
        outs.append(out)
        views.append(view)
    backend(op, views, a, attrs=attrs)
    return outs[0] if n_out == 1 else outs


CASES = [
    ((1000,), (0,)), ((7,), (0,)), ((100_003,), (0,)), ((40, 70), (0,)), ((40, 70), (1,)),
    ((40, 70), (0, 1)), ((6, 30, 50), (1,)), ((6, 30, 50), (0, 2)), ((6, 30, 50), (0,)),
    ((600, 3), (1,)), ((600, 3), (0,)), ((3, 600, 5), (2,)), ((5, 4, 3, 20), (1, 3)),
    ((200, 700), (0,)), ((2, 90_000), (1,)), ((1, 1), (0,)), ((33,), ()),
]  # fmt: skip


def layouts(a):
    yield a
    if a.ndim > 1:
        yield a.transpose(*range(a.ndim - 1, -1, -1))
    yield a[..., ::-1]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "op", ["sum", "mean", "amax", "amin", "logsumexp", "norm", "prod"]
)
def test_floats(backend: Backend, op: str, dtype: str) -> None:
    refs = {
        "sum": np.sum, "mean": np.mean, "amax": np.max, "amin": np.min, "prod": np.prod,
        "logsumexp": lambda x, axis: sp.logsumexp(x, axis=axis),
        "norm": lambda x, axis: np.sqrt(np.sum(x * x, axis=axis)),
    }  # fmt: skip
    for shape, axes in CASES:
        base = make(dtype, shape)
        if op == "prod":
            base = make(dtype, shape)
            big = np.abs(values(base)) * 0 + 1 + values(base) * 0.001
            base = bfloat16(big) if dtype == "bfloat16" else big.astype(dtype)
        for a in layouts(base):
            if op != "sum" and len(axes) > 1 and a.ndim > 2 and not axes:
                continue
            out = reduce(backend, op, a, axes, dtype, [2.0] if op == "norm" else [])
            w = values(a).astype(np.float64)
            want = refs[op](w, axis=axes).reshape(out.shape)
            n = max(1, w.size // max(1, want.size))
            scale = np.abs(want) + (np.abs(w).max() * np.sqrt(n) if op == "sum" else 1)
            if op == "prod":
                scale = scale * np.sqrt(n)
            tol = (
                EPS[dtype] * (2 if op != "sum" else 1)
                + EPS["float32" if dtype != "float64" else dtype] * 4
            )
            assert np.all(np.abs(values(out) - want) <= tol * scale), (
                shape,
                axes,
                a.strides,
            )


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool"])
def test_ints(backend: Backend, dtype: str) -> None:
    for shape, axes in CASES:
        for a in layouts(make(dtype, shape)):
            for op, ref in (
                ("sum", np.sum),
                ("amax", np.max),
                ("amin", np.min),
                ("prod", np.prod),
            ):
                if dtype == "bool" and op in ("sum", "prod"):
                    continue
                out = reduce(backend, op, a, axes, dtype)
                with np.errstate(all="ignore"):
                    want = (
                        ref(a, axis=axes, dtype=dtype)
                        if op in ("sum", "prod")
                        else ref(a, axis=axes)
                    )
                assert np.array_equal(out.reshape(np.shape(want)), want), (
                    op,
                    shape,
                    axes,
                )


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int16", "float16", "float32", "float64", "complex64"]
)
def test_any_all(backend: Backend, dtype: str) -> None:
    for shape, axes in CASES:
        a = (np.random.default_rng(3).random(shape) > 0.97).astype(dtype)
        for m in layouts(a):
            for op, ref, x in (
                ("any", np.any, m),
                ("all", np.all, (m == 0).astype(dtype)),
            ):
                out = reduce(backend, op, x, axes, "bool")
                assert np.array_equal(
                    out.reshape(np.shape(ref(x, axis=axes))), ref(x, axis=axes)
                )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("correction", [0.0, 1.0])
def test_variance(backend: Backend, dtype: str, correction: float) -> None:
    for shape, axes in CASES:
        base = make(dtype, shape)
        shifted = values(base) + 3
        base = bfloat16(shifted) if dtype == "bfloat16" else shifted.astype(dtype)
        for a in layouts(base):
            w = values(a).astype(np.float64)
            n = np.prod([a.shape[d] for d in axes])
            if n <= correction:
                continue
            want = w.var(axis=axes, ddof=correction)
            out = reduce(backend, "var", a, axes, dtype, [correction, 0])
            tol = max(EPS[dtype], 1e-14) * 8
            np.testing.assert_allclose(values(out).reshape(want.shape), want, tol, tol)
            var, mean = reduce(backend, "var_mean", a, axes, dtype, [correction, 1], 2)
            np.testing.assert_allclose(
                values(var).reshape(want.shape), np.sqrt(want), tol, tol
            )
            np.testing.assert_allclose(
                values(mean).reshape(want.shape), w.mean(axis=axes), tol
            )


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex(backend: Backend, dtype: str) -> None:
    a = make(dtype, (30, 50))
    w = a.astype(np.complex128)
    real = a.real.dtype.name
    tol = 1e-5 if dtype == "complex64" else 1e-13
    for axes in [(0,), (1,), (0, 1)]:
        for op, ref in (("sum", np.sum), ("mean", np.mean)):
            out = reduce(backend, op, a, axes, dtype)
            np.testing.assert_allclose(
                out.reshape(np.shape(ref(w, axis=axes))), ref(w, axis=axes), tol, tol
            )
        for p in (1.0, 2.0, 3.0, np.inf, -np.inf, 0.0):
            out = reduce(backend, "norm", a, axes, real, [float(p)])
            m = np.abs(w)
            want = {np.inf: m.max(axes), -np.inf: m.min(axes), 0.0: (m != 0).sum(axes)}.get(
                p, (m**p).sum(axes) ** (1 / p) if p and np.isfinite(p) else None)  # fmt: skip
            np.testing.assert_allclose(out.reshape(np.shape(want)), want, tol * 10)
        out = reduce(backend, "var", a, axes, real, [1.0, 0])
        want = w.var(axis=axes, ddof=1)
        np.testing.assert_allclose(out.reshape(np.shape(want)), want, tol * 10)


@pytest.mark.parametrize("p", [0.0, 1.0, 2.0, 3.0, 0.5, np.inf, -np.inf])
def test_norms(backend: Backend, p: float) -> None:
    a = make("float32", (30, 500))
    a[3, ::5] = 0
    for axes in [(0,), (1,), (0, 1)]:
        m = np.abs(a.astype(np.float64))
        if p == 0:
            want = (m != 0).sum(axes)
        elif np.isinf(p):
            want = m.max(axes) if p > 0 else m.min(axes)
        else:
            want = (m**p).sum(axes) ** (1 / p)
        out = reduce(backend, "norm", a, axes, "float32", [p])
        np.testing.assert_allclose(out.reshape(np.shape(want)), want, 2e-6)


def test_nan_infinity_and_nothing(backend: Backend) -> None:
    a = make("float32", (20, 100))
    a[3, 50] = np.nan
    for op in ("amax", "amin", "sum", "logsumexp"):
        for axes in [(0,), (1,)]:
            out = reduce(backend, op, a, axes, "float32")
            assert np.isnan(out).sum() == 1
    inf = np.array([-np.inf, -np.inf], np.float32)
    assert reduce(backend, "logsumexp", inf, (0,), "float32")[0] == -np.inf
    inf[1] = np.inf
    assert reduce(backend, "logsumexp", inf, (0,), "float32")[0] == np.inf
    nothing = np.empty((3, 0), np.float32)
    assert reduce(backend, "sum", nothing, (1,), "float32").tolist() == [[0]] * 3
    assert reduce(backend, "prod", nothing, (1,), "float32").tolist() == [[1]] * 3
    assert np.isnan(reduce(backend, "mean", nothing, (1,), "float32")).all()
    assert reduce(backend, "all", nothing, (1,), "bool").all()


def test_accuracy_and_threads(backend: Backend) -> None:
    a = (np.random.default_rng(5).random(10_000_000) + 1).astype(np.float32)
    want = a.astype(np.float64).sum()
    outs = []
    for threads in (1, 2, 3):
        backend.set_num_threads(threads)
        outs.append(float(reduce(backend, "sum", a, (0,), "float32")[0]))
    backend.set_num_threads(2)
    assert len(set(outs)) == 1 and abs(outs[0] - want) <= 1e-7 * want
    m = a.reshape(10000, 1000)
    out = reduce(backend, "sum", m, (0,), "float32")
    np.testing.assert_allclose(out[0], m.sum(0, dtype=np.float64), 2e-7)
