"""Every op's values: against PyTorch or NumPy, and on inputs of any geometry."""

from __future__ import annotations

from typing import Any

import pytest
from flambeau import _C
from flambeau.testing.samples import OPS, Op
from op_harness import (
    TORCH,
    array,
    cases,
    convert,
    copied,
    function,
    np,
    oracle,
    same,
    tensors,
    transform,
)


@pytest.mark.parametrize(
    ("op", "dtype"), cases(lambda op: op.values and bool(TORCH or op.numpy))
)
def test_values(op: Op, dtype: Any) -> None:
    wanted = oracle(op)
    for sample in op.samples(dtype):
        again = copied(sample)
        found = function(op)(*sample.args, **sample.kwargs)
        if wanted is not None:
            args, kwargs = convert(again.args), convert(again.kwargs)
            same(found, wanted(*args, **kwargs))
        else:
            assert op.numpy
            got = getattr(np, op.numpy)(*transform(again.args, array))
            tolerance = 1e-9 if dtype is _C.float64 else 2e-5
            np.testing.assert_allclose(array(found), got, tolerance, tolerance)


def resized(x: Any, shape: tuple[int, ...]) -> Any:
    """None of the elements in this shape, or, of shape (), the first."""
    flat = x.detach().reshape(-1)
    return flat[:0].reshape(shape) if shape else flat[0].clone()


@pytest.mark.skipif(TORCH is None, reason="needs PyTorch")
@pytest.mark.parametrize(("op", "dtype"), cases(lambda op: op.pointwise))
def test_empty_and_scalar(op: Op, dtype: Any) -> None:
    wanted = oracle(op)
    assert wanted
    for sample in op.samples(dtype)[:2]:
        for shape in ((0, 3), ()):
            args, kwargs = transform(
                (sample.args, sample.kwargs), lambda x, s=shape: resized(x, s)
            )
            found = function(op)(*args, **kwargs)
            same(found, wanted(*convert(args), **convert(kwargs)))


def stepped(x: Any) -> Any:
    """The same values, every other one of a larger tensor that starts elsewhere."""
    if x.dim() == 0:
        return x.detach()
    big = _C._ops.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), dtype=x.dtype)
    part = big[..., 1::2]
    part.copy_(x.detach())
    return part


def transposed(x: Any) -> Any:
    """The same values with the dimensions in memory in reverse."""
    order = list(range(x.dim()))[::-1]
    return x.detach().permute(order).contiguous().permute(order)


@pytest.mark.parametrize("layout", [stepped, transposed])
@pytest.mark.parametrize(
    ("op", "dtype"), cases(lambda op: op.strided and op.values, (_C.float64, _C.int64))
)
def test_strided(op: Op, dtype: Any, layout: Any) -> None:
    for sample in op.samples(dtype):
        args, kwargs = transform((sample.args, sample.kwargs), layout)
        wanted = copied(sample)
        same(
            function(op)(*args, **kwargs),
            function(op)(*wanted.args, **wanted.kwargs),
        )


@pytest.mark.parametrize(
    "op", [p.values[0] for p in cases(lambda op: op.pointwise, (_C.float64,))], ids=str
)
def test_expanded(op: Op) -> None:
    for sample in op.samples(_C.float64):
        args, kwargs = transform(
            (sample.args, sample.kwargs),
            lambda x: x.detach().unsqueeze(0).expand(2, *x.shape),
        )
        shapes = {
            x.dim() for x in tensors((args, *kwargs.values())) if hasattr(x, "dim")
        }
        if len(shapes) > 1:
            continue
        whole = transform((args, kwargs), lambda x: x.contiguous())
        same(function(op)(*args, **kwargs), function(op)(*whole[0], **whole[1]))


@pytest.mark.parametrize(
    ("op", "dtype"), cases(lambda op: op.meta, (_C.float64, _C.int64))
)
def test_meta(op: Op, dtype: Any) -> None:
    for sample in op.samples(dtype):
        real = function(op)(*copied(sample).args, **copied(sample).kwargs)
        args, kwargs = transform(
            (sample.args, sample.kwargs), lambda x: x.detach().to("meta")
        )
        if not any(hasattr(x, "dim") for x in tensors((args, *kwargs.values()))):
            kwargs = {**kwargs, "device": "meta"}
        found = function(op)(*args, **kwargs)
        for one, other in zip(tensors(found), tensors(real), strict=True):
            if not hasattr(other, "dim"):
                assert one == other
                continue
            assert one.device.type == "meta"
            assert one.shape == other.shape
            assert one.dtype is other.dtype


@pytest.mark.parametrize("op", [op for op in OPS if op.build_errors], ids=str)
def test_errors(op: Op) -> None:
    # Where work is done later, an index out of range is found later, and told as such.
    device = _C._get_default_device()
    late = _C._device_properties(device)["asynchronous"]
    for sample in op.errors():
        with pytest.raises((sample.error, IndexError) if late else sample.error):
            function(op)(*sample.args, **sample.kwargs)
            _C._synchronize(device)
        wanted = oracle(op)
        if wanted is not None:
            with pytest.raises(sample.error):
                wanted(*convert(sample.args), **convert(sample.kwargs))
