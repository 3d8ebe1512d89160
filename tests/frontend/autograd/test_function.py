"""autograd.Function: contexts, marks, errors, second derivatives."""

import flambeau as torch
import pytest
from flambeau.autograd import Function, gradcheck, gradgradcheck
from flambeau.autograd.function import once_differentiable


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.power = 3
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * ctx.power * x * x


class Split(Function):
    """With setup_context, two outputs and an argument that is no tensor."""

    @staticmethod
    def forward(x, k):
        return x * k, x + k

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.k = inputs

    @staticmethod
    def backward(ctx, ga, gb):
        return ga * ctx.k + gb, None


def leaf(*values):
    return torch.tensor(values, requires_grad=True, dtype=torch.float64)


def test_forward_and_backward():
    x = leaf(2.0, 3.0)
    y = Cube.apply(x)
    assert y.tolist() == [8, 27]
    assert type(y.grad_fn).__name__ == "CubeBackward"
    assert y.grad_fn.power == 3
    y.backward(torch.ones(2, dtype=torch.float64))
    assert x.grad.tolist() == [12, 27]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward(torch.ones(2, dtype=torch.float64))


def test_derivatives():
    assert gradcheck(Cube.apply, (leaf(2.0, -1.0),))
    assert gradgradcheck(Cube.apply, (leaf(2.0, -1.0),))
    assert gradcheck(lambda x: Split.apply(x, 3.0), (leaf(2.0, -1.0),))


def test_unused_output_gets_zeros_or_none():
    x = leaf(1.0, 2.0)
    a, _ = Split.apply(x, 3.0)
    a.backward(torch.ones(2, dtype=torch.float64))
    assert x.grad.tolist() == [3, 3]

    class Raw(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, ga, gb):
            assert gb is None
            return ga

    Raw.apply(leaf(1.0))[0].backward(torch.ones(1, dtype=torch.float64))


def test_needs_input_grad():
    class Look(Function):
        @staticmethod
        def forward(ctx, x, y, z):
            ctx.seen = ctx.needs_input_grad
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, None, None

    y = Look.apply(leaf(1.0), torch.ones(1, dtype=torch.float64), 3)
    assert y.grad_fn.seen == (True, False, False)


def test_nothing_recorded():
    x = torch.ones(2)
    assert not Cube.apply(x).requires_grad
    with torch.no_grad():
        assert not Cube.apply(leaf(1.0)).requires_grad


def test_mark_dirty_and_non_differentiable():
    class Double_(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0, 2.0)
    y = x * 1
    out = Double_.apply(y)
    assert out is y
    out.backward(torch.ones(2, dtype=torch.float64))
    assert x.grad.tolist() == [2, 2]

    class Both(Function):
        @staticmethod
        def forward(ctx, x):
            flag = x > 0
            copy = x * 1
            ctx.mark_non_differentiable(flag, copy)
            return x * 2, flag, copy

        @staticmethod
        def backward(ctx, g, *_):
            return g * 2

    a, flag, copy = Both.apply(leaf(1.0))
    assert a.requires_grad and not flag.requires_grad and not copy.requires_grad


def test_returned_input_is_another_tensor():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.backward(torch.ones(1, dtype=torch.float64))
    assert x.grad.tolist() == [5]


def test_saved_output_and_in_place_change():
    class Exp(Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * y

    assert gradcheck(Exp.apply, (leaf(0.5),))
    assert gradgradcheck(Exp.apply, (leaf(0.5),))
    x = leaf(0.5)
    y = Exp.apply(x)
    y.add_(1)
    with pytest.raises(RuntimeError, match="inplace"):
        y.backward(torch.ones(1, dtype=torch.float64))


def test_wrong_gradients():
    class Bad(Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.n = n
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return (g,) if ctx.n == 0 else (g, g, g) if ctx.n == 1 else (g, g)

    for n in range(3):
        with pytest.raises(RuntimeError):
            Bad.apply(leaf(1.0), n).backward(torch.ones(1, dtype=torch.float64))


def test_errors_in_backward_come_through():
    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("inner")

    with pytest.raises(KeyError, match="inner"):
        Fails.apply(leaf(1.0)).backward(torch.ones(1, dtype=torch.float64))


def test_once_differentiable():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0)
    g = torch.ones(1, dtype=torch.float64, requires_grad=True)
    Once.apply(x).backward(g.detach())
    assert x.grad.tolist() == [2]
    (first,) = torch.autograd.grad(Once.apply(x), x, g, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.backward(torch.ones(1, dtype=torch.float64))


def test_no_instances():
    with pytest.raises(RuntimeError):
        Cube()
    with pytest.raises(NotImplementedError):
        Function.apply(leaf(1.0))


def test_gradcheck_finds_wrong_derivatives():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradcheck(Wrong.apply, (leaf(2.0),))
    assert not gradcheck(Wrong.apply, (leaf(2.0),), raise_exception=False)


def test_complex_gradcheck():
    z = torch.tensor([1 + 2j, 0.5 - 1j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z: z * z, (z,))
    assert gradcheck(lambda z: (z * z.conj()).real, (z,))
