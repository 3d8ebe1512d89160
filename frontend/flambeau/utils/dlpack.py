"""Exchange of tensors with other libraries through DLPack, without a copy."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import flambeau

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]


class DLDeviceType(IntEnum):
    """Device kinds by the numbers that DLPack gives them."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16


def from_dlpack(ext_tensor: Any, **options: Any) -> Any:
    """A tensor that shares memory with any object that has ``__dlpack__``.

    A capsule as ``to_dlpack`` returns it works too, once.
    """
    return flambeau.from_dlpack(ext_tensor, **options)


def to_dlpack(tensor: Any) -> Any:
    """A DLPack capsule of the tensor's memory; each one can be taken once."""
    return tensor.__dlpack__()
