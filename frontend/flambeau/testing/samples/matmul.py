"""Samples of products of vectors and matrices."""

from __future__ import annotations

from typing import Any

from ._sample import NUMBERS, SMOOTH, ErrorSample, Op, Sample

Shapes = tuple[tuple[int, ...], ...]


def _product(name: str, *calls: Shapes, wrong: Shapes, dtypes: Any = NUMBERS) -> Op:
    """Tensors of these shapes, and of ones that do not fit."""
    return Op(
        name,
        lambda t: [Sample(*(t(*shape) for shape in shapes)) for shapes in calls],
        dtypes,
        errors=lambda t: [ErrorSample(RuntimeError, *(t(*shape) for shape in wrong))],
    )


def _added(name: str, *shapes: tuple[int, ...], wrong: tuple[int, ...]) -> Op:
    """beta * input + alpha * product, of these shapes."""
    return Op(
        name,
        lambda t: [
            Sample(*(t(*shape) for shape in shapes)),
            Sample(*(t(*shape) for shape in shapes), beta=0.5, alpha=2),
        ],
        SMOOTH,
        errors=lambda t: [
            ErrorSample(RuntimeError, t(*shapes[0]), t(*wrong), t(*shapes[2]))
        ],
    )


_MATMULS: tuple[Shapes, ...] = (
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (2, 3, 2)),
    ((2, 1, 2, 3), (2, 3, 2)),
    ((2, 0), (0, 2)),
)

OPS = [
    _product("mm", ((2, 3), (3, 4)), ((2, 0), (0, 3)), wrong=((2, 3), (2, 3))),
    _product("bmm", ((2, 2, 3), (2, 3, 2)), wrong=((2, 2, 3), (3, 3, 2))),
    _product("mv", ((2, 3), (3,)), wrong=((2, 3), (2,))),
    _product("dot", ((3,), (3,)), wrong=((3,), (2,))),
    _product("vdot", ((3,), (3,)), wrong=((3,), (2,))),
    _product("inner", ((2, 3), (4, 3)), ((3,), (3,)), wrong=((3,), (2,))),
    _product("outer", ((3,), (2,)), wrong=((3, 1), (2,))),
    _product("ger", ((3,), (2,)), wrong=((3, 1), (2,))),
    _product("matmul", *_MATMULS, wrong=((2, 3), (2, 3))),
    _product("linalg.matmul", *_MATMULS, wrong=((2, 3), (2, 3))),
    _product(
        "nn.linear",
        ((2, 3), (4, 3)),
        ((2, 2, 3), (4, 3), (4,)),
        ((3,), (4, 3), (4,)),
        wrong=((2, 3), (3, 4)),
        dtypes=SMOOTH,
    ),
    _added("addmm", (2, 4), (2, 3), (3, 4), wrong=(2, 2)),
    _added("baddbmm", (2, 2, 2), (2, 2, 3), (2, 3, 2), wrong=(2, 2, 2)),
    _added("addmv", (2,), (2, 3), (3,), wrong=(2, 2)),
    _added("addbmm", (2, 2), (2, 2, 3), (2, 3, 2), wrong=(2, 2, 2)),
    _added("addr", (3, 2), (3,), (2,), wrong=(3, 1)),
]
