"""Rprop: steps that follow only the signs of the gradient."""

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

__all__ = ["Rprop"]


class Rprop(PointwiseOptimizer):
    """``p -= sign(g) * step_size``, each weight with a step size of its own.

    It grows by ``etas[1]`` while the sign stays and shrinks by ``etas[0]`` where it
    turns, within ``step_sizes``. Riedmiller and Braun, 1993, "A direct adaptive method
    for faster backpropagation learning".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        check_common("Rprop", {**defaults, "foreach": None})
        ok = 0.0 < etas[0] < 1.0 < etas[1]
        require("Rprop", ok, "0 < etas[0] < 1 < etas[1]", etas)
        super().__init__(params, defaults)
        check_implementation("Rprop", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return ("step", "prev", "step_size")

    def _new_state(self, group: Group, param: Any) -> State:
        size: Any = float(group["lr"])
        if flambeau.is_complex(param):
            size = complex(size, size)
        return {
            "step": zero_step(group, param),
            "prev": flambeau.zeros_like(param).detach(),
            "step_size": flambeau.full_like(param, size).detach(),
        }

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        shrink, grow = group["etas"]
        low, high = group["step_sizes"]
        state["step"] += 1
        agreement = grad * state["prev"]
        factor = flambeau.where(agreement > 0, grow, 1.0)
        factor = flambeau.where(agreement < 0, shrink, factor).to(grad.dtype)
        size = (state["step_size"] * factor).clamp_(low, high)
        # Where the sign turned the weight rests, and the next step starts anew.
        grad = flambeau.where(agreement < 0, flambeau.zeros_like(grad), grad)
        param.sub_(grad.sign() * size)
        state["step_size"].copy_(size)
        state["prev"].copy_(grad)
