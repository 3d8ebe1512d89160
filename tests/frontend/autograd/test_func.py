"""func and autograd.functional: derivatives of functions."""

import collections
import math

import flambeau as torch
from flambeau import func
from flambeau.autograd import functional
from flambeau.testing import assert_close


def square_sum(x):
    return (x * x).sum()


def vector():
    return torch.tensor([1.0, 2.0, 3.0])


def test_grad_and_value():
    x = vector()
    assert func.grad(square_sum)(x).tolist() == [2, 4, 6]
    value, gradient = func.value_and_grad(square_sum)(x)
    assert value.item() == 14
    assert gradient.tolist() == [2, 4, 6]
    assert not gradient.requires_grad
    both = func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, x + 1)
    assert [g.tolist() for g in both] == [[2, 3, 4], [1, 2, 3]]


def test_nested_grad():
    f = func.grad(func.grad(lambda x: x * x * x))
    assert f(torch.tensor(2.0)).item() == 12


def test_grad_of_trees_and_aux():
    params = {"w": torch.tensor(2.0), "b": [torch.tensor(1.0)]}

    def loss(p):
        y = p["w"] * 3 + p["b"][0]
        return y * y, {"y": y}

    gradient, aux = func.grad(loss, has_aux=True)(params)
    assert gradient["w"].item() == 42
    assert gradient["b"][0].item() == 14
    assert aux["y"].item() == 7


def test_vjp_and_jvp():
    x = vector()
    y, pull = func.vjp(lambda x: x * x, x)
    assert pull(torch.ones(3)).tolist() == [2, 4, 6]
    y, tangent = func.jvp(lambda x: x * x, (x,), (torch.ones(3),))
    assert y.tolist() == [1, 4, 9]
    assert tangent.tolist() == [2, 4, 6]


def test_jacobians():
    x = vector()
    want = torch.diag(2 * x)
    assert_close(func.jacrev(lambda x: x * x)(x), want)
    assert_close(func.jacfwd(lambda x: x * x)(x), want)
    assert_close(functional.jacobian(lambda x: x * x, x), want)
    assert_close(func.hessian(square_sum)(x), 2 * torch.eye(3))
    assert_close(functional.hessian(square_sum, x), 2 * torch.eye(3))


def test_functional_products():
    x, v = vector(), torch.tensor([1.0, 0.0, 2.0])
    _, g = functional.vjp(lambda x: x * x, x, v)
    assert g.tolist() == [2, 0, 12]
    _, t = functional.jvp(lambda x: x * x, x, v)
    assert t.tolist() == [2, 0, 12]
    assert functional.hvp(square_sum, x, v)[1].tolist() == [2, 0, 4]
    assert functional.vhp(square_sum, x, v)[1].tolist() == [2, 0, 4]
    two = functional.jacobian(lambda a, b: a * b, (x, v))
    assert_close(two[0], torch.diag(v))
    assert_close(two[1], torch.diag(x))


def test_vmap():
    x = torch.arange(6.0).view(2, 3)
    assert func.vmap(square_sum)(x).tolist() == [5, 50]
    assert func.vmap(lambda a, b: a + b, in_dims=(0, None))(x, x[0]).shape == (2, 3)
    assert (
        func.vmap(lambda a: a * 2, in_dims=1, out_dims=1)(x).tolist()
        == (x * 2).tolist()
    )
    assert_close(func.vmap(func.grad(square_sum))(x), 2 * x)


def test_vmap_of_named_tuples():
    x = torch.tensor([[1.0, 8.0, 1.0], [2.0, 3.0, 2.0]])
    largest = func.vmap(lambda row: row.max(0))(x)
    assert largest.values.tolist() == [8, 3]
    assert func.vmap(lambda row: torch.mode(row, 0))(x).values.tolist() == [1, 2]
    mantissa, exponent = func.vmap(torch.frexp)(x)
    assert_close(mantissa * 2**exponent, x)
    pair = collections.namedtuple("pair", "a b")
    twice = func.vmap(lambda row: pair(row.sum(), row * 2))(x)
    assert isinstance(twice, pair)
    assert twice.b.tolist() == (x * 2).tolist()


def test_jvp_of_logcumsumexp():
    """d/dt log(sum exp(x + t v)): the mean of v, weighted by exp(x)."""
    x = torch.tensor([0.0, math.log(3), -math.inf])
    v = torch.tensor([1.0, 5.0, 7.0])
    _, tangent = func.jvp(lambda x: torch.logcumsumexp(x, 0), (x,), (v,))
    assert_close(tangent, torch.tensor([1.0, 4.0, 4.0]))  # 1, (1 + 3·5) / 4
