"""SparseAdam: Adam that touches only the rows that a sparse gradient names."""

from __future__ import annotations

from typing import Any

import flambeau

from ._pointwise import Group, PointwiseOptimizer, State, check_common, require
from .optimizer import ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(PointwiseOptimizer):
    """Adam for sparse gradients; raises RuntimeError for a dense one.

    The moments of entries that a gradient does not name stay as they are.
    """

    _tensor_steps = False

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        require("SparseAdam", lr > 0.0, "lr > 0", lr)
        require("SparseAdam", eps > 0.0, "eps > 0", eps)
        defaults = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        check_common("SparseAdam", defaults)
        super().__init__(params, defaults)
        sparse = [
            (i, j)
            for i, group in enumerate(self.param_groups)
            for j, param in enumerate(group["params"])
            if param.is_sparse
        ]
        require("SparseAdam", not sparse, "dense parameters", f"sparse at {sparse}")

    def _new_state(self, group: Group, param: Any) -> State:
        return {
            "step": 0,
            "exp_avg": flambeau.zeros_like(param).detach(),
            "exp_avg_sq": flambeau.zeros_like(param).detach(),
        }

    def _check_grad(self, param: Any, grad: Any) -> None:
        if not grad.is_sparse:
            raise RuntimeError(
                "SparseAdam: expected a sparse gradient, got a dense one of shape "
                f"{tuple(grad.shape)}; use Adam for dense gradients"
            )

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        state["step"] += 1
        step = state["step"]
        grad = grad.coalesce()
        where = tuple(grad.indices())
        values = grad.values()
        if values.numel() == 0:
            return
        beta1, beta2 = group["betas"]
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean[where] = mean[where].lerp_(values, 1 - beta1)
        square[where] = square[where].lerp_(values * values, 1 - beta2)
        denom = square[where].sqrt_().add_(group["eps"])
        rate = float(group["lr"]) * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        param[where] = param[where] - rate * mean[where] / denom
