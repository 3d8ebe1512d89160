"""Hooks of modules: when they run, what they may change, how they go away."""

import copy

import flambeau
import pytest
from flambeau import nn
from flambeau.nn.modules import module as module_file


def ones():
    return flambeau.ones(1, 2, requires_grad=True)


def test_forward_hooks_see_and_change():
    net = nn.Identity()
    net.register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    net.register_forward_hook(lambda m, args, out: out * args[0])
    assert net(flambeau.tensor(2.0)) == 9


def test_pre_hook_may_return_one_value():
    net = nn.Identity()
    net.register_forward_pre_hook(lambda m, args: args[0] + 1)
    assert net(flambeau.tensor(2.0)) == 3


def test_order_and_prepend():
    net, seen = nn.Identity(), []
    net.register_forward_hook(lambda *a: seen.append("a"))
    net.register_forward_hook(lambda *a: seen.append("b"), prepend=True)
    net.register_forward_pre_hook(lambda *a: seen.append("c"))
    net.register_forward_pre_hook(lambda *a: seen.append("d"), prepend=True)
    net(flambeau.ones(1))
    assert seen == ["d", "c", "b", "a"]


def test_kwargs():
    class Scale(nn.Module):
        def forward(self, x, by=1):
            return x * by

    net = Scale()
    net.register_forward_pre_hook(
        lambda m, args, kwargs: (args, {"by": kwargs["by"] + 1}), with_kwargs=True
    )
    net.register_forward_hook(
        lambda m, args, kwargs, out: out + kwargs["by"], with_kwargs=True
    )
    assert net(flambeau.tensor(2.0), by=2) == 9
    net.register_forward_pre_hook(lambda m, args, kwargs: args, with_kwargs=True)
    with pytest.raises(RuntimeError, match="tuple of"):
        net(flambeau.tensor(2.0), by=2)


def test_always_call_runs_after_an_error():
    class Bad(nn.Module):
        def forward(self):
            raise ZeroDivisionError

    net, seen = Bad(), []
    net.register_forward_hook(lambda *a: seen.append("never"))
    net.register_forward_hook(lambda *a: seen.append("always"), always_call=True)
    with pytest.raises(ZeroDivisionError):
        net()
    assert seen == ["always"]


def test_removal():
    net, seen = nn.Identity(), []
    handle = net.register_forward_hook(lambda *a: seen.append(1))
    with net.register_forward_pre_hook(lambda *a: seen.append(2)):
        net(flambeau.ones(1))
    handle.remove()
    handle.remove()
    net(flambeau.ones(1))
    assert seen == [2, 1]
    net(flambeau.ones(1))
    assert "_hooked" not in net.__dict__


def test_hooks_written_into_the_dicts():
    net, seen = nn.Identity(), []
    net._forward_hooks[7] = lambda *a: seen.append(1)
    net(flambeau.ones(1))
    net._forward_hooks.clear()
    net(flambeau.ones(1))
    from collections import OrderedDict

    net._forward_pre_hooks = OrderedDict({1: lambda *a: seen.append(2)})
    net(flambeau.ones(1))
    assert seen == [1, 2]


def test_hooks_are_copied():
    net, seen = nn.Identity(), []
    net.register_forward_hook(lambda *a: seen.append(1))
    copy.deepcopy(net)(flambeau.ones(1))
    assert seen == [1]


def test_full_backward_hook():
    net = nn.Linear(2, 2)
    seen = []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x = ones()
    net(x).sum().backward()
    (grad_in,), (grad_out,) = seen[0]
    assert flambeau.equal(grad_out, flambeau.ones(1, 2))
    assert flambeau.allclose(grad_in, net.weight.sum(0, keepdim=True))
    assert flambeau.equal(x.grad, grad_in)


def test_full_backward_hook_changes_the_gradient():
    net = nn.Linear(2, 2)
    net.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,))
    net.register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
    x = ones()
    net(x).sum().backward()
    assert flambeau.allclose(x.grad, net.weight.sum(0, keepdim=True) * 6)
    assert flambeau.allclose(net.bias.grad, flambeau.full((2,), 3.0))


