"""RMSprop: steps scaled by a running root mean square of the gradient."""

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

__all__ = ["RMSprop"]


class RMSprop(PointwiseOptimizer):
    """``p -= lr * g / (sqrt(square_avg) + eps)``.

    ``centered`` subtracts the squared running mean of g under the root; ``momentum``
    accumulates the steps. Hinton's lecture 6e, and Graves, 2013, "Generating
    sequences with recurrent neural networks".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        check_common("RMSprop", {**defaults, "foreach": None})
        require("RMSprop", momentum >= 0.0, "momentum >= 0", momentum)
        require("RMSprop", alpha >= 0.0, "alpha >= 0", alpha)
        super().__init__(params, defaults)
        check_implementation("RMSprop", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        keys = ["step", "square_avg"]
        if group["momentum"] > 0:
            keys.append("momentum_buffer")
        if group["centered"]:
            keys.append("grad_avg")
        return tuple(keys)

    def _new_state(self, group: Group, param: Any) -> State:
        state = {"step": zero_step(group, param)}
        for key in self._state_keys(group)[1:]:
            state[key] = flambeau.zeros_like(param).detach()
        return state

    def _step_at_once(self, group: Group) -> bool:
        keys = self._state_keys(group)
        found = collect(self, group, keys)
        lists = dict(zip(keys, found[2:], strict=True))
        done: bool = _optim.rmsprop_(
            found[0],
            found[1],
            lists["square_avg"],
            lists.get("grad_avg", []),
            lists.get("momentum_buffer", []),
            lists["step"],
            lr=float(group["lr"]),
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            centered=group["centered"],
            maximize=group["maximize"],
        )
        return done

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        alpha, lr = group["alpha"], float(group["lr"])
        state["step"] += 1
        grad = with_decay(group, param, grad)
        mean_square = state["square_avg"]
        mean_square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"]
            mean.lerp_(grad, 1 - alpha)
            mean_square = mean_square.addcmul(mean, mean, value=-1)
        step = grad / mean_square.sqrt().add(group["eps"])
        if group["momentum"] > 0:
            step = state["momentum_buffer"].mul_(group["momentum"]).add_(step)
        param.add_(step, alpha=-lr)
