"""Samples of the norms of layers."""

from __future__ import annotations

from ._sample import ErrorSample, Maker, Op, Sample


def _batch(t: Maker) -> list[Sample]:
    x = t(3, 2, 2)
    mean, var = t.plain(2), t.plain(2, low=0.5)
    return [
        Sample(x, mean, var, t(2), t(2)),
        Sample(x, None, None, t(2), t(2), True),
        Sample(x, None, None, training=True, eps=1e-3),
    ]


def _sizes(t: Maker) -> list[ErrorSample]:
    return [ErrorSample(RuntimeError, t(2, 3), (2,))]


OPS = [
    Op("nn.batch_norm", _batch),
    Op(
        "nn.layer_norm",
        lambda t: [Sample(t(2, 4), (4,)), Sample(t(2, 2, 3), (2, 3), t(2, 3), t(2, 3))],
        errors=_sizes,
    ),
    Op(
        "nn.rms_norm",
        lambda t: [Sample(t(2, 4), (4,)), Sample(t(2, 3), (3,), t(3), 1e-3)],
        errors=_sizes,
    ),
    Op(
        "nn.group_norm",
        lambda t: [Sample(t(2, 4, 2), 2), Sample(t(1, 4, 2), 4, t(4), t(4))],
        errors=lambda t: [ErrorSample(RuntimeError, t(2, 3), 2)],
    ),
]