def test_full_backward_hook_without_input_gradients():
    net, seen = nn.Linear(2, 2), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    net(flambeau.ones(1, 2)).sum().backward()
    assert len(seen) == 1
    assert flambeau.equal(seen[0][1][0], flambeau.ones(1, 2))


def test_full_backward_hook_with_several_inputs_and_outputs():
    class Two(nn.Module):
        def forward(self, a, text, b):
            return a * 2, text, a * b

    net, seen = Two(), []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    a = flambeau.tensor(3.0, requires_grad=True)
    _, text, second = net(a, "x", flambeau.tensor(5.0))
    assert text == "x"
    second.backward()
    grad_in, grad_out = seen[0]
    assert float(grad_in[0]) == 5
    assert grad_in[1] is None
    assert grad_in[2] is None
    assert grad_out[0] is None
    assert float(grad_out[2]) == 1


def test_both_kinds_of_backward_hooks_are_refused():
    net = nn.Linear(1, 1)
    net.register_full_backward_hook(lambda *a: None)
    with pytest.raises(RuntimeError, match="both regular and full"):
        net.register_backward_hook(lambda *a: None)


def test_wrong_number_of_gradients():
    net = nn.Linear(2, 2)
    net.register_full_backward_hook(lambda m, gi, go: (None, None))
    with pytest.raises(RuntimeError, match="gradients"):
        net(ones()).sum().backward()


def test_global_hooks():
    seen = []
    net = nn.Sequential(nn.Identity(), nn.Identity())
    handles = [
        module_file.register_module_forward_hook(lambda m, a, o: seen.append("f")),
        module_file.register_module_forward_pre_hook(lambda m, a: seen.append("p")),
        module_file.register_module_full_backward_hook(
            lambda m, gi, go: seen.append("b")
        ),
    ]
    net(ones()).sum().backward()
    assert sorted(seen) == ["b"] * 3 + ["f"] * 3 + ["p"] * 3
    for handle in handles:
        handle.remove()
    net(ones())
    assert len(seen) == 9
    assert nn.Module._hooked is False


def test_registration_hooks():
    seen = []
    handles = [
        module_file.register_module_parameter_registration_hook(
            lambda m, n, p: seen.append(n)
        ),
        module_file.register_module_module_registration_hook(
            lambda m, n, p: seen.append(n)
        ),
        module_file.register_module_buffer_registration_hook(
            lambda m, n, p: seen.append(n)
        ),
    ]
    nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(2, affine=False))
    for handle in handles:
        handle.remove()
    assert seen == [
        "weight",
        "bias",
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
        "0",
        "1",
    ] or set(seen) == {
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
        "0",
        "1",
    }


def test_state_dict_hooks():
    net = nn.Linear(1, 1)
    seen = []
    net.register_state_dict_pre_hook(lambda m, prefix, keep: seen.append(prefix))

    def rename(module, state, prefix, metadata):
        state[prefix + "w"] = state.pop(prefix + "weight")

    def restore(module, state, prefix, *rest):
        state[prefix + "weight"] = state.pop(prefix + "w")

    net.register_state_dict_post_hook(rename)
    net.register_load_state_dict_pre_hook(restore)
    net.register_load_state_dict_post_hook(lambda m, keys: seen.append(keys))
    outer = nn.Sequential(net)
    state = outer.state_dict()
    assert set(state) == {"0.w", "0.bias"}
    outer.load_state_dict(state)
    assert seen[0] == "0."
    assert seen[1].missing_keys == []
    net.register_state_dict_post_hook(lambda *a: {})
    with pytest.raises(RuntimeError, match="must return None"):
        net.state_dict()


def test_load_post_hook_may_forgive():
    net = nn.Linear(1, 1)
    net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    net.load_state_dict({})


def test_hook_that_removes_itself():
    net, seen = nn.Identity(), []
    handle = net.register_forward_hook(lambda *a: (seen.append(1), handle.remove())[1])
    net(flambeau.ones(1))
    net(flambeau.ones(1))
    assert seen == [1]
