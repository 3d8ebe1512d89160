"""The device: one, in host memory, synchronous; and the table of its kernels."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from flambeau.backends.python import Backend

from . import indexing, linalg, linear, pointwise, random, reduction

KERNELS: dict[str, tuple[Callable[[Any], None], tuple[str, ...]]] = {
    **pointwise.KERNELS,
    **reduction.KERNELS,
    **indexing.KERNELS,
    **random.KERNELS,
    **linear.KERNELS,
    **linalg.KERNELS,
}

_quiet = threading.local()


def quietly(function: Callable[[Any], None]) -> Callable[[Any], None]:
    """The kernel without NumPy's warnings of overflow, NaN and the like, which are
    values here. A context where they are off is kept for each thread: np.errstate would
    take as long as a small kernel."""

    def kernel(call: Any) -> None:
        try:
            run = _quiet.run
        except AttributeError:
            context = contextvars.copy_context()
            context.run(np.seterr, all="ignore")
            run = _quiet.run = context.run
        run(function, call)

    return kernel


class Reference(Backend):
    """NumPy in double precision; every kernel is a function of one call."""

    name = device_type = "reference"
    build_info = f"NumPy {np.__version__}"

    def kernel(self, op: str) -> tuple[Callable[[Any], None], tuple[str, ...]] | None:
        if op not in KERNELS:
            return None
        function, dtypes = KERNELS[op]
        return quietly(function), dtypes
