"""What a ``.pt`` file may name: the allow-list of the strict unpickler.

A file names functions and classes of PyTorch. None of them is called: each name here
stands for a function of ours that checks its arguments. Programs may add classes of
their own with ``add_safe_globals``; those are called as the file says.
"""

from __future__ import annotations

import copyreg
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import flambeau

from .serialization_storage import DTYPES, STORAGE_DTYPES, Storage

Handler = Callable[..., Any]


class Refused(Exception):
    """A reason why the file is not read further; the unpickler adds where."""


class Name:
    """A function or class that the file names, and what calling it does here."""

    __slots__ = ("call", "name", "user")

    def __init__(self, name: str, call: Handler | None, user: Any = None) -> None:
        self.name = name
        self.call = call
        self.user = user  # the program's own class or function


def expect(ok: bool, message: str) -> None:
    """Refuse the file unless ``ok``."""
    if not ok:
        raise Refused(message)


def check_key(key: Any, budget: int = 256) -> int:
    """Refuse what cannot be a key, or would take too long to hash.

    Tuples that hold one another twice over hash in time exponential in their depth, so
    a budget of parts is spent on a key; what is left of it is returned.
    """
    expect(budget > 0, "expected a smaller key")
    kind = type(key)
    if kind is tuple or kind is frozenset:
        for part in key:
            budget = check_key(part, budget - 1)
        return budget
    plain = (str, int, float, bool, bytes, complex, type(None))
    known = kind in plain or isinstance(key, (flambeau.dtype, flambeau.device))
    user = kind in user_globals.values()
    expect(known or user, f"expected a plain value for a key, got {kind.__name__}")
    return budget


# -- the program's own names -----------------------------------------------------------
user_globals: dict[str, Any] = {}


def full_name(thing: Any) -> str:
    """``module.name``, the way a pickle spells it."""
    return f"{thing.__module__}.{thing.__qualname__}"


def find(module: str, name: str) -> Any:
    """What ``module.name`` stands for: a Name, or a value such as a dtype."""
    # Protocol 2 writes Python 2's names of the builtins.
    module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
    path = f"{module}.{name}"
    if path in user_globals:
        thing = user_globals[path]
        return Name(path, thing, user=thing)
    if module == "flambeau" or module.startswith("flambeau."):
        module = "torch" + module[len("flambeau") :]
        path = f"{module}.{name}"
    if module == "torch" and name in _DTYPE_NAMES:
        return getattr(flambeau, _DTYPE_NAMES[name])
    if module in ("torch", "torch.storage") and name in STORAGE_DTYPES:
        return Name(path, None)
    if path in _HANDLERS:
        return Name(path, _HANDLERS[path])
    raise Refused(
        f"found {path}, which is not among the names that a checkpoint may use. "
        "Nothing in a file is executed. If the class is yours and you trust the file, "
        "list it with flambeau.serialization.add_safe_globals; numpy values must be "
        "saved as tensors or Python numbers"
    )


_DTYPE_NAMES = {name: name for name in DTYPES} | {
    "cdouble": "complex128",
    "cfloat": "complex64",
    "double": "float64",
    "float": "float32",
    "half": "float16",
    "int": "int32",
    "long": "int64",
    "short": "int16",
}


# -- tensors ---------------------------------------------------------------------------
def _storage(value: Any) -> Storage:
    expect(isinstance(value, Storage), "expected a storage to build a tensor of")
    return value


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *dtype: str) -> Any:
    if isinstance(size, flambeau.Size):
        size = tuple(size)
    if isinstance(stride, list):
        stride = tuple(stride)
    try:
        return _storage(storage).tensor(offset, size, stride, *dtype)
    except ValueError as error:
        raise Refused(str(error)) from error


def _rebuild_v2(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    metadata: Any = None,
) -> Any:
    tensor = _tensor(storage, offset, size, stride)
    return _finish(storage, tensor, requires_grad, hooks, metadata)


