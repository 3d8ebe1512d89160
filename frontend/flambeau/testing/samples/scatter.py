"""Samples of the scatters."""

from __future__ import annotations

from typing import Any

from ._sample import NUMBERS, ErrorSample, Maker, Op, Sample


def _unique(t: Maker) -> Any:
    """Row indices of a [3, 4] scatter with no place written twice."""
    columns = [t.random.sample(range(3), 3) for _ in range(4)]
    return t.ints(0).new_tensor(columns).t().contiguous()


def _bad(t: Maker) -> list[ErrorSample]:
    return [
        ErrorSample(IndexError, t(3, 4), 2, t.ints(2, 3), t(2, 3)),
        ErrorSample(RuntimeError, t(3, 4), 0, t.ints(2, 3, low=5, high=6), t(2, 3)),
    ]


OPS = [
    Op(
        "scatter",
        lambda t: [
            Sample(t(3, 4), 0, _unique(t), t(3, 4)),
            Sample(t(3, 4), 1, t.ints(2, 3), 2),
        ],
        NUMBERS,
        errors=_bad,
    ),
    Op(
        "scatter_add",
        lambda t: [Sample(t(3, 4), d, t.ints(3, 3), t(3, 3)) for d in (0, 1)],
        NUMBERS,
        errors=_bad,
    ),
    Op(
        "scatter_reduce",
        lambda t: [
            Sample(t.wide(3, 4), 0, t.ints(3, 4), t.wide(3, 4) + 0.1, r, include_self=s)
            for r in ("sum", "mean", "amax", "amin", "prod")
            for s in (True, False)
        ],
        gradgrad=False,
    ),
]
