"""Checkpointing: same results and gradients, less kept, and what goes wrong."""

import flambeau
import pytest
from flambeau.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

BOTH = pytest.mark.parametrize("use_reentrant", [False, True])


def leaf(*values):
    return flambeau.tensor(values, dtype=flambeau.float64, requires_grad=True)


@BOTH
def test_same_gradients(use_reentrant):
    w = leaf(0.5, -0.25)
    calls = []

    def f(x, scale):
        calls.append(1)
        return (x * w).sin().exp() * scale

    x = leaf(1.0, 2.0)
    out = checkpoint(f, x, 3.0, use_reentrant=use_reentrant)
    out.sum().backward()
    got = x.grad.tolist(), w.grad.tolist()
    assert len(calls) == 2
    x.grad = w.grad = None
    f(x, 3.0).sum().backward()
    assert got[0] == pytest.approx(x.grad.tolist())
    assert got[1] == pytest.approx(w.grad.tolist())


@BOTH
def test_random_numbers_are_drawn_again(use_reentrant):
    def f(x):
        return x * flambeau.rand(x.shape, dtype=x.dtype)

    x = leaf(*([1.0] * 20))
    out = checkpoint(f, x, use_reentrant=use_reentrant)
    state = flambeau.get_rng_state()
    out.sum().backward()
    assert x.grad.tolist() == pytest.approx(out.tolist())
    assert flambeau.get_rng_state().tolist() == state.tolist()


def test_not_reentrant_works_with_autograd_grad_and_keywords():
    w = leaf(2.0)

    def f(x, *, power):
        return (x * w) ** power

    x = leaf(3.0)
    out = checkpoint(f, x, use_reentrant=False, power=2)
    gx, gw = flambeau.autograd.grad(out, [x, w])
    assert gx.item() == pytest.approx(2 * 3 * 4)
    assert gw.item() == pytest.approx(2 * 2 * 9)


def test_two_backwards_of_one_graph():
    x = leaf(3.0)
    out = checkpoint(lambda x: x.sin().exp(), x, use_reentrant=False)
    out.backward(retain_graph=True)
    first = x.grad.item()
    out.backward()
    assert x.grad.item() == pytest.approx(2 * first)


def test_inputs_that_need_no_gradient():
    w = leaf(2.0)
    x = flambeau.tensor([3.0], dtype=flambeau.float64)
    out = checkpoint(lambda x: (x * w).sin(), x, use_reentrant=False)
    out.backward()
    assert w.grad.item() == pytest.approx(3 * flambeau.cos(x * 2).item())
    with pytest.warns(UserWarning, match="none of the inputs"):
        out = checkpoint(lambda x: (x * w).sin(), x, use_reentrant=True)
    assert not out.requires_grad


def test_a_second_run_that_differs():
    shapes = iter([2, 3])

    def f(x):
        return (x * flambeau.ones(next(shapes), dtype=x.dtype)).exp().sum()

    out = checkpoint(f, leaf(1.0), use_reentrant=False)
    with pytest.raises(CheckpointError, match="shape, dtype and device"):
        out.backward()
    lengths = iter([3, 1])

    def g(x):
        for _ in range(next(lengths)):
            x = x.sin()
        return x

    out = checkpoint(g, leaf(1.0), use_reentrant=False)
    with pytest.raises(CheckpointError, match="keep 3 tensors"):
        out.backward()


def test_early_stop():
    seen = []

    def f(x):
        y = x.exp().sum()
        seen.append(1)
        return y

    checkpoint(f, leaf(1.0), use_reentrant=False).backward()
    assert len(seen) == 1
    with set_checkpoint_early_stop(False):
        checkpoint(f, leaf(1.0), use_reentrant=False).backward()
    assert len(seen) == 3


@BOTH
def test_sequential(use_reentrant):
    steps = [flambeau.sin, flambeau.exp, flambeau.cos, flambeau.tanh, flambeau.exp]
    x = leaf(0.3, 0.6)
    out = checkpoint_sequential(steps, 2, x, use_reentrant=use_reentrant)
    out.sum().backward()
    y = leaf(0.3, 0.6)
    want = y
    for step in steps:
        want = step(want)
    want.sum().backward()
    assert out.tolist() == pytest.approx(want.tolist())
    assert x.grad.tolist() == pytest.approx(y.grad.tolist())


def test_arguments():
    x = leaf(1.0)
    with pytest.warns(UserWarning, match="use_reentrant"):
        checkpoint(flambeau.sin, x)
    with pytest.raises(ValueError, match="keyword"):
        checkpoint(flambeau.sin, x, use_reentrant=True, other=1)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(flambeau.sin, x, use_reentrant=False, determinism_check="x")
