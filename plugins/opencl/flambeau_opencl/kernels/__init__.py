"""The kernels by name, family by family."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import along, index, pointwise, product, random, reduce

_FAMILIES = (pointwise, random, reduce, along, index, product)


def table() -> dict[str, tuple[Callable[[Any], object], Iterable[str]]]:
    """Every kernel with the dtypes that it takes."""
    found: dict[str, tuple[Callable[[Any], object], Iterable[str]]] = {}
    for family in _FAMILIES:
        found.update(family.kernels())
    return found
