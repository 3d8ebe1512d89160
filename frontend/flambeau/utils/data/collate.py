"""How samples become a batch: columns stacked into tensors, containers kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import flambeau

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

_EXPECTED = "expected tensors, numpy arrays, numbers, strings, dicts or sequences"
_shape_of = attrgetter("shape")
_dtype_of = attrgetter("dtype")


def _is_numpy(value: Any) -> bool:
    # Without numpy imported nobody has made such a value.
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))


def _namedtuple(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def default_convert(data: Any) -> Any:
    """Turn the numpy arrays in a sample into tensors, within containers too."""
    if isinstance(data, (flambeau.Tensor, str, bytes)):
        return data
    if _is_numpy(data):
        return data if data.dtype.kind in "SUO" else flambeau.as_tensor(data)
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(data[key]) for key in data})
    if _namedtuple(data):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, Sequence):
        return _like(data, [default_convert(d) for d in data])
    return data


def _like(container: Any, values: Any) -> Any:
    """The values in a container of the same kind, where that can be built from them."""
    try:
        return type(container)(values)
    except TypeError:
        return values


def _stack(
    batch: list[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    return flambeau.stack(batch, 0)


def _stack_arrays(
    batch: list[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    first = batch[0]
    numpy = sys.modules["numpy"]
    if first.dtype.kind in "SUO":
        raise TypeError(f"default_collate: {_EXPECTED}, got an array of {first.dtype}")
    # numpy.stack costs ten times as much: it makes a view of every array.
    if first.ndim == 0 or len(set(map(_dtype_of, batch))) != 1:
        return flambeau.stack([flambeau.as_tensor(a) for a in batch], 0)
    shapes = set(map(_shape_of, batch))
    if len(shapes) != 1:
        raise RuntimeError(
            f"default_collate: expected arrays of one shape, got {sorted(shapes)}"
        )
    joined = numpy.concatenate(batch)
    return flambeau.from_numpy(joined.reshape(len(batch), *first.shape))


def _stack_scalars(
    batch: list[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    return flambeau.as_tensor(sys.modules["numpy"].array(batch))


def _floats(
    batch: list[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    return flambeau.tensor(batch, dtype=flambeau.float64)


def _ints(
    batch: list[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    return flambeau.tensor(batch)


def _as_is(
    batch: list[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    return batch


# A key is a type or a tuple of types; a program may add its own.
default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    flambeau.Tensor: _stack,
    float: _floats,
    int: _ints,
    str: _as_is,
    bytes: _as_is,
}


def _function_for(
    element: Any, collate_fn_map: Mapping[Any, Callable[..., Any]]
) -> Callable[..., Any] | None:
    function = collate_fn_map.get(type(element))
    if function is not None:
        return function
    if collate_fn_map is default_collate_fn_map and _is_numpy(element):
        numpy = sys.modules["numpy"]
        if isinstance(element, numpy.ndarray):
            return _stack_arrays
        if isinstance(element, (numpy.number, numpy.bool_)):
            return _stack_scalars
    for kind, candidate in collate_fn_map.items():
        if isinstance(element, kind):
            return candidate
    return None


def collate(
    batch: Sequence[Any],
    *,
    collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None,
) -> Any:
    """Join samples into a batch by the functions that a map names for their types.

    Mappings and sequences are joined entry by entry, recursively. Raises TypeError for
    what the map does not cover, RuntimeError for sequences of different lengths.
    """
    functions = {} if collate_fn_map is None else collate_fn_map
    element = batch[0]
    function = _function_for(element, functions)
    if function is not None:
        return function(batch, collate_fn_map=functions)

    def join(column: Any) -> Any:
        return collate(column, collate_fn_map=functions)

    if isinstance(element, Mapping):
        joined = {key: join([sample[key] for sample in batch]) for key in element}
        return _like(element, joined)
    if isinstance(element, Sequence):
        width = len(element)
        if any(len(sample) != width for sample in batch):
            lengths = sorted({len(sample) for sample in batch})
            raise RuntimeError(
                "default_collate: expected samples of equal size, got sequences of "
                f"lengths {lengths}"
            )
        columns = [join(column) for column in zip(*batch, strict=True)]
        if _namedtuple(element):
            return type(element)(*columns)
        return columns if isinstance(element, tuple) else _like(element, columns)
    raise TypeError(f"default_collate: {_EXPECTED}, got {type(element).__name__}")


def default_collate(batch: Sequence[Any]) -> Any:
    """Join samples into a batch with a new first dimension.

    Tensors and numpy arrays are stacked, numbers become tensors (floats of float64,
    ints of int64), strings stay a list; containers are joined entry by entry.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
