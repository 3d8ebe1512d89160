"""The base of optimizers: groups, hooks, errors, repr."""

import flambeau
import pytest
from flambeau import optim
from flambeau.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


def param(*shape):
    return flambeau.nn.Parameter(flambeau.ones(*shape))


def with_grad(*shape):
    p = param(*shape)
    p.grad = flambeau.ones(*shape)
    return p


def test_groups_have_their_own_options():
    a, b = with_grad(1), with_grad(1)
    opt = optim.SGD([{"params": a}, {"params": [b], "lr": 0.25}], lr=0.5)
    opt.step()
    assert a.item() == 0.5
    assert b.item() == 0.75
    assert [g["lr"] for g in opt.param_groups] == [0.5, 0.25]


def test_named_parameters_leave_their_names_in_the_checkpoint():
    pairs = [("w", param(1)), ("b", param(1))]
    opt = optim.SGD(iter(pairs), lr=0.5)
    assert opt.param_groups[0]["params"][0] is pairs[0][1]
    assert opt.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]
    with pytest.raises(ValueError, match="name"):
        opt.add_param_group({"params": [param(1)]})


def test_bad_parameters():
    p = param(1)
    with pytest.raises(TypeError, match="iterable"):
        optim.SGD(p)
    with pytest.raises(ValueError, match="empty"):
        optim.SGD([])
    with pytest.raises(TypeError, match="expected tensors"):
        optim.SGD([1.0])
    with pytest.raises(TypeError, match="set"):
        optim.SGD([{"params": {p}}])
    with pytest.raises(ValueError, match="leaf"):
        optim.SGD([p * 2])
    with pytest.raises(ValueError, match="another group"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.raises(TypeError, match="dict"):
        optim.SGD([p]).add_param_group([p])
    with pytest.warns(UserWarning, match="twice"):
        optim.SGD([p, p])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": -1.0}),
        ("SGD", {"momentum": -1.0}),
        ("SGD", {"nesterov": True}),
        ("Adam", {"betas": (1.0, 0.9)}),
        ("Adam", {"betas": (0.9, -0.1)}),
        ("Adam", {"eps": -1.0}),
        ("Adam", {"weight_decay": -1.0}),
        ("Adadelta", {"rho": 1.5}),
        ("Adagrad", {"lr_decay": -1}),
        ("RMSprop", {"alpha": -1}),
        ("NAdam", {"momentum_decay": -1}),
        ("Rprop", {"etas": (1.0, 0.5)}),
        ("Adafactor", {"d": 0.5}),
        ("Muon", {"adjust_lr_fn": "other"}),
        ("SparseAdam", {"lr": 0.0}),
        ("LBFGS", {"lr": -1}),
    ],
)
def test_options_out_of_range(name, options):
    with pytest.raises(ValueError, match=f"{name}: expected"):
        getattr(optim, name)([param(2, 2)], **options)


def test_implementations_that_exclude_each_other():
    with pytest.raises(RuntimeError, match="foreach"):
        optim.Adam([param(1)], fused=True, foreach=True)
    with pytest.raises(RuntimeError, match="differentiable"):
        optim.SGD([param(1)], fused=True, differentiable=True)
    with pytest.raises(ValueError, match="tensor"):
        optim.Adam([param(1)], lr=flambeau.tensor(0.1), foreach=True)
    with pytest.raises(ValueError, match="1-element"):
        optim.Adam([param(1)], lr=flambeau.tensor([0.1, 0.2]))
    with pytest.raises(ValueError, match="2-d"):
        optim.Muon([param(3)])


def test_sparse_adam_refuses_dense_gradients():
    opt = optim.SparseAdam([with_grad(2)])
    with pytest.raises(RuntimeError, match="use Adam"):
        opt.step()


def test_zero_grad():
    a, b = with_grad(2), param(2)
    opt = optim.SGD([a, b], lr=0.1)
    grad = a.grad
    opt.zero_grad(set_to_none=False)
    assert a.grad is grad
    assert grad.tolist() == [0.0, 0.0]
    opt.zero_grad()
    assert a.grad is None
    assert b.grad is None


def test_closure_runs_with_gradients_on():
    p = param(1)
    opt = optim.SGD([p], lr=0.5)

    def closure():
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with flambeau.no_grad():
        loss = opt.step(closure)
    assert loss.item() == 1.0
    assert p.item() == 0.0


