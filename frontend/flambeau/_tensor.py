"""Methods of Tensor that are written in Python; importing this adds them."""

from __future__ import annotations

from . import _C
from ._C import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of this tensor to the .grad of the leaves it depends on.

    gradient: what to start from, shaped like self; may be None for a scalar.
    """
    if gradient is None and not retain_graph and not create_graph and inputs is None:
        _C._backward_one(self)
        return
    from .autograd import backward

    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def _repr(self: Tensor, *, tensor_contents: Any = None) -> str:
    from ._tensor_str import tensor_str

    return tensor_str(self, tensor_contents=tensor_contents)


def _format(self: Tensor, spec: str) -> str:
    if self.dim() == 0 and not self.is_meta and type(self) is Tensor:
        return format(self.item(), spec)
    return object.__format__(self, spec)


# ---- copies and pickles ------------------------------------------------------------
def _deepcopy(self: Tensor, memo: dict[int, Any]) -> Any:
    """A leaf of its own: RuntimeError for results of recorded ops."""
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the "
            "deepcopy protocol at the moment. Use tensor.detach().clone() for results."
        )
    with _C._GradGuard(0, -1):
        new = _rebuilt_like(self, self.detach().clone())
    memo[id(self)] = new
    if self.requires_grad:
        new.requires_grad_()
    if self.grad is not None:
        new.grad = _deepcopy(self.grad, memo)
    if self.__dict__:
        from copy import deepcopy

        new.__dict__ = deepcopy(self.__dict__, memo)
    return new


def _rebuilt_like(self: Tensor, data: Tensor) -> Any:
    """`data` as an object of self's class."""
    if type(self) is Tensor:
        return data
    return Tensor._make_subclass(type(self), data)


def _copy(self: Tensor) -> Any:
    new = _rebuilt_like(self, self.detach())
    if self.requires_grad:
        new.requires_grad_()
    new.__dict__.update(self.__dict__)
    return new


def _rebuild(
    cls: type[Tensor],
    dtype: str,
    size: tuple[int, ...],
    data: bytes,
    requires_grad: bool,
    state: dict[str, Any] | None,
    device: Any = None,
) -> Any:
    """What a pickled tensor is made from again; `device` is None for the host's."""
    kind = getattr(_C, dtype)
    if data:
        tensor = _C.frombuffer(bytearray(data), dtype=kind).reshape(size)
        tensor = tensor if device is None else tensor.to(device)
    else:  # without elements, or on the device that holds none
        where = _C._host_device() if device is None else device
        tensor = _C._ops.empty(size, dtype=kind, device=where)
    if cls is not Tensor:
        tensor = Tensor._make_subclass(cls, tensor)
    if requires_grad:
        tensor.requires_grad_()
    if state:
        tensor.__dict__.update(state)
    return tensor


def _reduce_ex(self: Tensor, protocol: int) -> Any:
    """Values, dtype, sizes, requires_grad and attributes; never the history."""
    raw: Any = b""
    if self.numel() and not self.is_meta:
        plain = _C._on_host(self.detach()).contiguous()
        raw = memoryview(plain.flatten().view(_C.uint8))
    kind = str(self.dtype).removeprefix("flambeau.")
    state = dict(self.__dict__) or None
    return _rebuild, (
        type(self),
        kind,
        tuple(self.shape),
        bytes(raw),
        self.requires_grad and self.is_leaf,
        state,
        None if self.is_cpu else self.device,
    )


# ---- NumPy ---------------------------------------------------------------------------
def _array_wrap(
    self: Tensor, array: Any, context: Any = None, scalar: Any = None
) -> Any:
    """What a NumPy function of a tensor returns: a tensor again."""
    if array.dtype == bool:
        array = array.astype("uint8").astype(bool)
    return _C.as_tensor(array)


def _storage(self: Tensor) -> Any:
    from .storage import untyped_storage_of

    return untyped_storage_of(self)


def _typed_storage(self: Tensor) -> Any:
    from .storage import typed_storage_of

    return typed_storage_of(self)


def _dir(self: Tensor) -> list[str]:
    return sorted({*dir(type(self)), *self.__dict__})


def _reversed(self: Tensor) -> Tensor:
    return self if self.dim() == 0 else self.flip(0)


def _shared(self: Tensor) -> bool:
    """Whether its memory is shared between processes."""
    return bool(getattr(self, "_shared_memory", False))


