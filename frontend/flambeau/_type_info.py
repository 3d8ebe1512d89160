"""finfo and iinfo: the limits of numeric dtypes."""

from __future__ import annotations

from . import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FLOAT: dict[Any, tuple[int, float, float, float, float]] = {
    # bits, eps, max, smallest normal, smallest subnormal
    _C.float16: (16, 2.0**-10, 65504.0, 2.0**-14, 2.0**-24),
    _C.bfloat16: (16, 2.0**-7, (2 - 2.0**-7) * 2.0**127, 2.0**-126, 2.0**-133),
    _C.float32: (32, 2.0**-23, (2 - 2.0**-23) * 2.0**127, 2.0**-126, 2.0**-149),
    _C.float64: (64, 2.0**-52, (2 - 2.0**-52) * 2.0**1023, 2.0**-1022, 5e-324),
}
_FLOAT[_C.complex64] = _FLOAT[_C.float32]
_FLOAT[_C.complex128] = _FLOAT[_C.float64]
_INT: dict[Any, tuple[int, bool]] = {
    _C.uint8: (8, False),
    _C.int8: (8, True),
    _C.int16: (16, True),
    _C.int32: (32, True),
    _C.int64: (64, True),
}


class finfo:
    """Limits of a floating dtype (default: the default dtype): bits, eps, max, min,
    tiny, smallest_normal, resolution. TypeError for other dtypes."""

    __slots__ = (
        "bits",
        "dtype",
        "eps",
        "max",
        "min",
        "resolution",
        "smallest_normal",
        "tiny",
    )

    def __init__(self, type: Any = None) -> None:
        dtype = _C.get_default_dtype() if type is None else type
        if dtype not in _FLOAT:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, got {dtype}. "
                "Use iinfo for integers."
            )
        self.bits, self.eps, self.max, self.tiny, _ = _FLOAT[dtype]
        self.min = -self.max
        self.smallest_normal = self.tiny
        self.resolution = 10.0 ** _digits(self.eps)
        self.dtype = str(dtype).removeprefix("flambeau.")

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, "
            f"max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)


def _digits(eps: float) -> int:
    """The power of ten that just covers eps."""
    power = 0
    while 10.0**power > eps * 1.0000001:
        power -= 1
    return power + 1 if 10.0**power < eps else power


class iinfo:
    """Limits of an integer dtype: bits, max, min. TypeError for other dtypes."""

    __slots__ = ("bits", "dtype", "max", "min")

    def __init__(self, type: Any) -> None:
        if type not in _INT:
            raise TypeError(
                f"torch.iinfo() requires an integer input type, got {type}. "
                "Use finfo for floating dtypes."
            )
        self.bits, signed = _INT[type]
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -(2 ** (self.bits - 1)) if signed else 0
        self.dtype = str(type).removeprefix("flambeau.")

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash(self.dtype)
