"""The call of a module that has hooks, and what backward hooks put into the graph."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import flambeau
from flambeau._C import Tensor

from ._hooks import GLOBAL


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
            return result._make(passed) if hasattr(result, "_make") else passed
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
