"""Samples of running sums and extremes, and of softmax."""

from __future__ import annotations

from ._sample import FLOATS, NUMBERS, REALS, ErrorSample, Maker, Op, Sample


def _along(t: Maker) -> list[Sample]:
    return [Sample(t(2, 3), 1), Sample(t(2, 3), -2), Sample(t(4), 0)]


def _distinct(t: Maker) -> list[Sample]:
    return [Sample(t.wide(2, 3), 1), Sample(t.wide(4, 2), 0)]


def _bad_dim(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(IndexError, t(2, 3), 2)]


OPS = [
    *(Op(n, _along, NUMBERS, errors=_bad_dim) for n in ("cumsum", "cumprod")),
    *(Op(n, _distinct, REALS, errors=_bad_dim) for n in ("cummax", "cummin")),
    *(
        Op(n, _along, FLOATS, errors=_bad_dim)
        for n in ("logcumsumexp", "softmax", "log_softmax")
    ),
]
