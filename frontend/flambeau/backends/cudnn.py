"""Settings for cuDNN, kept for the CUDA backend; without one they change nothing."""

from __future__ import annotations

import contextlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

enabled = True
benchmark = False
benchmark_limit: int | None = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """True when the CUDA backend in use has cuDNN."""
    from . import cuda

    return cuda.is_built() and version() is not None


def version() -> int | None:
    """cuDNN's version as one number, None without it."""
    from ._runtime import registry

    for backend in registry.candidates("cuda"):
        if backend.manifest and backend.manifest.versions.get("cudnn"):
            parts = [int(p) for p in backend.manifest.versions["cudnn"].split(".")]
            major, minor, patch = [*parts, 0, 0][:3]
            return major * 10000 + minor * 100 + patch
    return None


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int | None = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """Set the module's settings inside a `with` block."""
    wanted = {
        "enabled": enabled,
        "benchmark": benchmark,
        "benchmark_limit": benchmark_limit,
        "deterministic": deterministic,
        "allow_tf32": allow_tf32,
    }
    before = {name: globals()[name] for name in wanted}
    globals().update(wanted)
    try:
        yield
    finally:
        globals().update(before)
