"""How a module finds, replaces and forgets parameters, buffers and submodules."""

import copy
import gc
import pickle
import weakref

import flambeau
import pytest
from flambeau import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.scale = nn.Parameter(flambeau.ones(3))
        self.register_buffer("count", flambeau.zeros(1))
        self.register_buffer("scratch", flambeau.zeros(1), persistent=False)
        self.note = "plain"

    def forward(self, x):
        return self.layer(x) * self.scale


def test_assignment_registers_by_kind():
    net = Net()
    assert list(net._parameters) == ["scale"]
    assert list(net._buffers) == ["count", "scratch"]
    assert list(net._modules) == ["layer"]
    assert [n for n, _ in net.named_parameters()] == [
        "scale",
        "layer.weight",
        "layer.bias",
    ]


@pytest.mark.parametrize("store", ["_parameters", "_buffers", "_modules"])
def test_stores_are_the_truth(store):
    net = Net()
    entries = getattr(net, store)
    name = next(iter(entries))
    new = copy.deepcopy(entries[name])
    entries[name] = new
    assert getattr(net, name) is new
    entries.update({name: None})
    assert getattr(net, name) is None
    del entries[name]
    with pytest.raises(AttributeError, match=name):
        getattr(net, name)
    entries[name] = new
    assert entries.pop(name) is new
    assert not hasattr(net, name)
    entries.setdefault(name, new)
    assert getattr(net, name) is new
    entries.clear()
    assert not hasattr(net, name)


def test_replacing_a_whole_store():
    net = Net()
    p = nn.Parameter(flambeau.zeros(2))
    net._parameters = {"other": p}
    assert net.other is p
    assert not hasattr(net, "scale")
    net._parameters["third"] = p
    assert net.third is p


def test_setting_none_keeps_the_name():
    layer = nn.Linear(2, 2)
    layer.bias = None
    assert layer.bias is None
    assert "bias" in layer._parameters
    assert "bias" not in layer.state_dict()


def test_wrong_kinds_are_refused():
    net = Net()
    with pytest.raises(TypeError, match="parameter 'scale'"):
        net.scale = flambeau.ones(3)
    with pytest.raises(TypeError, match="child module 'layer'"):
        net.layer = 3
    with pytest.raises(TypeError, match="buffer 'count'"):
        net.count = 3


def test_a_name_moves_between_kinds():
    net = Net()
    net.layer = nn.Parameter(flambeau.zeros(1))
    assert "layer" in net._parameters
    assert "layer" not in net._modules
    del net.layer
    net.layer = nn.Linear(1, 1)
    assert "layer" in net._modules
    net.note = nn.ReLU()
    assert isinstance(net.note, nn.ReLU)
    assert "note" in net._modules


def test_deleting():
    net = Net()
    for name in ("scale", "count", "scratch", "layer", "note"):
        delattr(net, name)
        assert not hasattr(net, name)
    assert not net._non_persistent_buffers_set
    with pytest.raises(AttributeError):
        del net.scale


def test_plain_attribute_hides_a_parameter_put_into_the_store():
    net = Net()
    net._parameters["note"] = nn.Parameter(flambeau.zeros(1))
    assert net.note == "plain"


def test_class_attribute_hides_a_parameter_put_into_the_store():
    class WithName(nn.Module):
        weight = "of the class"

    module = WithName()
    module._parameters["weight"] = nn.Parameter(flambeau.zeros(1))
    assert module.weight == "of the class"


def test_bad_registrations():
    net = Net()
    with pytest.raises(KeyError, match="already exists"):
        net.register_parameter("note", nn.Parameter(flambeau.zeros(1)))
    with pytest.raises(KeyError, match=r"\."):
        net.register_buffer("a.b", flambeau.zeros(1))
    with pytest.raises(KeyError, match="empty"):
        net.add_module("", nn.ReLU())
    with pytest.raises(TypeError):
        net.register_parameter(3, None)
    with pytest.raises(TypeError):
        net.add_module("x", 3)
    computed = flambeau.ones(1, requires_grad=True) * 2
    computed.__class__ = nn.Parameter
    with pytest.raises(ValueError, match="non-leaf"):
        net.register_parameter("p", computed)


def test_before_init():
    class Early(nn.Module):
        def __init__(self, what):
            self.thing = what

    Early("text")
    with pytest.raises(AttributeError, match="before Module.__init__"):
        Early(nn.Parameter(flambeau.zeros(1)))
    with pytest.raises(AttributeError, match="before Module.__init__"):
        Early(nn.ReLU())


def test_unexpected_arguments():
    with pytest.raises(TypeError, match="unexpected keyword"):
        nn.Module(a=1)
    with pytest.raises(TypeError, match="positional"):
        nn.Module(1)


def test_call_super_init():
    class Other:
        def __init__(self, value):
            self.value = value

    class Both(nn.Module, Other):
        call_super_init = True

    assert Both(5).value == 5


