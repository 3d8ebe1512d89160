"""Whether the CPU backend runs on OpenMP's threads."""

from ._built import built_with


def is_available() -> bool:
    """True when the CPU backend was built with USE_OPENMP=1."""
    return built_with("USE_OPENMP")
