"""What a table of samples is made of: seeded tensors, calls, ops and their errors."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any

from flambeau import _C
from flambeau._C import Tensor

F64, F32, I64, BOOL, C128 = _C.float64, _C.float32, _C.int64, _C.bool, _C.complex128
FLOATS: tuple[Any, ...] = (F64, F32)
REALS: tuple[Any, ...] = (F64, F32, I64)
NUMBERS: tuple[Any, ...] = (F64, F32, I64, C128)
SMOOTH: tuple[Any, ...] = (F64, F32, C128)
ANY: tuple[Any, ...] = (F64, F32, I64, BOOL)


class Sample:
    """One call of an op; a method's tensor comes first in `args`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs


class ErrorSample(Sample):
    """A call that raises `error`."""

    def __init__(self, error: type[Exception], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.error = error


class Maker:
    """Makes the tensors of one op's samples: the same ones each time, on any device."""

    def __init__(self, name: str, dtype: Any, requires_grad: bool = False) -> None:
        self.random = random.Random(zlib.crc32(name.encode()))
        self.dtype = dtype
        self.requires_grad = requires_grad

    def make(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        low: float = -2,
        high: float = 2,
        requires_grad: bool = False,
    ) -> Tensor:
        """Uniform values in [low, high], whole ones of integers; complex parts too."""
        count = 1
        for size in shape:
            count *= size
        draw = self.random.uniform
        values: list[Any]
        if dtype is BOOL:
            values = [self.random.random() < 0.5 for _ in range(count)]
        elif dtype.is_complex:
            values = [complex(draw(low, high), draw(low, high)) for _ in range(count)]
        elif dtype.is_floating_point:
            values = [draw(low, high) for _ in range(count)]
        else:
            first, last = int(-(-low // 1)), int(high // 1)
            values = [self.random.randint(first, last) for _ in range(count)]
        made = _C.tensor(values, dtype=dtype).reshape(shape)
        return made.requires_grad_() if requires_grad else made

    def __call__(self, *shape: int, low: float = -2, high: float = 2) -> Tensor:
        """A tensor of the dtype under test, which requires grad where that can be."""
        inexact = self.dtype.is_floating_point or self.dtype.is_complex
        grad = self.requires_grad and inexact
        return self.make(shape, self.dtype, low, high, grad)

    def plain(self, *shape: int, low: float = -2, high: float = 2) -> Tensor:
        """A tensor of the dtype under test without grad."""
        return self.make(shape, self.dtype, low, high)

    def ints(self, *shape: int, low: int = 0, high: int = 2) -> Tensor:
        """Indices: int64 from low to high, both included."""
        return self.make(shape, I64, low, high)

    def mask(self, *shape: int) -> Tensor:
        """Truth values."""
        return self.make(shape, BOOL)

    def spd(self, *shape: int) -> Tensor:
        """Hermitian positive definite matrices, well conditioned."""
        a = self.plain(*shape, low=-1, high=1)
        n = shape[-1]
        made = a @ a.mH + _C._ops.eye(n, dtype=self.dtype) * n
        return made.requires_grad_(self.requires_grad)

    def wide(self, *shape: int) -> Tensor:
        """Distinct values at least 0.25 apart (1 of integers), in random order."""
        count = 1
        for size in shape:
            count *= size
        order = list(range(count))
        self.random.shuffle(order)
        step = 0.25 if self.dtype.is_floating_point else 1
        made = _C.tensor([(i - count // 2) * step for i in order], dtype=self.dtype)
        made = made.reshape(shape)
        return made.requires_grad_(self.requires_grad and self.dtype.is_floating_point)


class Op:
    """An op's samples, and what holds of it.

    name: as in the schemas, with its namespace. dtypes: of the forward tests; float64
    and complex128 among them are those of gradcheck where `grad` (and `gradgrad`).
    view: results share the memory of the first argument. pointwise: any equal shapes
    will do. strided, meta, forms: whether it takes any strides, has a shape without
    data, and does the same as a method and in place. hermitian: reads one triangle
    of its first argument, so that gradients are checked of its Hermitian part. numpy:
    a function of that meaning.
    oracle: PyTorch's, where its place is not told by the name.
    """

    def __init__(
        self,
        name: str,
        samples: Callable[[Maker], list[Sample]],
        dtypes: tuple[Any, ...] = FLOATS,
        *,
        grad: bool = True,
        gradgrad: bool = True,
        view: bool = False,
        pointwise: bool = False,
        strided: bool = True,
        meta: bool = True,
        values: bool = True,
        forms: bool = True,
        hermitian: bool = False,
        numpy: str | None = None,
        oracle: str | None = None,
        errors: Callable[[Maker], list[ErrorSample]] | None = None,
    ) -> None:
        self.name = name
        self.build = samples
        self.dtypes = dtypes
        self.grad = grad
        self.gradgrad = grad and gradgrad
        self.view = view
        self.pointwise = pointwise
        self.strided = strided
        self.meta = meta
        self.values = values
        self.forms = forms
        self.hermitian = hermitian
        self.numpy = numpy
        self.oracle = oracle
        self.build_errors = errors

    def __str__(self) -> str:
        return self.name

    def samples(self, dtype: Any, requires_grad: bool = False) -> list[Sample]:
        """The calls in this dtype."""
        return self.build(Maker(self.name, dtype, requires_grad))

    def errors(self) -> list[ErrorSample]:
        """The calls that must raise."""
        return self.build_errors(Maker(self.name, F64)) if self.build_errors else []
