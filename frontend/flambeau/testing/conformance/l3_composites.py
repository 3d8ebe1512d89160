"""Level 3: every op of the frontend on the device: against the host's result, and with
the device's fused kernels against the composition of its primitives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

import flambeau
from flambeau import _C
from flambeau.backends import (
    fallback_counts,
    reset_fallback_counts,
    set_fallback_policy,
)
from flambeau.testing.samples import (
    OPS,
    Op,
    Sample,
    copied,
    function,
    leaves,
    transform,
)

from ._bench import Bench
from ._case import FALLBACK, Case, Outcome, skip
from ._names import FUSED

# Results may differ by rounding: float32 and float64 (and their complex forms).
_COARSE, _FINE = 3e-5, 1e-8


def cases(bench: Bench) -> Iterator[Case]:
    """One for each op and dtype; and one more where fused kernels may have a part."""
    for op in OPS:
        for dtype in op.dtypes:
            name = str(dtype).rpartition(".")[2]
            space = op.name.rpartition(".")[0] or "ops"
            label = f"{op.name}[{name}]"
            if not bench.is_host():
                run = partial(against_host, bench, op, dtype)
                yield Case(3, space, label, run, name)
            if op.values:
                run = partial(against_composition, bench, op, dtype)
                yield Case(3, f"fused {space}", label, run, name)


def on(bench: Bench, sample: Sample) -> Sample:
    """The call with its tensors on the device, or with the device where it has none."""
    args, kwargs = transform(
        (sample.args, sample.kwargs), lambda x: x.detach().to(bench.device)
    )
    given = list(leaves((args, *kwargs.values())))
    if not any(isinstance(x, _C.Tensor) for x in given):
        kwargs = {**kwargs, "device": bench.device}
    return copied(Sample(*args, **kwargs))


def call(op: Op, sample: Sample) -> Any:
    """The op's result; one seed for all calls."""
    flambeau.manual_seed(0)
    return function(op)(*sample.args, **sample.kwargs)


def against_host(bench: Bench, op: Op, dtype: Any) -> str:
    """The device gives what the host gives."""
    with counted(bench) as helped:
        for k, sample in enumerate(op.samples(dtype)):
            wanted = call(op, copied(sample))
            found = call(op, on(bench, sample))
            for leaf in leaves(found):
                if isinstance(leaf, _C.Tensor):
                    assert leaf.device.type == bench.device_type, (
                        f"sample {k}: the result is on {leaf.device}"
                    )
            same(f"sample {k}", found, wanted, op.values)
    return _told(helped)


def against_composition(bench: Bench, op: Op, dtype: Any) -> str:
    """With its fused kernels the device gives what it gives without them."""
    used = [n for n in sorted(FUSED) if bench.dtypes(n)]
    if not used:
        raise skip("the device has no fused kernels")
    with counted(bench):
        for k, sample in enumerate(op.samples(dtype)):
            fused = call(op, on(bench, sample))
            _C._hide_kernels(bench.device_type, used)
            try:
                composed = call(op, on(bench, sample))
            except NotImplementedError as error:
                raise skip(f"not composed: {error}") from None
            finally:
                _C._hide_kernels(bench.device_type, [])
            same(f"sample {k}, fused", fused, composed, True)
    return ""


@contextmanager
def counted(bench: Bench) -> Iterator[set[str]]:
    """Allows fallback, and gathers the kernels that the device left to another."""
    helped: set[str] = set()
    with set_fallback_policy("allow"):
        reset_fallback_counts()
        try:
            yield helped
        finally:
            counts = fallback_counts(bench.device)
            helped |= {kernel for _, kernel in counts}
            reset_fallback_counts()


def _told(helped: set[str]) -> str:
    if helped:
        raise Outcome(FALLBACK, f"falls back for {', '.join(sorted(helped))}")
    return ""


def array(x: Any) -> Any:
    """A leaf of a result as a NumPy array; bfloat16 as float32, which holds it."""
    if not isinstance(x, _C.Tensor):
        return np.asarray(x)
    here = x.detach().cpu().resolve_conj().resolve_neg()
    return (here.float() if here.dtype is _C.bfloat16 else here).numpy()


def same(what: str, found: Any, wanted: Any, values: bool) -> None:
    """AssertionError unless structure, shapes and dtypes are equal, and values but for
    rounding."""
    ours, theirs = list(leaves(found)), list(leaves(wanted))
    assert len(ours) == len(theirs), (
        f"{what}: expected {len(theirs)} results, got {len(ours)}"
    )
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, flambeau.device):
            continue
        if isinstance(other, _C.Tensor):
            assert one.dtype is other.dtype, (
                f"{what}: expected {other.dtype}, got {one.dtype}"
            )
        a, b = array(one), array(other)
        assert a.shape == b.shape, f"{what}: expected shape {b.shape}, got {a.shape}"
        if values and a.dtype.kind in "biufc":
            _close(what, a, b)


def _close(what: str, a: Any, b: Any) -> None:
    coarse = a.dtype in (np.float32, np.complex64, np.float16)
    tolerance = _COARSE if coarse else _FINE
    exact = a.dtype.kind in "biu"
    with np.errstate(all="ignore"):
        near = np.isclose(
            a, b, 0 if exact else tolerance, 0 if exact else tolerance, equal_nan=True
        )
    if not near.all():
        at = tuple(int(i) for i in np.argwhere(~near)[0])
        raise AssertionError(
            f"{what}: {int((~near).sum())} of {near.size} elements differ, first at "
            f"{at}: expected {b[at]!r}, got {a[at]!r}"
        )
