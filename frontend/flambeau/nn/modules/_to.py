"""Reading the arguments of `Module.to`."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau._C import Tensor


def parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Device, dtype, non_blocking and memory_format out of any form of the call."""
    memory_format = kwargs.pop("memory_format", None)
    kwargs.pop("copy", None)
    if len(args) > 3:
        raise TypeError(f"to: expected at most 3 positional arguments, got {len(args)}")
    device = dtype = None
    rest = list(args)
    first = rest[0] if rest else None
    if isinstance(first, Tensor) or "tensor" in kwargs or "other" in kwargs:
        other = rest.pop(0) if rest else kwargs.pop("tensor", kwargs.pop("other", None))
        device, dtype = other.device, other.dtype
    elif isinstance(first, flambeau.dtype):
        dtype = rest.pop(0)
    else:
        if rest:
            device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], flambeau.dtype)):
            dtype = rest.pop(0)
    non_blocking = rest.pop(0) if rest else kwargs.pop("non_blocking", False)
    device = kwargs.pop("device", device)
    dtype = kwargs.pop("dtype", dtype)
    if rest or kwargs or not isinstance(non_blocking, bool):
        raise TypeError(
            "to: expected (device, dtype, non_blocking), (dtype, non_blocking) or "
            f"(tensor, non_blocking), got {args} and {kwargs or 'no more'}"
        )
    if device is not None:
        device = flambeau.device(device)
    return device, dtype, non_blocking, memory_format
