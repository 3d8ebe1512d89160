"""Samples of sums, extremes, moments and norms over dims."""

from __future__ import annotations

from typing import Any

from ._sample import (
    ANY,
    C128,
    FLOATS,
    NUMBERS,
    REALS,
    ErrorSample,
    Maker,
    Op,
    Sample,
)


def _dims(one: bool = False, whole: bool = True, low: float = -2) -> Any:
    """Calls over all elements, a dim, and, unless `one`, several."""

    def build(t: Maker) -> list[Sample]:
        x = t(2, 3, 2, low=low)
        made = [Sample(x, 1), Sample(x, -1, True), Sample(t(3, low=low), 0)]
        if not one:
            made += [Sample(x, (0, 2)), Sample(x, dim=(1, 2), keepdim=True)]
        if whole:
            made += [Sample(x), Sample(t(low=low))]
        return made

    return build


def _distinct(whole: bool, *extra: Any) -> Any:
    """The same over distinct values, of ops that give where a value is."""

    def build(t: Maker) -> list[Sample]:
        x = t.wide(2, 3, 2)
        made = [Sample(x, *extra, 1), Sample(x, *extra, -1, keepdim=True)]
        return [*made, Sample(x)] if whole else made

    return build


def _bad_dim(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(IndexError, t(2, 3), 2), ErrorSample(IndexError, t(2, 3), -3)]


def _moments(t: Maker) -> list[Sample]:
    x = t(2, 3, 2)
    return [
        Sample(x),
        Sample(x, 1),
        Sample(x, (0, 2), correction=0),
        Sample(x, False),
        Sample(x, dim=-1, unbiased=False, keepdim=True),
    ]


def _norms(t: Maker) -> list[Sample]:
    x = t(2, 3, low=0.3)
    return [Sample(x, p, d) for p in (2, 1, 3, float("inf")) for d in (None, 1)]


OPS = [
    Op("sum", _dims(), NUMBERS, errors=_bad_dim),
    Op(
        "mean",
        _dims(),
        (*FLOATS, C128),
        errors=lambda t: [*_bad_dim(t), ErrorSample(RuntimeError, t.ints(2))],
    ),
    Op("prod", _dims(one=True), NUMBERS, errors=_bad_dim),
    Op("nansum", _dims(), REALS),
    Op("nanmean", _dims(), FLOATS),
    Op(
        "count_nonzero",
        lambda t: [Sample(t(2, 3)), Sample(t(2, 3), 1)],
        ANY,
        grad=False,
        numpy="count_nonzero",
    ),
    Op("any", _dims(), ANY, grad=False, errors=_bad_dim),
    Op("all", _dims(), ANY, grad=False, errors=_bad_dim),
    *(
        Op(
            n,
            lambda t: [Sample(t.wide(2, 3), 1), Sample(t.wide(2, 3), (0, 1), True)],
            REALS,
            errors=_bad_dim,
        )
        for n in ("amax", "amin")
    ),
    *(
        Op(
            n,
            lambda t: (
                [*_distinct(True)(t), Sample(t.wide(2, 3), t.wide(2, 3) + 0.1)]
                if t.dtype.is_floating_point
                else _distinct(True)(t)
            ),
            REALS,
            errors=_bad_dim,
        )
        for n in ("max", "min")
    ),
    *(
        Op(n, _distinct(True), REALS, grad=False, errors=_bad_dim)
        for n in ("argmax", "argmin")
    ),
    Op(
        "aminmax",
        lambda t: [Sample(t.wide(2, 3)), Sample(t.wide(2, 3), dim=1, keepdim=True)],
        REALS,
    ),
    *(Op(n, _distinct(True), REALS, errors=_bad_dim) for n in ("median", "nanmedian")),
    *(Op(n, _moments, FLOATS) for n in ("var", "std", "var_mean", "std_mean")),
    Op("norm", lambda t: [*_norms(t), Sample(t(2, 3), "fro")]),
    Op("linalg.vector_norm", _norms),
    Op("logsumexp", _dims(whole=False), FLOATS, errors=_bad_dim),
]
