"""The kernels and what tests each: tables of data, one file for each family."""

from __future__ import annotations

from .._call import Kernel
from . import (
    activations,
    along,
    create,
    index,
    pointwise,
    products,
    random,
    reduction,
)

__all__ = ["KERNELS"]

KERNELS: list[Kernel] = [
    *create.KERNELS,
    *pointwise.KERNELS,
    *activations.KERNELS,
    *reduction.KERNELS,
    *along.KERNELS,
    *index.KERNELS,
    *products.KERNELS,
    *random.KERNELS,
]
