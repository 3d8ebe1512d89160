"""The version of Flambeau, and what PyTorch's module of this name also tells."""

__version__ = "0.1.0"
cuda: str | None = None
hip: str | None = None
debug = False

__all__ = ["__version__", "cuda", "debug", "hip"]
