"""Normalisations and losses, forward and backward, against PyTorch in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import INDEX_ERROR, Backend, KernelError, bfloat16, values

torch = pytest.importorskip("torch")
F = torch.nn.functional
TOLERANCE = {"float16": 1e-2, "bfloat16": 6e-2, "float32": 2e-5, "float64": 1e-12}
DTYPES = list(TOLERANCE)


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def cast(a: np.ndarray, dtype: str) -> np.ndarray:
    return bfloat16(a) if dtype == "bfloat16" else np.asarray(a).astype(dtype)


def new(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return cast(np.full(shape, 3.0), dtype)


def leaf(a: np.ndarray | None) -> Any:
    if a is None:
        return None
    return torch.tensor(np.array(values(a), np.float64), requires_grad=True)


def close(got: np.ndarray, want: Any, dtype: str, scale: float = 1.0) -> None:
    want = want.detach().numpy() if hasattr(want, "detach") else want
    t = TOLERANCE[dtype]
    np.testing.assert_allclose(
        np.asarray(values(got), np.float64), want, rtol=t, atol=t * scale
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (7, 64), (300, 33), (5, 1000)])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm(backend: Backend, dtype: str, shape: Any, affine: bool) -> None:
    rng = np.random.default_rng(0)
    m, n = shape
    x, g = (cast(rng.standard_normal(shape) + 2, dtype) for _ in range(2))
    w = cast(rng.standard_normal(n), dtype) if affine else None
    b = cast(rng.standard_normal(n), dtype) if affine else None
    y, mean, rstd = new(shape, dtype), new((m,), dtype), new((m,), dtype)
    backend("layer_norm", [y, mean, rstd], x, w, b, attrs=[1e-5])
    tx, tw, tb = leaf(x), leaf(w), leaf(b)
    ty = F.layer_norm(tx, (n,), tw, tb, 1e-5)
    close(y, ty, dtype)
    ty.backward(leaf(g).detach())
    if dtype in ("float16", "bfloat16"):
        mean = tx.detach().mean(1).numpy().astype(np.float32)
        rstd = (1 / np.sqrt(tx.detach().numpy().var(1) + 1e-5)).astype(np.float32)
    dx, dw, db = new(shape, dtype), new((n,), dtype), new((n,), dtype)
    outs = [dx, dw, db] if affine else [dx, None, None]
    backend("layer_norm_backward", outs, g, x, mean, rstd, w)
    close(dx, tx.grad, dtype, 4)
    if affine:
        close(dw, tw.grad, dtype, m**0.5)
        close(db, tb.grad, dtype, m**0.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (200, 64), (5, 1000)])
def test_rms_norm(backend: Backend, dtype: str, shape: Any) -> None:
    rng = np.random.default_rng(0)
    m, n = shape
    x, g = (cast(rng.standard_normal(shape) + 1, dtype) for _ in range(2))
    w = cast(rng.standard_normal(n), dtype)
    y, rstd = (
        new(shape, dtype),
        new((m,), "float64" if dtype == "float64" else "float32"),
    )
    backend("rms_norm", [y, rstd], x, w, attrs=[1e-5])
    tx, tw = leaf(x), leaf(w)
    ty = F.rms_norm(tx, (n,), tw, 1e-5)
    close(y, ty, dtype)
    ty.backward(leaf(g).detach())
    dx, dw = new(shape, dtype), new((n,), dtype)
    backend("rms_norm_backward", [dx, dw], g, x, rstd, w)
    close(dx, tx.grad, dtype, 2)
    close(dw, tw.grad, dtype, m**0.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 6, 5, 2), (3, 8, 64, 4), (1, 4, 1, 2)])
@pytest.mark.parametrize("affine", [True, False])
def test_group_norm(backend: Backend, dtype: str, shape: Any, affine: bool) -> None:
    rng = np.random.default_rng(0)
    n, c, l, groups = shape
    x, g = (cast(rng.standard_normal((n, c, l)), dtype) for _ in range(2))
    w = cast(rng.standard_normal(c), dtype) if affine else None
    b = cast(rng.standard_normal(c), dtype) if affine else None
    stat = "float64" if dtype == "float64" else "float32"
    y, mean, rstd = (
        new((n, c, l), dtype),
        new((n, groups), stat),
        new((n, groups), stat),
    )
    backend("group_norm", [y, mean, rstd], x, w, b, attrs=[groups, 1e-5])
    tx, tw, tb = leaf(x), leaf(w), leaf(b)
    ty = F.group_norm(tx, groups, tw, tb, 1e-5)
    close(y, ty, dtype)
    ty.backward(leaf(g).detach())
    dx, dw, db = new((n, c, l), dtype), new((c,), dtype), new((c,), dtype)
    outs = [dx, dw, db] if affine else [dx, None, None]
    backend("group_norm_backward", outs, g, x, mean, rstd, w, attrs=[groups])
    close(dx, tx.grad, dtype, 4)
    if affine:
        close(dw, tw.grad, dtype, (n * l) ** 0.5)
        close(db, tb.grad, dtype, (n * l) ** 0.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(4, 3, 1), (40, 37, 1), (3, 5, 7), (2, 3, 1000)])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("train", [True, False])
def test_batch_norm(
    backend: Backend, dtype: str, shape: Any, affine: bool, train: bool
) -> None:
    rng = np.random.default_rng(0)
    n, c, l = shape
    x, g = (cast(rng.standard_normal(shape) + 3, dtype) for _ in range(2))
    w = cast(rng.standard_normal(c), dtype) if affine else None
    b = cast(rng.standard_normal(c), dtype) if affine else None
    stat = "float64" if dtype == "float64" else "float32"
    running = cast(rng.standard_normal(c), stat), cast(rng.random(c) + 0.5, stat)
    tm, tv = (torch.tensor(r.astype(np.float64)) for r in running)
    tx, tw, tb = leaf(x), leaf(w), leaf(b)
    y, mean, rstd = new(shape, dtype), new((c,), stat), new((c,), stat)
    if train:
        ty = F.batch_norm(tx, tm, tv, tw, tb, True, 0.1, 1e-5)
        backend(
            "batch_norm_train", [y, mean, rstd], x, w, b, *running, attrs=[0.1, 1e-5]
        )
        close(running[0], tm, stat)
        close(running[1], tv, stat)
    else:
        ty = F.batch_norm(tx, tm, tv, tw, tb, False, 0.1, 1e-5)
        backend("batch_norm_eval", y, x, w, b, *running, attrs=[1e-5])
        mean, rstd = running[0], 1 / np.sqrt(running[1] + 1e-5)
    close(y, ty, dtype, 2)
    ty.backward(leaf(g).detach())
    dx, dw, db = new(shape, dtype), new((c,), dtype), new((c,), dtype)
    outs = [dx, dw, db] if affine else [dx, None, None]
    backend("batch_norm_backward", outs, g, x, w, mean, rstd, attrs=[int(train)])
    close(dx, tx.grad, dtype, 4)
    if affine:
        close(dw, tw.grad, dtype, 4 * (n * l) ** 0.5)
        close(db, tb.grad, dtype, 4 * (n * l) ** 0.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 17), (6, 3000), (2, 5001)])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_cross_entropy(
    backend: Backend,
    dtype: str,
    shape: Any,
    weighted: bool,
    smoothing: float,
    reduction: int,
) -> None:
    rng = np.random.default_rng(0)
    n, c = shape
    x = cast(3 * rng.standard_normal(shape), dtype)
    target = rng.integers(0, c, n)
    if n > 2:
        target[1] = -100
    w = cast(rng.random(c) + 0.5, dtype) if weighted else None
    stat = "float64" if dtype == "float64" else "float32"
    out = new((n,) if reduction == 0 else (), stat)
    lse, total = new((n,), stat), new((), stat)
    attrs = [-100, reduction, smoothing]
    backend("cross_entropy", [out, lse, total], x, target, w, attrs=attrs)
    tx = leaf(x)
    tw = None if w is None else leaf(w).detach()
    name = ["none", "mean", "sum"][reduction]
    ty = F.cross_entropy(
        tx, torch.tensor(target), tw, reduction=name, label_smoothing=smoothing
    )
    close(out, ty, stat, n)
    g = cast(rng.standard_normal(out.shape), dtype)
    ty.backward(leaf(g).detach())
    dx = new(shape, dtype)
    backend("cross_entropy_backward", dx, g, x, target, w, lse, total, attrs=attrs)
    close(dx, tx.grad, dtype)


def test_cross_entropy_extremes(backend: Backend) -> None:
    x = np.array([[-np.inf, 0, 1e4], [-np.inf, -np.inf, 3], [1, 2, np.nan]], np.float32)
    out, lse, total = new((3,), "float32"), new((3,), "float32"), new((), "float32")
    target = np.array([2, 2, 0])
    backend("cross_entropy", [out, lse, total], x, target, None, attrs=[-100, 0, 0.0])
    np.testing.assert_array_equal(out, [0, 0, np.nan])
    with pytest.raises(KernelError, match="expected target in") as caught:
        target[0] = 3
        backend(
            "cross_entropy", [out, lse, total], x, target, None, attrs=[-100, 0, 0.0]
        )
    assert caught.value.status == INDEX_ERROR


def test_cross_entropy_large_rows(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    n, c = 400, 50257  # past the caches
    x = rng.standard_normal((n, c)).astype(np.float32)
    target = rng.integers(0, c, n)
    out, lse, total = new((), "float32"), new((n,), "float32"), new((), "float32")
    backend("cross_entropy", [out, lse, total], x, target, None, attrs=[-100, 1, 0.0])
    tx = torch.tensor(x, requires_grad=True)
    ty = F.cross_entropy(tx, torch.tensor(target))
    ty.backward()
    close(out, ty, "float32")
    dx = np.full((n, c), 9, np.float32)
    g = np.ones((), np.float32)
    backend(
        "cross_entropy_backward",
        dx,
        g,
        x,
        target,
        None,
        lse,
        total,
        attrs=[-100, 1, 0.0],
    )
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 4, 1), (3, 7, 6)])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_nll_loss(backend: Backend, shape: Any, weighted: bool, reduction: int) -> None:
    rng = np.random.default_rng(0)
    n, c, l = shape
    x, target = rng.standard_normal(shape), rng.integers(0, c, (n, l))
    target[0, 0] = -1
    w = rng.random(c) if weighted else None
    out, total = new((n, l) if reduction == 0 else (), "float64"), new((), "float64")
    backend("nll_loss", [out, total], x, target, w, attrs=[-1, reduction])
    tx, tw = leaf(x), None if w is None else torch.tensor(w)
    name = ["none", "mean", "sum"][reduction]
    ty = F.nll_loss(tx, torch.tensor(target), tw, reduction=name, ignore_index=-1)
    close(out, ty, "float64")
    g = np.asarray(rng.standard_normal(out.shape))
    ty.backward(torch.tensor(g))
    dx = new(shape, "float64")
    backend("nll_loss_backward", dx, g, target, w, total, attrs=[-1, reduction])
    close(dx, tx.grad, "float64")
