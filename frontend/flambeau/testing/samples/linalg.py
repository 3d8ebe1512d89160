"""Samples of factorisations, solvers and spectra of small matrices."""

from __future__ import annotations

from typing import Any

from ._sample import SMOOTH, ErrorSample, Maker, Op, Sample


def _not_square(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(RuntimeError, t(2, 3)), ErrorSample(RuntimeError, t(3))]


def _positive(*options: dict[str, Any]) -> Any:
    def build(t: Maker) -> list[Sample]:
        made = [Sample(t.spd(3, 3), **given) for given in options]
        return [*made, Sample(t.spd(2, 2, 2))]

    return build


def _triangular(t: Maker) -> list[Sample]:
    a = t.spd(3, 3)
    return [
        Sample(a, t(3, 2), upper=True),
        Sample(a, t(3, 2), upper=False, unitriangular=True),
        Sample(a, t(2, 3), upper=False, left=False),
    ]


def _solve(t: Maker) -> list[Sample]:
    return [
        Sample(t.spd(3, 3), t(3, 2)),
        Sample(t.spd(2, 2, 2), t(2, 2)),
        Sample(t.spd(3, 3), t(2, 3), left=False),
    ]


def _square(t: Maker) -> list[Sample]:
    return [Sample(t.spd(3, 3)), Sample(t.spd(2, 2, 2))]


def _op(name: str, build: Any, errors: Any = _not_square, **kwargs: Any) -> Op:
    return Op(f"linalg.{name}", build, SMOOTH, errors=errors, **kwargs)


def _rectangles(t: Maker) -> list[Sample]:
    return [Sample(t(3, 2)), Sample(t(2, 2, 3))]


# Vectors of eigh, svd and eig have a free sign or phase: the tests of the backends
# compare what they rebuild, and those of autograd their gradients.
OPS = [
    _op("cholesky", _positive({}, {"upper": True}), hermitian=True),
    _op("cholesky_ex", _positive({}, {"upper": True}), hermitian=True),
    _op("solve_triangular", _triangular, None),
    _op("solve", _solve, None),
    _op("solve_ex", _solve, None),
    _op("inv", _square),
    _op("inv_ex", _square),
    _op("det", _square),
    _op("slogdet", _square),
    _op("qr", lambda t: [Sample(t(3, 2)), Sample(t(2, 3, 3))], None),
    _op("svdvals", _rectangles, None),
    _op("eigvalsh", _positive({}, {"UPLO": "U"}), hermitian=True),
    _op("svd", _rectangles, None, grad=False, values=False),
    _op("eigh", _square, grad=False, values=False),
    _op("eig", _square, grad=False, values=False),
    _op("eigvals", _square, grad=False, values=False),
]
