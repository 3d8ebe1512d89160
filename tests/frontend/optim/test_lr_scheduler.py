"""Learning-rate schedules against PyTorch's, and by hand."""

import copy
import math

import flambeau
import pytest
from flambeau.optim import SGD, lr_scheduler

CASES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5], "gamma": 0.5}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 4}),
    ("LinearLR", {"start_factor": 0.25, "end_factor": 0.75, "total_iters": 4}),
    ("ExponentialLR", {"gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 4, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2, "eta_min": 0.01}),
    ("PolynomialLR", {"total_iters": 6, "power": 2.0}),
    ("LambdaLR", {"lr_lambda": lambda n: 0.9**n}),
    ("MultiplicativeLR", {"lr_lambda": lambda n: 0.9}),
    ("CyclicLR", {"base_lr": 0.1, "max_lr": 0.5, "step_size_up": 3}),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 0.5,
            "step_size_up": 2,
            "step_size_down": 3,
            "mode": "triangular2",
        },
    ),
    (
        "CyclicLR",
        {
            "base_lr": 0.1,
            "max_lr": 0.5,
            "step_size_up": 2,
            "mode": "exp_range",
            "gamma": 0.9,
            "cycle_momentum": False,
        },
    ),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 14}),
    (
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "epochs": 2,
            "steps_per_epoch": 7,
            "three_phase": True,
            "anneal_strategy": "linear",
        },
    ),
]


def optimizer(framework, lr=0.2):
    params = [framework.nn.Parameter(framework.ones(1)) for _ in range(2)]
    groups = [{"params": params[0]}, {"params": params[1], "lr": lr / 2}]
    return framework.optim.SGD(groups, lr=lr, momentum=0.9)


def follow(framework, make, steps=13):
    """(lr, momentum) of both groups before each step."""
    opt = optimizer(framework)
    sched = make(framework.optim.lr_scheduler, opt)
    seen = []
    for _ in range(steps):
        seen += [(float(g["lr"]), g["momentum"]) for g in opt.param_groups]
        assert sched.get_last_lr() == [g["lr"] for g in opt.param_groups]
        opt.step()
        sched.step()
    return [x for pair in seen for x in pair], sched


@pytest.mark.parametrize(("name", "options"), CASES)
def test_rates_equal_pytorchs(name, options):
    torch = pytest.importorskip("torch")

    def make(module, opt):
        return getattr(module, name)(opt, **options)

    ours, a = follow(flambeau, make)
    theirs, b = follow(torch, make)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    mine, want = a.state_dict(), b.state_dict()
    assert mine.keys() == want.keys()
    assert mine["last_epoch"] == want["last_epoch"]


def sequential(module, opt):
    return module.SequentialLR(
        opt,
        [
            module.ConstantLR(opt, factor=0.5, total_iters=9),
            module.ExponentialLR(opt, gamma=0.9),
            module.StepLR(opt, step_size=2, gamma=0.1),
        ],
        milestones=[3, 7],
    )


def chained(module, opt):
    return module.ChainedScheduler(
        [
            module.ConstantLR(opt, factor=0.5, total_iters=4),
            module.ExponentialLR(opt, gamma=0.9),
        ]
    )


def nested(module, opt):
    inner = chained(module, opt)
    return module.SequentialLR(opt, [inner, module.ExponentialLR(opt, 0.5)], [4])


# PyTorch warns of the first step of a nested scheduler.
@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize("make", [sequential, chained, nested])
def test_combined_rates_equal_pytorchs(make):
    torch = pytest.importorskip("torch")
    ours, a = follow(flambeau, make)
    theirs, b = follow(torch, make)
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    assert a.state_dict().keys() == b.state_dict().keys()


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau_equals_pytorchs(mode, threshold_mode):
    torch = pytest.importorskip("torch")
    metrics = [1.0, 0.9, 0.95, 0.96, 0.97, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2]
    got = []
    for framework in (flambeau, torch):
        opt = optimizer(framework)
        sched = framework.optim.lr_scheduler.ReduceLROnPlateau(
            opt,
            mode,
            factor=0.5,
            patience=1,
            threshold=0.05,
            threshold_mode=threshold_mode,
            cooldown=1,
            min_lr=[0.02, 0.03],
        )
        rates = []
        for metric in metrics:
            opt.step()
            sched.step(framework.tensor(metric))
            rates += [g["lr"] for g in opt.param_groups]
        got.append((rates, sched.state_dict()))
    assert got[0][0] == pytest.approx(got[1][0])
    assert got[0][1].keys() == got[1][1].keys()


