"""Variable: an old name of Tensor."""

from __future__ import annotations

from typing import Any

from flambeau._C import Tensor

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)

    def __call__(cls, data: Any, requires_grad: bool = False) -> Tensor:
        out = data.detach()
        out.requires_grad = requires_grad
        return out


class Variable(metaclass=_VariableMeta):
    """Variable(data) gives a Tensor."""
