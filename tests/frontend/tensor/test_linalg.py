"""Factorizations: derivatives of factors of rectangles, and results into `out=`."""

import flambeau as torch
import pytest
from flambeau.autograd import gradcheck
from flambeau.testing import assert_close


def matrix(m, n):
    x = torch.arange(m * n, dtype=torch.float64).reshape(m, n)
    return (x * x * 0.37 + x).sin() + 2 * torch.eye(m, n, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4)])
def test_lu_and_its_derivative(shape):
    a = matrix(*shape).requires_grad_()
    p, lower, upper = torch.linalg.lu(a)
    assert_close(p @ lower @ upper, a)
    assert gradcheck(lambda x: torch.linalg.lu(x)[1:], (a,))
    # P L U is a itself, so the gradient of its elements' sum is one everywhere.
    (p @ lower @ upper).sum().backward()
    assert_close(a.grad, torch.ones_like(a))


def test_lu_by_its_older_name():
    a = matrix(3, 3)
    factors = torch.lu(a, get_infos=True)
    assert factors.info.item() == 0
    packed = torch.empty(0, dtype=torch.float64)
    pivots = torch.empty(0, dtype=torch.int32)
    assert torch.lu(a, out=(packed, pivots)).LU is packed
    assert_close(packed, factors.LU)
    assert pivots.tolist() == factors.pivots.tolist()


def test_results_into_out():
    a, b = matrix(4, 3), matrix(4, 2)
    for function, args in (
        (torch.linalg.lstsq, (a, b)),
        (torch.qr, (a,)),
        (torch.svd, (a,)),
    ):
        want = function(*args)
        out = tuple(torch.empty(0, dtype=t.dtype) for t in want)
        got = function(*args, out=out)
        for to, of, value in zip(out, got, want, strict=True):
            assert of is to
            assert_close(to, value)
