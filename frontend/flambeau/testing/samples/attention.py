"""Samples of attention: plain, masked, causal, with grouped keys."""

from __future__ import annotations

from typing import Any

from ._sample import Maker, Op, Sample


def _calls(t: Maker) -> list[Sample]:
    def x(heads: int, length: int) -> Any:
        return t(1, heads, length, 2)

    bias = t.plain(3, 4)
    return [
        Sample(x(2, 3), x(2, 4), x(2, 4)),
        Sample(x(1, 3), x(1, 3), x(1, 3), is_causal=True),
        Sample(x(1, 3), x(1, 4), x(1, 4), bias, scale=0.7),
        Sample(x(1, 3), x(1, 4), x(1, 4), bias < 1.5),
        Sample(x(2, 3), x(1, 4), x(1, 4), enable_gqa=True),
    ]


OPS = [Op("nn.scaled_dot_product_attention", _calls)]
