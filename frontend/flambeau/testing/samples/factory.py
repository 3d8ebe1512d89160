"""Samples of the ops that make tensors from sizes and numbers."""

from __future__ import annotations

from typing import Any

from ._sample import F32, FLOATS, I64, REALS, ErrorSample, Op, Sample


def _made(name: str, *calls: Any, dtypes: Any = REALS, **kwargs: Any) -> Op:
    """Each call with the dtype asked for by name."""
    return Op(
        name,
        lambda t: [Sample(*args, dtype=t.dtype) for args in calls],
        dtypes,
        grad=False,
        **kwargs,
    )


def _like(name: str, *extra: Any, **kwargs: Any) -> Op:
    return Op(
        name,
        lambda t: [Sample(t(2, 3), *extra), Sample(t(2), *extra, dtype=F32)],
        REALS,
        grad=False,
        **kwargs,
    )


OPS = [
    _made("empty", ((2, 3),), ((),), values=False),
    _made(
        "zeros",
        ((2, 3),),
        ((0, 2),),
        ((),),
        errors=lambda t: [ErrorSample(RuntimeError, (-1,))],
    ),
    _made("ones", ((2, 3),), ((),)),
    _made("full", ((2, 3), 2), ((), -1)),
    _made("scalar_tensor", (2,), (3.5,)),
    _made("empty_strided", ((2, 3), (1, 2)), values=False),
    _made(
        "arange",
        (5,),
        (1, 9, 3),
        (5, 0, -2),
        errors=lambda t: [ErrorSample(RuntimeError, 0, 3, -1)],
    ),
    Op(
        "range",
        lambda t: [Sample(1, 7, 2, dtype=t.dtype)],
        grad=False,
        values=False,  # PyTorch warns that it is deprecated
    ),
    _made("linspace", (0, 1, 5), (3, -3, 4), (1, 2, 1), dtypes=FLOATS),
    _made("logspace", (0, 2, 5), (0, 3, 4, 2.0), dtypes=FLOATS),
    _made("eye", (3,), (2, 4)),
    _made("tril_indices", (3, 4), (3, 3, 1), (2, 4, -1), dtypes=(I64,)),
    _made("triu_indices", (3, 4), (3, 3, 1), (2, 4, -1), dtypes=(I64,)),
    _like("empty_like", values=False),
    _like("zeros_like"),
    _like("ones_like"),
    _like("full_like", 2),
    _like("new_empty", (2, 2), values=False),
    _like("new_zeros", (2, 2)),
    _like("new_ones", (2, 2)),
    _like("new_full", (2, 2), 3),
    _like("new_empty_strided", (2, 2), (1, 2), values=False),
]