def test_step_hooks_run_once_and_may_change_the_arguments():
    class Twice(optim.SGD):
        def step(self, closure=None):
            super().step()
            return super().step(closure)

    opt = Twice([with_grad(1)], lr=0.25)
    seen = []
    handles = [
        register_optimizer_step_pre_hook(lambda *_: seen.append("global pre")),
        register_optimizer_step_post_hook(lambda *_: seen.append("global post")),
        opt.register_step_pre_hook(lambda *_: seen.append("pre")),
        opt.register_step_pre_hook(lambda o, a, k: ((lambda: 7,), k)),
        opt.register_step_post_hook(lambda o, a, k: seen.append(a[0]())),
    ]
    assert opt.step() == 7
    assert seen == ["global pre", "pre", 7, "global post"]
    assert opt.param_groups[0]["params"][0].item() == 0.5
    for handle in handles:
        handle.remove()
    opt.step()
    assert len(seen) == 4
    opt.register_step_pre_hook(lambda *_: 1)
    with pytest.raises(RuntimeError, match="pre-hook"):
        opt.step()


def test_state_dict_hooks():
    opt = optim.SGD([param(1)], lr=0.25)
    seen = []
    opt.register_state_dict_pre_hook(lambda o: seen.append("second"))
    opt.register_state_dict_pre_hook(lambda o: seen.append("first"), prepend=True)
    opt.register_state_dict_post_hook(lambda o, d: {**d, "extra": 1})
    opt.register_load_state_dict_pre_hook(
        lambda o, d: {k: v for k, v in d.items() if k != "extra"}
    )
    opt.register_load_state_dict_post_hook(lambda o: seen.append("loaded"))
    saved = opt.state_dict()
    assert saved["extra"] == 1
    opt.load_state_dict(saved)
    assert seen == ["first", "second", "loaded"]


def test_load_state_dict_of_another_shape():
    a = optim.SGD([param(1)], lr=0.1)
    b = optim.SGD([param(1), param(1)], lr=0.1)
    c = optim.SGD([{"params": [param(1)]}, {"params": [param(1)]}], lr=0.1)
    with pytest.raises(ValueError, match="expected 1 parameters in group 0, got 2"):
        a.load_state_dict(b.state_dict())
    with pytest.raises(ValueError, match="expected 1 parameter groups, got 2"):
        a.load_state_dict(c.state_dict())


def test_loaded_groups_are_the_optimizers_own():
    a = optim.SGD([param(1)], lr=0.1)
    saved = a.state_dict()
    saved["param_groups"][0]["lr"] = 0.5
    a.load_state_dict(saved)
    saved["param_groups"][0]["lr"] = 0.7
    assert a.param_groups[0]["lr"] == 0.5


def test_repr():
    text = repr(optim.SGD([param(1)], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.5\n" in text
    assert text.endswith("weight_decay: 0\n)")


def test_own_optimizer():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with flambeau.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p -= group["lr"] * p.grad.sign()

    p = with_grad(1)
    opt = Sign([p], lr=0.25)
    called = []
    opt.register_step_post_hook(lambda *_: called.append(1))
    opt.step()
    assert p.item() == 0.75
    assert called == [1]
    with pytest.raises(NotImplementedError):
        optim.Optimizer([param(1)], {}).step()


def test_swapping_in_other_parameters_and_state():
    own, other = with_grad(2), with_grad(2)
    opt = optim.SGD([own], lr=0.5, momentum=0.5)
    opt.step()
    state = {
        "state": {0: {"momentum_buffer": flambeau.full((2,), 4.0)}},
        "param_groups": [{**opt.state_dict()["param_groups"][0], "lr": 1.0}],
    }
    with optim.swap_in_optimizer_params_and_state(opt, {"w": other}, state):
        opt.step()  # the buffer becomes 0.5 * 4 + 1
    assert other.tolist() == [-2.0, -2.0]
    assert state["state"][0]["momentum_buffer"].tolist() == [3.0, 3.0]
    assert own.tolist() == [0.5, 0.5]
    opt.step()
    assert own.tolist() == [-0.25, -0.25]
    none = optim.swap_in_optimizer_params_and_state(opt, {}, state)
    with pytest.raises(ValueError, match="groups of"), none:
        pass