@pytest.mark.parametrize(
    "clone", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_copies_are_whole_and_apart(clone):
    net = Net()
    net.register_forward_pre_hook(_double_input)
    other = clone(net)
    x = flambeau.ones(1, 2)
    assert flambeau.equal(net(x), other(x))
    other._parameters["scale"] = nn.Parameter(flambeau.zeros(3))
    assert float(other.scale.detach().sum()) == 0
    assert float(net.scale.detach().sum()) == 3
    other.layer.bias = None
    if clone is not copy.copy:
        assert net.layer.bias is not None
    assert other.state_dict().keys() <= net.state_dict().keys()


def _double_input(module, args):
    return (args[0] * 2,)


def test_pickle_holds_plain_dicts():
    state = Net().__getstate__()
    assert type(state["_parameters"]) is dict
    assert type(state["_modules"]) is dict
    assert "scale" not in state


def test_deepcopy_keeps_ties():
    net = Net()
    net.again = net.layer
    net.tied = net.layer.weight
    other = copy.deepcopy(net)
    assert other.again is other.layer
    assert other.tied is other.layer.weight


def test_freed_without_the_collector():
    gc.disable()
    try:
        net = Net()
        ref = weakref.ref(net)
        del net
        assert ref() is None
    finally:
        gc.enable()


def test_state_copied_by_hand_is_mended_on_assignment():
    """Programs copy `__dict__`; the copy must not write to the first module."""
    net = Net()
    other = Net.__new__(Net)
    other.__dict__.update(net.__dict__)
    other.scale = nn.Parameter(flambeau.zeros(3))
    assert float(other.scale.detach().sum()) == 0
    assert float(net.scale.detach().sum()) == 3


def test_getattr_of_a_subclass_can_call_super():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    wrapped = Wrapper(Net())
    assert wrapped.note == "plain"
    assert wrapped.scale is wrapped.inner.scale
    assert not hasattr(wrapped, "nothing")


def test_dir_and_repr():
    net = Net()
    assert {"layer", "scale", "count", "note", "forward"} <= set(dir(net))
    assert repr(net) == (
        "Net(\n  (layer): Linear(in_features=2, out_features=3, bias=True)\n)"
    )
    assert repr(nn.Sequential()) == "Sequential()"


def test_buffers_and_nn_buffer():
    net = Net()
    net.kept = nn.Buffer(flambeau.ones(2))
    net.dropped = nn.Buffer(flambeau.ones(2), persistent=False)
    assert "kept" in net.state_dict()
    assert "dropped" not in net.state_dict()
    assert {"kept", "dropped"} <= {n for n, _ in net.named_buffers()}
    net.count = flambeau.ones(1)
    assert float(net._buffers["count"]) == 1


def test_tree():
    net = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.ReLU(), nn.Linear(1, 1)))
    assert [n for n, _ in net.named_modules()] == ["", "0", "1", "1.0", "1.1"]
    assert net.get_submodule("1.1") is net[1][1]
    assert net.get_parameter("1.1.bias") is net[1][1].bias
    with pytest.raises(AttributeError):
        net.get_submodule("1.5")
    with pytest.raises(AttributeError):
        net.get_parameter("1.1")
    with pytest.raises(AttributeError):
        net.get_buffer("0.weight")
    net.set_submodule("1.0", nn.Tanh())
    assert isinstance(net[1][0], nn.Tanh)
    with pytest.raises(ValueError, match="target name"):
        net.set_submodule("", nn.Tanh())
    with pytest.raises(AttributeError):
        net.set_submodule("1.7", nn.Tanh(), strict=True)


def test_shared_parameters_count_once():
    net = Net()
    net.second = net.layer
    assert len(list(net.parameters())) == 3
    assert len(list(net.named_parameters(remove_duplicate=False))) == 5
    assert len(list(net.children())) == 1


def test_conversion():
    net = Net()
    weight = net.layer.weight
    net(flambeau.ones(1, 2)).sum().backward()
    net.double()
    assert net.layer.weight is weight
    assert weight.dtype == flambeau.float64
    assert weight.grad.dtype == flambeau.float64
    net.to(flambeau.float32)
    assert net.count.dtype == flambeau.float32
    net.to("cpu", flambeau.bfloat16)
    assert net.scale.dtype == flambeau.bfloat16
    net.to(flambeau.zeros(1))
    assert net.scale.dtype == flambeau.float32
    with pytest.raises(TypeError, match="floating point"):
        net.to(flambeau.int64)
    net.register_buffer("index", flambeau.arange(3))
    net.half()
    assert net.index.dtype == flambeau.int64
    assert net.scale.dtype == flambeau.float16
    net.type(flambeau.float64)
    assert net.index.dtype == flambeau.float64


def test_modes_and_gradients():
    net = Net()
    assert net.eval() is net
    assert not net.layer.training
    net.train()
    assert net.layer.training
    with pytest.raises(ValueError, match="boolean"):
        net.train(3)
    net(flambeau.ones(1, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert float(net.scale.grad.abs().sum()) == 0
    net.zero_grad()
    assert net.scale.grad is None
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_apply_visits_children_first():
    seen = []
    nn.Sequential(nn.ReLU(), nn.Tanh()).apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["ReLU", "Tanh", "Sequential"]


def test_missing_forward():
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1)


def test_calls_pass_all_arguments():
    class Gather(nn.Module):
        def forward(self, *args, **kwargs):
            return args, kwargs

    assert Gather()(*range(9), a=1) == (tuple(range(9)), {"a": 1})
    assert Gather()() == ((), {})

    class Louder(Gather):
        def __call__(self, *args):
            return super().__call__(*args)[0] + ("!",)

    assert Louder()(1) == (1, "!")
    module = Gather()
    module.forward = lambda x: x + 1
    assert module(1) == 2


def test_class_of_a_module_can_be_mixed():
    class Named:
        def name(self):
            return "named"

    layer = nn.Linear(1, 1)
    layer.__class__ = type("NamedLinear", (Named, nn.Linear), {})
    assert layer.name() == "named"
    assert layer(flambeau.ones(1, 1)).shape == (1, 1)
