"""Writes the pickle of a checkpoint: plain values and tensors, under PyTorch's names.

The names that go into the file need not exist in this process, which is why Python's
own pickler, that looks them up, is of no use here.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict
from typing import Any

import flambeau

from .serialization_globals import full_name, reduced, user_globals
from .serialization_storage import STORAGE_NAMES, StorageTable, dtype_name

_BATCH = 1000  # entries added by one opcode


def plain_types() -> str:
    """What may be saved, for errors."""
    return (
        "tensors, parameters, numbers, strings, bytes, None, lists, tuples, sets, "
        "dicts, dtypes, devices and sizes"
    )


class Pickler:
    """Turns one value into a pickle of protocol 2; storages go into ``storages``."""

    def __init__(self) -> None:
        self.out = bytearray(b"\x80\x02")
        self.storages = StorageTable()
        self._memo: dict[int, tuple[int, Any]] = {}
        self._names: dict[str, int] = {}
        self._count = 0

    def dump(self, value: Any) -> bytes:
        """The pickle of ``value``; TypeError for what is not plain."""
        self.write(value)
        self.out += b"."
        return bytes(self.out)

    # -- pieces ------------------------------------------------------------------------
    def _put(self) -> int:
        """Give the value just written a place in the memo."""
        number = self._count
        self._count += 1
        self.out += struct.pack(
            "<cB" if number < 256 else "<cI", b"q" if number < 256 else b"r", number
        )
        return number

    def _get(self, number: int) -> None:
        if number < 256:
            self.out += struct.pack("<cB", b"h", number)
        else:
            self.out += struct.pack("<cI", b"j", number)

    def _name(self, module: str, name: str) -> None:
        path = f"{module} {name}"
        if path in self._names:
            self._get(self._names[path])
            return
        self.out += f"c{module}\n{name}\n".encode()
        self._names[path] = self._put()

    def _call(self, module: str, name: str, *args: Any) -> None:
        self._name(module, name)
        self._raw_tuple(args)
        self.out += b"R"

    def _raw_tuple(self, values: tuple[Any, ...]) -> None:
        """A tuple of our own making, which nothing else can refer to."""
        if len(values) > 3:
            self.out += b"("
        for value in values:
            if isinstance(value, _Named):
                self._name("torch", value.name)
            elif isinstance(value, _StorageId):
                self._raw_tuple(value.parts)
                self.out += b"Q"
            elif isinstance(value, _Call):
                self._call(value.module, value.name, *value.args)
            else:
                self.write(value)
        self.out += {0: b")", 1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(values), b"t")

    # -- values ------------------------------------------------------------------------
    def write(self, value: Any) -> None:
        """Write a value, or a reference where it has been written before."""
        writer = _WRITERS.get(type(value))
        if writer is not None and type(value) in _ATOMS:
            writer(self, value)
            return
        known = self._memo.get(id(value))
        if known is not None:
            self._get(known[0])
            return
        if isinstance(value, flambeau.Tensor):
            self._tensor(value)
        elif isinstance(value, flambeau.dtype):
            self._name("torch", dtype_name(value))
            return
        elif isinstance(value, flambeau.device):
            index = () if value.index is None else (value.index,)
            self._call("torch", "device", value.type, *index)
        elif isinstance(value, flambeau.Size):
            self._call("torch", "Size", tuple(value))
        elif writer is not None:
            writer(self, value)
        elif type(value) in user_globals.values():
            self._object(value)
        else:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            raise TypeError(
                f"save: expected {plain_types()}, got an object of {kind}. Save its "
                "state_dict(), or list the class with "
                "flambeau.serialization.add_safe_globals"
            )
        if id(value) not in self._memo:
            self._remember(value)

    def _remember(self, value: Any) -> None:
        # The value is kept: an id may serve again once its object is gone.
        self._memo[id(value)] = (self._put(), value)

    def _int(self, value: int) -> None:
        if 0 <= value < 256:
            self.out += struct.pack("<cB", b"K", value)
        elif -(2**31) <= value < 2**31:
            self.out += struct.pack("<ci", b"J", value)
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            if len(data) < 256:
                self.out += struct.pack("<cB", b"\x8a", len(data)) + data
            else:
                self.out += struct.pack("<cI", b"\x8b", len(data)) + data

    def _str(self, value: str) -> None:
        known = self._memo.get(id(value))
        if known is not None:
            self._get(known[0])
            return
        data = value.encode("utf-8", "surrogatepass")
        self.out += struct.pack("<cI", b"X", len(data)) + data
        self._remember(value)

    def _list(self, value: list[Any]) -> None:
        self.out += b"]"
        self._remember(value)  # before its elements, which may hold it
        self._appends(value)

    def _appends(self, values: Any) -> None:
        values = list(values)
        for start in range(0, len(values), _BATCH):
            self.out += b"("
            for element in values[start : start + _BATCH]:
                self.write(element)
            self.out += b"e"

    def _dict(self, value: dict[Any, Any]) -> None:
        self.out += b"}"
        self._remember(value)
        self._set_items(value)

    def _set_items(self, value: Any) -> None:
        items = list(value.items())
        for start in range(0, len(items), _BATCH):
            self.out += b"("
            for key, entry in items[start : start + _BATCH]:
                self.write(key)
                self.write(entry)
            self.out += b"u"

    def _ordered_dict(self, value: OrderedDict[Any, Any]) -> None:
        self._call("collections", "OrderedDict")
        self._remember(value)
        self._set_items(value)
        metadata = getattr(value, "_metadata", None)
        if metadata is not None:
            self.write({"_metadata": metadata})
            self.out += b"b"

    def _default_dict(self, value: defaultdict[Any, Any]) -> None:
        factory = value.default_factory
        if factory is not None and factory not in (dict, float, int, list, set, str):
            raise TypeError(
                "save: expected a defaultdict of a builtin type, got one of "
                f"{factory!r}; save dict(...) of it"
            )
        self._name("collections", "defaultdict")
        if factory is None:
            self.out += b")"
        else:
            self._name("__builtin__", factory.__name__)
            self.out += b"\x85"
        self.out += b"R"
        self._remember(value)
        self._set_items(value)

    def _tuple(self, value: tuple[Any, ...]) -> None:
        if len(value) > 3:
            self.out += b"("
        for element in value:
            self.write(element)
        self.out += {0: b")", 1: b"\x85", 2: b"\x86", 3: b"\x87"}.get(len(value), b"t")

    def _object(self, value: Any) -> None:
        """An object of a class that the program listed as safe."""
        is_new, function, args, *rest = reduced(value)
        state, items, pairs = (*rest, None, None, None)[:3]
        cls = args[0] if is_new else function
        names = {id(thing): path for path, thing in user_globals.items()}
        path = names.get(id(cls))
        if path is None:
            raise TypeError(
                f"save: expected a class or function listed by add_safe_globals, got "
                f"{full_name(cls)}"
            )
        self._name(*path.rsplit(".", 1))
        self._raw_tuple(args[1:] if is_new else args)
        self.out += b"\x81" if is_new else b"R"
        self._remember(value)
        if items is not None:
            self._appends(items)
        if pairs is not None:
            self._set_items(dict(pairs))
        if state is not None:
            self.write(state)
            self.out += b"b"

    # -- tensors -----------------------------------------------------------------------
    def _tensor(self, tensor: Any) -> None:
        attributes = dict(getattr(tensor, "__dict__", None) or {})
        hooks: OrderedDict[Any, Any] = OrderedDict()
        if not isinstance(tensor, flambeau.nn.Parameter):
            call = self._rebuild(tensor, tensor.requires_grad)
            if not attributes:
                self._call(call.module, call.name, *call.args)
                return
            # PyTorch's way to keep what a program put on a tensor.
            self._name("torch._tensor", "_rebuild_from_type_v2")
            self.out += b"("
            self._name(call.module, call.name)
            self._name("torch", "Tensor")
            self._raw_tuple(call.args)
            self.write(attributes)
            self.out += b"tR"
            return
        data = self._rebuild(tensor.detach(), False)
        parts = (data, tensor.requires_grad, hooks)
        if attributes:
            name = "_rebuild_parameter_with_state"
            self._call("torch._utils", name, *parts, attributes)
        else:
            self._call("torch._utils", "_rebuild_parameter", *parts)

    def _rebuild(self, tensor: Any, requires_grad: bool) -> _Call:
        if tensor.is_sparse:
            raise TypeError("save: expected a dense tensor, got a sparse one")
        if tensor.is_conj():
            tensor = tensor.resolve_conj()
        if tensor.is_neg():
            tensor = tensor.resolve_neg()
        name = STORAGE_NAMES.get(dtype_name(tensor.dtype))
        if name is None or tensor.is_meta:
            raise TypeError(
                f"save: expected a tensor with data, of a dtype among "
                f"{sorted(STORAGE_NAMES)}, got {tensor.dtype} on {tensor.device}"
            )
        key, count = self.storages.add(tensor)
        location = str(tensor.device)
        storage = _StorageId(("storage", _Named(name), key, location, count))
        args: Any = (
            storage,
            tensor.storage_offset(),
            tuple(tensor.size()),
            tuple(tensor.stride()),
            requires_grad,
            OrderedDict(),
        )
        return _Call("torch._utils", "_rebuild_tensor_v2", args)


class _Named:
    """A name of PyTorch, as a part of a tuple."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _StorageId:
    """The parts by which a file names a storage."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts


class _Call:
    """A call to be written where its result is needed."""

    __slots__ = ("args", "module", "name")

    def __init__(self, module: str, name: str, args: tuple[Any, ...]) -> None:
        self.module = module
        self.name = name
        self.args = args


def _constant(code: bytes) -> Any:
    def write(pickler: Pickler, value: Any) -> None:
        pickler.out += code

    return write


def _bool(pickler: Pickler, value: bool) -> None:
    pickler.out += b"\x88" if value else b"\x89"


def _float(pickler: Pickler, value: float) -> None:
    pickler.out += struct.pack(">cd", b"G", value)


_ATOMS = {type(None), bool, int, float, str}
_WRITERS: dict[type, Any] = {
    type(None): _constant(b"N"),
    bool: _bool,
    int: Pickler._int,
    float: _float,
    str: Pickler._str,
    list: Pickler._list,
    tuple: Pickler._tuple,
    dict: Pickler._dict,
    OrderedDict: Pickler._ordered_dict,
    defaultdict: Pickler._default_dict,
    Counter: lambda p, v: p._call("collections", "Counter", dict(v)),
    set: lambda p, v: p._call("__builtin__", "set", list(v)),
    frozenset: lambda p, v: p._call("__builtin__", "frozenset", list(v)),
    complex: lambda p, v: p._call("__builtin__", "complex", v.real, v.imag),
    bytes: lambda p, v: p._call("_codecs", "encode", str(v, "latin1"), "latin1"),
    bytearray: lambda p, v: p._call("__builtin__", "bytearray", bytes(v)),
    slice: lambda p, v: p._call("__builtin__", "slice", v.start, v.stop, v.step),
}
