"""Parameters and buffers: tensors that a module registers by being assigned them."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    """Lets tensors of other subclasses count as parameters once marked `_is_param`."""

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return (
            cls is Parameter
            and isinstance(instance, Tensor)
            and getattr(instance, "_is_param", False)
        )


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module trains: it joins `parameters()` when assigned.

    data: the values, shared and not copied; an empty tensor if None.
    requires_grad: whether gradients are accumulated for it.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = flambeau.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        marked: Any = data.detach().requires_grad_(requires_grad)
        if type(marked) is not type(data):
            raise RuntimeError(
                f"Parameter: expected detach() of {type(data).__name__} to keep its "
                f"type, got {type(marked).__name__}"
            )
        marked._is_param = True
        return marked

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        copied = type(self)(
            self.data.clone(memory_format=flambeau.preserve_format), self.requires_grad
        )
        memo[id(self)] = copied
        return copied

    def __repr__(self, **kwargs: Any) -> str:
        return "Parameter containing:\n" + super().__repr__(**kwargs)

    def __reduce_ex__(self, protocol: Any) -> Any:
        state = {
            k: v for k, v in self.__dict__.items() if not k.startswith("_backward")
        }
        return _rebuild_parameter, (type(self), self.data, self.requires_grad, state)


def _rebuild_parameter(
    cls: type, data: Tensor, requires_grad: bool, state: dict[str, Any]
) -> Any:
    """Unpickling's way back to a parameter."""
    param = cls(data, requires_grad)
    param.__dict__.update(state)
    return param


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    """Lets tensors of other subclasses count as buffers once marked `_is_buffer`."""

    def __instancecheck__(cls, instance: object) -> bool:
        if type.__instancecheck__(cls, instance):
            return True
        return (
            cls is Buffer
            and isinstance(instance, Tensor)
            and getattr(instance, "_is_buffer", False)
        )


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor of a module's state that is not trained.

    persistent: whether `state_dict()` holds it.
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = flambeau.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


class UninitializedTensorMixin:
    """What a parameter or buffer of unknown shape can do until materialized."""

    cls_to_become: type = Tensor

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give it storage of this shape; device and dtype stay unless given."""
        tensor: Any = self
        blank = tensor.data
        tensor.data = flambeau.empty(
            shape,
            device=blank.device if device is None else device,
            dtype=blank.dtype if dtype is None else dtype,
        )
        tensor.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "shape: expected an initialized tensor for argument 'self', got an "
            "uninitialized one; call `materialize` first or run a forward pass of its "
            "lazy module"
        )

    def share_memory_(self) -> Any:
        raise RuntimeError(
            "share_memory_: expected an initialized tensor for argument 'self', got an "
            "uninitialized one"
        )

    def __repr__(self, **kwargs: Any) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[override]
    """A parameter whose shape a lazy module learns from its first input."""

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> Any:
        data = flambeau.empty(0, device=device, dtype=dtype)
        return Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        data = self.data
        copied = type(self)(self.requires_grad, data.device, data.dtype)
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        data = self.data
        return type(self), (self.requires_grad, data.device, data.dtype)


class UninitializedBuffer(UninitializedTensorMixin, Tensor):  # type: ignore[override]
    """A buffer whose shape a lazy module learns from its first input."""

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> Any:
        data = flambeau.empty(0, device=device, dtype=dtype)
        buffer = Tensor._make_subclass(cls, data, requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        copied = memo[id(self)] = type(self)(*self.__reduce_ex__(2)[1])
        return copied

    def __reduce_ex__(self, protocol: Any) -> Any:
        data = self.data
        persistent = self.persistent
        state = (self.requires_grad, data.device, data.dtype, persistent)
        return type(self), state


def is_lazy(tensor: object) -> bool:
    """Whether the tensor is a parameter or buffer still without a shape."""
    return isinstance(tensor, UninitializedTensorMixin)
