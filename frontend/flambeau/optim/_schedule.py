"""The base of all learning-rate schedulers, with the checks that they share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import flambeau

from .optimizer import Optimizer


def set_lr(group: dict[str, Any], lr: Any) -> None:
    """Give a group a new lr, in place where it is a tensor."""
    if isinstance(group["lr"], flambeau.Tensor):
        group["lr"].fill_(float(lr))
    else:
        group["lr"] = lr


def copied(lr: Any) -> Any:
    """A tensor lr changes in place, so what is remembered of it is a copy."""
    return lr.clone() if isinstance(lr, flambeau.Tensor) else lr


def check_optimizer(op: str, optimizer: Any) -> None:
    """Raise TypeError for what is not an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{op}: expected an Optimizer for argument 'optimizer', got "
            f"{type(optimizer).__name__}"
        )


def per_group(op: str, name: str, value: Any, groups: int) -> list[Any]:
    """One value for each parameter group from a number or a sequence of that length."""
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{op}: expected {groups} values for argument {name!r}, one for each "
            f"parameter group, got {len(value)}"
        )
    return list(value)


class LRScheduler:
    """Sets the ``lr`` of an optimizer's groups, anew at each ``step``.

    Args:
        optimizer: the optimizer whose groups change.
        last_epoch: -1 to start; else the number of steps made before a resumption,
            for which the groups must hold ``initial_lr``.

    A subclass gives ``get_lr``, the list of new rates.
    """

    last_epoch: int = 0
    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(type(self).__name__, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: expected 'initial_lr' in parameter group "
                    f"{i} to resume at last_epoch={last_epoch}"
                )
        self.base_lrs = [copied(g["initial_lr"]) for g in optimizer.param_groups]
        self.last_epoch = last_epoch
        optimizer._opt_called = False
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer."""
        return {k: v for k, v in self.__dict__.items() if k != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates set last, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The rates for step ``last_epoch``."""
        raise NotImplementedError(f"{type(self).__name__}.get_lr: not overridden")

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                f"{type(self).__name__}.get_lr: made for step(); get_last_lr() tells "
                "the rate in use",
                UserWarning,
                stacklevel=3,
            )

    def step(self, epoch: int | None = None) -> None:
        """Set the rates of the next step; ``epoch`` (deprecated) jumps to that one."""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn(
                "lr_scheduler.step() was called before optimizer.step(), so the first "
                "rate of the schedule is never used; call optimizer.step() first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                f"{type(self).__name__}.step: argument 'epoch' is deprecated; leave it "
                "out, and the scheduler counts by itself",
                UserWarning,
                stacklevel=2,
            )
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                closed: Callable[[], list[Any]] | None
                closed = getattr(self, "_get_closed_form_lr", None)
                rates = self.get_lr() if closed is None else closed()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            set_lr(group, lr)
        self._remember_lr()

    def _remember_lr(self) -> None:
        self._last_lr = self._group_lrs()

    def _group_lrs(self) -> list[Any]:
        return [copied(group["lr"]) for group in self.optimizer.param_groups]
