"""The step that most optimizers share: a group at once, or parameter by parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau

from .optimizer import Optimizer

Group = dict[str, Any]
State = dict[str, Any]


class PointwiseOptimizer(Optimizer):
    """Base of the optimizers that update each parameter by its own gradient and state.

    A subclass gives ``_new_state`` and ``_update``; one that has a multi-tensor
    kernel overrides ``_step_at_once`` too.
    """

    _refuses_complex = False

    def _new_state(self, group: Group, param: Any) -> State:
        """The state of a parameter before its first step."""
        raise NotImplementedError

    def _update(self, group: Group, param: Any, grad: Any, state: State) -> None:
        """Step one parameter; all tensors of ``state`` are changed in place."""
        raise NotImplementedError

    def _step_at_once(self, group: Group) -> bool:
        """Step the whole group in one call; False when no kernel covers it."""
        return False

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient.

        Args:
            closure: recomputes the loss and the gradients; called once, first.

        Returns what ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            with flambeau.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("differentiable"):
                self._step_one_by_one(group)
            elif not self._step_at_once(group):
                self._step_in_parts(group)
        return loss

    def _step_in_parts(self, group: Group) -> None:
        """Step a group that no kernel takes whole: perhaps each dtype and device."""
        kinds: dict[Any, list[Any]] = {}
        for param in group["params"]:
            kinds.setdefault((param.dtype, param.device), []).append(param)
        for params in kinds.values():
            part = {**group, "params": params}
            if len(kinds) == 1 or not self._step_at_once(part):
                self._step_one_by_one(part)

    def _step_one_by_one(self, group: Group) -> None:
        with flambeau.set_grad_enabled(bool(group.get("differentiable"))):
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                self._check_grad(param, grad)
                state = self._state_of(group, param)
                if group.get("maximize"):
                    grad = -grad
                if flambeau.is_complex(param):
                    param, grad = map(flambeau.view_as_real, (param, grad))
                    state = {k: _as_real(v) for k, v in state.items()}
                self._update(group, param, grad, state)

    def _check_grad(self, param: Any, grad: Any) -> None:
        name = type(self).__name__
        if grad.is_sparse:
            raise RuntimeError(f"{name}: expected a dense gradient, got a sparse one")
        if self._refuses_complex and flambeau.is_complex(param):
            raise RuntimeError(
                f"{name}: expected real parameters, got one of dtype {param.dtype}"
            )

    def _state_of(self, group: Group, param: Any) -> State:
        """The parameter's state, made at first use."""
        state: State = self.state[param]
        if not state:
            if group.get("capturable") and param.is_cpu:
                raise AssertionError(
                    f"{type(self).__name__}: expected parameters on a device that "
                    "captures graphs because capturable=True, got one on "
                    f"{param.device}"
                )
            state.update(self._new_state(group, param))
        elif missing := self._missing(group, param, state):
            state.update(missing)
        return state

    def _missing(self, group: Group, param: Any, state: State) -> State:
        """Entries that the group's options ask for and an older state lacks."""
        keys = self._state_keys(group)
        if all(state.get(key) is not None for key in keys):
            return {}
        fresh = self._new_state(group, param)
        return {key: fresh[key] for key in keys if state.get(key) is None}

    def _state_keys(self, group: Group) -> tuple[str, ...]:
        """Names of the tensors that ``_update`` needs."""
        return ()


def _as_real(value: Any) -> Any:
    if isinstance(value, flambeau.Tensor) and flambeau.is_complex(value):
        return flambeau.view_as_real(value)
    return value


def scalar_dtype() -> Any:
    """Dtype of the 0-d state tensors: float64 where that is the default, else float32.

    Step counts must stay exact, which 16-bit defaults could not guarantee.
    """
    if flambeau.get_default_dtype() == flambeau.float64:
        return flambeau.float64
    return flambeau.float32


def zero_step(group: Group, param: Any) -> Any:
    """A step count of zero, on the parameter's device only for capture or fusion:
    elsewhere each step would wait for the device."""
    device = flambeau._C._host_device()
    if group.get("capturable") or group.get("fused"):
        device = param.device
    return flambeau.zeros((), dtype=scalar_dtype(), device=device)


def with_decay(group: Group, param: Any, grad: Any) -> Any:
    """The gradient of the loss with the L2 penalty of the group."""
    if group["weight_decay"] != 0:
        return grad.add(param, alpha=group["weight_decay"])
    return grad


def require(op: str, ok: bool, expected: str, got: object) -> None:
    """Raise ValueError unless an option of an optimizer is in its range."""
    if not ok:
        raise ValueError(f"{op}: expected {expected}, got {got}")


def check_common(op: str, defaults: dict[str, Any]) -> None:
    """Refuse values of lr, betas, eps and weight_decay outside of their ranges."""
    lr = defaults["lr"]
    if isinstance(lr, flambeau.Tensor):
        require(op, lr.numel() == 1, "a 1-element tensor lr", f"shape {lr.shape}")
        if defaults.get("foreach") and not defaults.get("capturable", False):
            raise ValueError(
                f"{op}: expected a float lr with foreach=True and capturable=False, "
                "got a tensor"
            )
    require(op, lr >= 0.0, "lr >= 0", lr)
    for i, beta in enumerate(defaults.get("betas", ())):
        require(op, 0.0 <= beta < 1.0, f"0 <= betas[{i}] < 1", beta)
    if "eps" in defaults:
        require(op, defaults["eps"] >= 0.0, "eps >= 0", defaults["eps"])
    decay = defaults.get("weight_decay", 0)
    require(op, decay >= 0.0, "weight_decay >= 0", decay)


def check_implementation(op: str, defaults: dict[str, Any]) -> None:
    """Refuse combinations of fused, foreach and differentiable that exclude another."""
    if defaults.get("fused"):
        if defaults.get("differentiable"):
            raise RuntimeError(
                f"{op}: expected at most one of fused and differentiable, got both"
            )
        if defaults.get("foreach"):
            raise RuntimeError(
                f"{op}: expected at most one of fused and foreach, got both"
            )
    if defaults.get("foreach") and defaults.get("differentiable"):
        raise AssertionError(
            f"{op}: expected at most one of foreach and differentiable, got both"
        )
