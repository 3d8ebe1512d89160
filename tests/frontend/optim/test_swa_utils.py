"""Weight averaging: models, batch norms, the scheduler."""

import flambeau
import pytest
from flambeau import nn
from flambeau.optim import SGD, swa_utils


def set_weight(model, value):
    with flambeau.no_grad():
        for p in model.parameters():
            p.fill_(value)


def averaged(values, **options):
    model = nn.Linear(2, 2)
    average = swa_utils.AveragedModel(model, **options)
    for value in values:
        set_weight(model, value)
        average.update_parameters(model)
    return average


def test_equal_weights_are_the_default():
    average = averaged([1.0, 2.0, 6.0])
    assert average.module.weight[0, 0].item() == pytest.approx(3.0)
    assert average.n_averaged.item() == 3
    assert set(average.state_dict()) == {"n_averaged", "module.weight", "module.bias"}
    x = flambeau.ones(1, 2)
    assert average(x)[0, 0].item() == pytest.approx(9.0)


@pytest.mark.parametrize(
    "options",
    [
        {"avg_fn": swa_utils.get_ema_avg_fn(0.5)},
        {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)},
    ],
)
def test_exponential_average(options):
    average = averaged([1.0, 2.0, 6.0], **options)
    assert average.module.weight[0, 0].item() == pytest.approx(3.75)


def test_swa_functions_agree():
    for options in (
        {"avg_fn": swa_utils.get_swa_avg_fn()},
        {"multi_avg_fn": swa_utils.get_swa_multi_avg_fn()},
    ):
        average = averaged([1.0, 2.0, 6.0], **options)
        assert average.module.weight[0, 0].item() == pytest.approx(3.0)
    with pytest.raises(AssertionError, match="at most one"):
        averaged([], avg_fn=max, multi_avg_fn=max)
    with pytest.raises(ValueError, match="decay"):
        swa_utils.get_ema_avg_fn(2.0)


def test_buffers_are_copied_or_averaged():
    for use_buffers, want in ((False, 4.0), (True, 3.0)):
        model = nn.BatchNorm1d(1)
        average = swa_utils.AveragedModel(model, use_buffers=use_buffers)
        for value in (2.0, 4.0):
            model.running_mean.fill_(value)
            average.update_parameters(model)
        assert average.module.running_mean.item() == pytest.approx(want)


def test_update_bn_takes_the_plain_mean_of_all_batches():
    model = nn.BatchNorm1d(1)
    model.eval()
    model.running_mean.fill_(100.0)
    batches = [(flambeau.full((4, 1), v), None) for v in (1.0, 2.0, 6.0)]
    swa_utils.update_bn(batches, model)
    assert model.running_mean.item() == pytest.approx(3.0)
    assert model.momentum == 0.1
    assert not model.training


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 1, 4])
def test_swalr_equals_pytorchs(strategy, epochs):
    torch = pytest.importorskip("torch")
    rates = []
    for framework in (flambeau, torch):
        p = framework.nn.Parameter(framework.ones(1))
        opt = framework.optim.SGD([p], lr=1.0)
        sched = framework.optim.swa_utils.SWALR(
            opt, swa_lr=0.1, anneal_epochs=epochs, anneal_strategy=strategy
        )
        seen = []
        for _ in range(7):
            opt.step()
            sched.step()
            seen.append(opt.param_groups[0]["lr"])
        rates.append(seen)
    assert rates[0] == pytest.approx(rates[1])


def test_swalr_errors():
    opt = SGD([nn.Parameter(flambeau.ones(1))], lr=1.0)
    with pytest.raises(ValueError, match="anneal_strategy"):
        swa_utils.SWALR(opt, 0.1, anneal_strategy="other")
    with pytest.raises(ValueError, match="anneal_epochs"):
        swa_utils.SWALR(opt, 0.1, anneal_epochs=-1)
