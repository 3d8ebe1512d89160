"""Averages of weights over training, and the scheduler that goes with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import flambeau
from flambeau._C import Tensor
from flambeau.nn import Module

from ._schedule import LRScheduler, check_optimizer, copied, per_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(op: str, decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"{op}: expected 0 <= decay <= 1, got {decay}")


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """An in-place ``decay * average + (1 - decay) * new`` over lists of tensors."""
    _check_decay("get_ema_multi_avg_fn", decay)

    def ema_update(averages: list[Any], current: list[Any], _: Any) -> None:
        with flambeau.no_grad():
            for average, new in zip(averages, current, strict=True):
                if average.is_floating_point() or average.is_complex():
                    average.lerp_(new, 1 - decay)
                else:
                    average.copy_(average * decay + new * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """An in-place equal-weight average over lists of tensors."""

    def swa_update(averages: list[Any], current: list[Any], n: Any) -> None:
        share = 1 / (float(n) + 1)
        with flambeau.no_grad():
            for average, new in zip(averages, current, strict=True):
                if average.is_floating_point() or average.is_complex():
                    average.lerp_(new, share)
                else:
                    average.copy_(average + (new - average) * share)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """``decay * average + (1 - decay) * new`` as a function of tensors."""
    _check_decay("get_ema_avg_fn", decay)

    def ema_update(average: Any, new: Any, _: Any) -> Any:
        with flambeau.no_grad():
            return decay * average + (1 - decay) * new

    return ema_update


def get_swa_avg_fn() -> Callable[..., Any]:
    """The equal-weight average as a function of tensors and their count."""

    def swa_update(average: Any, new: Any, n: Any) -> Any:
        with flambeau.no_grad():
            return average + (new - average) / (n + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model that averages its parameters at each ``update_parameters``.

    Args:
        model: what is copied.
        device: where the copy lives; the model's own where None.
        avg_fn: ``(average, new, count) -> average`` for one tensor; equal weights where
            neither this nor ``multi_avg_fn`` is given.
        multi_avg_fn: the same in place over lists of tensors.
        use_buffers: average buffers too, instead of copying them.
    """

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[..., Any] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError(
                "AveragedModel: expected at most one of avg_fn and multi_avg_fn"
            )
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        count = flambeau.tensor(0, dtype=flambeau.long, device=device)
        self.register_buffer("n_averaged", count)
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged copy of the model returns."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's present parameters into the average."""
        own: list[Tensor] = list(self.module.parameters())
        new: list[Tensor] = list(model.parameters())
        mine, theirs = list(self.module.buffers()), list(model.buffers())
        if self.use_buffers:
            own, new = own + mine, new + theirs
        with flambeau.no_grad():
            present = [n.detach().to(o.device) for o, n in zip(own, new, strict=True)]
            averages = [o.detach() for o in own]
            if self.n_averaged == 0:
                for average, value in zip(averages, present, strict=True):
                    average.copy_(value)
            elif self.avg_fn is not None:
                count = self.n_averaged
                for average, value in zip(averages, present, strict=True):
                    here = count.to(average.device)
                    average.copy_(self.avg_fn(average, value, here))
            else:
                update = self.multi_avg_fn or get_swa_multi_avg_fn()
                update(averages, present, self.n_averaged)
            if not self.use_buffers:
                for buffer, value in zip(mine, theirs, strict=True):
                    buffer.copy_(value.detach())
            self.n_averaged += 1


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all batch norms anew, in one pass.

    ``loader`` gives inputs, or lists and tuples that begin with one.
    """
    norms = [m for m in model.modules() if _is_batch_norm(m)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    with flambeau.no_grad():
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over all batches
        model.train()
        for batch in loader:
            if isinstance(batch, (list, tuple)):
                batch = batch[0]
            model(batch if device is None else batch.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


def _is_batch_norm(module: Any) -> bool:
    # By what the base of all batch norms has: no layer of other kinds has both.
    return hasattr(module, "reset_running_stats") and hasattr(module, "momentum")


class SWALR(LRScheduler):
    """Goes to the constant rate ``swa_lr`` in ``anneal_epochs`` steps."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("SWALR", optimizer)
        groups = optimizer.param_groups
        rates = per_group("SWALR", "swa_lr", swa_lr, len(groups))
        for rate, group in zip(rates, groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "SWALR: expected 'cos' or 'linear' for anneal_strategy, got "
                f"{anneal_strategy!r}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(
                f"SWALR: expected an integer anneal_epochs >= 0, got {anneal_epochs!r}"
            )
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: float) -> float:
        """How far ``step`` is on the way to ``swa_lr``, from 0 to 1."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        if self._anneal_strategy == "linear":
            return t
        return (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            goal, lr = group["swa_lr"], copied(group["lr"])
            # Where the rate started, seen from where it is.
            start = goal if before == 1 else (lr - before * goal) / (1 - before)
            rates.append(goal * now + start * (1 - now))
        return rates
