"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    check_implementation,
    require,
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["NAdam"]


class NAdam(PointwiseOptimizer):
    """Adam whose numerator looks one step of the momentum schedule ahead.

    ``mu_t = beta1 * (1 - 0.96 ** (t * momentum_decay) / 2)``. Dozat, 2016,
    "Incorporating Nesterov momentum into Adam".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        check_common("NAdam", {**defaults, "foreach": None})
        require("NAdam", momentum_decay >= 0, "momentum_decay >= 0", momentum_decay)
        super().__init__(params, defaults)
        check_implementation("NAdam", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return ("step", "mu_product", "exp_avg", "exp_avg_sq")

    def _new_state(self, group: Group, param: Any) -> State:
        return {
            "step": zero_step(group, param),
            "mu_product": zero_step(group, param) + 1,
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
        mu = beta1 * (1 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * group["momentum_decay"]))
        state["mu_product"].mul_(mu)
        product = state["mu_product"].item()
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denom = exp_avg_sq.div(1 - beta2**step).sqrt().add_(group["eps"])
        param.sub_(grad / denom * (lr * (1 - mu) / (1 - product)))
        param.sub_(exp_avg / denom * (lr * mu_next / (1 - product * mu_next)))
