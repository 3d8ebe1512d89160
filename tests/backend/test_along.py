"""Kernels along one dimension, and the optimisers, against NumPy and PyTorch."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import scipy.special as sp
from harness import Backend, Bfloat16, bfloat16, values

EPS = {"float16": 2**-10, "bfloat16": 2**-7, "float32": 2**-23, "float64": 2**-52}
SHAPES = [((1000,), 0), ((40, 70), 0), ((40, 70), 1), ((6, 30, 50), 1), ((6, 30, 50), 0),
          ((7, 3), 1), ((1, 5), 0), ((300, 1), 0), ((3, 2500), 1), ((90, 600), 0)]  # fmt: skip


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def make(dtype: str, shape: object, seed: int = 0):
    x = np.random.default_rng(seed).standard_normal(shape) * 2
    if dtype == "bfloat16":
        return bfloat16(x)
    return x.astype(dtype)


def like(a, shape=None):
    return np.empty_like(np.asarray(a), shape=shape).view(type(a))


def layouts(shape, dim, dtype):
    a = make(dtype, shape)
    yield a, dim
    yield a.transpose(*range(a.ndim - 1, -1, -1)), a.ndim - 1 - dim
    yield (
        make(dtype, tuple(2 * s for s in shape))[
            tuple([slice(None, None, 2)] * len(shape))
        ],
        dim,
    )


@pytest.mark.parametrize("dtype", list(EPS))
def test_softmax(backend: Backend, dtype: str) -> None:
    for shape, d in SHAPES:
        for a, dim in layouts(shape, d, dtype):
            w = values(a).astype(np.float64)
            for op, ref in (("softmax", sp.softmax), ("log_softmax", sp.log_softmax)):
                out = backend(op, like(a), a, attrs=[dim])
                want = ref(w, axis=dim)
                assert np.all(
                    np.abs(values(out) - want)
                    <= 8
                    * EPS[dtype]
                    * (np.abs(want) + 0.01 + (1 if "log" in op else 0))
                )
            g = make(dtype, a.shape, 1)
            wg = values(g).astype(np.float64)
            y = backend("softmax", like(a), a, attrs=[dim])
            wy = values(y).astype(np.float64)
            out = backend("softmax_backward", like(a), g, y, attrs=[dim])
            want = wy * (wg - (wg * wy).sum(dim, keepdims=True))
            np.testing.assert_allclose(
                values(out), want, EPS[dtype] * 8, EPS[dtype] * 8
            )
            z = backend("log_softmax", like(a), a, attrs=[dim])
            out = backend("log_softmax_backward", like(a), g, z, attrs=[dim])
            want = wg - np.exp(values(z).astype(np.float64)) * wg.sum(
                dim, keepdims=True
            )
            np.testing.assert_allclose(
                values(out), want, EPS[dtype] * 32, EPS[dtype] * 64
            )


def test_softmax_edges(backend: Backend) -> None:
    a = np.array(
        [[0, -np.inf, 1], [np.nan, 0, 0], [1e30, 0, 1], [-np.inf] * 3], np.float32
    )
    out = backend("softmax", np.empty_like(a), a, attrs=[1])
    assert np.isnan(out[1]).all() and np.isnan(out[3]).all()
    np.testing.assert_allclose(out[[0, 2]], sp.softmax(a[[0, 2]], 1), 1e-6)
    backend(
        "softmax", np.empty((0, 3), np.float32), np.empty((0, 3), np.float32), attrs=[1]
    )
    big = make("float32", (3000, 1000))
    np.testing.assert_allclose(
        backend("softmax", np.empty_like(big), big, attrs=[1]), sp.softmax(big, 1), 2e-6
    )


@pytest.mark.parametrize("dtype", [*EPS, "int8", "int64", "complex64"])
def test_cumulative(backend: Backend, dtype: str) -> None:
    for shape, d in SHAPES:
        for a, dim in layouts(shape, d, dtype):
            w = values(a)
            with np.errstate(all="ignore"):
                if dtype in EPS:
                    want = np.cumsum(w.astype(np.float64), dim)
                    tol = EPS[dtype] + 2**-24 * 30
                    bound = tol * (
                        np.abs(want) + np.abs(w).max() * np.sqrt(a.shape[dim])
                    )
                    out = backend("cumsum", like(a), a, attrs=[dim])
                    assert np.all(np.abs(values(out) - want) <= bound)
                elif dtype == "complex64":
                    out = backend("cumsum", like(a), a, attrs=[dim])
                    np.testing.assert_allclose(
                        out, np.cumsum(w.astype(complex), dim), 1e-4, 1e-4
                    )
                else:
                    for op, ref in (("cumsum", np.cumsum), ("cumprod", np.cumprod)):
                        out = backend(op, like(a), a, attrs=[dim])
                        assert np.array_equal(out, ref(w, dim, dtype=dtype))
    if dtype in ("float32", "int64"):  # past the caches, rows of no whole vectors
        a = np.random.default_rng(0).integers(-9, 9, (3, 700_003)).astype(dtype)
        for dim in (1, 0):
            out = backend("cumsum", like(a), a, attrs=[dim])
            assert np.array_equal(out, np.cumsum(a, dim, dtype=dtype))
        want = np.cumsum(a, 1, dtype=dtype)
        assert np.array_equal(backend("cumsum", a, a, attrs=[1]), want)
    small = make("float32", 50) * 0.1 + 1
    np.testing.assert_allclose(
        backend("cumprod", np.empty_like(small), small, attrs=[0]),
        np.cumprod(small.astype(float)),
        1e-5,
    )


@pytest.mark.parametrize("dtype", [*EPS, "int8", "int64"])
def test_running_extremes_and_argmax(backend: Backend, dtype: str) -> None:
    for shape, d in SHAPES:
        for a, dim in layouts(shape, d, dtype):
            w = values(a)
            n = a.shape[dim]
            one = tuple(1 if k == dim else s for k, s in enumerate(a.shape))
            for op, ref, arg in (
                ("cummax", np.maximum, np.argmax),
                ("cummin", np.minimum, np.argmin),
            ):
                vals, idx = backend(
                    op, [like(a), np.empty(a.shape, np.int64)], a, attrs=[dim]
                )
                assert np.array_equal(values(vals), ref.accumulate(w, dim))
                assert np.array_equal(np.take_along_axis(w, idx, dim), values(vals))
                flat = np.flip(w, dim)
                last = n - 1 - arg(flat, dim)
                assert np.array_equal(np.take(idx, n - 1, dim), last)
                name = "max" if op == "cummax" else "min"
                out = backend(f"arg{name}", np.empty(one, np.int64), a, attrs=[dim])
                assert np.array_equal(out, np.expand_dims(arg(w, dim), dim)), (
                    shape,
                    dim,
                )
                vals, idx = backend(
                    f"{name}_dim",
                    [like(a, one), np.empty(one, np.int64)],
                    a,
                    attrs=[dim],
                )
                assert np.array_equal(idx, out)
                assert np.array_equal(values(vals), np.take_along_axis(w, out, dim))


def test_argmax_nan_and_ties(backend: Backend) -> None:
    a = np.zeros((100, 64), np.float32)
    a[40, 3] = a[60, 3] = 5
    a[50, 7] = a[70, 7] = np.nan
    a[80, 7] = 9
    for m, dim in ((a, 0), (np.ascontiguousarray(a.T), 1)):
        out = backend(
            "argmax",
            np.empty((1, 64) if dim == 0 else (64, 1), np.int64),
            m,
            attrs=[dim],
        )
        assert out.reshape(-1)[[0, 3, 7]].tolist() == [0, 40, 50]
    x = np.zeros(10_000, np.float32)
    assert backend("argmax", np.empty(1, np.int64), x, attrs=[0])[0] == 0
    x[[5000, 6000]] = np.nan
    assert backend("argmin", np.empty(1, np.int64), x, attrs=[0])[0] == 5000


def test_logcumsumexp(backend: Backend) -> None:
    a = make("float32", (5, 200))
    a[0, :3] = -np.inf
    out = backend("logcumsumexp", np.empty_like(a), a, attrs=[1])
    want = np.logaddexp.accumulate(a.astype(np.float64), 1)
    np.testing.assert_allclose(out, want, 1e-6)


# ---- optimisers -------------------------------------------------------------------------------


def bits(step: float) -> int:
    return struct.unpack("<q", struct.pack("<d", step))[0]


def run(backend: Backend, op: str, groups, attrs) -> None:
    backend(op, [t for group in groups for t in group], attrs=[len(groups[0]), *attrs])


CONFIGS = [
    ("Adam", {"lr": 0.1}), ("Adam", {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 0.1, "maximize": True}), ("AdamW", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1}), ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.2}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}), ("Adadelta", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1}), ("RMSprop", {"lr": 0.1, "momentum": 0.9, "centered": True}),
    ("RMSprop", {"lr": 0.1, "centered": True}), ("RMSprop", {"lr": 0.1, "momentum": 0.5}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
]  # fmt: skip


@pytest.mark.parametrize("config", range(len(CONFIGS)))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_optimisers(backend: Backend, config: int, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    name, options = CONFIGS[config]
    rng = np.random.default_rng(0)
    shapes = [8, 1, 1000, 17]
    params = [rng.standard_normal(n).astype(dtype) for n in shapes]
    theirs = [torch.nn.Parameter(torch.tensor(p.astype(np.float64))) for p in params]
    optimiser = getattr(torch.optim, name)(theirs, **options)
    o = optimiser.param_groups[0]
    state = [[np.zeros_like(p) for p in params] for _ in range(3)]
    for step in range(1, 6):
        grads = [rng.standard_normal(n).astype(dtype) for n in shapes]
        for p, g in zip(theirs, grads, strict=True):
            p.grad = torch.tensor(g.astype(np.float64))
        optimiser.step()
        steps = [bits(float(step))] * len(params)
        wd, maximize = float(o["weight_decay"]), int(o["maximize"])
        if name.startswith("Adam"):
            groups = [params, grads, *state[: 2 + o["amsgrad"]]]
            run(backend, "adam", groups, [o["lr"], *o["betas"], o["eps"], wd, int(o["amsgrad"]),
                                          maximize, int(name == "AdamW"), steps])  # fmt: skip
        elif name == "SGD":
            groups = [params, grads, *state[: int(o["momentum"] != 0)]]
            run(backend, "sgd", groups, [o["lr"], float(o["momentum"]), float(o["dampening"]), wd,
                                         int(o["nesterov"]), maximize, int(step == 1)])  # fmt: skip
        elif name == "Adadelta":
            run(
                backend,
                "adadelta",
                [params, grads, *state[:2]],
                [o["lr"], o["rho"], o["eps"], wd, maximize],
            )
        elif name == "RMSprop":
            k = 1 + (o["momentum"] > 0) + o["centered"]
            run(backend, "rmsprop", [params, grads, *state[:k]],
                [o["lr"], o["alpha"], o["eps"], wd, float(o["momentum"]), int(o["centered"]), maximize])  # fmt: skip
        else:
            run(backend, "adagrad", [params, grads, state[0]],
                [o["lr"], float(o["lr_decay"]), o["eps"], wd, maximize, steps])  # fmt: skip
    tol = 3e-5 if dtype == "float32" else 1e-11
    for p, q in zip(params, theirs, strict=True):
        np.testing.assert_allclose(p, q.detach().numpy(), tol, tol)


def test_half_precision_step_and_clipping(backend: Backend) -> None:
    p = [bfloat16(np.ones(700)), bfloat16(np.ones(3))]
    g = [bfloat16(np.full(700, 0.5)), bfloat16(np.full(3, 0.5))]
    run(backend, "sgd", [p, g], [0.5, 0.0, 0.0, 0.0, 0, 0, 0])
    assert (p[0].float() == 0.75).all() and (p[1].float() == 0.75).all()
    run(backend, "scale_by", [p], [2.0])
    assert (p[0].float() == 1.5).all()
    a = [make("float32", 1000), make("float32", 3)]
    flat = np.concatenate(a).astype(np.float64)
    for order in (1.0, 2.0, 3.0, np.inf):
        total = np.zeros((), np.float32)
        backend("norms", [*a, total], attrs=[2, float(order)])
        np.testing.assert_allclose(total, np.linalg.norm(flat, order), 1e-6)
