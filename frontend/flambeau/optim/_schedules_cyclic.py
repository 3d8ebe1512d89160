"""Schedulers that rise and fall: cycles, one cycle, and warm restarts."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

from ._schedule import LRScheduler, check_optimizer, per_group, set_lr
from .optimizer import Optimizer


def _momentum_kind(op: str, optimizer: Optimizer) -> bool:
    """Whether the momentum is ``betas[0]``; ValueError where there is none at all."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            f"{op}: expected an optimizer with momentum or betas because "
            f"cycle_momentum=True, got {type(optimizer).__name__}"
        )
    return "betas" in optimizer.defaults


def _set_momentum(group: dict[str, Any], momentum: float, use_beta1: bool) -> None:
    if use_beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class CyclicLR(LRScheduler):
    """Goes from ``base_lr`` to ``max_lr`` and back, the momentum the other way.

    ``mode``: "triangular"; "triangular2", each cycle half as high; "exp_range", the
    height times ``gamma ** step``; or an own ``scale_fn`` of the cycle's number or the
    step's (``scale_mode`` "cycle" or "iterations"). Smith, 2015, "Cyclical learning
    rates for training neural networks".
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("CyclicLR", optimizer)
        groups = optimizer.param_groups
        base_lrs = per_group("CyclicLR", "base_lr", base_lr, len(groups))
        if last_epoch == -1:
            for group, lr in zip(groups, base_lrs, strict=True):
                set_lr(group, lr)
        self.max_lrs = per_group("CyclicLR", "max_lr", max_lr, len(groups))
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        known = ("triangular", "triangular2", "exp_range")
        if mode not in known and scale_fn is None:
            raise ValueError(f"CyclicLR: expected mode in {known}, got {mode!r}")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._init_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _init_momentum(
        self, optimizer: Optimizer, base: Any, highest: Any, last_epoch: int
    ) -> None:
        self.use_beta1 = _momentum_kind("CyclicLR", optimizer)
        groups = optimizer.param_groups
        n = len(groups)
        self.base_momentums = per_group("CyclicLR", "base_momentum", base, n)
        self.max_momentums = per_group("CyclicLR", "max_momentum", highest, n)
        pairs = zip(self.base_momentums, self.max_momentums, strict=True)
        for group, (low, high) in zip(groups, pairs, strict=True):
            if last_epoch == -1:
                _set_momentum(group, high, self.use_beta1)
            group["max_momentum"] = high
            group["base_momentum"] = low

    def scale_fn(self, x: float) -> float:
        """Height of a cycle, for the cycle's number or the step's."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular2":
            return 1 / (2.0 ** (x - 1))
        return self.gamma**x if self.mode == "exp_range" else 1.0

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        if x <= self.step_ratio:
            height = x / self.step_ratio
        else:
            height = (x - 1) / (self.step_ratio - 1)
        height *= self.scale_fn(
            cycle if self.scale_mode == "cycle" else self.last_epoch
        )
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(
                self.optimizer.param_groups, pairs, strict=True
            ):
                _set_momentum(group, high - (high - low) * height, self.use_beta1)
        return [
            low + (high - low) * height
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """All but the optimizer; of ``scale_fn``, a callable object's attributes."""
        state = super().state_dict()
        custom = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = None
        if custom is not None and not isinstance(custom, types.FunctionType):
            state["_scale_fn_custom"] = custom.__dict__.copy()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned."""
        custom = state_dict.get("_scale_fn_custom")
        own = {k: v for k, v in state_dict.items() if k != "_scale_fn_custom"}
        super().load_state_dict(own)
        if custom is not None and self._scale_fn_custom is not None:
            self._scale_fn_custom.__dict__.update(custom)


class OneCycleLR(LRScheduler):
    """One rise from ``max_lr / div_factor`` to ``max_lr``, then one long fall.

    The length is ``total_steps``, or ``epochs * steps_per_epoch``; ``pct_start`` of it
    is the rise, and the end is ``initial_lr / final_div_factor``. Smith and Topin,
    2017, "Super-convergence: Very fast training of neural networks".
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer("OneCycleLR", optimizer)
        self.total_steps = _one_cycle_length(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(
                f"OneCycleLR: expected a float 0 <= pct_start <= 1, got {pct_start!r}"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "OneCycleLR: expected 'cos' or 'linear' for anneal_strategy, got "
                f"{anneal_strategy!r}"
            )
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        groups = optimizer.param_groups
        rates = per_group("OneCycleLR", "max_lr", max_lr, len(groups))
        if last_epoch == -1:
            for group, high in zip(groups, rates, strict=True):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _momentum_kind("OneCycleLR", optimizer)
            n = len(groups)
            lows = per_group("OneCycleLR", "base_momentum", base_momentum, n)
            highs = per_group("OneCycleLR", "max_momentum", max_momentum, n)
            if last_epoch == -1:
                for group, low, high in zip(groups, lows, highs, strict=True):
                    _set_momentum(group, high, self.use_beta1)
                    group["max_momentum"] = high
                    group["base_momentum"] = low
        super().__init__(optimizer, last_epoch)

    def _anneal_func(self, start: float, end: float, share: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"OneCycleLR.step: expected at most {self.total_steps} steps, got step "
                f"{step + 1}"
            )
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            first, last = group[phase["start_lr"]], group[phase["end_lr"]]
            rates.append(self._anneal_func(first, last, share))
            if self.cycle_momentum:
                first = group[phase["start_momentum"]]
                last = group[phase["end_momentum"]]
                momentum = self._anneal_func(first, last, share)
                _set_momentum(group, momentum, self.use_beta1)
        return rates


def _one_cycle_length(
    total_steps: int | None, epochs: int | None, steps_per_epoch: int | None
) -> int:
    if total_steps is not None:
        given = {"total_steps": total_steps}
        length = total_steps
    elif epochs is not None and steps_per_epoch is not None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        length = epochs * steps_per_epoch
    else:
        raise ValueError(
            "OneCycleLR: expected total_steps, or both epochs and steps_per_epoch"
        )
    for name, value in given.items():
        if not isinstance(value, int) or value <= 0:
            raise ValueError(
                f"OneCycleLR: expected a positive integer for {name!r}, got {value!r}"
            )
    return length


def _phases(total: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """The pieces of the schedule: where each ends, and what it goes between."""
    keys = ("start_lr", "end_lr", "start_momentum", "end_momentum")

    def phase(end: float, *between: str) -> dict[str, Any]:
        return {"end_step": end, **dict(zip(keys, between, strict=True))}

    top = float(pct_start * total) - 1
    up = phase(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")
    if not three_phase:
        down = phase(total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum")
        return [up, down]
    back = float(2 * pct_start * total) - 2
    return [
        up,
        phase(back, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
        phase(total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
    ]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosines from the initial rate to ``eta_min``, each ``T_mult`` times as long.

    The first takes ``T_0`` steps. Loshchilov and Hutter, 2016, "SGDR: Stochastic
    gradient descent with warm restarts".
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        for name, value, least in (("T_0", T_0, 1), ("T_mult", T_mult, 1)):
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    "CosineAnnealingWarmRestarts: expected an integer >= "
                    f"{least} for {name!r}, got {value!r}"
                )
        if not isinstance(eta_min, (int, float)):
            raise ValueError(
                "CosineAnnealingWarmRestarts: expected a number for 'eta_min', got "
                f"{type(eta_min).__name__}"
            )
        self.T_0 = T_0
        self.T_i: float = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        share = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * share for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Set the rates of the next step, or of ``epoch``, which may be a fraction."""
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, rates, strict=True):
            set_lr(group, lr)
        self._remember_lr()

    def _jump(self, epoch: float) -> None:
        if epoch < 0:
            raise ValueError(
                f"CosineAnnealingWarmRestarts.step: expected epoch >= 0, got {epoch}"
            )
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
        else:  # the lengths are a geometric series
            growth = self.T_mult - 1
            n = int(math.log(epoch / self.T_0 * growth + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / growth
            self.T_i = self.T_0 * self.T_mult**n
