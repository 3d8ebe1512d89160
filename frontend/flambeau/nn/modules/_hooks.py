"""How a module's hooks are registered, and the call that runs them."""

from __future__ import annotations

import itertools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import flambeau
from flambeau._C import Tensor

from ...utils.hooks import RemovableHandle

# Note [Calls without hooks]
# `Module._hooked` is what a call tests, and nothing else. An instance sets its own when
# one of its hook dicts is written to, and a global hook sets the class's. A call that
# finds it true though no hook is left (all were removed) runs none and unsets it.


class _GlobalHooks:
    """The hooks that run for every module, and the module class that they switch."""

    module_class: Any = None

    def __init__(self) -> None:
        self.forward_pre: OrderedDict[int, Any] = OrderedDict()
        self.forward: OrderedDict[int, Any] = OrderedDict()
        self.forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()
        self.forward_always: OrderedDict[int, bool] = OrderedDict()
        self.backward_pre: OrderedDict[int, Any] = OrderedDict()
        self.backward: OrderedDict[int, Any] = OrderedDict()
        self.backward_is_full: bool | None = None
        self.parameter_registration: OrderedDict[int, Any] = OrderedDict()
        self.buffer_registration: OrderedDict[int, Any] = OrderedDict()
        self.module_registration: OrderedDict[int, Any] = OrderedDict()

    def any_call_hook(self) -> bool:
        return bool(
            self.forward_pre or self.forward or self.backward_pre or self.backward
        )


GLOBAL = _GlobalHooks()


def _add(hooks: Any, hook: Any, extra: Any = None) -> RemovableHandle:
    handle = RemovableHandle(hooks, extra_dict=extra)
    hooks[handle.id] = hook
    return handle


def _add_global(hooks: Any, hook: Any, extra: Any = None) -> RemovableHandle:
    handle = _add(hooks, hook, extra)
    GLOBAL.module_class._hooked = True
    return handle


def register_module_buffer_registration_hook(
    hook: Callable[..., Tensor | None],
) -> RemovableHandle:
    """Call `hook(module, name, buffer)` at every registration of a buffer."""
    return _add(GLOBAL.buffer_registration, hook)


def register_module_module_registration_hook(
    hook: Callable[..., Any],
) -> RemovableHandle:
    """Call `hook(module, name, submodule)` at every registration of a submodule."""
    return _add(GLOBAL.module_registration, hook)


def register_module_parameter_registration_hook(
    hook: Callable[..., Any],
) -> RemovableHandle:
    """Call `hook(module, name, parameter)` at every registration of a parameter."""
    return _add(GLOBAL.parameter_registration, hook)


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, args)` before the forward of every module."""
    return _add_global(GLOBAL.forward_pre, hook)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after the forward of every module."""
    handle = _add_global(
        GLOBAL.forward, hook, [GLOBAL.forward_with_kwargs, GLOBAL.forward_always]
    )
    if with_kwargs:
        GLOBAL.forward_with_kwargs[handle.id] = True
    if always_call:
        GLOBAL.forward_always[handle.id] = True
    return handle


def _choose_global_backward(full: bool) -> None:
    if GLOBAL.backward and GLOBAL.backward_is_full is not full:
        raise RuntimeError(
            "cannot use both regular and full backward hooks as a global module hook; "
            "use only one of them"
        )
    GLOBAL.backward_is_full = full


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The older form of `register_module_full_backward_hook`."""
    _choose_global_backward(False)
    return _add_global(GLOBAL.backward, hook)


def register_module_full_backward_pre_hook(
    hook: Callable[..., Any],
) -> RemovableHandle:
    """Call `hook(module, grad_output)` before the backward of every module."""
    return _add_global(GLOBAL.backward_pre, hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` after every module's backward."""
    _choose_global_backward(True)
    return _add_global(GLOBAL.backward, hook)


