"""ASGD: gradient descent that also keeps the average of its iterates."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    check_implementation,
    scalar_dtype,
    with_decay,
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["ASGD"]


class ASGD(PointwiseOptimizer):
    """``p -= eta * (g + lambd * p)``, ``eta = lr / (1 + lambd * lr * step) ** alpha``.

    ``state["ax"]`` averages p once ``t0`` steps have passed. Polyak and Juditsky, 1992,
    "Acceleration of stochastic approximation by averaging".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        check_common("ASGD", {**defaults, "foreach": None})
        super().__init__(params, defaults)
        check_implementation("ASGD", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return ("step", "eta", "mu", "ax")

    def _new_state(self, group: Group, param: Any) -> State:
        kind = {"dtype": scalar_dtype(), "device": param.device}
        return {
            "step": zero_step(group, param),
            "eta": flambeau.full((), float(group["lr"]), **kind),
            "mu": flambeau.ones((), **kind),
            "ax": flambeau.zeros_like(param).detach(),
        }

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        state["step"] += 1
        step = state["step"].item()
        eta, mu = state["eta"].item(), state["mu"].item()
        grad = with_decay(group, param, grad)
        param.mul_(1 - lambd * eta)
        param.add_(grad, alpha=-eta)
        if mu == 1:
            state["ax"].copy_(param)
        else:
            state["ax"].add_((param - state["ax"]) * mu)
        state["eta"].fill_(lr / (1 + lambd * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
