"""Adamax: Adam with the infinity norm."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    check_implementation,
    with_decay,
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["Adamax"]


class Adamax(PointwiseOptimizer):
    """``p -= lr / (1 - beta1 ** step) * m / u``, ``u = max(beta2 * u, |g| + eps)``.

    Kingma and Ba, 2014, "Adam: A method for stochastic optimization", section 7.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        check_common("Adamax", {**defaults, "foreach": None})
        super().__init__(params, defaults)
        check_implementation("Adamax", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return ("step", "exp_avg", "exp_inf")

    def _new_state(self, group: Group, param: Any) -> State:
        return {
            "step": zero_step(group, param),
            "exp_avg": flambeau.zeros_like(param).detach(),
            "exp_inf": flambeau.zeros_like(param).detach(),
        }

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        beta1, beta2 = group["betas"]
        state["step"] += 1
        grad = with_decay(group, param, grad)
        exp_avg, exp_inf = state["exp_avg"], state["exp_inf"]
        exp_avg.lerp_(grad, 1 - beta1)
        bound = flambeau.maximum(exp_inf * beta2, grad.abs().add_(group["eps"]))
        exp_inf.copy_(bound)
        rate = float(group["lr"]) / (1 - beta1 ** state["step"].item())
        param.sub_(exp_avg / bound * rate)
