"""Lists, dicts and sequences of modules and parameters."""

from collections import OrderedDict

import flambeau
import pytest
from flambeau import nn


def test_sequential_runs_in_order():
    net = nn.Sequential(OrderedDict(twice=Times(2), more=Plus(3)))
    assert float(net(flambeau.tensor(5.0))) == 13
    assert list(net._modules) == ["twice", "more"]
    assert float(net[::-1](flambeau.tensor(5.0))) == 16
    assert isinstance(net[:1], nn.Sequential)


class Times(nn.Module):
    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x):
        return x * self.by


class Plus(Times):
    def forward(self, x):
        return x + self.by


def test_sequential_editing():
    net = nn.Sequential(Times(1), Times(2), Times(3))
    del net[1]
    assert [m.by for m in net] == [1, 3]
    assert list(net._modules) == ["0", "1"]
    net.insert(1, Times(9)).append(Times(4))
    assert [m.by for m in net] == [1, 9, 3, 4]
    assert net.pop(-1).by == 4
    net[0] = Times(7)
    assert net[0].by == 7
    net.extend([Times(5)])
    assert len(net) == 4
    assert [m.by for m in net + nn.Sequential(Times(0))] == [7, 9, 3, 5, 0]
    assert len(net * 2) == 8
    assert len(2 * net) == 8
    net *= 2
    assert len(net) == 8
    del net[::2]
    assert [m.by for m in net] == [9, 5, 9, 5]
    with pytest.raises(IndexError):
        net[9]
    with pytest.raises(ValueError, match="Non-positive"):
        net * 0
    with pytest.raises(TypeError):
        net * 1.5


def test_module_list():
    modules = nn.ModuleList(Times(i) for i in range(3))
    modules.insert(0, Times(9))
    modules += [Times(5)]
    assert [m.by for m in modules] == [9, 0, 1, 2, 5]
    assert [m.by for m in modules[1:3]] == [0, 1]
    assert modules[-1].by == 5
    del modules[0]
    assert modules.pop(0).by == 0
    assert list(modules._modules) == ["0", "1", "2"]
    more = [Times(1)]
    assert isinstance(modules + more, nn.ModuleList)
    with pytest.raises(TypeError):
        modules.extend(3)
    with pytest.raises(NotImplementedError):
        modules(1)


def test_module_list_repr_folds_equal_ones():
    modules = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])
    assert repr(modules) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"
    assert repr(nn.ModuleList()) == "ModuleList()"


def test_module_dict():
    modules = nn.ModuleDict({"a": Times(1), "b": Times(2)})
    modules.update([("c", Times(3))])
    modules.update(nn.ModuleDict({"a": Times(4)}))
    assert list(modules) == ["a", "b", "c"]
    assert modules["a"].by == 4
    assert modules.pop("b").by == 2
    assert "b" not in modules
    assert len(modules) == 2
    with pytest.raises(KeyError):
        modules["keys"] = Times(1)
    with pytest.raises(TypeError):
        modules.update(3)
    with pytest.raises(ValueError, match="length 1"):
        modules.update([("a",)])
    modules.clear()
    assert len(modules) == 0


def test_parameter_list():
    params = nn.ParameterList([flambeau.ones(2), nn.Parameter(flambeau.zeros(1)), "x"])
    assert isinstance(params[0], nn.Parameter)
    assert [n for n, _ in params.named_parameters()] == ["0", "1"]
    assert params[2] == "x"
    params += [flambeau.ones(3)]
    params[-1] = flambeau.ones(4)
    assert params[3].shape == (4,)
    assert len(params[1:]) == 3
    assert "Parameter containing: [" in repr(params)
    with pytest.raises(RuntimeError, match="should not be called"):
        params(1)


def test_parameter_dict():
    params = nn.ParameterDict({"a": flambeau.ones(2), "b": 3})
    assert isinstance(params["a"], nn.Parameter)
    assert params["b"] == 3
    assert params.setdefault("c", flambeau.ones(1)) is params["c"]
    assert list(params) == ["a", "b", "c"]
    assert list(reversed(params)) == ["c", "b", "a"]
    assert params.popitem()[0] == "c"
    assert params.get("z", 5) == 5
    both = params | {"d": flambeau.ones(1)}
    assert list(both) == ["a", "b", "d"]
    assert "d" not in params
    assert [n for n, _ in both.named_parameters()] == ["a", "d"]
    assert list(params.fromkeys(["x", "y"], 1).values()) == [1, 1]
    with pytest.raises(TypeError):
        params[3] = flambeau.ones(1)
    del params["a"]
    assert "a" not in params.state_dict()
    params.clear()
    assert len(params) == 0
