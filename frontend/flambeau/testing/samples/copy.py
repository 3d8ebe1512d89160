"""Samples of copies, casts and what writes whole tensors."""

from __future__ import annotations

from ._sample import F32, F64, NUMBERS, REALS, Op, Sample

_CASTS = "float double half bfloat16 int long short char byte bool cfloat cdouble"

OPS = [
    Op("clone", lambda t: [Sample(t(2, 3))], NUMBERS),
    Op("contiguous", lambda t: [Sample(t(2, 3))], NUMBERS),
    Op(
        "is_contiguous",
        lambda t: [Sample(t(2, 3))],
        REALS,
        grad=False,
        strided=False,
    ),
    Op(
        "copy",
        lambda t: [Sample(t(2, 3), t(3)), Sample(t(2, 3), t.ints(2, 3))],
        NUMBERS,
        grad=False,
    ),
    Op("fill", lambda t: [Sample(t(2, 3), 2), Sample(t(2, 3), t())], NUMBERS),
    Op("zero", lambda t: [Sample(t(2, 3))], NUMBERS, grad=False),
    Op(
        "fill_diagonal_",
        lambda t: [Sample(t(3, 3), 2), Sample(t(5, 2), 1, True)],
        REALS,
        grad=False,
    ),
    Op(
        "to",
        lambda t: [
            Sample(t(2, 3), F64 if t.requires_grad else F32),
            Sample(t(2), dtype=F64, copy=True),
            Sample(t(2), t.plain(1)),
        ],
        REALS,
        meta=False,
    ),
    Op("type_as", lambda t: [Sample(t(2, 3), t.ints(1).to(F64))], REALS),
    *(
        # NumPy has no bfloat16, through which the tests compare.
        Op(
            n,
            lambda t: [Sample(t(2, 3, low=0))],
            REALS,
            grad=n in ("double",),
            values=n != "bfloat16",
        )
        for n in _CASTS.split()
    ),
    Op(
        "resize_",
        lambda t: [Sample(t(2, 3), (3, 2)), Sample(t(2, 3), (2, 2))],
        REALS,
        grad=False,
        strided=False,
    ),
    Op(
        "resize_as_",
        lambda t: [Sample(t(2, 3), t(3))],
        REALS,
        grad=False,
        strided=False,
    ),
    Op(
        "set_",
        lambda t: [Sample(t(2, 3), t(3)), Sample(t(2))],
        REALS,
        grad=False,
        strided=False,
    ),
]