def _module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What Module.load_state_dict puts in the place of `self`."""
    if assign:
        return other.detach()
    return self.detach().copy_(other)


def _new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """An old maker: sizes or data, with self's dtype and device."""
    where = self.device if device is None else device
    if not args:
        return self.new_empty(0, device=where)
    if len(args) > 1 or type(args[0]) in (int, _C.Size):
        return self.new_empty(*args, device=where)
    return _C.tensor(args[0], dtype=self.dtype, device=where)


def _apply_(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replace each element by callable(element): slow, on the CPU."""
    values = [callable(v) for v in self.flatten().tolist()]
    with _C._GradGuard(0, -1):
        self.copy_(_C.tensor(values, dtype=self.dtype).reshape(self.shape))
    return self


def _map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Replace each element a, beside b of a tensor of its shape, by callable(a, b)."""
    other = tensor.expand_as(self).flatten().tolist()
    pairs = zip(self.flatten().tolist(), other, strict=True)
    values = [callable(a, b) for a, b in pairs]
    with _C._GradGuard(0, -1):
        self.copy_(_C.tensor(values, dtype=self.dtype).reshape(self.shape))
    return self


def _pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """A copy in memory that the accelerator reaches by itself; itself when it is one.

    RuntimeError without an accelerator, and for tensors that are not in host memory.
    """
    from ._device_types import pinned

    return pinned(self, None if device is None else _C.device(device).type)


def _is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether it is in memory that the accelerator reaches by itself."""
    return bool(_C._is_pinned(self))


def _share_memory(self: Tensor) -> Tensor:
    """NotImplementedError: memory shared between processes is not built yet."""
    raise NotImplementedError(
        "share_memory_: memory shared between processes is not built yet"
    )


def _is_nonzero(self: Tensor) -> bool:
    """True when the only element is not zero."""
    return bool(self)


def _complex(self: Tensor) -> complex:
    return complex(self.item())


def _setstate(self: Tensor, state: Any) -> None:
    """Attributes of a copied or unpickled tensor."""
    self.__dict__.update(state)


def _dim_order(self: Tensor, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """Dimensions from the one with the largest stride to the smallest."""
    strides = self.stride()
    return tuple(sorted(range(self.dim()), key=lambda d: -strides[d]))


def _to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool = True) -> Tensor:
    """Itself: all tensors here are dense."""
    return self if dtype is None else self.to(dtype)


def _record_stream(self: Tensor, stream: Any) -> None:
    """Keep the memory, once the tensor is gone, until the work that `stream` has then
    is done. RuntimeError for a stream of another device."""
    if stream.device != self.device:
        raise RuntimeError(
            f"record_stream: expected a stream of {self.device}, got one of "
            f"{stream.device}"
        )
    _C._record_stream(self, stream.stream_id)


# PyTorch's short names for moving to a type of device; `cuda` and `cpu` are compiled.
_MOVERS = ("hpu", "ipu", "mtia", "xpu")


def _mover(kind: str) -> Callable[..., Any]:
    def move(
        self: Tensor,
        device: Any = None,
        non_blocking: bool = False,
        memory_format: Any = _C.preserve_format,
    ) -> Tensor:
        where = _C.device(kind, device) if isinstance(device, int) else device or kind
        return self.to(where, non_blocking=non_blocking, memory_format=memory_format)

    move.__doc__ = f"A copy on a device of the type {kind!r}."
    return move


def _const_data_ptr(self: Tensor) -> int:
    return int(self.data_ptr())


_METHODS: dict[str, Callable[..., Any]] = {
    "new": _new,
    "apply_": _apply_,
    "map_": _map_,
    "pin_memory": _pin_memory,
    "is_pinned": _is_pinned,
    "share_memory_": _share_memory,
    "is_nonzero": _is_nonzero,
    "__complex__": _complex,
    "__setstate__": _setstate,
    "dim_order": _dim_order,
    "to_dense": _to_dense,
    "record_stream": _record_stream,
    "const_data_ptr": _const_data_ptr,
    **{kind: _mover(kind) for kind in _MOVERS},
    "backward": _backward,
    "__repr__": _repr,
    "__format__": _format,
    "__deepcopy__": _deepcopy,
    "__copy__": _copy,
    "__reduce_ex__": _reduce_ex,
    "__array_wrap__": _array_wrap,
    "__dir__": _dir,
    "__reversed__": _reversed,
    "untyped_storage": _storage,
    "storage": _typed_storage,
    "is_shared": _shared,
    "module_load": _module_load,
}
for _name, _method in _METHODS.items():
    _method.__name__ = _name
    _method.__qualname__ = f"Tensor.{_name}"
    setattr(Tensor, _name, _method)
Tensor.__array_priority__ = 1000  # type: ignore[attr-defined]
