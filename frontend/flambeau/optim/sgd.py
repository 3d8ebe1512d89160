"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any

import flambeau

from ._multi_tensor import _optim, gather
from ._pointwise import (
    Group,
    PointwiseOptimizer,
    State,
    check_common,
    check_implementation,
    require,
    with_decay,
)
from .optimizer import ParamsT

__all__ = ["SGD"]

_NO_KEYS = ()
_MOMENTUM_KEYS = ("momentum_buffer",)


class SGD(PointwiseOptimizer):
    """``p -= lr * g``, with momentum ``b = momentum * b + (1 - dampening) * g``.

    With ``momentum`` the step is along ``b`` (which starts as the first gradient), with
    ``nesterov`` along ``g + momentum * b``. Sutskever et al., 2013, "On the importance
    of initialization and momentum in deep learning".
    """

    def __init__(
        self,
        params: ParamsT,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        # PyTorch's SGD, unlike Adam, takes a tensor lr together with foreach.
        check_common("SGD", {**defaults, "foreach": None})
        require("SGD", momentum >= 0.0, "momentum >= 0", momentum)
        require(
            "SGD",
            not nesterov or (momentum > 0 and dampening == 0),
            "a positive momentum and no dampening with nesterov=True",
            f"momentum={momentum}, dampening={dampening}",
        )
        super().__init__(params, defaults)
        check_implementation("SGD", defaults)

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        return _MOMENTUM_KEYS if group["momentum"] else _NO_KEYS

    def _state_of(self, group: Group, param: Any) -> State:
        # Without momentum there is no state, and no empty entry for the checkpoint.
        return self.state[param] if group["momentum"] else {}

    def _step_at_once(self, group: Group) -> bool:
        momentum = group["momentum"]
        keys = _MOMENTUM_KEYS if momentum else _NO_KEYS
        found = gather(group["params"], self.state, keys)
        if found is None:
            return self._first_step(group)
        params, grads, *buffers = found
        return self._sgd(group, params, grads, buffers[0] if buffers else [], False)

    def _first_step(self, group: Group) -> bool:
        """Step a group in which some buffers do not exist yet."""
        fresh: list[Any] = []
        old: list[Any] = []
        for param in group["params"]:
            if param.grad is not None:
                known = self.state[param].get("momentum_buffer") is not None
                (old if known else fresh).append(param)
        buffers = [flambeau.empty_like(p).detach() for p in fresh]
        grads = [p.grad for p in fresh]
        if not self._sgd(group, fresh, grads, buffers, True):
            return False
        for param, buffer in zip(fresh, buffers, strict=True):
            self.state[param]["momentum_buffer"] = buffer
        if not old:
            return True
        found = gather(old, self.state, _MOMENTUM_KEYS)
        assert found is not None  # these were chosen because they have buffers
        params, grads, buffers = found
        if not self._sgd(group, params, grads, buffers, False):
            self._step_one_by_one({**group, "params": params})
        return True

    @staticmethod
    def _sgd(
        group: Group, params: Any, grads: Any, buffers: Any, first_step: bool
    ) -> bool:
        done: bool = _optim.sgd_(
            params,
            grads,
            buffers,
            lr=float(group["lr"]),
            momentum=group["momentum"],
            dampening=group["dampening"],
            weight_decay=group["weight_decay"],
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            first_step=first_step,
        )
        return done

    def _check_grad(self, param: Any, grad: Any) -> None:
        """A sparse gradient is welcome: a dense parameter adds it."""

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        grad = with_decay(group, param, grad)
        momentum = group["momentum"]
        if momentum:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = grad.detach().clone()
                state["momentum_buffer"] = buffer
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        param.add_(grad, alpha=-float(group["lr"]))
