"""Muon: momentum made orthogonal, for the weight matrices of hidden layers."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import Group, PointwiseOptimizer, State, check_common, require
from .optimizer import ParamsT

__all__ = ["Muon"]

_ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(PointwiseOptimizer):
    """Steps along the momentum's nearest orthogonal matrix. Parameters must be 2-d.

    ``adjust_lr_fn`` scales lr by a matrix's shape: "original" (the default) by
    sqrt(max(1, rows / columns)), "match_rms_adamw" by 0.2 * sqrt(max(rows, columns)).
    Jordan et al., 2024, "Muon: An optimizer for hidden layers in neural networks".
    """

    _refuses_complex = True

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_common("Muon", {"lr": lr, "weight_decay": weight_decay})
        require("Muon", momentum >= 0.0, "momentum >= 0", momentum)
        known = adjust_lr_fn in _ADJUSTMENTS
        require("Muon", known, f"adjust_lr_fn in {_ADJUSTMENTS}", adjust_lr_fn)
        require("Muon", ns_steps < 100, "ns_steps < 100", ns_steps)
        three = len(ns_coefficients) == 3
        require("Muon", three, "three ns_coefficients", ns_coefficients)
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                shape = tuple(param.shape)
                require("Muon", param.dim() == 2, "2-d parameters", f"shape {shape}")

    def _new_state(self, group: Group, param: Any) -> State:
        return {"momentum_buffer": flambeau.zeros_like(param).detach()}

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        lr, momentum = float(group["lr"]), group["momentum"]
        buffer = state["momentum_buffer"]
        buffer.lerp_(grad, 1 - momentum)
        update = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = _orthogonal(
            update, group["ns_coefficients"], group["ns_steps"], group["eps"]
        )
        param.mul_(1 - lr * group["weight_decay"])
        rate = lr * _shape_factor(group["adjust_lr_fn"], *param.shape)
        param.add_(update.to(param.dtype), alpha=-rate)


def _orthogonal(
    matrix: Any, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Any:
    """Newton-Schulz iteration, in bfloat16, towards U V^T of the matrix's SVD."""
    a, b, c = coefficients
    x = matrix.to(flambeau.bfloat16)
    tall = x.size(0) > x.size(1)
    if tall:
        x = x.T
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.T
        poly = flambeau.addmm(gram, gram, gram, beta=b, alpha=c)
        x = flambeau.addmm(x, poly, x, beta=a)
    return x.T if tall else x


def _shape_factor(adjust: str | None, rows: int, columns: int) -> float:
    if adjust == "match_rms_adamw":
        return 0.2 * float(max(rows, columns)) ** 0.5
    return max(1.0, rows / columns) ** 0.5
