"""Storages of a checkpoint: bytes that become tensors, tensors that become bytes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import flambeau

# PyTorch's names of typed storages, and the dtypes that they stand for.
STORAGE_DTYPES = {
    "BFloat16Storage": "bfloat16",
    "BoolStorage": "bool",
    "ByteStorage": "uint8",
    "CharStorage": "int8",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "IntStorage": "int32",
    "LongStorage": "int64",
    "ShortStorage": "int16",
    "UntypedStorage": "uint8",
}
STORAGE_NAMES = {
    dtype: name for name, dtype in STORAGE_DTYPES.items() if name != "UntypedStorage"
}
DTYPES = frozenset(STORAGE_NAMES)

MapLocation = Any
_MAX_DIMS = 64
_MAX_COPIES = 16


def memory_of(tensor: Any) -> memoryview:
    """The bytes of a contiguous uint8 tensor in host memory, shared with it."""
    return memoryview(tensor)


def dtype_name(dtype: Any) -> str:
    """``float32`` for ``flambeau.float32``."""
    return str(dtype).rsplit(".", 1)[-1]


def _host_bytes(size: int) -> Any:
    device = flambeau._C._host_device()
    return flambeau.empty(size, dtype=flambeau.uint8, device=device)


def tensor_over(buffer: Any, size: int) -> Any:
    """A uint8 tensor that shares the buffer's memory."""
    if size == 0:
        return _host_bytes(0)
    return flambeau.frombuffer(buffer, dtype=flambeau.uint8, count=size)


def tensor_of(data: memoryview) -> Any:
    """A new uint8 tensor that holds a copy of the bytes."""
    tensor = _host_bytes(len(data))
    if len(data):
        memory_of(tensor)[:] = data
    return tensor


