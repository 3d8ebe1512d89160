"""Whether oneDNN (once called MKL-DNN) is linked into the CPU backend."""

from ._built import built_with


def is_available() -> bool:
    """True when the CPU backend was built with USE_MKLDNN=1."""
    return built_with("USE_MKLDNN")
