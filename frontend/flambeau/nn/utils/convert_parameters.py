"""Parameters as one vector and back."""

from __future__ import annotations

from collections.abc import Iterable

import flambeau
from flambeau._C import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _check_device(first: object, tensor: Tensor) -> object:
    """The device that all share; TypeError if they don't."""
    if first is not None and tensor.device != first:
        raise TypeError(
            "Found two parameters on different devices, this is currently not "
            f"supported: {first} and {tensor.device}."
        )
    return tensor.device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements in one dimension."""
    device: object = None
    flat = []
    for param in parameters:
        device = _check_device(device, param)
        flat.append(param.reshape(-1))
    return flambeau.cat(flat)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make the parameters share the elements of a vector."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected flambeau.Tensor, but got: {type(vec)}")
    device: object = None
    start = 0
    for param in parameters:
        device = _check_device(device, param)
        count = param.numel()
        param.data = vec[start : start + count].view_as(param).data
        start += count
