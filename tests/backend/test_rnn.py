"""Recurrent cells and LSTM layers against their formulas in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from harness import Backend

torch = pytest.importorskip("torch")
TOLERANCE = {"float32": 2e-5, "float64": 1e-10}


@pytest.fixture(scope="module")
def backend() -> Backend:
    return Backend()


def leaf(a: np.ndarray) -> Any:
    return torch.tensor(a.astype(np.float64), requires_grad=True)


def close(got: np.ndarray, want: Any) -> None:
    t = TOLERANCE[got.dtype.name]
    np.testing.assert_allclose(got, want.detach().numpy(), rtol=t, atol=t)


def lstm_step(gates: Any, c: Any) -> tuple[Any, Any]:
    i, f, g, o = gates.chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (40, 64), (2, 100)])
def test_lstm_cell(backend: Backend, dtype: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    n, h = size
    gates, c = 2 * rng.standard_normal((n, 4 * h)), rng.standard_normal((n, h))
    gates, c = gates.astype(dtype), c.astype(dtype)
    new_h, new_c, active = np.ones_like(c), np.ones_like(c), np.ones_like(gates)
    backend("lstm_cell", [new_h, new_c, active], gates, c)
    tg, tc = leaf(gates), leaf(c)
    th, tn = lstm_step(tg, tc)
    close(new_h, th)
    close(new_c, tn)
    dh, dc = (rng.standard_normal((n, h)).astype(dtype) for _ in range(2))
    dgates, dprev = np.ones_like(gates), np.ones_like(c)
    for a, b in ((dh, dc), (dh, None), (None, dc)):
        tg.grad = tc.grad = None
        loss = sum(
            (t * torch.tensor(d)).sum() for t, d in ((th, a), (tn, b)) if d is not None
        )
        loss.backward(retain_graph=True)
        backend("lstm_cell_backward", [dgates, dprev], a, b, active, c, new_c)
        close(dgates, tg.grad)
        close(dprev, tc.grad)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 2, 5), (7, 33, 48), (0, 2, 3)])
@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("threads", [1, 2])
def test_lstm_layer(
    backend: Backend, dtype: str, size: Any, reverse: int, threads: int
) -> None:
    rng = np.random.default_rng(0)
    t, n, h = size
    gx, w, h0, c0 = (
        rng.standard_normal(s).astype(dtype)
        for s in ((t, n, 4 * h), (4 * h, h), (n, h), (n, h))
    )
    w *= h**-0.5  # so that the steps do not amplify rounding
    hs, cs = np.ones((t, n, h), dtype), np.ones((t, n, h), dtype)
    gates = np.ones_like(gx)
    backend.set_num_threads(threads)
    backend("lstm_layer", [hs, cs, gates], gx, w, h0, c0, attrs=[reverse])
    tx, tw, th, tc = (leaf(a) for a in (gx, w, h0, c0))
    a, b, outs = th, tc, [None] * t
    for i in range(t - 1, -1, -1) if reverse else range(t):
        a, b = lstm_step(tx[i] + a @ tw.T, b)
        outs[i] = a
    if t:
        close(hs, torch.stack(outs))
    dhs = rng.standard_normal(hs.shape).astype(dtype)
    dhn, dcn = (rng.standard_normal((n, h)).astype(dtype) for _ in range(2))
    loss = (a * torch.tensor(dhn)).sum() + (b * torch.tensor(dcn)).sum()
    if t:
        loss = loss + (torch.stack(outs) * torch.tensor(dhs)).sum()
    loss.backward()
    dgates, dh0, dc0 = np.ones_like(gx), np.ones_like(h0), np.ones_like(c0)
    backend(
        "lstm_layer_backward", [dgates, dh0, dc0], dhs, dhn, dcn, w, gates, cs, c0,
        attrs=[reverse],
    )  # fmt: skip
    backend.set_num_threads(1)
    if t:
        close(dgates, tx.grad)
    close(dh0, th.grad)
    close(dc0, tc.grad)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (40, 64)])
def test_gru_cell(backend: Backend, dtype: str, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    n, h = size
    gi, gh, state, dh = (
        rng.standard_normal(s).astype(dtype)
        for s in ((n, 3 * h), (n, 3 * h), (n, h), (n, h))
    )
    out, saved = np.ones_like(state), np.ones((n, 4 * h), dtype)
    backend("gru_cell", [out, saved], gi, gh, state)
    ti, th, ts = (leaf(a) for a in (gi, gh, state))
    (ir, iz, im), (hr, hz, hm) = ti.chunk(3, 1), th.chunk(3, 1)
    r, z = (ir + hr).sigmoid(), (iz + hz).sigmoid()
    m = (im + r * hm).tanh()
    ty = (1 - z) * m + z * ts
    close(out, ty)
    ty.backward(torch.tensor(dh.astype(np.float64)))
    grads = [np.ones_like(a) for a in (gi, gh, state)]
    backend("gru_cell_backward", grads, dh, saved, state)
    for got, t in zip(grads, (ti, th, ts), strict=True):
        close(got, t.grad)
