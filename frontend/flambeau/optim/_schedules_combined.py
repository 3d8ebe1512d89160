"""Schedulers that combine others, and the one that watches a metric."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Sequence
from math import inf
from typing import Any

from ._schedule import LRScheduler, check_optimizer, copied, per_group, set_lr
from .optimizer import Optimizer


class _Combined(LRScheduler):
    """What schedulers of schedulers have in common: checks and checkpoints."""

    _schedulers: list[Any]

    def _check(self, schedulers: Sequence[Any], optimizer: Any) -> None:
        op = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{op}: expected at least one scheduler, got none")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(
                    f"{op}: expected schedulers with an optimizer, got "
                    f"{type(scheduler).__name__} at index {i}"
                )
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(
                    f"{op}: expected schedulers that step without a metric, got "
                    f"ReduceLROnPlateau at index {i}"
                )
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{op}: expected schedulers of one optimizer, got another at index "
                    f"{i}"
                )

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer, the schedulers by their own ``state_dict``."""
        left_out = ("optimizer", "_schedulers")
        state = {k: v for k, v in self.__dict__.items() if k not in left_out}
        state["_schedulers"] = [s.state_dict() for s in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned."""
        own = {k: v for k, v in state_dict.items() if k != "_schedulers"}
        self.__dict__.update(own)
        saved = state_dict["_schedulers"]
        for scheduler, state in zip(self._schedulers, saved, strict=True):
            scheduler.load_state_dict(state)


class SequentialLR(_Combined):
    """Runs one scheduler after the other, changing at each of the ``milestones``."""

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[Any],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        if len(schedulers) > 0:
            check_optimizer("SequentialLR", optimizer)
        self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"SequentialLR: expected {len(schedulers) - 1} milestones for "
                f"{len(schedulers)} schedulers, got {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Every scheduler made its first step when it was built; only the first counts.
        for group in optimizer.param_groups:
            set_lr(group, copied(group["initial_lr"]))
        for scheduler in schedulers:
            self.recursive_undo(scheduler)
        optimizer._opt_called = True  # a nested scheduler's first step is no mistake
        self._schedulers[0]._initial_step()
        optimizer._opt_called = False
        self._last_lr = schedulers[0].get_last_lr()

    def recursive_undo(self, sched: Any = None) -> None:
        """Take back the first step of a scheduler and of all within it."""
        scheduler = self if sched is None else sched
        if hasattr(scheduler, "_schedulers"):
            for inner in scheduler._schedulers:
                self.recursive_undo(inner)
        elif hasattr(scheduler, "last_epoch"):
            scheduler.last_epoch -= 1

    def step(self) -> None:  # type: ignore[override]
        """Step the scheduler whose turn it is."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Combined):
    """Steps all its schedulers, so that their factors multiply."""

    def __init__(
        self, schedulers: Sequence[Any], optimizer: Optimizer | None = None
    ) -> None:
        if len(schedulers) > 0 and optimizer is None:
            optimizer = getattr(schedulers[0], "optimizer", None)
        self._check(schedulers, optimizer)
        assert optimizer is not None
        self._schedulers = list(schedulers)
        self.optimizer = optimizer
        self._remember_lr()

    def step(self) -> None:  # type: ignore[override]
        """Step every scheduler."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._remember_lr()


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rate by ``factor`` when a metric stops getting better.

    Better is lower (``mode`` "min") or higher ("max") than the best by ``threshold``,
    relative ("rel") or absolute ("abs"). More than ``patience`` steps without it reduce
    the rate, after which ``cooldown`` steps do not count; never below ``min_lr``, and
    not by less than ``eps``.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: expected factor < 1, got {factor}")
        check_optimizer("ReduceLROnPlateau", optimizer)
        self.factor = factor
        self.optimizer = optimizer
        groups = len(optimizer.param_groups)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = per_group("ReduceLROnPlateau", "min_lr", min_lr, groups)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._remember_lr()
        self._init_is_better(mode, threshold, threshold_mode)
        self._reset()

    def _init_is_better(self, mode: str, threshold: float, threshold_mode: str) -> None:
        if mode not in ("min", "max"):
            raise ValueError(
                f"ReduceLROnPlateau: expected mode 'min' or 'max', got {mode!r}"
            )
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(
                "ReduceLROnPlateau: expected threshold_mode 'rel' or 'abs', got "
                f"{threshold_mode!r}"
            )
        self.mode_worse = inf if mode == "min" else -inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether steps do not count, the rate having been reduced just before."""
        return self.cooldown_counter > 0

    def is_better(self, value: float, best: float) -> bool:
        """Whether ``value`` beats ``best`` by the threshold."""
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            goal = best * (1 + sign * self.threshold)
        else:
            goal = best + sign * self.threshold
        return value < goal if self.mode == "min" else value > goal

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take in the metric, a number or a 0-d tensor, and set the rates."""
        value = float(metrics)
        if epoch is not None:
            warnings.warn(
                "ReduceLROnPlateau.step: argument 'epoch' is deprecated; leave it out",
                UserWarning,
                stacklevel=2,
            )
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(value, self.best):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._remember_lr()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau.step: expected {len(groups)} values of min_lr, "
                    f"one for each parameter group, got {len(self.min_lrs)}"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_lr(group, new)
