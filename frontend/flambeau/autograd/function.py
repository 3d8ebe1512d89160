"""Function: ops whose forward and backward are written in Python."""

from __future__ import annotations

from functools import wraps
from typing import Any

from flambeau import _C
from flambeau._C import Tensor

__all__ = [
    "BackwardCFunction",
    "Function",
    "FunctionCtx",
    "FunctionMeta",
    "InplaceFunction",
    "NestedIOFunction",
    "once_differentiable",
]


class FunctionCtx(_C._Node):
    """What forward leaves for backward: saved tensors, marks, any attribute.

    It is also the grad_fn of the outputs.
    """

    needs_input_grad: tuple[bool, ...]
    _dirty: tuple[Any, ...] = ()
    _constant: tuple[Any, ...] = ()
    _materialize = True
    to_save: Any = None
    saved_for_forward: Any = None

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs and outputs of forward; backward finds them in saved_tensors."""
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for jvp."""
        self.saved_for_forward = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What save_for_backward was given. RuntimeError once it was freed, or when
        one of them was changed in place since."""
        return _C._function_saved(self)

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which inputs forward has changed in place; they must be outputs."""
        self._dirty = args

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs have no gradient."""
        self._constant = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (default) or None for outputs without
        gradient."""
        self._materialize = bool(value)

    def _run_backward(self, *grads: Any) -> Any:
        cls = self._function  # type: ignore[attr-defined]
        if cls.backward is not Function.backward:
            if cls.vjp is not Function.vjp:
                raise RuntimeError(
                    "Implementing both 'backward' and 'vjp' for a custom Function is "
                    "not "
                    "allowed. You should only implement one of them."
                )
            return cls.backward(self, *grads)
        return cls.vjp(self, *grads)


BackwardCFunction = FunctionCtx


class FunctionMeta(type):
    """Gives each Function a class of contexts, named like its node."""

    def __init__(cls, name: str, bases: Any, attrs: Any) -> None:
        super().__init__(name, bases, attrs)
        cls._backward_cls = type(
            f"{name}Backward", (FunctionCtx,), {"_function": cls, "_forward_cls": cls}
        )


def _same(ctx: Any, inputs: Any, output: Any) -> Any:
    raise NotImplementedError("setup_context is not implemented.")


class Function(metaclass=FunctionMeta):
    """Subclass it with static methods forward and backward, and call `.apply`.

    forward(ctx, *args), or forward(*args) with setup_context(ctx, inputs, output);
    backward(ctx, *grad_outputs) returns one gradient or None per argument of forward.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(
            f"{type(self)} should not be instantiated. Methods on autograd functions "
            "are "
            "all static, so you should invoke them on the class itself: "
            f"use {type(self).__name__}.apply."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """To be overridden: computes the outputs."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    setup_context = staticmethod(_same)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """To be overridden: one gradient or None per argument of forward."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """To be overridden for forward mode."""
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use "
            "it "
            "with forward mode AD."
        )

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """To be overridden for vmap."""
        raise NotImplementedError(
            "To use autograd.Function with vmap, you must override its vmap "
            "staticmethod."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward, recorded as one op."""
        ctx = cls._backward_cls()
        recording = _C.is_grad_enabled()
        needs = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recording = recording and True in needs
        ctx.needs_input_grad = needs if recording else (False,) * len(args)
        with _C._GradGuard(0, -1):
            if cls.setup_context is not _same:
                output = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, output)
            else:
                output = cls.forward(ctx, *args, **kwargs)
        listed = isinstance(output, list)
        result = _C._function_finish(
            ctx,
            f"{cls.__name__}Backward",
            args,
            tuple(output) if listed else output,
            recording,
        )
        return list(result) if listed else result


class InplaceFunction(Function):
    """An old name of Function."""


class NestedIOFunction(Function):
    """An old name of Function."""


class _Once(Function):
    """Passes tensors on; differentiating it is the error."""

    @staticmethod
    def forward(ctx: Any, *args: Any) -> Any:
        return tuple(a.detach() if isinstance(a, Tensor) else a for a in args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with "
            "@once_differentiable"
        )


def once_differentiable(fn: Any) -> Any:
    """Decorates a backward that is not itself differentiable: a second derivative
    raises RuntimeError."""

    @wraps(fn)
    def wrapper(ctx: Any, *grads: Any) -> Any:
        with _C._GradGuard(0, -1):
            outputs = fn(ctx, *grads)
        if not _C.is_grad_enabled():
            return outputs
        tracked = [g for g in grads if isinstance(g, Tensor) and g.requires_grad]
        if not tracked:
            return outputs
        single = not isinstance(outputs, tuple)
        listed = (outputs,) if single else outputs
        marked = _Once.apply(*tracked, *listed)[len(tracked) :]
        return marked[0] if single else marked

    return wrapper
