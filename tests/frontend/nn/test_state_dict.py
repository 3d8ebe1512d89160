"""Saving and loading of module state."""

from collections import OrderedDict

import flambeau
import pytest
from flambeau import nn


def net():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def test_names_metadata_and_sharing():
    model = net()
    state = model.state_dict()
    assert list(state) == [
        "0.weight",
        "0.bias",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ]
    assert state._metadata[""] == {"version": 1}
    assert state._metadata["1"] == {"version": 2}
    assert not state["0.weight"].requires_grad
    state["0.bias"].zero_()
    assert float(model[0].bias.detach().abs().sum()) == 0
    assert model.state_dict(keep_vars=True)["0.weight"] is model[0].weight
    assert "x.0.weight" in model.state_dict(prefix="x.")
    assert set(model.state_dict(OrderedDict(), "y.")) == {"y." + k for k in state}


def test_round_trip():
    a, b = net(), net()
    result = b.load_state_dict(a.state_dict())
    assert repr(result) == "<All keys matched successfully>"
    for (_, x), (_, y) in zip(
        a.state_dict().items(), b.state_dict().items(), strict=True
    ):
        assert flambeau.equal(x, y)


def test_strict_and_not():
    model = net()
    state = model.state_dict()
    del state["0.bias"]
    state["more"] = flambeau.ones(1)
    state["0.weight.deep"] = flambeau.ones(1)
    with pytest.raises(RuntimeError, match="Missing key") as caught:
        model.load_state_dict(state)
    assert '"0.bias"' in str(caught.value)
    assert '"more"' in str(caught.value)
    assert '"0.weight.deep"' in str(caught.value)
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == ["0.bias"]
    assert set(result.unexpected_keys) == {"more", "0.weight.deep"}


def test_wrong_shapes_are_all_listed():
    model = net()
    state = model.state_dict()
    state["0.weight"] = flambeau.ones(1, 1)
    state["0.bias"] = flambeau.ones(9)
    with pytest.raises(RuntimeError, match="size mismatch for 0.weight") as caught:
        model.load_state_dict(state, strict=False)
    assert "size mismatch for 0.bias" in str(caught.value)


def test_not_a_mapping_or_tensor():
    with pytest.raises(TypeError, match="dict-like"):
        net().load_state_dict([1])
    with pytest.raises(RuntimeError, match="expected a tensor"):
        nn.Linear(1, 1).load_state_dict({"weight": 3, "bias": 4})


def test_assign():
    model = nn.Linear(2, 2)
    model.weight.requires_grad_(False)
    state = {
        "weight": flambeau.ones(2, 2, dtype=flambeau.float64),
        "bias": nn.Parameter(flambeau.ones(2)),
    }
    model.load_state_dict(state, assign=True)
    assert model.weight.dtype == flambeau.float64
    assert isinstance(model.weight, nn.Parameter)
    assert not model.weight.requires_grad
    assert model.bias is state["bias"]


def test_copy_keeps_dtype_and_identity():
    model = nn.Linear(2, 2)
    weight = model.weight
    model.load_state_dict(
        {"weight": flambeau.full((2, 2), 2.0).double(), "bias": flambeau.ones(2)}
    )
    assert model.weight is weight
    assert weight.dtype == flambeau.float32
    assert float(weight.detach().sum()) == 8


def test_old_batch_norm_state_has_no_count():
    model = nn.BatchNorm1d(2)
    state = model.state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        model.load_state_dict(state)
    del state._metadata
    model.load_state_dict(OrderedDict(state))


def test_extra_state():
    class Counted(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def get_extra_state(self):
            return {"calls": self.calls}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    a, b = nn.Sequential(Counted()), nn.Sequential(Counted())
    a[0].calls = 5
    assert list(a.state_dict()) == ["0._extra_state"]
    b.load_state_dict(a.state_dict())
    assert b[0].calls == 5
    with pytest.raises(RuntimeError, match="_extra_state"):
        b.load_state_dict({})
    with pytest.raises(RuntimeError, match="Unexpected"):
        nn.Sequential(nn.ReLU()).load_state_dict(a.state_dict())


def test_scalar_from_one_element():
    class Scalar(nn.Module):
        def __init__(self):
            super().__init__()
            self.value = nn.Parameter(flambeau.tensor(1.0))

    model = Scalar()
    model.load_state_dict({"value": flambeau.tensor([4.0])})
    assert float(model.value.detach()) == 4
