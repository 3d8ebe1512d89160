"""Recurrent layers on packed sequences of uneven lengths."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor, _nn, _ops

# Step t of a packed batch has the batch_sizes[t] samples that are long enough, the
# longest first. A direction runs step by step on those alone: forwards, samples drop
# out and leave their state; backwards, samples join with the state given for them.


def _cell_of(mode: str, weights: dict[str, Any]) -> Any:
    """The cell of the mode, as a function of one step's input and state."""
    args = (
        weights["weight_ih"],
        weights["weight_hh"],
        weights.get("bias_ih"),
        weights.get("bias_hh"),
    )
    if mode == "LSTM":
        project = weights.get("weight_hr")
        if project is not None:
            return lambda t, state: _projected_lstm(t, state, args, project)
        return lambda t, state: _ops.lstm_cell(t, state, *args)
    cell = {
        "GRU": _ops.gru_cell,
        "RNN_TANH": _ops.rnn_tanh_cell,
        "RNN_RELU": _ops.rnn_relu_cell,
    }[mode]
    return lambda t, state: (cell(t, state[0], *args),)


def _projected_lstm(x: Tensor, state: Any, args: Any, project: Tensor) -> Any:
    """An LSTM step whose output is projected to fewer features."""
    w_ih, w_hh, b_ih, b_hh = args
    h, c = state
    gates = _nn.linear(x, w_ih, b_ih) + _nn.linear(h, w_hh, b_hh)
    i, f, g, o = gates.chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return _nn.linear(o.sigmoid() * c.tanh(), project), c


def _one_direction(
    cell: Any, steps: list[Tensor], state: tuple[Tensor, ...], reverse: bool
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Outputs of every step and the last state of every sample."""
    outputs: list[Any] = [None] * len(steps)
    if reverse:
        live = tuple(s[:0] for s in state)
        for t in range(len(steps) - 1, -1, -1):
            have, now = live[0].size(0), steps[t].size(0)
            if now > have:
                joined = zip(live, state, strict=True)
                live = tuple(flambeau.cat([a, s[have:now]]) for a, s in joined)
            live = tuple(cell(steps[t], live))
            outputs[t] = live[0]
        return outputs, live
    live = tuple(s[: steps[0].size(0)] for s in state)
    done: list[tuple[Tensor, ...]] = []
    for t, x in enumerate(steps):
        now = x.size(0)
        if now < live[0].size(0):
            done.append(tuple(s[now:] for s in live))
            live = tuple(s[:now] for s in live)
        live = tuple(cell(x, live))
        outputs[t] = live[0]
    parts = [live, *reversed(done)]
    final = tuple(flambeau.cat([p[i] for p in parts]) for i in range(len(live)))
    return outputs, final


def run_packed(
    layer: Any, data: Tensor, batch_sizes: Tensor, hx: Any
) -> tuple[Tensor, Any]:
    """Packed outputs and the last state of a recurrent layer."""
    is_lstm = layer.mode == "LSTM"
    states = hx if is_lstm else (hx,)
    sizes = batch_sizes.tolist()
    directions = 2 if layer.bidirectional else 1
    names = ["weight_ih", "weight_hh"]
    names += ["bias_ih", "bias_hh"] if layer.bias else []
    names += ["weight_hr"] if layer.proj_size else []
    finals: list[tuple[Tensor, ...]] = []
    all_weights = layer.all_weights
    for number in range(layer.num_layers):
        steps = list(data.split(sizes))
        outs = []
        for direction in range(directions):
            row = number * directions + direction
            weights = dict(zip(names, all_weights[row], strict=True))
            cell = _cell_of(layer.mode, weights)
            start = tuple(s[row] for s in states)
            out, final = _one_direction(cell, steps, start, direction == 1)
            outs.append(flambeau.cat(out))
            finals.append(final)
        data = flambeau.cat(outs, 1) if directions == 2 else outs[0]
        if layer.dropout and layer.training and number < layer.num_layers - 1:
            data = flambeau.dropout(data, layer.dropout, True)
    stacked = tuple(flambeau.stack([f[i] for f in finals]) for i in range(len(states)))
    return data, stacked if is_lstm else stacked[0]
