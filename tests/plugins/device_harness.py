"""Calls the kernels of a library whose memory the host cannot read, on NumPy arrays,
without the frontend: `tests/backend/harness.py` with copies to the device and back."""

from __future__ import annotations

import atexit
import ctypes as C
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

_HARNESS = Path(__file__).resolve().parents[1] / "backend" / "harness.py"


def _load_harness() -> Any:
    if "harness" not in sys.modules:
        spec = importlib.util.spec_from_file_location("harness", _HARNESS)
        assert spec is not None and spec.loader is not None
        sys.modules["harness"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["harness"])
    return sys.modules["harness"]


h = _load_harness()

_P = C.c_void_p


class _Call(C.Structure):
    _fields_ = [
        *h._Call._fields_,
        ("op", C.c_char_p),
        ("context", _P),
    ]


class _KernelInfo(C.Structure):
    _fields_ = [*h._KernelInfo._fields_, ("context", _P)]


def _table(*functions: tuple[str, Any]) -> type[C.Structure]:
    return type(
        "Table", (C.Structure,), {"_fields_": [("size", C.c_uint32), *functions]}
    )


def _function(*types: Any) -> Any:
    return C.CFUNCTYPE(*types)


DeviceTable = _table(
    ("count", _function(C.c_int32)),
    ("open", _function(C.c_int, C.c_int32, C.POINTER(_P))),
    ("close", _function(None, _P)),
    ("properties", _function(C.c_int, C.c_int32, _P)),
    ("synchronize", _function(C.c_int, _P)),
)
_COPY = _function(C.c_int, _P, _P, _P, _P, C.c_size_t)
MemoryTable = _table(
    ("allocate", _function(C.c_int, _P, C.c_size_t, C.POINTER(_P))),
    ("release", _function(None, _P, _P, C.c_size_t)),
    ("from_host", _COPY),
    ("to_host", _COPY),
    ("available", _function(C.c_int, _P, C.POINTER(C.c_uint64), C.POINTER(C.c_uint64))),
    ("allocate_host", _function(C.c_int, _P, C.c_size_t, C.POINTER(_P))),
    ("release_host", _function(None, _P, _P, C.c_size_t)),
    ("from_pinned", _COPY),
    ("to_pinned", _COPY),
)
StreamTable = _table(
    ("create", _function(C.c_int, _P, C.c_int32, C.POINTER(_P))),
    ("destroy", _function(None, _P, _P)),
    ("synchronize", _function(C.c_int, _P, _P)),
    ("query", _function(C.c_int32, _P, _P)),
    ("event_create", _function(C.c_int, _P, C.c_int32, C.POINTER(_P))),
    ("event_destroy", _function(None, _P, _P)),
    ("event_record", _function(C.c_int, _P, _P, _P)),
    ("event_wait", _function(C.c_int, _P, _P, _P)),
    ("event_synchronize", _function(C.c_int, _P, _P)),
    ("event_query", _function(C.c_int32, _P, _P)),
    ("event_elapsed", _function(C.c_int, _P, _P, _P, C.POINTER(C.c_double))),
)


def _owner(a: np.ndarray) -> np.ndarray:
    found, base = a, a
    while base is not None:
        found = base if isinstance(base, np.ndarray) and base.size else found
        base = getattr(base, "base", None)
    return np.asarray(found)


class Block:
    """Device memory that mirrors a range of host memory."""

    def __init__(self, device: DeviceBackend, low: int, high: int) -> None:
        self.low, self.bytes = low, high - low
        self.device = device
        self.address = device.allocate(self.bytes)

    def upload(self, stream: int | None = None) -> None:
        self.device.good(
            self.device.memory.from_host(
                self.device.handle, stream, self.address, self.low, self.bytes
            )
        )

    def download(self, stream: int | None = None) -> None:
        self.device.good(
            self.device.memory.to_host(
                self.device.handle, stream, self.low, self.address, self.bytes
            )
        )


_copies: dict[Path, Path] = {}
_hosts: list[Any] = []  # a library keeps the host's table that it was given


