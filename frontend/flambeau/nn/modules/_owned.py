"""Dicts that a module owns and that keep its fast paths true when written to."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any

# Note [Attribute reads of a module]
# `_parameters`, `_buffers` and `_modules` are the truth. Finding `self.weight` in them
# through `Module.__getattr__` costs several times a plain attribute read, for Python
# first searches the type, the instance, and raises. So each of the three is a dict that
# repeats its entries in the module's `__dict__`, whichever way it is written to: by
# attribute, by `module._parameters[name] = p`, `del`, `pop`, `update`, ... An entry is
# not repeated where PyTorch's order of search would find something else first: a plain
# attribute of the instance, or a name of the class (a parametrization's property, say).
# `Module.__getattr__` remains for those that are not repeated. Pickles and copies hold
# plain dicts, and `Module.__setstate__` makes owned ones of them.
#
# The reference to the module is weak: modules are freed by reference count.

_MISSING = object()


class OwnedDict(dict[str, Any]):
    """One of a module's `_parameters`, `_buffers`, `_modules`; see the note above."""

    __slots__ = ("_owner",)

    _owner: weakref.ref[Any]

    @classmethod
    def of(cls, module: Any, entries: dict[str, Any]) -> OwnedDict:
        """The entries as a dict that the module owns."""
        owned = cls()
        owned._owner = weakref.ref(module)
        for name, value in entries.items():
            owned[name] = value
        return owned

    def __setitem__(self, name: str, value: Any) -> None:
        module = self._owner()
        if module is not None:
            attrs = module.__dict__
            if name in attrs:
                if attrs[name] is self.get(name, _MISSING):
                    attrs[name] = value
            elif name.isidentifier() and not hasattr(type(module), name):
                attrs[name] = value
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        value = self[name]
        super().__delitem__(name)
        module = self._owner()
        if module is not None and module.__dict__.get(name, _MISSING) is value:
            del module.__dict__[name]

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self:
            return super().pop(name, *default)
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        if not self:
            return super().popitem()
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __ior__(self, other: Any) -> OwnedDict:  # type: ignore[misc, override]
        self.update(other)
        return self

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()


class HookDict(OrderedDict[int, Any]):
    """A module's hooks of one kind; an entry has calls go where hooks are run."""

    _owner: weakref.ref[Any]

    @classmethod
    def of(cls, module: Any, hooks: dict[int, Any]) -> HookDict:
        """The hooks as a dict that the module owns."""
        owned = cls()
        owned._owner = weakref.ref(module)
        for key, hook in hooks.items():
            owned[key] = hook
        return owned

    def __setitem__(self, key: int, hook: Any, *args: Any) -> None:
        super().__setitem__(key, hook, *args)
        module = self._owner()
        if module is not None:
            module.__dict__["_hooked"] = True

    def copy(self) -> OrderedDict[int, Any]:  # type: ignore[override]
        return OrderedDict(self.items())

    def __reduce__(self) -> Any:
        return OrderedDict, (list(self.items()),)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.__reduce__()


def plain_state(module: Any) -> dict[str, Any]:
    """The module's `__dict__` with nothing repeated and plain dicts in it."""
    attrs = dict(module.__dict__)
    for kind in ("_parameters", "_buffers", "_modules"):
        store = attrs.get(kind)
        if isinstance(store, OwnedDict):
            for name, value in store.items():
                if attrs.get(name, _MISSING) is value:
                    del attrs[name]
            attrs[kind] = dict(store)
    for kind, value in attrs.items():
        if isinstance(value, HookDict):
            attrs[kind] = value.copy()
    return attrs
