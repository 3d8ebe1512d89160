"""What one call of a kernel is: operands, attributes, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ._operand import Array, Operand

Input = Operand | int | float | complex | bool | None


@dataclass
class Call:
    """One call. `wanted` has an array for each output, in the widest type of its kind;
    an output that is also an input is written in place."""

    label: str
    name: str
    outputs: Sequence[Operand]
    inputs: Sequence[Input]
    wanted: Sequence[Any]
    attrs: Sequence[Any] = ()
    ulps: float = 4.0
    scale: Any = 0.0
    # The elements to compare, where the sizes of the outputs do not tell them.
    checked: Sequence[Operand] | None = None
    iterate: bool = False  # let the host broadcast and merge dimensions
    # In place of comparing with `wanted`: raises AssertionError.
    verify: Callable[[list[Array]], None] | None = None
    # The exception that the call must raise, and what its message must hold.
    raises: tuple[type[Exception], str] | None = None


Calls = Callable[[str, np.random.Generator], Iterator[Call]]


@dataclass(frozen=True)
class Kernel:
    """A kernel of docs/extending/kernels.md with what tests it.

    dtypes: where its oracle is defined. calls: the calls that test one dtype. Rows of
    one name with different attributes differ in `variant`.
    """

    name: str
    family: str
    dtypes: Sequence[str]
    calls: Calls = field(repr=False)
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.variant}" if self.variant else self.name
