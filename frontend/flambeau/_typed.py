"""FloatTensor, LongTensor and the like: makers of tensors of one dtype."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor


class _TypedMeta(type):
    dtype: Any

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance.dtype == cls.dtype

    def __call__(cls, *args: Any, **kwargs: Any) -> Tensor:
        if len(args) == 1 and not isinstance(args[0], (int, flambeau.Size)):
            if isinstance(args[0], Tensor):
                return args[0].to(cls.dtype)
            return flambeau.tensor(args[0], dtype=cls.dtype)
        size = args[0] if args and isinstance(args[0], flambeau.Size) else args
        return flambeau.empty(size or (0,), dtype=cls.dtype, **kwargs)


def typed(name: str, dtype: str) -> Any:
    """The class `name`, whose instances are the tensors of `dtype`."""
    members = {"dtype": getattr(flambeau, dtype), "__module__": "flambeau"}
    return _TypedMeta(name, (), members)
