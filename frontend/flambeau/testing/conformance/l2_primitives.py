"""Level 2: every kernel that the device claims, against a float64 oracle in NumPy."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import partial

import numpy as np

from ._bench import Bench, check_rims, values_after
from ._call import Call, Kernel
from ._case import FALLBACK, Case, Outcome, unclaimed
from ._compare import check
from ._names import PRIMITIVES
from .specs import KERNELS


def cases(bench: Bench) -> Iterator[Case]:
    """One for each kernel and dtype."""
    for kernel in KERNELS:
        for dtype in kernel.dtypes:
            yield Case(
                2,
                kernel.family,
                f"{kernel}[{dtype}]",
                partial(test, bench, kernel, dtype),
                dtype,
            )


def test(bench: Bench, kernel: Kernel, dtype: str) -> str:
    """All calls of a kernel in one dtype; AssertionError tells the first failures."""
    if dtype not in bench.dtypes(kernel.name):
        raise unclaimed("falls back" if kernel.name in PRIMITIVES else "composed")
    # The seed hangs on the name alone: a case can be repeated by itself.
    rng = np.random.default_rng(zlib.crc32(f"{kernel}[{dtype}]".encode()))
    failures, left, count = [], 0, 0
    for call in kernel.calls(dtype, rng):
        count += 1
        try:
            judge(bench, call)
        except AssertionError as error:
            failures.append(str(error))
        except NotImplementedError:  # FL_UNSUPPORTED: the host falls back
            left += 1
        except Exception as error:
            failures.append(f"{call.label}: {type(error).__name__}: {error}")
    if failures:
        more = f" (and {len(failures) - 3} more)" if len(failures) > 3 else ""
        raise AssertionError(
            f"{len(failures)} of {count} calls fail: {'; '.join(failures[:3])}{more}"
        )
    if left == count:
        raise AssertionError("claimed, and every call is answered 'unsupported'")
    if left:
        raise Outcome(FALLBACK, f"{left} of {count} calls are left to the CPU")
    return f"{count} calls"


def judge(bench: Bench, call: Call) -> None:
    """AssertionError unless the call gives what it should, and writes nothing else."""
    if call.raises:
        _must_raise(bench, call)
        return
    after = bench.run(call)
    check_rims(call, after)
    found = [values_after(x, after) for x in call.checked or call.outputs]
    if call.verify:
        call.verify(found)
        return
    targets = call.checked or call.outputs
    for k, (got, wanted, x) in enumerate(zip(found, call.wanted, targets, strict=True)):
        what = f"{call.label}, output {k}" if len(found) > 1 else call.label
        check(what, got, wanted, x.dtype, call.ulps, call.scale)


def _must_raise(bench: Bench, call: Call) -> None:
    assert call.raises
    kind, words = call.raises
    try:
        bench.run(call)
    except kind as error:
        if words in str(error):
            return
        raise AssertionError(
            f"{call.label}: expected '{words}' in the message, got '{error}'"
        ) from error
    raise AssertionError(
        f"{call.label}: expected {kind.__name__}, but nothing was raised"
    )
