"""Adadelta: steps in the unit of the parameters, from running means of squares."""

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

__all__ = ["Adadelta"]

_KEYS = ("step", "square_avg", "acc_delta")


class Adadelta(PointwiseOptimizer):
    """``p -= lr * d``, ``d = g * sqrt(acc_delta + eps) / sqrt(square_avg + eps)``.

    The running means are of g² and of d². Zeiler, 2012, "ADADELTA: An adaptive
    learning rate method".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        check_common("Adadelta", {**defaults, "foreach": None})
        require("Adadelta", 0.0 <= rho <= 1.0, "0 <= rho <= 1", rho)
        super().__init__(params, defaults)
        check_implementation("Adadelta", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return _KEYS

    def _new_state(self, group: Group, param: Any) -> State:
        return {
            "step": zero_step(group, param),
            "square_avg": flambeau.zeros_like(param).detach(),
            "acc_delta": flambeau.zeros_like(param).detach(),
        }

    def _step_at_once(self, group: Group) -> bool:
        params, grads, steps, squares, deltas = collect(self, group, _KEYS)
        done: bool = _optim.adadelta_(
            params,
            grads,
            squares,
            deltas,
            steps,
            lr=float(group["lr"]),
            rho=group["rho"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
        )
        return done

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        rho, eps = group["rho"], group["eps"]
        state["step"] += 1
        grad = with_decay(group, param, grad)
        square_avg, acc_delta = state["square_avg"], state["acc_delta"]
        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        # "+ 0" of add(eps) makes copies, so a graph never holds the state itself.
        delta = acc_delta.add(eps).sqrt_() / square_avg.add(eps).sqrt_() * grad
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-float(group["lr"]))
