"""Samples of recurrent cells and layers."""

from __future__ import annotations

from typing import Any

from ._sample import Maker, Op, Sample


def _weights(t: Maker, gates: int, layers: int, ways: int) -> list[Any]:
    """Weights and biases of inputs of 3 and states of 2."""
    made = []
    for layer in range(layers):
        width = 3 if layer == 0 else 2 * ways
        for _ in range(ways):
            rows = 2 * gates
            made += [t(rows, width), t(rows, 2), t(rows), t(rows)]
    return made


def _cell(name: str, gates: int) -> Op:
    def build(t: Maker) -> list[Sample]:
        state: Any = [t(2, 2), t(2, 2)] if gates == 4 else t(2, 2)
        return [Sample(t(2, 3), state, *_weights(t, gates, 1, 1))]

    return Op(name, build)


def _layer(name: str, gates: int) -> Op:
    """One layer, and two in both directions with the batch first."""

    def call(t: Maker, layers: int, ways: int) -> Sample:
        h = [t(layers * ways, 2, 2) for _ in range(2 if gates == 4 else 1)]
        return Sample(
            t(2, 2, 3),
            h if gates == 4 else h[0],
            _weights(t, gates, layers, ways),
            True,
            layers,
            0.0,
            False,
            ways == 2,
            ways == 2,
        )

    return Op(
        f"nn.{name}",
        lambda t: [call(t, 1, 1), call(t, 2, 2)][: 1 if t.requires_grad else 2],
        oracle=f"_VF.{name}",
        gradgrad=False,
    )


_KINDS = (("lstm", 4), ("gru", 3), ("rnn_tanh", 1), ("rnn_relu", 1))

OPS = [
    *(_cell(f"{name}_cell", gates) for name, gates in _KINDS),
    *(_layer(name, gates) for name, gates in _KINDS),
]
