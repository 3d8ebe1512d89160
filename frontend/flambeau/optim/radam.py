"""RAdam: Adam that waits until the variance of its step is known."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    check_implementation,
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["RAdam"]


class RAdam(PointwiseOptimizer):
    """Adam with the adaptive part rectified, and left out in the first steps.

    Liu et al., 2019, "On the variance of the adaptive learning rate and beyond".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        check_common("RAdam", {**defaults, "foreach": None})
        super().__init__(params, defaults)
        check_implementation("RAdam", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return ("step", "exp_avg", "exp_avg_sq")

    def _new_state(self, group: Group, param: Any) -> State:
        return {
            "step": zero_step(group, param),
            "exp_avg": flambeau.zeros_like(param).detach(),
            "exp_avg_sq": flambeau.zeros_like(param).detach(),
        }

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        beta1, beta2 = group["betas"]
        lr, decay = float(group["lr"]), group["weight_decay"]
        state["step"] += 1
        step = state["step"].item()
        if decay != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * decay)
            else:
                grad = grad.add(param, alpha=decay)
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        mean = exp_avg / (1 - beta1**step)
        # Length of the approximated simple moving average, at infinity and now.
        length_inf = 2 / (1 - beta2) - 1
        length = length_inf - 2 * step * beta2**step / (1 - beta2**step)
        if length > 5:
            rectified = (length - 4) * (length - 2) * length_inf
            rectified /= (length_inf - 4) * (length_inf - 2) * length
            scale = (rectified * (1 - beta2**step)) ** 0.5
            mean = mean / exp_avg_sq.sqrt().add_(group["eps"]) * scale
        param.sub_(mean * lr)