def _rebuild_v3(
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    requires_grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Any:
    expect(isinstance(dtype, flambeau.dtype), "expected a dtype to build a tensor of")
    name = str(dtype).rsplit(".", 1)[-1]
    tensor = _tensor(storage, offset, size, stride, name)
    return _finish(storage, tensor, requires_grad, hooks, metadata)


def _finish(
    storage: Any, tensor: Any, requires_grad: Any, hooks: Any, metadata: Any
) -> Any:
    if metadata is not None:
        known = type(metadata) is dict and set(metadata) <= {"conj", "neg"}
        expect(known, "expected only conj and neg in a tensor's metadata")
        if metadata.get("conj") is True:
            storage.charge(tensor)
            tensor = tensor.conj()
        if metadata.get("neg") is True:
            storage.charge(tensor)
            tensor = -tensor
    return _with_grad(tensor, requires_grad, hooks)


def _with_grad(tensor: Any, requires_grad: Any, hooks: Any) -> Any:
    expect(type(requires_grad) is bool, "expected a bool for requires_grad")
    empty = hooks is None or (isinstance(hooks, dict) and not hooks)
    expect(empty, "expected no hooks on a tensor: they would be code from a file")
    if requires_grad:
        differentiable = tensor.is_floating_point() or tensor.is_complex()
        expect(
            differentiable,
            f"expected a float dtype to require a gradient, got {tensor.dtype}",
        )
        tensor.requires_grad_(True)
    return tensor


def _parameter(data: Any, requires_grad: Any, hooks: Any) -> Any:
    expect(isinstance(data, flambeau.Tensor), "expected a tensor for a parameter")
    differentiable = data.is_floating_point() or data.is_complex()
    _with_grad(data.detach(), requires_grad and differentiable, hooks)
    expect(differentiable or not requires_grad, "expected a float parameter")
    return flambeau.nn.Parameter(data.detach(), requires_grad)


def _parameter_with_state(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Any:
    return _with_attributes(_parameter(data, requires_grad, hooks), state)


def _from_type(function: Any, kind: Any, args: Any, state: Any) -> Any:
    ok = isinstance(function, Name) and function.name in _TENSOR_BUILDERS
    expect(ok, "expected a function that builds tensors")
    expect(type(args) is tuple, "expected a tuple of arguments")
    tensor = _HANDLERS[function.name](*args)
    name = kind.name if isinstance(kind, Name) else None
    if name == "torch.nn.parameter.Parameter":
        tensor = flambeau.nn.Parameter(tensor.detach(), tensor.requires_grad)
    else:
        expect(name == "torch.Tensor", "expected the type Tensor or Parameter")
    return _with_attributes(tensor, state)


def _with_attributes(tensor: Any, state: Any) -> Any:
    """Python attributes that a program had put on a tensor, none of a tensor's own."""
    if isinstance(state, tuple) and len(state) == 2:
        state = {**(state[0] or {}), **(state[1] or {})}
    for name, value in (state or {}).items():
        ok = type(name) is str and name.isidentifier() and not name.startswith("__")
        own = not ok or hasattr(type(tensor), name)
        expect(not own, f"expected an attribute that tensors lack, got {name!r}")
        setattr(tensor, name, value)
    return tensor


# -- plain values ----------------------------------------------------------------------
def _ordered_dict(pairs: Any = ()) -> Any:
    expect(type(pairs) in (list, tuple), "expected a list of pairs")
    for pair in pairs:
        ok = type(pair) in (list, tuple) and len(pair) == 2
        expect(ok, "expected pairs for an OrderedDict")
        check_key(pair[0])
    return OrderedDict(pairs)


def _counter(counts: Any = None) -> Any:
    counts = {} if counts is None else counts
    expect(type(counts) is dict, "expected a dict of counts")
    return Counter(counts)


_FACTORIES = {
    "builtins.dict": dict,
    "builtins.float": float,
    "builtins.int": int,
    "builtins.list": list,
    "builtins.set": set,
    "builtins.str": str,
}


def _default_dict(factory: Any = None, *items: Any) -> Any:
    expect(not items, "expected only a factory for a defaultdict")
    if factory is None:
        return defaultdict(None)
    name = factory.name if isinstance(factory, Name) else ""
    expect(name in _FACTORIES, "expected a builtin type as a defaultdict's factory")
    return defaultdict(_FACTORIES[name])


def _keys(values: Any) -> list[Any]:
    expect(type(values) in (list, tuple), "expected a list of elements")
    for value in values:
        check_key(value)
    return list(values)


def _complex(real: Any, imaginary: Any) -> complex:
    ok = type(real) is float and type(imaginary) is float
    expect(ok, "expected two floats for a complex number")
    return complex(real, imaginary)


def _encode(text: Any, encoding: Any) -> bytes:
    # How protocol 2 writes bytes.
    ok = type(text) is str and encoding in ("latin1", "latin-1")
    expect(ok, "expected text in latin1")
    try:
        return bytes(text.encode("latin1"))
    except UnicodeEncodeError as error:
        raise Refused("expected text in latin1") from error


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    if encoding is not None:
        data = _encode(data, encoding)
    expect(type(data) is bytes, "expected bytes for a bytearray")
    return bytearray(data)


def _bytes(data: Any = b"") -> bytes:
    expect(data == b"" or data == (), "expected no bytes")
    return b""


def _size(values: Any = ()) -> Any:
    ok = type(values) in (tuple, list) and all(type(v) is int for v in values)
    expect(ok and all(0 <= v < 2**63 for v in values), "expected counts for a Size")
    return flambeau.Size(values)


def _device(kind: Any, index: Any = None) -> Any:
    expect(type(kind) is str, "expected the name of a device")
    expect(index is None or type(index) is int, "expected the index of a device")
    try:
        return flambeau.device(kind) if index is None else flambeau.device(kind, index)
    except (RuntimeError, ValueError) as error:
        raise Refused(f"expected the name of a device, got {kind!r}") from error


def _layout(name: Any) -> Any:
    expect(name == "torch.strided", f"expected the layout torch.strided, got {name!r}")
    return flambeau.strided


def _slice(*parts: Any) -> slice:
    ok = 1 <= len(parts) <= 3 and all(type(p) in (int, type(None)) for p in parts)
    expect(ok, "expected integers for a slice")
    return slice(*parts)


_TENSOR_BUILDERS = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
}
_HANDLERS: dict[str, Handler] = {
    "_codecs.encode": _encode,
    "builtins.bytearray": _bytearray,
    "builtins.bytes": _bytes,
    "builtins.complex": _complex,
    "builtins.frozenset": lambda values=(): frozenset(_keys(values)),
    "builtins.set": lambda values=(): set(_keys(values)),
    "builtins.slice": _slice,
    "collections.Counter": _counter,
    "collections.OrderedDict": _ordered_dict,
    "collections.defaultdict": _default_dict,
    "torch.Size": _size,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter_with_state,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_v3,
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
}


def _only_named(*_: Any) -> Any:
    raise Refused("found a call of a type that may only be named")


for _name in ("torch.Tensor", "torch.nn.parameter.Parameter", *_FACTORIES):
    _HANDLERS.setdefault(_name, _only_named)


# -- objects of the program's own classes ----------------------------------------------
def new_object(name: Any, args: Any) -> Any:
    """``cls.__new__(cls, *args)`` for a class that the program listed."""
    expect(isinstance(name, Name), "expected a class to make an object of")
    cls = name.user
    listed = isinstance(cls, type)
    expect(listed, f"expected a class listed by add_safe_globals, got {name.name}")
    return cls.__new__(cls, *args)


def set_state(target: Any, state: Any) -> None:
    """Give an object its attributes: metadata of a state dict, or a listed class's."""
    if type(target) is OrderedDict:
        ok = type(state) is dict and all(type(k) is str for k in state)
        ok = ok and all(k == "_metadata" for k in state)
        expect(ok, "expected only _metadata as an attribute of an OrderedDict")
        target.__dict__.update(state)
        return
    kind = type(target)
    listed = kind in user_globals.values()
    expect(listed, f"expected no attributes for an object of type {kind.__name__}")
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    slots: Any = {}
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    for part in (state, slots):
        expect(part is None or type(part) is dict, "expected a dict of attributes")
    target.__dict__.update(state or {})
    for key, value in (slots or {}).items():
        setattr(target, key, value)


def reduced(thing: Any) -> Any:
    """What a listed class's object is made of, by the pickle protocol."""
    parts = thing.__reduce_ex__(2)
    if not isinstance(parts, tuple) or len(parts) < 2:
        raise TypeError(f"save: expected an object of parts, got {parts!r}")
    is_new = parts[0] is copyreg.__newobj__  # type: ignore[attr-defined]
    return (is_new, *parts)
