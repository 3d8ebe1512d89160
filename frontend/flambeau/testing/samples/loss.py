"""Samples of losses."""

from __future__ import annotations

from ._sample import ErrorSample, Maker, Op, Sample

_REDUCTIONS = ("mean", "sum", "none")


def _classes(t: Maker) -> list[Sample]:
    weight = t.plain(4, low=0.5)
    return [
        *(Sample(t(3, 4), t.ints(3, high=3), reduction=r) for r in _REDUCTIONS),
        Sample(t(2, 4, 2), t.ints(2, 2, high=3), weight, ignore_index=1),
    ]


def _unlike(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(ValueError, t(3, 4), t.ints(2))]


OPS = [
    Op(
        "nn.cross_entropy",
        lambda t: [
            *_classes(t),
            Sample(t(3, 4), t.ints(3, high=3), label_smoothing=0.1),
        ],
        errors=_unlike,
    ),
    Op("nn.nll_loss", _classes, errors=_unlike),
    Op(
        "nn.mse_loss",
        lambda t: [Sample(t(2, 3), t(2, 3), reduction=r) for r in _REDUCTIONS],
    ),
]