class Storage:
    """One storage of a file, on the device where ``map_location`` wants it."""

    def __init__(self, data: Any, dtype: str) -> None:
        self.data = data  # uint8, 1-d
        self.nbytes = data.numel()
        self.dtype = dtype
        self._copied = [0]
        self._views: dict[str, Any] = {}

    def of(self, dtype: str) -> Storage:
        """This storage read as another dtype, for a file that names it as both."""
        if dtype == self.dtype:
            return self
        other = Storage(self.data, dtype)
        other._views, other._copied = self._views, self._copied
        return other

    def fill(self, data: Any) -> None:
        """Take over bytes that come only now; ValueError for bools that are none."""
        self.data.copy_(data)
        if "bool" in self._views:
            self._check_bools()

    def charge(self, tensor: Any) -> None:
        """Count a copy that a file asks for: a small one must not ask for much."""
        self._copied[0] += tensor.numel() * tensor.element_size()
        if self._copied[0] > _MAX_COPIES * self.nbytes:
            raise ValueError("expected fewer tensors that need a copy of their storage")

    def _check_bools(self) -> None:
        if self.nbytes and bool((self.data > 1).any()):
            raise ValueError("expected bytes 0 and 1 in a bool storage, got others")

    def _as(self, dtype: str) -> Any:
        if dtype not in self._views:
            kind = getattr(flambeau, dtype)
            if dtype == "bool":
                self._check_bools()
            whole = self.data[: self.nbytes // kind.itemsize * kind.itemsize]
            self._views[dtype] = whole.view(kind)
        return self._views[dtype]

    def tensor(
        self, offset: int, size: Any, stride: Any, dtype: str | None = None
    ) -> Any:
        """The tensor of this geometry, in elements; ValueError when it leaves us."""
        dtype = self.dtype if dtype is None else dtype
        itemsize = getattr(flambeau, dtype).itemsize
        for name, values in (("size", size), ("stride", stride)):
            if not isinstance(values, tuple) or not all(
                type(v) is int and 0 <= v < 2**62 for v in values
            ):
                raise ValueError(f"expected a tuple of counts for the {name}")
        if len(size) != len(stride) or len(size) > _MAX_DIMS:
            raise ValueError(
                f"expected as many sizes as strides, at most {_MAX_DIMS}, got "
                f"{len(size)} and {len(stride)}"
            )
        if type(offset) is not int or not 0 <= offset < 2**62:
            raise ValueError("expected a count for the storage offset")
        count, last = 1, offset
        for n, step in zip(size, stride, strict=True):
            count *= n
            last += (n - 1) * step
        end = offset if count == 0 else last + 1
        if end * itemsize > self.nbytes or count >= 2**62:
            raise ValueError(
                f"expected a tensor within its storage of {self.nbytes} bytes, got "
                f"offset {offset}, size {size}, stride {stride} of {dtype}"
            )
        source = self._as(dtype)
        target = flambeau.empty(0, dtype=source.dtype, device=source.device)
        # Set, not viewed: tensors of one storage then count their changes apart.
        return target.set_(source, offset, size, stride)


def placed(
    data: Any, location: str, map_location: MapLocation, warned: set[str]
) -> Any:
    """The bytes on the device for a location tag of the file, like ``cpu``.

    ``warned`` has the tags of devices that this load has warned of.
    """
    if map_location is None:
        return _as_saved(data, location, warned)
    # Devices are asked first: they are callable too, as decorators.
    if isinstance(map_location, (str, flambeau.device)):
        return _on(data, flambeau.device(map_location))
    if callable(map_location):
        moved = map_location(data, location)
        return _as_saved(data, location, warned) if moved is None else moved
    if location in map_location:
        return _on(data, flambeau.device(map_location[location]))
    return _as_saved(data, location, warned)


def check_map_location(map_location: MapLocation) -> None:
    """Raise TypeError for what cannot say where storages go."""
    known = (str, dict, flambeau.device)
    if not (
        map_location is None
        or isinstance(map_location, known)
        or callable(map_location)
    ):
        raise TypeError(
            "load: expected None, a device, a string, a dict or a function for "
            f"argument 'map_location', got {type(map_location).__name__}"
        )


def _on(data: Any, device: Any) -> Any:
    same = device.type == data.device.type and not device.index
    return data if same else data.to(device)


def _as_saved(data: Any, location: str, warned: set[str]) -> Any:
    """The bytes where they were when the file was written; left in host memory, with a
    warning, when nothing here implements that device."""
    device = flambeau.device(location)
    if device.type == data.device.type:
        return _on(data, device)
    try:
        count = flambeau._C._device_count(device.type)
    except RuntimeError as error:
        if device.type != flambeau._C._host_device_type and location not in warned:
            warned.add(location)
            warnings.warn(
                f"load: the file's tensors were on device '{location}', which cannot "
                f"be used here, so they are loaded on '{data.device}': {error}. Pass "
                f"map_location='{data.device}' to load them there without this warning",
                stacklevel=_level_of_the_caller(),
            )
        return data
    if (device.index or 0) >= count:
        kind = device.type
        raise RuntimeError(
            f"load: expected device '{location}', on which the file's tensors were, "
            f"but of type '{kind}' there are {count} here. Pass map_location to load "
            f"them on another, as map_location={{'{location}': '{kind}:0'}}"
        )
    return data.to(device)


def _level_of_the_caller() -> int:
    """How many calls up, from where it is used, the line outside of Flambeau is."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals["__name__"].startswith("flambeau."):
        level, frame = level + 1, frame.f_back
    return level


class StorageTable:
    """Numbers the storages of the tensors to be saved, each saved once."""

    def __init__(self) -> None:
        self._keys: dict[Any, str] = {}
        self.bytes: list[Callable[[], memoryview]] = []
        self._alive: list[Any] = []  # an address is unique only as long as it is held

    def add(self, tensor: Any) -> tuple[str, int]:
        """The key of the tensor's storage and its length in elements."""
        storage = tensor.untyped_storage()
        size, itemsize = storage.nbytes(), tensor.element_size()
        address = storage.data_ptr()
        # Without bytes there is no address, and nothing to share.
        identity = (str(tensor.device), address, size) if address else id(tensor)
        key = self._keys.get(identity)
        if key is None:
            key = self._keys[identity] = str(len(self._keys))
            self._alive += [storage, tensor]
            self.bytes.append(lambda: storage_bytes(tensor, size))
        return key, size // itemsize


def storage_bytes(tensor: Any, size: int) -> memoryview:
    """All bytes of the tensor's storage."""
    if size == 0:
        return memoryview(b"")
    count = size // tensor.element_size()
    whole = tensor.detach().as_strided((count,), (1,), 0)
    return memory_of(flambeau._C._on_host(whole.view(flambeau.uint8))).cast("B")
