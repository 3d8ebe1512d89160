"""Calling the ops of a table of samples: the op as Flambeau has it, and the tensors
among its arguments and results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flambeau import _C
from flambeau._C import Tensor

from ._sample import Op, Sample

_MODULES = {"": "_ops", "nn": "_nn", "linalg": "_linalg", "special": "_special"}


def method(name: str) -> Callable[..., Any]:
    """The op as a method or a property of its first argument."""

    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        found = getattr(x, name)
        return found(*args, **kwargs) if callable(found) else found

    return call


def function(op: Op) -> Callable[..., Any]:
    """The op as Flambeau has it."""
    space, _, name = op.name.rpartition(".")
    found: Callable[..., Any] | None
    found = getattr(getattr(_C, _MODULES[space]), name, None)
    if found is not None:
        return found
    return method(name if hasattr(Tensor, name) else name + "_")


def transform(x: Any, change: Callable[[Tensor], Any]) -> Any:
    """The same arguments with each tensor changed."""
    if isinstance(x, Tensor):
        return change(x)
    if isinstance(x, (list, tuple)):
        return type(x)(transform(y, change) for y in x)
    if isinstance(x, dict):
        return {k: transform(v, change) for k, v in x.items()}
    return x


def leaves(x: Any) -> Iterator[Any]:
    """The tensors and other leaves of a result or of arguments, in order."""
    if isinstance(x, (list, tuple)):
        for y in x:
            yield from leaves(y)
    else:
        yield x


def copied(sample: Sample) -> Sample:
    """The same call on copies, for ops that write to their arguments."""
    args, kwargs = transform((sample.args, sample.kwargs), lambda x: x.detach().clone())
    return Sample(*args, **kwargs)


def bound(op: Op, sample: Sample) -> tuple[Callable[..., Any], list[Tensor]]:
    """The call as a function of those of its tensors that require grad, and these."""
    everything = (sample.args, sample.kwargs)
    watched = [
        x
        for x in (*leaves(sample.args), *leaves(list(sample.kwargs.values())))
        if isinstance(x, Tensor) and x.requires_grad
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
