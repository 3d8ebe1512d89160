"""Samples of sorts, selections by rank, searches and histograms."""

from __future__ import annotations

from typing import Any

from ._sample import F64, I64, REALS, ErrorSample, Maker, Op, Sample


def _sorts(t: Maker) -> list[Sample]:
    return [
        Sample(t.wide(2, 5)),
        Sample(t.wide(3, 2), 0, True),
        Sample(t.wide(4), stable=True),
    ]


def _bad_dim(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(IndexError, t(2, 3), 2)]


def _ranks(t: Maker) -> list[Sample]:
    return [Sample(t.wide(2, 5), 2), Sample(t.wide(4, 2), 3, 0)]


def _steps(t: Maker) -> Any:
    return t.ints(0).new_tensor([-2, -1, 0, 1, 2], dtype=t.dtype)


OPS = [
    Op("sort", _sorts, REALS, errors=_bad_dim),
    Op("argsort", _sorts, REALS, grad=False, errors=_bad_dim),
    Op("msort", lambda t: [Sample(t.wide(4, 2))], REALS),
    Op("topk", _ranks, REALS, errors=lambda t: [ErrorSample(RuntimeError, t(3), 4)]),
    Op("kthvalue", _ranks, REALS),
    Op(
        "searchsorted",
        lambda t: [Sample(_steps(t), t.plain(2, 3)), Sample(_steps(t), 1, right=True)],
        REALS,
        grad=False,
        numpy=None,
    ),
    Op(
        "bucketize",
        lambda t: [
            Sample(t.plain(2, 3), _steps(t)),
            Sample(t.plain(4), _steps(t), right=True, out_int32=True),
        ],
        REALS,
        grad=False,
    ),
    Op(
        "bincount",
        lambda t: [Sample(t.ints(8, high=4)), Sample(t.ints(6), t.make((6,), F64), 5)],
        (I64,),
        grad=False,
        meta=False,
        numpy="bincount",
    ),
    Op(
        "histc",
        lambda t: [Sample(t.plain(9), 4, -2, 2), Sample(t.plain(9), 3)],
        grad=False,
        meta=False,
    ),
]
