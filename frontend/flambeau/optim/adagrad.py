"""Adagrad: steps scaled by the root of the sum of all squared gradients."""

from __future__ import annotations

from typing import Any

import flambeau

from ._multi_tensor import _optim, collect
from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    check_implementation,
    require,
    with_decay,
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["Adagrad"]

_KEYS = ("step", "sum")


class Adagrad(PointwiseOptimizer):
    """``p -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(sum) + eps)``.

    ``sum``, of all g², starts at ``initial_accumulator_value``. Duchi et al., 2011,
    "Adaptive subgradient methods for online learning and stochastic optimization".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        check_common("Adagrad", {**defaults, "foreach": None})
        require("Adagrad", lr_decay >= 0.0, "lr_decay >= 0", lr_decay)
        start = initial_accumulator_value
        require("Adagrad", start >= 0.0, "initial_accumulator_value >= 0", start)
        super().__init__(params, defaults)
        check_implementation("Adagrad", defaults)
        for group in self.param_groups:  # Adagrad's state exists before the first step
            for param in group["params"]:
                self._state_of(group, param)

    def share_memory(self) -> None:
        """Move the sums to memory that other processes see."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return _KEYS

    def _new_state(self, group: Group, param: Any) -> State:
        start = group["initial_accumulator_value"]
        if flambeau.is_complex(param):
            start = complex(start, start)
        return {
            "step": zero_step(group, param),
            "sum": flambeau.full_like(param, start).detach(),
        }

    def _step_at_once(self, group: Group) -> bool:
        params, grads, steps, sums = collect(self, group, _KEYS)
        done: bool = _optim.adagrad_(
            params,
            grads,
            sums,
            steps,
            lr=float(group["lr"]),
            lr_decay=group["lr_decay"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
        )
        return done

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        state["step"] += 1
        grad = with_decay(group, param, grad)
        state["sum"].addcmul_(grad, grad, value=1)
        denom = state["sum"].sqrt().add_(group["eps"])
        lr = float(group["lr"]) / (1 + (state["step"].item() - 1) * group["lr_decay"])
        param.addcdiv_(grad, denom, value=-lr)