class WrappedHook:
    """A hook that is given its module first, which it refers to weakly."""

    def __init__(self, hook: Callable[..., Any], module: Any = None) -> None:
        self.hook = hook
        self.with_module = module is not None
        self.module: Any = weakref.ref(module) if module is not None else None
        for name in ("__name__", "__doc__", "__module__", "__qualname__"):
            if hasattr(hook, name):
                setattr(self, name, getattr(hook, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("the module that this hook was registered on is gone")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook = state["hook"]
        self.with_module = state["with_module"]
        module = state.get("module")
        if self.with_module and module is None:
            raise RuntimeError("the module that this hook was registered on is gone")
        self.module = weakref.ref(module) if self.with_module else None


class HookRegistration:
    """The methods of a module that register hooks."""

    _backward_hooks: Any
    _backward_pre_hooks: Any
    _is_full_backward_hook: bool | None
    _forward_hooks: Any
    _forward_hooks_with_kwargs: Any
    _forward_hooks_always_called: Any
    _forward_pre_hooks: Any
    _forward_pre_hooks_with_kwargs: Any
    _state_dict_hooks: Any
    _state_dict_pre_hooks: Any
    _load_state_dict_pre_hooks: Any
    _load_state_dict_post_hooks: Any

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_output)` before the module's gradients are computed.

        A tuple that it returns takes the place of `grad_output`.
        """
        handle = _add(self._backward_pre_hooks, hook)
        if prepend:
            self._backward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def _choose_backward(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "cannot use both regular and full backward hooks on one module; use "
                "only one of them"
            )
        self._is_full_backward_hook = full

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form of `register_full_backward_hook`, seeing the last op alone."""
        self._choose_backward(False)
        return _add(self._backward_hooks, hook)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when gradients reach the inputs.

        A tuple that it returns takes the place of `grad_input`.
        """
        self._choose_backward(True)
        handle = _add(self._backward_hooks, hook)
        if prepend:
            self._backward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_pre_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; what it returns replaces the args.

        with_kwargs: the hook is `hook(module, args, kwargs)` and returns both or None.
        """
        handle = _add(
            self._forward_pre_hooks, hook, self._forward_pre_hooks_with_kwargs
        )
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; it may return a new output.

        with_kwargs: the hook is `hook(module, args, kwargs, output)`.
        always_call: run it even if forward raised.
        """
        handle = _add(
            self._forward_hooks,
            hook,
            [self._forward_hooks_with_kwargs, self._forward_hooks_always_called],
        )
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, metadata)` after `state_dict`."""
        hook._from_public_api = True
        return _add(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Any) -> RemovableHandle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "cannot register the same function as a state dict post hook that was "
                "previously registered via register_state_dict_post_hook"
            )
        return _add(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before `state_dict` collects."""
        return _add(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Any, with_module: bool = False
    ) -> RemovableHandle:
        wrapped = WrappedHook(hook, self if with_module else None)
        return _add(self._load_state_dict_pre_hooks, wrapped)

    def register_load_state_dict_pre_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata, strict,
        missing_keys, unexpected_keys, error_msgs)` before the module loads."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Any) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after the module has loaded."""
        return _add(self._load_state_dict_post_hooks, hook)


class _InputGate(flambeau.autograd.Function):
    """Identity on a module's inputs; its backward runs the hooks on `grad_input`."""

    @staticmethod
    def forward(ctx: Any, gate: Any, *tensors: Tensor) -> Any:
        ctx.gate = gate
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.gate.reached_inputs(grads))


class _OutputGate(flambeau.autograd.Function):
    """Identity on a module's outputs; its backward keeps `grad_output`."""

    @staticmethod
    def forward(ctx: Any, gate: Any, *tensors: Tensor) -> Any:
        ctx.gate = gate
        ctx.set_materialize_grads(False)
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return (None, *ctx.gate.reached_outputs(grads))


class _BackwardGate:
    """What stands between a module and the graph for one call with backward hooks."""

    def __init__(self, module: Any, hooks: list[Any], pre_hooks: list[Any]) -> None:
        self.module = module
        self.hooks = hooks
        self.pre_hooks = pre_hooks
        self.grad_outputs: tuple[Any, ...] | None = None
        self.input_at: list[int] | None = None
        self.n_inputs = 0
        self.output_at: list[int] = []
        self.n_outputs = 0

    def _pass(
        self, values: tuple[Any, ...], gate: Any
    ) -> tuple[tuple[Any, ...], list[int]]:
        """The values with every tensor that needs a gradient sent through the gate."""
        at = [
            i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad
        ]
        if not at or not flambeau.is_grad_enabled():
            return values, []
        passed = list(values)
        for i, new in zip(at, gate.apply(self, *[values[i] for i in at]), strict=True):
            passed[i] = new
        return tuple(passed), at

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        passed, at = self._pass(args, _InputGate)
        if at:
            self.input_at, self.n_inputs = at, len(args)
        return passed

    def outputs(self, result: Any) -> Any:
        if isinstance(result, Tensor):
            passed, self.output_at = self._pass((result,), _OutputGate)
            self.n_outputs = 1
            return passed[0]
        if isinstance(result, tuple):
            passed, self.output_at = self._pass(result, _OutputGate)
            self.n_outputs = len(result)
            return type(result)(*passed) if hasattr(result, "_fields") else passed
        return result

    def reached_outputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        full: list[Any] = [None] * self.n_outputs
        for i, grad in zip(self.output_at, grads, strict=True):
            full[i] = grad
        grad_outputs = tuple(full)
        for hook in self.pre_hooks:
            changed = hook(self.module, grad_outputs)
            if changed is not None:
                grad_outputs = changed if isinstance(changed, tuple) else (changed,)
                if len(grad_outputs) != self.n_outputs:
                    raise RuntimeError(
                        f"backward pre hook: expected {self.n_outputs} gradients, got "
                        f"{len(grad_outputs)}"
                    )
        self.grad_outputs = grad_outputs
        if self.input_at is None:
            for hook in self.hooks:
                if hook(self.module, (), grad_outputs) is not None:
                    raise RuntimeError(
                        "backward hook for Modules where no input requires gradient "
                        "should always return None or None for all gradients"
                    )
            self.grad_outputs = None
        return tuple(grad_outputs[i] for i in self.output_at)

    def reached_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_outputs is None and self.n_outputs:
            raise RuntimeError(
                "Module backward hook for grad_input is called before the grad_output "
                "one: the module's output must be used to compute the loss"
            )
        assert self.input_at is not None
        full: list[Any] = [None] * self.n_inputs
        for i, grad in zip(self.input_at, grads, strict=True):
            full[i] = grad
        grad_inputs = tuple(full)
        for hook in self.hooks:
            changed = hook(self.module, grad_inputs, self.grad_outputs)
            if changed is not None:
                grad_inputs = changed if isinstance(changed, tuple) else (changed,)
                if len(grad_inputs) != self.n_inputs:
                    raise RuntimeError(
                        f"backward hook: expected {self.n_inputs} gradients for the "
                        f"module's inputs, got {len(grad_inputs)}"
                    )
        self.grad_outputs = None
        return tuple(grad_inputs[i] for i in self.input_at)


def _backward_hooks_of(module: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """The full, the older, and the pre hooks that this call's backward is to run."""
    full: list[Any] = []
    older: list[Any] = []
    if GLOBAL.backward:
        (full if GLOBAL.backward_is_full else older).extend(GLOBAL.backward.values())
    if module._backward_hooks:
        mine = full if module._is_full_backward_hook else older
        mine.extend(module._backward_hooks.values())
    pre = [*GLOBAL.backward_pre.values(), *module._backward_pre_hooks.values()]
    return full, older, pre


def _run_pre_hooks(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    with_kwargs = module._forward_pre_hooks_with_kwargs
    for key, hook in [*GLOBAL.forward_pre.items(), *module._forward_pre_hooks.items()]:
        if key in with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    "forward pre-hook with kwargs: expected None or a tuple of (args, "
                    f"kwargs), got {changed!r}"
                )
            args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _run_hook(
    module: Any, key: int, hook: Any, args: Any, kwargs: Any, result: Any
) -> Any:
    if key in module._forward_hooks_with_kwargs or key in GLOBAL.forward_with_kwargs:
        changed = hook(module, args, kwargs, result)
    else:
        changed = hook(module, args, result)
    return result if changed is None else changed


def _hook_last_op(module: Any, result: Any, hooks: list[Any]) -> None:
    """The older backward hooks: they see the node that made the first output tensor."""
    first = result
    while not isinstance(first, Tensor):
        first = next(iter(first.values())) if isinstance(first, dict) else first[0]
    node = first.grad_fn
    if node is None:
        return
    warnings.warn(
        "a backward hook that is not a full one sees the gradients of the module's "
        "last "
        "op alone; use register_full_backward_hook",
        FutureWarning,
        stacklevel=4,
    )
    for hook in hooks:
        node.register_hook(
            lambda grad_in, grad_out, hook=hook: hook(module, grad_in, grad_out)
        )


def _forward_hooks_of(module: Any) -> Iterator[tuple[int, Any]]:
    return itertools.chain(
        list(GLOBAL.forward.items()), list(module._forward_hooks.items())
    )


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What `module(*args, **kwargs)` does when `Module._hooked` is set."""
    mine = (
        module._forward_hooks
        or module._forward_pre_hooks
        or module._backward_hooks
        or module._backward_pre_hooks
    )
    if not mine:
        module.__dict__.pop("_hooked", None)
        if not GLOBAL.any_call_hook():
            GLOBAL.module_class._hooked = False
            return module.forward(*args, **kwargs)
    ran: set[int] = set()
    result: Any = None
    try:
        args, kwargs = _run_pre_hooks(module, args, kwargs)
        full, older, pre = _backward_hooks_of(module)
        gate = _BackwardGate(module, full, pre) if full or pre else None
        if gate is not None:
            args = gate.inputs(args)
        result = module.forward(*args, **kwargs)
        for key, hook in _forward_hooks_of(module):
            ran.add(key)
            result = _run_hook(module, key, hook, args, kwargs, result)
        if gate is not None:
            result = gate.outputs(result)
        if older:
            _hook_last_op(module, result, older)
        return result
    except Exception:
        _run_always_called(module, ran, args, kwargs, result)
        raise


def _run_always_called(
    module: Any, ran: set[int], args: Any, kwargs: Any, result: Any
) -> None:
    """After an error: the hooks registered with `always_call` that did not run yet."""
    for key, hook in _forward_hooks_of(module):
        always = key in module._forward_hooks_always_called
        if key in ran or not (always or key in GLOBAL.forward_always):
            continue
        try:
            result = _run_hook(module, key, hook, args, kwargs, result)
        except Exception as error:
            warnings.warn(
                f"module forward hook with always_call=True raised {error!r}, which is "
                "silenced as another error was raised before",
                stacklevel=2,
            )
