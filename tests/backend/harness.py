"""Calls the kernels of a backend's library on NumPy arrays, without the frontend.

    backend = Backend(path)                     # default: $FLAMBEAU_BACKEND_LIBRARY, or
                                                # the CPU backend built into this tree
    backend("add", out, a, b)                   # operands as they are, no broadcasting
    backend.iterate("add", out, a, b)           # as the host does for iterated families
    backend("elu", out, x, attrs=[1.0, 1.0, 1.0])

An operand is an array, a list of arrays for several outputs, `None` for an absent optional
one, or `Scalar(value, dtype)` for a host scalar. bfloat16 arrays are made by `bfloat16(a)`.
Attributes: int, float, complex, str or a sequence of ints, each in the member of its type.
"""

from __future__ import annotations

import ctypes as C
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

DTYPES = {
    "bool": 0, "uint8": 1, "int8": 2, "int16": 3, "int32": 4, "int64": 5,
    "float16": 6, "bfloat16": 7, "float32": 8, "float64": 9,
    "complex64": 10, "complex128": 11,
}  # fmt: skip
HOST_SCALAR = 1
OK, ERROR, OUT_OF_MEMORY, UNSUPPORTED, INDEX_ERROR, LINALG_ERROR = range(6)


class Bfloat16(np.ndarray):
    """The bits of bfloat16 numbers, in an array of uint16."""

    def float(self) -> np.ndarray:
        """The values as float32."""
        return (np.asarray(self).astype(np.uint32) << 16).view(np.float32)


