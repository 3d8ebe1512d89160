"""Inputs of every op as data, one file per family of records, for generic tests."""

from __future__ import annotations

from . import (
    attention,
    conv,
    copy,
    factory,
    index,
    join,
    linalg,
    loss,
    matmul,
    norm,
    pointwise,
    pool,
    random,
    reduction,
    resample,
    rnn,
    scan,
    scatter,
    shape,
    sort,
    view,
)
from ._apply import bound, copied, function, leaves, method, transform
from ._sample import ErrorSample, Maker, Op, Sample

__all__ = [
    "EXEMPT",
    "OPS",
    "ErrorSample",
    "Maker",
    "Op",
    "Sample",
    "bound",
    "copied",
    "function",
    "leaves",
    "method",
    "transform",
]

_FAMILIES = (
    attention.OPS,
    conv.OPS,
    copy.OPS,
    factory.OPS,
    index.OPS,
    join.OPS,
    linalg.OPS,
    loss.OPS,
    matmul.OPS,
    norm.OPS,
    pointwise.OPS,
    pool.OPS,
    random.OPS,
    reduction.OPS,
    resample.OPS,
    rnn.OPS,
    scan.OPS,
    scatter.OPS,
    shape.OPS,
    sort.OPS,
    view.OPS,
)

OPS: list[Op] = [op for family in _FAMILIES for op in family]

# Public records without samples, and why.
EXEMPT: dict[str, str] = dict.fromkeys(random.CHANCE, "random")
