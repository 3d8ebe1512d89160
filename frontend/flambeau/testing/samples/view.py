"""Samples of views, and of the splits that are views."""

from __future__ import annotations

from typing import Any

from ._sample import C128, F32, F64, NUMBERS, ErrorSample, Maker, Op, Sample


def _calls(shape: tuple[int, ...], *calls: Any) -> Any:
    """One tensor of this shape, with each of these extra arguments."""

    def build(t: Maker) -> list[Sample]:
        return [Sample(t(*shape), *args) for args in calls]

    return build


def _view(name: str, shape: tuple[int, ...], *calls: Any, **kwargs: Any) -> Op:
    kwargs.setdefault("errors", _bad_dims.get(name))
    return Op(name, _calls(shape, *calls), NUMBERS, view=True, **kwargs)


def _index_error(*args: Any) -> Any:
    return lambda t: [ErrorSample(IndexError, t(2, 3), *args)]


def _runtime_error(*args: Any) -> Any:
    return lambda t: [ErrorSample(RuntimeError, t(2, 3), *args)]


_bad_dims: dict[str, Any] = {
    **{n: _index_error(0, 2) for n in ("transpose", "swapaxes", "swapdims")},
    **{n: _index_error(2) for n in ("squeeze", "unbind")},
    "unsqueeze": _index_error(4),
    "select": _index_error(0, 2),
    "permute": _runtime_error((0,)),
    "view": _runtime_error((4, 2)),
    "reshape": _runtime_error((4, 2)),
    "expand": _runtime_error((4, 2)),
    "narrow": _runtime_error(1, 2, 2),
    "split": _runtime_error((1, 1), 1),
    "unflatten": _runtime_error(1, (2, 2)),
    "t": lambda t: [ErrorSample(RuntimeError, t(2, 3, 2))],
    "diagonal": lambda t: [ErrorSample(RuntimeError, t(2, 2), 0, 1, 1)],
    "unfold": _runtime_error(1, 4, 1),
    "movedim": _runtime_error((0, 1), (0, 0)),
    "chunk": _runtime_error(0),
}

_SWAP = ((0, 1), (-1, 0), (1, 1))

OPS = [
    *(_view(n, (2, 3), *_SWAP) for n in ("transpose", "swapaxes", "swapdims")),
    _view("view", (2, 6), ((3, 4),), ((-1,),), ((2, -1, 2),), strided=False),
    _view("reshape", (2, 6), ((3, 4),), ((-1,),)),
    _view("expand", (2, 1, 3), ((2, 4, 3),), ((2, 2, -1, 3),), gradgrad=True),
    _view("broadcast_to", (2, 1, 3), ((2, 4, 3),)),
    _view("permute", (2, 3, 2), ((2, 0, 1),), ((0, -1, 1),)),
    _view("t", (2, 3), ()),
    _view("squeeze", (2, 1, 3, 1), (), (1,), (-1,), (0,), ((1, 3),)),
    _view("unsqueeze", (2, 3), (0,), (-1,), (1,)),
    _view("select", (2, 3), (0, 1), (-1, -2)),
    _view("slice", (4, 5), (1, 1, 4), (0, None, None, 2), oracle="ops.aten.slice"),
    _view("narrow", (4, 3), (0, 1, 2), (1, -2, 2)),
    _view("diagonal", (3, 4), (), (1,), (-1, 1, 0)),
    _view("unfold", (2, 7), (1, 3, 2), (-1, 2, 3)),
    _view("as_strided", (3, 4), ((2, 2), (4, 2)), ((2, 3), (1, 2), 1), strided=False),
    _view("movedim", (2, 3, 2), (0, 2), ((0, 1), (2, 0))),
    _view("moveaxis", (2, 3, 2), (0, 2), ((0, 1), (2, 0))),
    _view("flatten", (2, 3, 2), (), (1,), (0, 1)),
    _view("ravel", (2, 3), ()),
    _view("unflatten", (2, 6), (1, (2, 3)), (-1, (-1, 2))),
    *(_view(n, (2, 3), ()) for n in ("T", "H", "mT", "mH", "adjoint")),
    _view("detach", (2, 3), (), grad=False),
    *(
        Op(
            n,
            lambda t: [Sample(t(2, 3), t.plain(3, 2))],
            (F64, F32),
            view=True,
            strided=False,
        )
        for n in ("view_as", "reshape_as")
    ),
    Op("expand_as", lambda t: [Sample(t(3), t.plain(2, 3))], NUMBERS, view=True),
    Op("real", lambda t: [Sample(t(2, 3))], (F64, C128), view=True),
    Op(
        "imag",
        lambda t: [Sample(t(2, 3))],
        (C128,),
        view=True,
        errors=lambda t: [ErrorSample(RuntimeError, t(2))],
    ),
    Op("view_as_real", lambda t: [Sample(t(2, 3))], (C128,), view=True),
    Op(
        "view_as_complex",
        lambda t: [Sample(t(2, 3, 2))],
        (F64, F32),
        view=True,
        strided=False,
    ),
    _view("split", (5, 4), (2,), (3, 1), ((1, 3), 1)),
    _view("split_with_sizes", (5, 4), ((2, 3),), ((1, 3), 1)),
    _view("unbind", (2, 3), (), (1,)),
    _view("chunk", (5, 4), (2,), (3, 1)),
    _view("tensor_split", (5, 4), (2,), (3, 1), ((1, 3), 1)),
    _view("hsplit", (2, 4), (2,), ((1, 3),)),
    _view("vsplit", (4, 2), (2,), ((1, 3),)),
    _view("dsplit", (2, 2, 4), (2,), ((1, 3),)),
    *(
        Op(n, _calls((5, 4), *calls), NUMBERS)
        for n, calls in (
            ("unsafe_split", ((2,), (3, 1))),
            ("unsafe_split_with_sizes", (((2, 3),), ((1, 3), 1))),
            ("unsafe_chunk", ((2,), (3, 1))),
        )
    ),
    # In place on a tensor's geometry; a leaf that requires grad forbids it.
    *(
        Op(n, _calls(shape, *calls), NUMBERS, grad=False)
        for n, shape, calls in (
            ("squeeze_", (2, 1, 3, 1), ((), (1,), ((1, 3),))),
            ("unsqueeze_", (2, 3), ((0,), (-1,))),
            ("transpose_", (2, 3), _SWAP),
            ("swapaxes_", (2, 3), _SWAP),
            ("swapdims_", (2, 3), _SWAP),
            ("t_", (2, 3), ((),)),
        )
    ),
    Op("as_strided_", _calls((3, 4), ((2, 2), (4, 2))), grad=False, strided=False),
]
