"""Layers that widen their input."""

from __future__ import annotations

from typing import Any

from flambeau._C import Tensor

from .. import functional as F
from .module import Module
from .utils import ntuple

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    _n: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = ntuple(2 * self._n)(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPadNd(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        n = self._n
        if input.dim() not in (n + 1, n + 2):
            raise ValueError(
                f"expected {n + 1}D or {n + 2}D input (got {input.dim()}D input)"
            )
        return F.pad(input, self.padding, "circular")


class _ConstantPadNd(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """Pads the last dimension with a value; padding: (left, right) or one number."""

    _n = 1


class ConstantPad2d(_ConstantPadNd):
    """Pads the last two dimensions by (left, right, top, bottom) with a value."""

    _n = 2


class ConstantPad3d(_ConstantPadNd):
    """Pads the last three dimensions with a value."""

    _n = 3


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPadNd):
    """Pads the last dimension with zeros."""

    _n = 1


class ZeroPad2d(_ZeroPadNd):
    """Pads the last two dimensions with zeros."""

    _n = 2


class ZeroPad3d(_ZeroPadNd):
    """Pads the last three dimensions with zeros."""

    _n = 3


class ReflectionPad1d(_Pad):
    """Pads the last dimension with its mirror image, without the edge."""

    _n = 1
    _mode = "reflect"


class ReflectionPad2d(_Pad):
    """Pads the last two dimensions with their mirror image, without the edge."""

    _n = 2
    _mode = "reflect"


class ReflectionPad3d(_Pad):
    """Pads the last three dimensions with their mirror image, without the edge."""

    _n = 3
    _mode = "reflect"


class ReplicationPad1d(_Pad):
    """Pads the last dimension by repeating the edge."""

    _n = 1
    _mode = "replicate"


class ReplicationPad2d(_Pad):
    """Pads the last two dimensions by repeating the edge."""

    _n = 2
    _mode = "replicate"


class ReplicationPad3d(_Pad):
    """Pads the last three dimensions by repeating the edge."""

    _n = 3
    _mode = "replicate"


class CircularPad1d(_CircularPadNd):
    """Pads the last dimension with what is at the other end."""

    _n = 1


class CircularPad2d(_CircularPadNd):
    """Pads the last two dimensions with what is at the other end."""

    _n = 2


class CircularPad3d(_CircularPadNd):
    """Pads the last three dimensions with what is at the other end."""

    _n = 3
