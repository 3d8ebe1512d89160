"""The named tuples that ops with several results return: return_types.max, ..."""

from __future__ import annotations

from typing import Any

from . import _C


def __getattr__(name: str) -> Any:
    return _C._return_type(name)


def _named(name: str, fields: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """A tuple whose items have names, made of one iterable."""
    from operator import itemgetter

    def text(self: tuple[Any, ...]) -> str:
        items = ",\n".join(f"{f}={v!r}" for f, v in zip(fields, self, strict=False))
        return f"flambeau.return_types.{name}(\n{items})"

    members: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    members |= {"__repr__": text, "__module__": __name__, "_fields": fields}
    members["_make"] = classmethod(lambda kind, items: kind(items))
    return type(name, (tuple,), members)


# Of functions that are composed in Python.
mode = _named("mode", ("values", "indices"))
histogram = _named("histogram", ("hist", "bin_edges"))
histogramdd = _named("histogramdd", ("hist", "bin_edges"))
frexp = _named("frexp", ("mantissa", "exponent"))