@pytest.mark.parametrize(("name", "options"), CASES)
def test_resuming_from_a_state_dict(name, options):
    def make(module, opt):
        return getattr(module, name)(opt, **options)

    want, _ = follow(flambeau, make)
    opt = optimizer(flambeau)
    sched = make(lr_scheduler, opt)
    got = []
    for step in range(13):
        if step == 6:
            saved = copy.deepcopy((opt.state_dict(), sched.state_dict()))
            opt = optimizer(flambeau)
            sched = make(lr_scheduler, opt)
            opt.load_state_dict(saved[0])
            sched.load_state_dict(saved[1])
        got += [x for g in opt.param_groups for x in (g["lr"], g["momentum"])]
        opt.step()
        sched.step()
    assert got == pytest.approx(want)


def test_resuming_by_last_epoch_equals_pytorchs():
    torch = pytest.importorskip("torch")
    for name, options in CASES:
        got = []
        for framework in (flambeau, torch):
            module = framework.optim.lr_scheduler
            opt = optimizer(framework)
            sched = getattr(module, name)(opt, **options)
            for _ in range(3):
                opt.step()
                sched.step()
            sched = getattr(module, name)(opt, **options, last_epoch=2)
            rates = []
            for _ in range(4):
                rates += [g["lr"] for g in opt.param_groups]
                opt.step()
                sched.step()
            got.append(rates)
        assert got[0] == pytest.approx(got[1]), name


def test_cosine_by_hand():
    opt = SGD([flambeau.nn.Parameter(flambeau.ones(1))], lr=1.0)
    sched = lr_scheduler.CosineAnnealingLR(opt, T_max=10)
    for n in range(1, 11):
        opt.step()
        sched.step()
        want = (1 + math.cos(math.pi * n / 10)) / 2
        assert opt.param_groups[0]["lr"] == pytest.approx(want, abs=1e-12)


def test_tensor_lr_changes_in_place():
    lr = flambeau.tensor(1.0)
    opt = SGD([flambeau.nn.Parameter(flambeau.ones(1))], lr=lr)
    sched = lr_scheduler.ExponentialLR(opt, gamma=0.5)
    opt.step()
    sched.step()
    assert opt.param_groups[0]["lr"] is lr
    assert lr.item() == 0.5
    assert float(sched.base_lrs[0]) == 1.0


def test_momentum_of_adam_is_its_first_beta():
    p = flambeau.nn.Parameter(flambeau.ones(1))
    opt = flambeau.optim.Adam([p], lr=0.1, betas=(0.9, 0.99))
    lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=4)
    assert opt.param_groups[0]["betas"] == (0.95, 0.99)
    with pytest.raises(ValueError, match="cycle_momentum"):
        lr_scheduler.CyclicLR(flambeau.optim.Adagrad([p]), 0.1, 0.2)


def test_warnings():
    opt = SGD([flambeau.nn.Parameter(flambeau.ones(1))], lr=1.0)
    sched = lr_scheduler.StepLR(opt, 2)
    with pytest.warns(UserWarning, match=r"before optimizer\.step"):
        sched.step()
    with pytest.warns(UserWarning, match="get_last_lr"):
        sched.get_lr()
    opt.step()
    with pytest.warns(UserWarning, match="deprecated"):
        sched.step(5)
    assert opt.param_groups[0]["lr"] == pytest.approx(0.01)


def test_errors():
    opt = optimizer(flambeau)
    with pytest.raises(TypeError, match="Optimizer"):
        lr_scheduler.StepLR([1], 2)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(opt, 2, last_epoch=3)
    with pytest.raises(ValueError, match="2 values for argument 'lr_lambda'"):
        lr_scheduler.LambdaLR(opt, [lambda n: 1.0])
    with pytest.raises(ValueError, match="factor"):
        lr_scheduler.ConstantLR(opt, factor=2.0)
    with pytest.raises(ValueError, match="factor"):
        lr_scheduler.ReduceLROnPlateau(opt, factor=1.0)
    with pytest.raises(ValueError, match="mode"):
        lr_scheduler.CyclicLR(opt, 0.1, 0.2, mode="square")
    with pytest.raises(ValueError, match="total_steps"):
        lr_scheduler.OneCycleLR(opt, 0.1)
    with pytest.raises(ValueError, match="positive integer"):
        lr_scheduler.OneCycleLR(opt, 0.1, total_steps=0)
    with pytest.raises(ValueError, match="T_0"):
        lr_scheduler.CosineAnnealingWarmRestarts(opt, 0)
    with pytest.raises(ValueError, match="milestones"):
        lr_scheduler.SequentialLR(opt, [lr_scheduler.StepLR(opt, 1)], [3])
    other = optimizer(flambeau)
    with pytest.raises(ValueError, match="one optimizer"):
        lr_scheduler.ChainedScheduler(
            [lr_scheduler.StepLR(opt, 1), lr_scheduler.StepLR(other, 1)]
        )
    with pytest.raises(ValueError, match="at least one"):
        lr_scheduler.ChainedScheduler([])
    short = lr_scheduler.OneCycleLR(opt, 0.1, total_steps=2)
    opt.step()
    short.step()
    short.step()
    with pytest.raises(ValueError, match="at most 2 steps"):
        short.step()
