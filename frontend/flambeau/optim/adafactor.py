"""Adafactor: second moments of matrices kept as one row and one column."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    require,
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["Adafactor"]


class Adafactor(PointwiseOptimizer):
    """Steps relative to the size of the parameter, with factored second moments.

    ``eps`` is (floor of the moments, the dtype's own where None; floor of the
    parameter's root mean square), ``d`` clips the root mean square of an update.
    Shazeer and Stern, 2018, "Adafactor: Adaptive learning rates with sublinear memory
    cost".
    """

    _refuses_complex = True

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_common("Adafactor", {"lr": lr, "weight_decay": weight_decay})
        require("Adafactor", beta2_decay <= 0, "beta2_decay <= 0", beta2_decay)
        for i, floor in enumerate(eps):
            ok = (i == 0 and floor is None) or (floor is not None and floor >= 0)
            require("Adafactor", ok, f"eps[{i}] >= 0", floor)
        require("Adafactor", d >= 1.0, "d >= 1", d)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _new_state(self, group: Group, param: Any) -> State:
        state = {"step": zero_step(group, param).float()}
        if param.dim() > 1:
            state["row_var"] = param.detach().new_zeros((*param.shape[:-1], 1))
            shape = (*param.shape[:-2], 1, param.shape[-1])
            state["col_var"] = param.detach().new_zeros(shape)
        else:
            state["variance"] = flambeau.zeros_like(param).detach()
        return state

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = flambeau.finfo(param.dtype).eps
        lr = float(group["lr"])
        state["step"] += 1
        step = state["step"].item()
        size = (param.norm(2) / param.numel() ** 0.5).item()
        alpha = max(eps2, size) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        variance = _second_moment(grad, state, step ** group["beta2_decay"], eps1)
        update = variance.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        rms = (update.norm(2) / update.numel() ** 0.5).item()
        param.add_(update, alpha=-alpha / max(1.0, rms / group["d"]))


def _second_moment(grad: Any, state: State, weight: float, eps: float) -> Any:
    """The running mean of grad², as a new tensor of grad's shape."""
    if grad.dim() < 2:
        state["variance"].lerp_(grad * grad, weight)
        return state["variance"].clone()
    square = grad * grad
    row, col = state["row_var"], state["col_var"]
    row.lerp_(square.mean(dim=-1, keepdim=True), weight)
    col.lerp_(square.mean(dim=-2, keepdim=True), weight)
    return (row @ col).div_(row.mean(dim=-2, keepdim=True).clamp_(min=eps))
