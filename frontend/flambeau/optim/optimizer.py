"""The base of all optimizers: parameter groups, state, hooks and checkpoints."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

import flambeau
from flambeau.utils.hooks import RemovableHandle

from ._multi_tensor import zero_grads

__all__ = [
    "Optimizer",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
]

ParamsT = (
    Iterable["flambeau.Tensor"]
    | Iterable[dict[str, Any]]
    | Iterable[tuple[str, "flambeau.Tensor"]]
)
Hooks = OrderedDict[int, Callable[..., Any]]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()

_global_pre_hooks: Hooks = OrderedDict()
_global_post_hooks: Hooks = OrderedDict()

# What a group of an older checkpoint means by leaving an option out.
_ABSENT = {
    "amsgrad": False,
    "capturable": False,
    "centered": False,
    "decoupled_weight_decay": False,
    "differentiable": False,
    "foreach": None,
    "fused": None,
    "maximize": False,
    "momentum": 0,
    "nesterov": False,
}

_HOOK_TABLES = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


def _add_hook(
    hooks: Hooks, hook: Callable[..., Any], prepend: bool = False
) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before ``step`` of every optimizer."""
    return _add_hook(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after ``step`` of every optimizer."""
    return _add_hook(_global_post_hooks, hook)


def _hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """``step`` with the hooks around it, for one truth test where there are none."""

    @functools.wraps(step)
    def hooked_step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True
        if (
            self._optimizer_step_pre_hooks
            or self._optimizer_step_post_hooks
            or _global_pre_hooks
            or _global_post_hooks
        ):
            return self._step_with_hooks(step, args, kwargs)
        return step(self, *args, **kwargs)

    hooked_step.hooked = True  # type: ignore[attr-defined]
    return hooked_step


class Optimizer:
    """Holds parameters in groups with their options, and a state for each parameter.

    Args:
        params: tensors, (name, tensor) pairs, or dicts with "params" and options.
        defaults: the options of the groups that do not give their own.

    A subclass overrides ``step``.
    """

    OptimizerPreHook = Callable[..., Any]
    OptimizerPostHook = Callable[..., Any]

    param_groups: list[dict[str, Any]]
    state: defaultdict[Any, Any]
    defaults: dict[str, Any]
    _optimizer_step_pre_hooks: Hooks
    _optimizer_step_post_hooks: Hooks
    _optimizer_state_dict_pre_hooks: Hooks
    _optimizer_state_dict_post_hooks: Hooks
    _optimizer_load_state_dict_pre_hooks: Hooks
    _optimizer_load_state_dict_post_hooks: Hooks
    _opt_called = False
    _in_hooks = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        step = cls.__dict__.get("step")
        if callable(step) and not getattr(step, "hooked", False):
            cls.step = _hooked(step)  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hook_tables()
        if isinstance(params, flambeau.Tensor):
            raise TypeError(
                f"{type(self).__name__}: expected an iterable of tensors or dicts for "
                f"argument 'params', got {type(params).__name__}"
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(
                f"{type(self).__name__}: expected at least one parameter for argument "
                "'params', got an empty list"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hook_tables(self) -> None:
        for name in _HOOK_TABLES:
            if name not in self.__dict__:
                setattr(self, name, OrderedDict())

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hook_tables()
        for group in self.param_groups:
            for key, value in _ABSENT.items():
                if key in self.defaults:
                    group.setdefault(key, value)
        self._steps_to_tensors()

    def _steps_to_tensors(self) -> None:
        """Turn the step counts of old checkpoints, plain numbers, into tensors."""
        for entry in self.state.values():
            step = entry.get("step") if isinstance(entry, dict) else None
            if isinstance(step, (int, float)) and self._tensor_steps:
                entry["step"] = flambeau.tensor(
                    float(step),
                    dtype=flambeau.float32,
                    device=flambeau._C._host_device(),
                )

    _tensor_steps = True

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {k}: {group[k]}" for k in sorted(group) if k != "params"]
        return "\n".join([*lines, ")"])

    # -- groups ----------------------------------------------------------------------
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, a dict with "params" and the options that differ.

        Raises TypeError for what is no tensor, ValueError for a parameter that is not
        a leaf, that is in another group, or for a missing option.
        """
        op = f"{type(self).__name__}.add_param_group"
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{op}: expected a dict for argument 'param_group', got "
                f"{type(param_group).__name__}"
            )
        self._list_params(op, param_group)
        for param in param_group["params"]:
            self._check_param(op, param)
        for name, value in self.defaults.items():
            if value is required and name not in param_group:
                raise ValueError(
                    f"{op}: expected option {name!r}, which has no default"
                )
            param_group.setdefault(name, value)
        params = param_group["params"]
        if len(params) != len(set(params)):
            warnings.warn(
                f"{op}: a parameter stands twice in the group; it will be an error "
                "some day",
                stacklevel=3,
            )
        taken = {id(p) for group in self.param_groups for p in group["params"]}
        if any(id(p) in taken for p in params):
            raise ValueError(f"{op}: expected new parameters, got one of another group")
        self.param_groups.append(param_group)

    def _list_params(self, op: str, group: dict[str, Any]) -> None:
        """Make ``group["params"]`` a list of tensors, names going to "param_names"."""
        params = group["params"]
        if isinstance(params, flambeau.Tensor):
            group["params"] = [params]
        elif isinstance(params, set):
            raise TypeError(
                f"{op}: expected an ordered collection of parameters, got a set, whose "
                "order changes between runs"
            )
        else:
            group["params"] = list(params)
        pairs = [p for p in group["params"] if isinstance(p, tuple)]
        if pairs:
            if len(pairs) != len(group["params"]):
                raise ValueError(f"{op}: expected a name for all parameters or none")
            group["param_names"] = [name for name, _ in pairs]
            group["params"] = [param for _, param in pairs]
        named = "param_names" in group
        if self.param_groups and named != ("param_names" in self.param_groups[0]):
            raise ValueError(f"{op}: expected names in all groups or in none")

    def _check_param(self, op: str, param: Any) -> None:
        if not isinstance(param, flambeau.Tensor):
            raise TypeError(
                f"{op}: expected tensors in 'params', got {type(param).__name__}"
            )
        if self.defaults.get("differentiable"):
            return
        if not (param.is_leaf or param.retains_grad):
            raise ValueError(
                f"{op}: expected leaf tensors, got the result of an operation of shape "
                f"{tuple(param.shape)}; pass what it was computed from"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or with False fill them with zeros."""
        for group in self.param_groups:
            zero_grads(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; every optimizer gives its own."""
        raise NotImplementedError(f"{type(self).__name__}.step: not overridden")

    # -- hooks -----------------------------------------------------------------------
    def _step_with_hooks(self, step: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self._in_hooks:  # a subclass's step that calls its parent's: hooks run once
            return step(self, *args, **kwargs)
        self._in_hooks = True
        try:
            pre = chain(
                _global_pre_hooks.values(), self._optimizer_step_pre_hooks.values()
            )
            for hook in list(pre):
                changed = hook(self, args, kwargs)
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{type(self).__name__}.step: expected None or (args, kwargs) "
                        f"from a pre-hook, got {changed!r}"
                    )
                args, kwargs = changed
            result = step(self, *args, **kwargs)
            post = chain(
                self._optimizer_step_post_hooks.values(), _global_post_hooks.values()
            )
            for hook in list(post):
                hook(self, args, kwargs)
            return result
        finally:
            self._in_hooks = False

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step.

        What it returns, unless None, replaces (args, kwargs).
        """
        return _add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict`` collects anything."""
        return _add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)``; it may return another."""
        return _add_hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before loading; may return another."""
        return _add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(optimizer)`` after ``load_state_dict``."""
        return _add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # -- checkpoints -----------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """State and groups, parameters by number; tensors are not copied."""
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        number: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            packed = {k: v for k, v in group.items() if k != "params"}
            for param in group["params"]:
                number.setdefault(id(param), len(number))
            packed["params"] = [number[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {
            number[id(k)] if isinstance(k, flambeau.Tensor) else k: v
            for k, v in self.state.items()
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` of the same kind of optimizer returned.

        Floating-point state goes to the dtype and device of its parameter. Raises
        ValueError when groups or their sizes differ from this optimizer's.
        """
        state_dict = state_dict.copy()
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = deepcopy(state_dict["param_groups"])
        self._check_groups(saved)
        param_of: dict[Any, tuple[Any, dict[str, Any]]] = {}
        for mine, theirs in zip(self.param_groups, saved, strict=True):
            for key, param in zip(theirs["params"], mine["params"], strict=True):
                param_of[key] = (param, theirs)
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in param_of:
                param, group = param_of[key]
                state[param] = _cast(value, param, group)
            else:
                state[key] = value
        for mine, theirs in zip(self.param_groups, saved, strict=True):
            theirs["params"] = mine["params"]
            if "param_names" in mine:
                theirs.setdefault("param_names", mine["param_names"])
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)

    def _check_groups(self, saved: list[dict[str, Any]]) -> None:
        op = f"{type(self).__name__}.load_state_dict"
        if len(saved) != len(self.param_groups):
            raise ValueError(
                f"{op}: expected {len(self.param_groups)} parameter groups, got "
                f"{len(saved)}"
            )
        for i, (mine, theirs) in enumerate(zip(self.param_groups, saved, strict=True)):
            if len(mine["params"]) != len(theirs["params"]):
                raise ValueError(
                    f"{op}: expected {len(mine['params'])} parameters in group {i}, "
                    f"got {len(theirs['params'])}"
                )


def _cast(value: Any, param: Any, group: dict[str, Any], key: Any = None) -> Any:
    """State as its parameter needs it: floating-point tensors in its dtype, on its
    device; a step count stays as it is unless the device itself has to count."""
    if isinstance(value, flambeau.Tensor):
        if key == "step":
            if group.get("capturable") or group.get("fused"):
                return value.to(dtype=flambeau.float32, device=param.device)
            return value
        if flambeau.is_floating_point(param):
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _cast(v, param, group, k) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return type(value)(_cast(v, param, group) for v in value)
    return value
