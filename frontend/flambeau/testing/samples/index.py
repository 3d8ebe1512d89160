"""Samples of ops that read and write at indices."""

from __future__ import annotations

from typing import Any

from ._sample import NUMBERS, ErrorSample, Maker, Op, Sample


def _far(t: Maker) -> list[ErrorSample]:
    return [
        ErrorSample(IndexError, t(2, 3), 2, t.ints(2)),
        ErrorSample(IndexError, t(2, 3), 0, t.ints(2, low=5, high=6)),
    ]


def _order(t: Maker, n: int) -> Any:
    """A permutation, for writes whose order must not matter."""
    order = list(range(n))
    t.random.shuffle(order)
    return t.ints(n) * 0 + t.ints(0).new_tensor(order)


OPS = [
    Op(
        "index",
        lambda t: [
            Sample(t(3, 4), [t.ints(2)]),
            Sample(t(3, 4), [t.ints(2, 2), t.ints(2)]),
            Sample(t(3, 4), [None, t.ints(2)]),
            Sample(t(3, 4), [_order(t, 3) > 0]),
        ],
        NUMBERS,
        oracle="ops.aten.index",
        meta=False,
    ),
    Op(
        "index_put",
        lambda t: [
            Sample(t(3, 4), (_order(t, 3),), t(3, 4)),
            Sample(t(3, 4), (t.ints(2), t.ints(2)), t(2), True),
        ],
        NUMBERS,
    ),
    Op("gather", lambda t: [Sample(t(3, 4), d, t.ints(2, 3)) for d in (0, 1)], NUMBERS),
    Op(
        "index_select",
        lambda t: [Sample(t(3, 4), d, t.ints(5)) for d in (0, -1)],
        NUMBERS,
        errors=_far,
    ),
    Op(
        "index_add",
        lambda t: [
            Sample(t(3, 4), 1, t.ints(3), t(3, 3)),
            Sample(t(3), 0, t.ints(4), t(4), alpha=2),
        ],
        NUMBERS,
    ),
    Op("index_copy", lambda t: [Sample(t(3, 4), 0, _order(t, 3), t(3, 4))], NUMBERS),
    Op(
        "index_fill",
        lambda t: [Sample(t(3, 4), 1, t.ints(2), 2), Sample(t(3), 0, t.ints(2), t())],
        NUMBERS,
    ),
    Op(
        "index_reduce",
        lambda t: [
            Sample(t(3, 4), 0, t.ints(3), t(3, 4), r)
            for r in ("prod", "mean", "amax", "amin")
        ],
        grad=False,
        values=False,
    ),
    Op(
        "take",
        lambda t: [Sample(t(3, 4), t.ints(2, 3, high=11))],
        NUMBERS,
        numpy="take",
    ),
    Op(
        "put",
        lambda t: [
            Sample(t(3, 4), _order(t, 6), t(6)),
            Sample(t(3), t.ints(4), t(4), True),
        ],
        NUMBERS,
    ),
    Op(
        "take_along_dim",
        lambda t: [Sample(t(3, 4), t.ints(3, 2), 1), Sample(t(3, 4), t.ints(4))],
        NUMBERS,
    ),
    Op(
        "masked_select",
        lambda t: [Sample(t(3, 4), t.mask(3, 4)), Sample(t(3, 4), t.mask(4))],
        NUMBERS,
        meta=False,
    ),
    Op("masked_scatter", lambda t: [Sample(t(2, 3), t.mask(2, 3), t(6))], NUMBERS),
    Op(
        "nonzero",
        lambda t: [Sample(t(3, 4)), Sample(t(3), as_tuple=True)],
        NUMBERS,
        grad=False,
        meta=False,
    ),
    Op(
        "argwhere",
        lambda t: [Sample(t(3, 4))],
        NUMBERS,
        grad=False,
        meta=False,
        numpy="argwhere",
    ),
    Op(
        "nn.embedding",
        lambda t: [
            Sample(t.ints(2, 3, high=4), t(5, 2)),
            Sample(t.ints(3, low=2, high=4), t(5, 2), 1),
        ],
    ),
]
