"""Level 4: derivatives. On a device that claims float64 against finite differences, on
any against the host's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import flambeau
from flambeau import _C
from flambeau.autograd.gradcheck import gradcheck
from flambeau.testing.samples import OPS, Op, Sample, bound, leaves, transform

from ._bench import Bench
from ._case import Case, skip
from .l3_composites import counted, same

# What finite differences themselves need of a device.
_NEEDED = ("add", "sub", "mul", "copy", "fill", "sum")


def cases(bench: Bench) -> Iterator[Case]:
    """One for each op with a derivative, of each kind of check."""
    double = bench.claims("float64", *_NEEDED)
    for op in OPS:
        if not op.grad:
            continue
        space = op.name.rpartition(".")[0] or "ops"
        if not bench.is_host():
            run = partial(against_host, bench, op, _C.float32)
            yield Case(4, space, f"{op.name}[float32]", run, "float32")
        for dtype in (_C.float64, _C.complex128):
            name = str(dtype).rpartition(".")[2]
            claimed = double and bench.claims(name, *_NEEDED[:4])
            if dtype in op.dtypes and (claimed or not op.dtypes):
                run = partial(differences, bench, op, dtype)
                yield Case(4, f"gradcheck {space}", f"{op.name}[{name}]", run, name)


def _samples(bench: Bench, op: Op, dtype: Any) -> list[Sample]:
    """With tensors on the device, which require grad where they did."""

    def there(x: Any) -> Any:
        made = x.detach().to(bench.device)
        return made.requires_grad_(x.requires_grad)

    moved = []
    for sample in op.samples(dtype, requires_grad=True):
        args, kwargs = transform((sample.args, sample.kwargs), there)
        moved.append(Sample(*args, **kwargs))
    return moved


def differences(bench: Bench, op: Op, dtype: Any) -> None:
    """The derivatives of the first samples."""
    flambeau.manual_seed(0)
    with counted(bench):
        for k, sample in enumerate(_samples(bench, op, dtype)[:2]):
            call, watched = bound(op, sample)
            if not watched:
                continue
            assert gradcheck(call, watched), f"sample {k}"


def _gradients(op: Op, sample: Sample) -> list[Any]:
    """Of a weighted sum of the results, so that no two elements count alike."""
    call, watched = bound(op, sample)
    flambeau.manual_seed(0)
    results = [
        x
        for x in leaves(call(*watched))
        if isinstance(x, _C.Tensor) and x.requires_grad
    ]
    if not watched or not results:
        raise skip("nothing here requires grad")
    weights = [
        (flambeau.arange(x.numel()).reshape(x.shape) % 5 + 1).to(x.device, x.dtype)
        for x in results
    ]
    return list(flambeau.autograd.grad(results, watched, weights, allow_unused=True))


def against_host(bench: Bench, op: Op, dtype: Any) -> None:
    """The device's derivatives are the host's."""
    if dtype not in op.dtypes:
        raise skip(f"there are no samples in {dtype}")
    with counted(bench):
        here = op.samples(dtype, requires_grad=True)
        for k, (one, other) in enumerate(
            zip(_samples(bench, op, dtype), here, strict=True)
        ):
            same(f"sample {k}", _gradients(op, one), _gradients(op, other), True)
