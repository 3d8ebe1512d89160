"""A device with the primitive kernels alone, and results with and without the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flambeau
from flambeau import _C
from flambeau.backends import set_fallback_policy
from flambeau.testing.conformance._names import FUSED

HOST = _C._host_device_type

LINALG = "matrix factorisations have no composition: LAPACK on the host does them"
FFT = "Fourier transforms have no composition: the host does them"
SPECIAL = "a rare special function without a short formula"

# Kernels that are not composed, and why: a device without them is helped by the host.
HELPED = {
    **dict.fromkeys(
        "cholesky lu_factor lu_solve triangular_solve inv qr svd eigh eig lstsq".split(),
        LINALG,
    ),
    **dict.fromkeys("fft_c2c fft_r2c fft_c2r".split(), FFT),
    **dict.fromkeys(
        "i0 i1 i0e i1e ndtri log_ndtr zeta igamma igammac polygamma".split(), SPECIAL
    ),
}


@contextmanager
def primitives_only(helped: bool = True) -> Iterator[None]:
    """The host's device as one that has no fused kernel but those of HELPED."""
    _C._hide_kernels(HOST, sorted(FUSED - HELPED.keys() if helped else FUSED))
    try:
        with set_fallback_policy("error"):
            yield
    finally:
        _C._hide_kernels(HOST, [])


def both(call: Callable[[], Any]) -> tuple[Any, Any]:
    """The results with fused kernels and without."""
    flambeau.manual_seed(0)
    fused = call()
    with primitives_only():
        flambeau.manual_seed(0)
        composed = call()
    return fused, composed
