"""Adam: steps scaled by running means of the gradient and of its square."""

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
    zero_step,
)
from .optimizer import ParamsT

__all__ = ["Adam"]

_KEYS = ("step", "exp_avg", "exp_avg_sq")
_AMSGRAD_KEYS = (*_KEYS, "max_exp_avg_sq")


class Adam(PointwiseOptimizer):
    """``p -= lr * m_hat / (sqrt(v_hat) + eps)``, m and v running means of g and g².

    The hats divide by ``1 - beta ** step``. ``amsgrad`` takes the greatest v so far;
    ``decoupled_weight_decay`` shrinks the parameter itself instead of adding to the
    gradient. Kingma and Ba, 2014, "Adam: A method for stochastic optimization".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        op = type(self).__name__
        check_common(op, defaults)
        kinds = {isinstance(beta, flambeau.Tensor) for beta in betas}
        require(op, len(kinds) == 1, "betas both floats or both tensors", betas)
        super().__init__(params, defaults)
        check_implementation(op, defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return _AMSGRAD_KEYS if group["amsgrad"] else _KEYS

    def _new_state(self, group: Group, param: Any) -> State:
        state = {
            "step": zero_step(group, param),
            "exp_avg": flambeau.zeros_like(param).detach(),
            "exp_avg_sq": flambeau.zeros_like(param).detach(),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = flambeau.zeros_like(param).detach()
        return state

    def _step_at_once(self, group: Group) -> bool:
        amsgrad = group["amsgrad"]
        found = collect(self, group, _AMSGRAD_KEYS if amsgrad else _KEYS)
        params, grads, steps, exp_avgs, exp_avg_sqs, *rest = found
        beta1, beta2 = group["betas"]
        done: bool = _optim.adam_(
            params,
            grads,
            exp_avgs,
            exp_avg_sqs,
            rest[0] if amsgrad else [],
            steps,
            lr=float(group["lr"]),
            beta1=float(beta1),
            beta2=float(beta2),
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            amsgrad=amsgrad,
            maximize=group["maximize"],
            decoupled=group["decoupled_weight_decay"],
        )
        return done

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        lr = group["lr"]
        if not group["differentiable"]:
            lr = float(lr)
        beta1, beta2 = map(float, group["betas"])
        state["step"] += 1
        step = state["step"].item()
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(param, alpha=group["weight_decay"])
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad.conj(), value=1 - beta2)
        second = exp_avg_sq
        if group["amsgrad"]:
            second = state["max_exp_avg_sq"]
            second.copy_(flambeau.maximum(second, exp_avg_sq))
        denom = (second.sqrt() / (1 - beta2**step) ** 0.5).add_(group["eps"])
        # A product, not addcdiv_: exp_avg changes in the next step, and a graph
        # (differentiable=True) must not hold it.
        param.sub_((exp_avg / denom) * (lr / (1 - beta1**step)))
