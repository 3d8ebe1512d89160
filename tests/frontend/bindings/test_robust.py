"""Nothing crashes the interpreter, and nothing leaks."""

import contextlib
import gc
import random
import warnings

import flambeau as torch
import pytest
from flambeau import _C

ORDINARY = (
    RuntimeError,
    TypeError,
    ValueError,
    IndexError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    MemoryError,
)
SHAPES = [(), (0,), (1,), (3,), (2, 3), (3, 3), (0, 3), (2, 3, 4), (1, 1, 2, 2)]
DTYPES = [torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64]


def any_tensor(r):
    t = torch.ones(r.choice(SHAPES), dtype=r.choice(DTYPES))
    if t.dim() > 1 and r.random() < 0.3:
        t = t.transpose(0, 1)
    if t.is_floating_point() and r.random() < 0.3:
        t.requires_grad_()
    return t


def any_argument(r):
    kinds = [
        lambda: any_tensor(r),
        lambda: r.choice([0, 1, -1, 3, 100, 2**40, -(2**63)]),
        lambda: r.choice([0.5, float("nan"), -3.0, True, None, "mean", ""]),
        lambda: r.choice([(0,), (-1,), (2, 2), (), (2**40,), (-5,)]),
        lambda: [any_tensor(r) for _ in range(r.randrange(4))],
        lambda: r.choice(DTYPES),
    ]
    return r.choice(kinds)()


def functions():
    for space in (_C._ops, _C._nn, _C._linalg, _C._fft, _C._special):
        for name, f in vars(space).items():
            if not name.startswith("_") and name != "empty_strided":
                yield f


@pytest.mark.parametrize("seed", range(4))
def test_random_arguments_raise_or_work(seed):
    r = random.Random(seed)
    known = list(functions())
    worked = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(3000):
            f = r.choice(known)
            args = [any_argument(r) for _ in range(r.choice([1, 2, 2, 3, 4]))]
            if r.random() < 0.7:
                args[0] = any_tensor(r)
            with contextlib.suppress(*ORDINARY):
                f(*args)
                worked += 1
    assert worked > 50


@pytest.mark.parametrize("name", ["add_", "pow_", "logical_xor_", "xlogy_"])
def test_in_place_functions_want_a_tensor(name):
    with pytest.raises(TypeError):
        getattr(_C._ops, name)(3, torch.ones(2))


def graph():
    x = torch.ones(8, 8, requires_grad=True)
    y = x * x
    y.register_hook(lambda g: g * 1)
    y.retain_grad()
    y.note = y
    y[0] = 0
    y.sum().backward()


def errors():
    for call in (lambda: torch.ones(3).view(5), lambda: torch.add("x", 1)):
        with pytest.raises((RuntimeError, TypeError)):
            call()


def parameters():
    p = torch.nn.Parameter(torch.ones(3))
    q = p * 2
    del p
    assert q.grad_fn.next_functions[0][0].variable.requires_grad


@pytest.mark.parametrize("work", [graph, errors, parameters])
def test_no_leak(work):
    for _ in range(20):
        work()
    gc.collect()
    before = torch.cpu.memory_allocated()
    objects = len(gc.get_objects())
    for _ in range(300):
        work()
    gc.collect()
    assert torch.cpu.memory_allocated() == before
    assert len(gc.get_objects()) - objects < 200