def bfloat16(values: Any) -> Bfloat16:
    """Rounds to nearest, ties to even."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    nan = np.isnan(np.asarray(values, np.float32))
    return np.where(nan, 0x7FC0, rounded).astype(np.uint16).view(Bfloat16)


def values(a: np.ndarray) -> np.ndarray:
    """The numbers in an array, whether bfloat16 or not."""
    return a.float() if isinstance(a, Bfloat16) else a


def dtype_name(a: np.ndarray) -> str:
    return "bfloat16" if isinstance(a, Bfloat16) else a.dtype.name


class Scalar:
    """One value in host memory."""

    def __init__(self, value: Any, dtype: str) -> None:
        self.array = (
            bfloat16([value]) if dtype == "bfloat16" else np.array([value], dtype)
        )


class _Tensor(C.Structure):
    _fields_ = [
        ("data", C.c_void_p),
        ("sizes", C.POINTER(C.c_int64)),
        ("strides", C.POINTER(C.c_int64)),
        ("numel", C.c_int64),
        ("ndim", C.c_int32),
        ("dtype", C.c_uint16),
        ("flags", C.c_uint16),
    ]


class _Value(C.Union):
    _fields_ = [
        ("i", C.c_int64),
        ("f", C.c_double),
        ("c", C.c_double * 2),
        ("ints", C.POINTER(C.c_int64)),
        ("str", C.c_char_p),
    ]


class _Attr(C.Structure):
    _fields_ = [("v", _Value), ("count", C.c_int64)]


_SET_ERROR = C.CFUNCTYPE(None, C.c_char_p)
_WORKSPACE = C.CFUNCTYPE(C.c_void_p, C.c_void_p, C.c_size_t)


class _Host(C.Structure):
    _fields_ = [
        ("size", C.c_uint32),
        ("abi_version", C.c_uint32),
        ("abi_oldest", C.c_uint32),
        ("set_error", _SET_ERROR),
        ("workspace", _WORKSPACE),
    ]


class _Call(C.Structure):
    _fields_ = [
        ("size", C.c_uint32),
        ("n_out", C.c_int32),
        ("n_in", C.c_int32),
        ("n_attr", C.c_int32),
        ("out", C.POINTER(_Tensor)),
        ("in_", C.POINTER(_Tensor)),
        ("attr", C.POINTER(_Attr)),
        ("device", C.c_void_p),
        ("stream", C.c_void_p),
        ("host", C.POINTER(_Host)),
    ]


class _KernelInfo(C.Structure):
    _fields_ = [("size", C.c_uint32), ("dtypes", C.c_uint32), ("run", C.c_void_p)]


_FIND = C.CFUNCTYPE(C.c_int32, C.c_char_p, C.POINTER(_KernelInfo))
_RUN = C.CFUNCTYPE(C.c_int, C.POINTER(_Call))


class _KernelTable(C.Structure):
    _fields_ = [("size", C.c_uint32), ("find", _FIND)]


class _Backend(C.Structure):
    _fields_ = [
        ("size", C.c_uint32),
        ("abi_version", C.c_uint32),
        ("device_type", C.c_char_p),
        ("name", C.c_char_p),
        ("build_info", C.c_char_p),
        ("device", C.c_void_p),
        ("memory", C.c_void_p),
        ("kernels", C.POINTER(_KernelTable)),
        ("stream", C.c_void_p),
        ("set_num_threads", C.CFUNCTYPE(None, C.c_int32)),
    ]


class KernelError(RuntimeError):
    """A kernel returned a status other than OK."""

    def __init__(self, op: str, status: int, message: str) -> None:
        super().__init__(f"{op}: status {status}: {message}")
        self.status = status
        self.message = message


def default_library() -> Path:
    named = os.environ.get("FLAMBEAU_BACKEND_LIBRARY")
    if named:
        return Path(named)
    # Installed or built in the tree: wherever the package is found.
    package = importlib.util.find_spec("flambeau_cpu_mkl")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "libflambeau_cpu_mkl.so"
    root = Path(__file__).resolve().parents[2]
    return root / "backends/cpu_mkl/python/flambeau_cpu_mkl/libflambeau_cpu_mkl.so"


def _ints(items: Sequence[int]) -> Any:
    return (C.c_int64 * max(1, len(items)))(*items)


def _tensor(a: np.ndarray | Scalar | None, keep: list[Any]) -> _Tensor:
    if a is None:
        return _Tensor(None, None, None, 0, -1, 0, 0)
    flags = 0
    if isinstance(a, Scalar):
        a, flags = a.array.reshape(()), HOST_SCALAR
    sizes = _ints(a.shape)
    strides = _ints([s // a.itemsize for s in a.strides])
    keep += [a, sizes, strides]
    code = DTYPES[dtype_name(a)]
    return _Tensor(a.ctypes.data, sizes, strides, a.size, a.ndim, code, flags)


def _attr(value: Any, keep: list[Any]) -> _Attr:
    attr = _Attr()
    if isinstance(value, (bool, int, np.integer)):
        attr.v.i = int(value)
    elif isinstance(value, float):
        attr.v.f = value
    elif isinstance(value, complex):
        attr.v.c[0], attr.v.c[1] = value.real, value.imag
    elif isinstance(value, str):
        text = value.encode()
        keep.append(text)
        attr.v.str = text
    else:
        array = _ints(list(value))
        keep.append(array)
        attr.v.ints = C.cast(array, C.POINTER(C.c_int64))
        attr.count = len(value)
    return attr


class PreparedCall:
    """One call, built once: run() costs a ctypes call and the kernel."""

    def __init__(
        self, backend: Backend, op: str, outs: Any, ins: Any, attrs: Any
    ) -> None:
        self.keep: list[Any] = []
        out = (_Tensor * max(1, len(outs)))(*(_tensor(a, self.keep) for a in outs))
        in_ = (_Tensor * max(1, len(ins)))(*(_tensor(a, self.keep) for a in ins))
        attr = (_Attr * max(1, len(attrs)))(*(_attr(a, self.keep) for a in attrs))
        self.call = _Call(
            C.sizeof(_Call), len(outs), len(ins), len(attrs), out, in_, attr,
            None, None, C.pointer(backend.host),
        )  # fmt: skip
        self.keep += [out, in_, attr]
        self.op, self.backend = op, backend
        self.function = backend.kernel(op)
        self.pointer = C.pointer(self.call)

    def run(self) -> int:
        return int(self.function(self.pointer))

    def check(self) -> None:
        self.backend.message = ""
        self.backend.scratch = []
        status = self.run()
        if status != OK:
            raise KernelError(self.op, status, self.backend.message)


class Backend:
    """A loaded library; calling it runs a kernel by name."""

    def __init__(self, path: str | Path | None = None) -> None:
        self.message = ""
        self.scratch: list[Any] = []
        self.host = _Host(
            C.sizeof(_Host), 1, 1, _SET_ERROR(self._error), _WORKSPACE(self._workspace)
        )
        self.library = C.CDLL(str(path or default_library()))
        query = self.library.flambeau_backend_query
        query.restype = C.POINTER(_Backend)
        reason = C.c_char_p()
        self.table = query(C.byref(self.host), C.byref(reason))
        if not self.table:
            raise RuntimeError(f"the backend refused: {reason.value!r}")
        self.kernels: dict[str, Any] = {}

    def _error(self, message: bytes) -> None:
        self.message = message.decode()

    def _workspace(self, call: Any, size: int) -> int:
        buffer = np.empty(size + 64, np.uint8)
        self.scratch.append(buffer)
        return int((buffer.ctypes.data + 63) // 64 * 64)

    def set_num_threads(self, n: int) -> None:
        self.table.contents.set_num_threads(n)

    def find(self, op: str) -> _KernelInfo | None:
        info = _KernelInfo(C.sizeof(_KernelInfo), 0, None)
        found = self.table.contents.kernels.contents.find(op.encode(), C.byref(info))
        return info if found else None

    def kernel(self, op: str) -> Any:
        if op not in self.kernels:
            info = self.find(op)
            if info is None:
                raise KeyError(f"no kernel named {op}")
            self.kernels[op] = _RUN(info.run)
        return self.kernels[op]

    def prepare(self, op: str, out: Any, *ins: Any, attrs: Sequence[Any] = ()) -> Any:
        outs = out if isinstance(out, (list, tuple)) else [out]
        return PreparedCall(self, op, outs, ins, attrs)

    def __call__(self, op: str, out: Any, *ins: Any, attrs: Sequence[Any] = ()) -> Any:
        """Runs the kernel and returns `out`; raises KernelError."""
        self.prepare(op, out, *ins, attrs=attrs).check()
        return out

    def plan(self, out: Any, *ins: Any) -> tuple[list[Any], list[Any]]:
        """The operands as the host hands them to an iterated kernel."""
        outs = list(out) if isinstance(out, (list, tuple)) else [out]
        arrays = [a for a in (*outs, *ins) if isinstance(a, np.ndarray)]
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        planned = _merge([_broadcast(a, shape) for a in arrays])
        it = iter(planned)
        outs = [next(it) for _ in outs]
        return outs, [next(it) if isinstance(a, np.ndarray) else a for a in ins]

    def iterate(self, op: str, out: Any, *ins: Any, attrs: Sequence[Any] = ()) -> Any:
        """Runs a kernel of an iterated family: broadcasts, merges dimensions."""
        outs, operands = self.plan(out, *ins)
        self(op, outs, *operands, attrs=attrs)
        return out


def _view(a: np.ndarray, shape: Sequence[int], strides: Sequence[int]) -> np.ndarray:
    base = np.lib.stride_tricks.as_strided(np.asarray(a), shape, strides)
    return base.view(Bfloat16) if isinstance(a, Bfloat16) else base


def _broadcast(a: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    pad = len(shape) - a.ndim
    strides = [
        0
        if d < pad or (a.shape[d - pad] == 1 and shape[d] != 1)
        else a.strides[d - pad]
        for d in range(len(shape))
    ]
    return _view(a, shape, strides)


def _merge(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Orders dimensions by the strides of the first operand and merges neighbours."""
    shape = arrays[0].shape
    if 0 in shape or arrays[0].ndim == 0:
        return [_view(a, (a.size,), (a.itemsize,)) for a in arrays]
    dims = [d for d in range(len(shape)) if shape[d] != 1]
    dims.sort(key=lambda d: tuple(-abs(a.strides[d]) for a in arrays))
    sizes: list[int] = []
    strides: list[list[int]] = []
    for d in dims:
        mine = [a.strides[d] for a in arrays]
        if sizes and all(
            s == m * shape[d] for s, m in zip(strides[-1], mine, strict=True)
        ):
            sizes[-1] *= shape[d]
            strides[-1] = mine
        else:
            sizes.append(shape[d])
            strides.append(mine)
    if not sizes:
        sizes, strides = [1], [[a.itemsize for a in arrays]]
    return [_view(a, sizes, [s[k] for s in strides]) for k, a in enumerate(arrays)]