def private_copy(library: Path) -> Path:
    """The library under another name: its devices are not those of the frontend, which
    may be at work in this process."""
    if library not in _copies:
        folder = tempfile.mkdtemp(prefix="flambeau-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _copies[library] = Path(shutil.copy(library, folder))
    return _copies[library]


class DeviceBackend(h.Backend):
    """As `harness.Backend`; operands are copied to device `index` for each call."""

    _message = ""  # of whichever instance: the library tells the first host alone

    @property
    def message(self) -> str:
        return DeviceBackend._message

    @message.setter
    def message(self, text: str) -> None:
        DeviceBackend._message = text

    def __init__(self, path: str | Path, index: int = 0) -> None:
        super().__init__(private_copy(Path(path)))
        _hosts.append(self.host)
        table = self.table.contents
        self.device = C.cast(table.device, C.POINTER(DeviceTable)).contents
        self.memory = C.cast(table.memory, C.POINTER(MemoryTable)).contents
        self.streams = C.cast(table.stream, C.POINTER(StreamTable)).contents
        handle = _P()
        self.good(self.device.open(index, C.byref(handle)))
        self.handle = handle.value
        self.scratch_blocks: list[tuple[int, int]] = []

    def good(self, status: int) -> None:
        if status != h.OK:
            message, self.message = self.message, ""
            raise h.KernelError("device", status, message)

    def allocate(self, nbytes: int) -> int:
        out = _P()
        self.good(self.memory.allocate(self.handle, nbytes, C.byref(out)))
        return int(out.value or 0)

    def release(self, address: int, nbytes: int) -> None:
        self.memory.release(self.handle, address, nbytes)

    def synchronize(self) -> None:
        self.good(self.device.synchronize(self.handle))

    def _workspace(self, call: Any, size: int) -> int:
        address = self.allocate(size)
        self.scratch_blocks.append((address, size))
        return address

    def set_num_threads(self, n: int) -> None:
        """The device has no host threads."""

    def find(self, op: str) -> Any:
        info = _KernelInfo(C.sizeof(_KernelInfo))
        find = self.table.contents.kernels.contents.find
        found = find(op.encode(), C.cast(C.byref(info), C.POINTER(h._KernelInfo)))
        return info if found else None

    def launch(
        self, op: str, outs: Any, ins: Any, attrs: Any, blocks: Any, stream: Any = None
    ) -> int:
        """The status of one call; `blocks` says where the arrays' bytes are."""
        info = self.find(op)
        if info is None:
            raise KeyError(f"no kernel named {op}")
        keep: list[Any] = []

        def tensor(a: Any) -> Any:
            t = h._tensor(a, keep)
            if isinstance(a, np.ndarray) and a.size:
                block = next(b for b in blocks if b.low <= t.data < b.low + b.bytes)
                t.data = block.address + (t.data - block.low)
            return t

        out = (h._Tensor * max(1, len(outs)))(*map(tensor, outs))
        in_ = (h._Tensor * max(1, len(ins)))(*map(tensor, ins))
        attr = (h._Attr * max(1, len(attrs)))(*(h._attr(a, keep) for a in attrs))
        name = names.setdefault(op, op.encode())  # lives as long as the process
        call = _Call(
            C.sizeof(_Call), len(outs), len(ins), len(attrs), out, in_, attr,
            self.handle, stream, C.pointer(self.host), name, info.context,
        )  # fmt: skip
        run = C.CFUNCTYPE(C.c_int, C.POINTER(_Call))(info.run)
        return int(run(C.byref(call)))

    def __call__(self, op: str, out: Any, *ins: Any, attrs: Sequence[Any] = ()) -> Any:
        outs = list(out) if isinstance(out, (list, tuple)) else [out]
        blocks = self.mirror([*outs, *ins])
        self.message = ""
        try:
            status = self.launch(op, outs, ins, attrs, blocks)
            if status == h.OK:
                status = self.device.synchronize(self.handle)
            if status != h.OK:
                message = self.message.removeprefix(f"{op}: ")
                raise h.KernelError(op, status, message)
            written = self.ranges(outs)
            for b in blocks:
                if any(b.low <= low < b.low + b.bytes for low, _ in written):
                    b.download()
        finally:
            for b in blocks:
                self.release(b.address, b.bytes)
            for address, size in self.scratch_blocks:
                self.release(address, size)
            self.scratch_blocks.clear()
        return out

    @staticmethod
    def ranges(arrays: Any) -> list[tuple[int, int]]:
        """Of the arrays with all that they are views of: an indexed operand reaches
        beyond its own strides."""
        arrays = [_owner(a) for a in arrays if isinstance(a, np.ndarray) and a.size]
        return sorted(np.lib.array_utils.byte_bounds(a) for a in arrays)

    def mirror(self, arrays: Any) -> list[Block]:
        """Blocks on the device with the bytes of all arrays."""
        merged: list[list[int]] = []
        for low, high in self.ranges(arrays):
            if merged and low < merged[-1][1]:
                merged[-1][1] = max(high, merged[-1][1])
            else:
                merged.append([low, high])
        blocks = [Block(self, low, high) for low, high in merged]
        for b in blocks:
            b.upload()
        return blocks


names: dict[str, bytes] = {}
