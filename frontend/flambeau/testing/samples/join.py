"""Samples of ops that join or repeat tensors."""

from __future__ import annotations

from ._sample import NUMBERS, ErrorSample, Maker, Op, Sample


def _cats(t: Maker) -> list[Sample]:
    return [
        Sample([t(2, 3), t(1, 3)]),
        Sample([t(2, 3), t(2, 1), t(2, 0)], 1),
        Sample([t(2, 3), t(2, 3)], dim=-1),
    ]


def _unlike(t: Maker) -> list[ErrorSample]:
    return [
        ErrorSample(RuntimeError, [t(2, 3), t(2, 2)]),
        ErrorSample(IndexError, [t(2, 3), t(2, 3)], 3),
    ]


OPS = [
    *(Op(n, _cats, NUMBERS, errors=_unlike) for n in ("cat", "concat", "concatenate")),
    Op(
        "stack",
        lambda t: [Sample([t(2, 3), t(2, 3)], d) for d in (0, 1, -1)],
        NUMBERS,
        errors=_unlike,
    ),
    *(
        Op(
            n,
            lambda t: [Sample([t(2, 3), t(2, 3)]), Sample([t(3), t(3)])],
            NUMBERS,
            numpy=n if n != "row_stack" else None,
        )
        for n in ("hstack", "vstack", "row_stack", "dstack", "column_stack")
    ),
    Op("repeat", lambda t: [Sample(t(2, 3), (2, 1)), Sample(t(2), (2, 2))], NUMBERS),
    Op(
        "tile",
        lambda t: [Sample(t(2, 3), (2,)), Sample(t(2), (2, 2))],
        NUMBERS,
        numpy="tile",
    ),
    Op(
        "repeat_interleave",
        lambda t: [
            Sample(t(2, 3), 2),
            Sample(t(2, 3), 2, 1),
            Sample(t(3), t.ints(3), 0),
        ],
        NUMBERS,
        meta=False,
    ),
]
