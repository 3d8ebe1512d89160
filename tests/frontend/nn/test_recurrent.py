"""Recurrent layers, their cells and packed sequences."""

import flambeau
import pytest
from flambeau import nn
from flambeau.nn.utils import rnn

KINDS = [nn.RNN, nn.GRU, nn.LSTM]


def run_cells(layer, cell, x):
    """A one-layer network step by step with its cell."""
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(cell, name, getattr(layer, name + "_l0"))
    state, out = None, []
    for step in x:
        state = cell(step, state)
        out.append(state[0] if isinstance(state, tuple) else state)
    return flambeau.stack(out), state


@pytest.mark.parametrize(
    ("layer", "cell"),
    [
        (nn.RNN(3, 4), nn.RNNCell(3, 4)),
        (nn.RNN(3, 4, nonlinearity="relu"), nn.RNNCell(3, 4, nonlinearity="relu")),
        (nn.GRU(3, 4), nn.GRUCell(3, 4)),
        (nn.LSTM(3, 4), nn.LSTMCell(3, 4)),
    ],
)
def test_layer_is_its_cell_repeated(layer, cell):
    flambeau.manual_seed(0)
    x = flambeau.randn(5, 2, 3)
    out, state = layer(x)
    want, last = run_cells(layer, cell, x)
    assert flambeau.allclose(out, want, atol=1e-6)
    if isinstance(state, tuple):
        assert flambeau.allclose(state[1][0], last[1], atol=1e-6)
    else:
        assert flambeau.allclose(state[0], last, atol=1e-6)
    single, _ = layer(x[:, 0])
    assert flambeau.allclose(single, out[:, 0], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_is_each_sequence_alone(kind):
    flambeau.manual_seed(0)
    net = kind(3, 4, num_layers=2, bidirectional=True)
    sequences = [flambeau.randn(n, 3) for n in (2, 4, 1)]
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    out, state = net(packed)
    padded, lengths = rnn.pad_packed_sequence(out)
    assert lengths.tolist() == [2, 4, 1]
    for i, sequence in enumerate(sequences):
        want, last = net(sequence.unsqueeze(1))
        got = padded[: len(sequence), i]
        assert flambeau.allclose(got, want[:, 0], atol=1e-6)
        h = state[0] if kind is nn.LSTM else state
        want_h = last[0] if kind is nn.LSTM else last
        assert flambeau.allclose(h[:, i], want_h[:, 0], atol=1e-6)
    assert float(padded[1:, 2].detach().abs().sum()) == 0


def test_projected_lstm():
    net = nn.LSTM(3, 4, proj_size=2, bidirectional=True, batch_first=True)
    out, (h, c) = net(flambeau.randn(5, 6, 3))
    assert out.shape == (5, 6, 4)
    assert h.shape == (2, 5, 2)
    assert c.shape == (2, 5, 4)
    assert net.weight_hr_l0_reverse.shape == (2, 4)
    packed = rnn.pack_padded_sequence(flambeau.randn(2, 3, 3), [3, 2], True)
    got, _ = net(packed)
    assert got.data.shape == (5, 4)


def test_gradients_reach_every_weight():
    for kind in KINDS:
        net = kind(3, 4, num_layers=2)
        out, _ = net(flambeau.randn(5, 2, 3))
        out.sum().backward()
        assert all(p.grad is not None for p in net.parameters())


def test_refusals():
    net = nn.LSTM(3, 4)
    with pytest.raises(RuntimeError, match="input_size"):
        net(flambeau.ones(5, 2, 7))
    with pytest.raises(RuntimeError, match=r"hidden\[0\]"):
        net(flambeau.ones(5, 2, 3), (flambeau.ones(1, 9, 4), flambeau.ones(1, 2, 4)))
    with pytest.raises(ValueError, match="2D or 3D"):
        net(flambeau.ones(3))
    with pytest.raises(ValueError, match="nonlinearity"):
        nn.RNN(3, 4, nonlinearity="sin")
    with pytest.raises(ValueError, match="proj_size"):
        nn.GRU(3, 4, proj_size=2)
    with pytest.raises(ValueError, match="smaller than hidden_size"):
        nn.LSTM(3, 4, proj_size=4)
    with pytest.raises(ValueError, match="dropout"):
        nn.LSTM(3, 4, dropout=2)
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.LSTM(3, 4, dropout=0.5)


def test_packing():
    x = flambeau.tensor([[1, 2, 3], [4, 5, 0], [6, 0, 0]])
    packed = rnn.pack_padded_sequence(x, [3, 2, 1], batch_first=True)
    assert packed.data.tolist() == [1, 4, 6, 2, 5, 3]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    back, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=9)
    assert back.tolist() == [[1, 2, 3], [4, 5, 9], [6, 9, 9]]
    assert lengths.tolist() == [3, 2, 1]
    longer, _ = rnn.pad_packed_sequence(packed, total_length=4)
    assert longer.shape == (4, 3)
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == [[1, 2, 3], [4, 5], [6]]
    assert packed.to(dtype=flambeau.float64).data.dtype == flambeau.float64
    with pytest.raises(RuntimeError, match="decreasing order"):
        rnn.pack_padded_sequence(x, [1, 2, 3], batch_first=True)
    with pytest.raises(RuntimeError, match="greater than 0"):
        rnn.pack_padded_sequence(x, [3, 2, 0], batch_first=True)
    with pytest.raises(ValueError, match="total_length"):
        rnn.pad_packed_sequence(packed, total_length=1)


def test_packing_carries_gradients():
    x = flambeau.ones(3, 2, requires_grad=True)
    packed = rnn.pack_padded_sequence(x, [3, 1])
    padded, _ = rnn.pad_packed_sequence(packed)
    padded.sum().backward()
    assert x.grad.tolist() == [[1, 1], [1, 0], [1, 0]]


def test_pad_sequence_sides():
    parts = [flambeau.tensor([1, 2]), flambeau.tensor([3])]
    assert rnn.pad_sequence(parts).tolist() == [[1, 3], [2, 0]]
    left = rnn.pad_sequence(parts, True, -1, "left")
    assert left.tolist() == [[1, 2], [-1, 3]]
    apart = rnn.unpad_sequence(rnn.pad_sequence(parts), flambeau.tensor([2, 1]))
    assert [p.tolist() for p in apart] == [[1, 2], [3]]


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell, nn.LSTMCell])
def test_cells_refuse_a_state_of_another_batch(kind):
    h = flambeau.zeros(5, 4)
    with pytest.raises(RuntimeError, match="batch size"):
        kind(3, 4)(flambeau.ones(3, 3), (h, h) if kind is nn.LSTMCell else h)
