"""Storages: the memory behind tensors."""

from __future__ import annotations

from typing import Any

from . import _C
from ._C import Tensor

__all__ = ["TypedStorage", "UntypedStorage"]


def _whole(tensor: Tensor) -> Tensor:
    """A flat uint8 tensor over all bytes of the tensor's storage."""
    return _C._storage_bytes(tensor)


class UntypedStorage:
    """The bytes that a tensor, and all its views, live in."""

    def __init__(self, source: Any = 0, *, device: Any = None) -> None:
        if isinstance(source, Tensor):
            self._bytes = source
        elif isinstance(source, int):
            self._bytes = _C._ops.empty(source, dtype=_C.uint8, device=device)
        else:
            self._bytes = _C.tensor(list(source), dtype=_C.uint8, device=device)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return int(self._bytes.data_ptr())

    def nbytes(self) -> int:
        """How many bytes there are."""
        return int(self._bytes.numel())

    def size(self) -> int:
        """How many bytes there are."""
        return self.nbytes()

    def __len__(self) -> int:
        return self.nbytes()

    @property
    def device(self) -> Any:
        """Where the memory is."""
        return self._bytes.device

    @property
    def is_cuda(self) -> bool:
        """True for memory of a CUDA device."""
        return bool(self._bytes.is_cuda)

    def element_size(self) -> int:
        """1: elements are bytes."""
        return 1

    def tolist(self) -> list[int]:
        """The bytes as ints."""
        return list(self._bytes.tolist())

    def __getitem__(self, index: Any) -> Any:
        value = self._bytes[index]
        return value.item() if value.dim() == 0 else UntypedStorage(value)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._bytes[index] = value

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage(self._bytes.clone())

    def copy_(
        self, source: UntypedStorage, non_blocking: bool = False
    ) -> UntypedStorage:
        """Take over the bytes of a storage of the same size."""
        self._bytes.copy_(source._bytes)
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Set all bytes."""
        self._bytes.fill_(value)
        return self

    def cpu(self) -> UntypedStorage:
        """Itself, or a copy in host memory."""
        return UntypedStorage(self._bytes.cpu())

    def is_pinned(self, device: Any = None) -> bool:
        """False: no memory is pinned."""
        return False

    def is_shared(self) -> bool:
        """Whether other processes share the memory."""
        return False

    def resizable(self) -> bool:
        """Whether the memory may grow."""
        return bool(_C._storage_resizable(self._bytes))

    def resize_(self, nbytes: int) -> UntypedStorage:
        """Grow or shrink the memory, for all tensors over it."""
        _C._storage_resize(self._bytes, nbytes)
        self._bytes = _whole(self._bytes)
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and (
            _C._same_storage(self._bytes, other._bytes)
        )

    def __hash__(self) -> int:
        return self.data_ptr()

    @property
    def _cdata(self) -> int:
        return self.data_ptr()

    def __reduce__(self) -> Any:
        return _rebuild, (bytes(self._bytes.tolist()),)

    def __repr__(self) -> str:
        return f"<flambeau.UntypedStorage of {self.nbytes()} bytes on {self.device}>"


def _rebuild(data: bytes) -> UntypedStorage:
    return UntypedStorage(_C.frombuffer(bytearray(data), dtype=_C.uint8))


class TypedStorage:
    """A storage whose elements have a dtype; kept for old programs."""

    def __init__(
        self, *, wrap_storage: UntypedStorage, dtype: Any, _internal: bool = False
    ) -> None:
        self._untyped_storage = wrap_storage
        self.dtype = dtype

    def untyped(self) -> UntypedStorage:
        """The bytes."""
        return self._untyped_storage

    def _elements(self) -> Tensor:
        return self._untyped_storage._bytes.view(self.dtype)

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._untyped_storage.data_ptr()

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """Bytes per element."""
        return int(self.dtype.itemsize)

    def size(self) -> int:
        """How many elements there are."""
        return self.nbytes() // self.element_size()

    def __len__(self) -> int:
        return self.size()

    @property
    def device(self) -> Any:
        """Where the memory is."""
        return self._untyped_storage.device

    def tolist(self) -> list[Any]:
        """The elements as numbers."""
        return list(self._elements().tolist())

    def __getitem__(self, index: Any) -> Any:
        value = self._elements()[index]
        return value.item() if value.dim() == 0 else value

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements()[index] = value

    def __repr__(self) -> str:
        return f"{self.tolist()}[flambeau.TypedStorage(dtype={self.dtype})]"


def untyped_storage_of(tensor: Tensor) -> UntypedStorage:
    """The storage of a tensor."""
    return UntypedStorage(_whole(tensor))


def typed_storage_of(tensor: Tensor) -> TypedStorage:
    """The storage of a tensor, with its dtype."""
    return TypedStorage(wrap_storage=untyped_storage_of(tensor), dtype=tensor.dtype)
