"""Every derivative against finite differences, first and second."""

from __future__ import annotations

from typing import Any

import flambeau
import pytest
from flambeau import _C
from flambeau.autograd.gradcheck import gradcheck, gradgradcheck
from flambeau.testing.samples import Op, bound
from op_harness import cases

DOUBLE = (_C.float64, _C.complex128)


@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: op.grad, DOUBLE))
def test_gradcheck(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype, requires_grad=True):
        call, watched = bound(op, sample)
        if watched:
            assert gradcheck(call, watched)


@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: op.gradgrad, DOUBLE))
def test_gradgradcheck(op: Op, dtype: Any) -> None:
    flambeau.manual_seed(0)
    for sample in op.samples(dtype, requires_grad=True)[:2]:
        call, watched = bound(op, sample)
        if watched:
            assert gradgradcheck(call, watched)


def test_gradcheck_is_callable_by_both_names() -> None:
    x = flambeau.ones(2, dtype=_C.float64, requires_grad=True)
    assert flambeau.autograd.gradcheck(_C._ops.exp, x)
    assert gradcheck(_C._ops.exp, x)
