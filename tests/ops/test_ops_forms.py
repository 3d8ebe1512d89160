"""Methods, in-place forms, out= and views agree with the functions; none untested."""

from __future__ import annotations

from typing import Any

import pytest
from flambeau import _C
from flambeau.testing.samples import EXEMPT, OPS, Op
from op_harness import (
    BY_NAME,
    RECORDS,
    cases,
    copied,
    function,
    method,
    record,
    same,
    tensors,
)

DTYPES = (_C.float64, _C.int64, _C.bool)


@pytest.mark.parametrize(
    ("op", "dtype"),
    cases(lambda op: "_" in record(op.name)[0] and op.values and op.forms, DTYPES),
)
def test_inplace(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype):
        x = sample.args[0]
        if not isinstance(x, _C.Tensor):
            continue
        one = copied(sample)
        wanted = function(op)(*one.args, **one.kwargs)
        if wanted.shape != x.shape:
            continue
        if wanted.is_floating_point() and not x.is_floating_point():
            continue  # the result cannot be cast back
        x, version = x.detach().clone(), x._version
        found = getattr(x, op.name + "_")(*sample.args[1:], **sample.kwargs)
        assert found is x
        assert x._version > version
        same(x, wanted.to(x.dtype))


@pytest.mark.parametrize(
    ("op", "dtype"),
    cases(lambda op: all(record(op.name)[1:]) and op.values and op.forms, DTYPES),
)
def test_method(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype):
        x, *rest = sample.args
        if isinstance(x, _C.Tensor):
            one = copied(sample)
            wanted = function(op)(*one.args, **one.kwargs)
            same(method(op.name)(x, *rest, **sample.kwargs), wanted)


def takes_out(call: Any, args: Any, kwargs: Any, out: Any) -> bool:
    """Whether the call has an out= form."""
    try:
        call(*args, **kwargs, out=out)
    except TypeError as error:
        if "out" in str(error) or "combination of arguments" in str(error):
            return False
        raise
    return True


@pytest.mark.parametrize(
    ("op", "dtype"),
    cases(lambda op: record(op.name)[2] and op.values and not op.view, (_C.float64,)),
)
def test_out(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype)[:1]:
        args, kwargs = sample.args, sample.kwargs
        wanted = function(op)(*args, **kwargs)
        leaves = list(tensors(wanted))
        if not all(isinstance(x, _C.Tensor) for x in leaves):
            continue
        out: Any = [_C._ops.empty(0, dtype=x.dtype) for x in leaves]
        out = out[0] if isinstance(wanted, _C.Tensor) else tuple(out)
        if takes_out(function(op), args, kwargs, out):
            same(out, wanted)


@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: op.view, (_C.float64,)))
def test_view(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype):
        base = sample.args[0]
        for part in tensors(function(op)(*sample.args, **sample.kwargs)):
            assert (
                part.untyped_storage().data_ptr() == base.untyped_storage().data_ptr()
            )
            before = base._version
            if part.numel() and not part.is_conj():
                part.zero_()
                assert base._version == before + 1
                assert (base == 0).any()


def test_every_record_has_samples() -> None:
    public = {n for n in RECORDS if not n.rpartition(".")[2].startswith("_")}
    assert sorted(public - set(BY_NAME) - set(EXEMPT)) == []
    assert sorted(set(BY_NAME) - set(RECORDS)) == []
    assert sorted(set(EXEMPT) & set(BY_NAME)) == []
    assert len(BY_NAME) == len(OPS)
