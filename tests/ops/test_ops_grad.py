"""Every derivative against finite differences, first and second."""

from __future__ import annotations

from typing import Any

import flambeau
import pytest
from flambeau import _C
from flambeau.autograd.gradcheck import gradcheck, gradgradcheck
from flambeau.testing.samples import Op, Sample
from op_harness import cases, function, tensors, transform

DOUBLE = (_C.float64, _C.complex128)


def bound(op: Op, sample: Sample) -> tuple[Any, list[Any]]:
    """The call as a function of the tensors that require grad."""
    everything = (sample.args, sample.kwargs)
    watched = [
        x
        for x in (*tensors(sample.args), *tensors(list(sample.kwargs.values())))
        if isinstance(x, _C.Tensor) and x.requires_grad
    ]

    def call(*inputs: Any) -> Any:
        given = iter(inputs)
        args, kwargs = transform(
            everything, lambda x: next(given) if x.requires_grad else x
        )
        if op.hermitian:
            args = ((args[0] + args[0].mH) / 2, *args[1:])
        return function(op)(*args, **kwargs)

    return call, watched


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
