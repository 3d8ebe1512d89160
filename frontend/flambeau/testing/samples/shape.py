"""Samples of ops that rearrange elements into a new tensor."""

from __future__ import annotations

from ._sample import F64, NUMBERS, ErrorSample, Op, Sample

OPS = [
    Op(
        "roll",
        lambda t: [Sample(t(2, 3), 1), Sample(t(2, 3), (1, -1), (0, 1))],
        NUMBERS,
    ),
    Op(
        "flip",
        lambda t: [Sample(t(2, 3), (0,)), Sample(t(2, 3), (0, -1))],
        NUMBERS,
        numpy="flip",
        errors=lambda t: [
            ErrorSample(IndexError, t(2, 3), (2,)),
            ErrorSample(RuntimeError, t(2, 3), (0, 0)),
        ],
    ),
    Op("fliplr", lambda t: [Sample(t(2, 3))], NUMBERS, numpy="fliplr"),
    Op("flipud", lambda t: [Sample(t(2, 3))], NUMBERS, numpy="flipud"),
    Op("rot90", lambda t: [Sample(t(2, 3), k, (0, 1)) for k in (1, 2, -1)], NUMBERS),
    *(
        Op(
            n,
            lambda t: [Sample(t(3, 4)), Sample(t(2, 3, 3), -1), Sample(t(3, 3), 1)],
            NUMBERS,
            numpy=None,
            errors=lambda t: [ErrorSample(RuntimeError, t(3))],
        )
        for n in ("tril", "triu")
    ),
    Op("diag_embed", lambda t: [Sample(t(2, 3)), Sample(t(2, 3), 1, 0, 2)], NUMBERS),
    Op("diag", lambda t: [Sample(t(3)), Sample(t(3, 4), 1), Sample(t(2), -1)], NUMBERS),
    Op("diagflat", lambda t: [Sample(t(3)), Sample(t(2, 2), 1)], NUMBERS),
    Op("select_scatter", lambda t: [Sample(t(2, 3), t(2), 1, 2)], NUMBERS),
    Op("slice_scatter", lambda t: [Sample(t(5, 3), t(2, 3), 0, 1, 5, 2)], NUMBERS),
    Op("diagonal_scatter", lambda t: [Sample(t(3, 3), t(2), 1)], NUMBERS),
    Op(
        "as_strided_scatter",
        lambda t: [Sample(t(3, 4), t(2, 2), (2, 2), (4, 2))],
        (F64,),
        strided=False,
    ),
    Op(
        "constant_pad_nd",
        lambda t: [Sample(t(2, 3), (1, 2)), Sample(t(2, 3), (1, 0, -1, 2), 0.5)],
    ),
]
