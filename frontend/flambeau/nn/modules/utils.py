"""Small helpers for the layers' arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """A function that makes `n` of one number and a tuple of an iterable."""

    def parse(value: Any) -> tuple[Any, ...]:
        if isinstance(value, Iterable):
            return tuple(value)
        return (value,) * n

    return parse


_ntuple = ntuple
_single = ntuple(1)
_pair = ntuple(2)
_triple = ntuple(3)
_quadruple = ntuple(4)


def reverse_repeat_tuple(sizes: tuple[int, ...], n: int) -> tuple[int, ...]:
    """Each size `n` times, the last first: the order that `pad` takes."""
    return tuple(size for size in reversed(sizes) for _ in range(n))


_reverse_repeat_tuple = reverse_repeat_tuple
