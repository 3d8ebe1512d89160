"""The safetensors format: a JSON header, then the bytes of every tensor.

Read and written directly, because the ``safetensors`` package copies every tensor
through Python bytes without numpy, and its errors do not tell where a file is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import flambeau

from .serialization_storage import Storage, dtype_name, placed, tensor_of, tensor_over

MAX_HEADER = 100_000_000
_DTYPES = {
    "BF16": "bfloat16",
    "BOOL": "bool",
    "C64": "complex64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "I8": "int8",
    "U8": "uint8",
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def looks_like(data: memoryview) -> bool:
    """Whether the bytes begin as this format does."""
    if len(data) < 9:
        return False
    length = int.from_bytes(data[:8], "little")
    return length <= min(MAX_HEADER, len(data) - 8) and data[8] == ord("{")


class _Reader:
    def __init__(self, data: memoryview, where: str) -> None:
        self.data = data
        self.where = where

    def fail(self, offset: int, message: str) -> NoReturn:
        raise RuntimeError(f"load: {self.where}, byte {offset}: {message}")

    def header(self) -> tuple[dict[str, Any], int]:
        """The header, and where the tensors' bytes begin."""
        size = len(self.data)
        if size < 8:
            self.fail(
                size, "expected the header's length in 8 bytes; the file is cut off"
            )
        length = int.from_bytes(self.data[:8], "little")
        if length > MAX_HEADER or 8 + length > size:
            self.fail(0, f"expected a header within {size - 8} bytes, got {length}")
        import json  # only for this format

        def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            table = dict(pairs)
            if len(table) != len(pairs):
                raise ValueError("expected every name once")
            return table

        try:
            text = str(self.data[8 : 8 + length], "utf-8")
            table = json.loads(text, object_pairs_hook=unique)
        except RecursionError:
            self.fail(8, "expected a header that is less deeply nested")
        except ValueError as error:
            place = getattr(error, "pos", 0)
            self.fail(8 + place, f"expected a header in JSON: {error}")
        if not isinstance(table, dict):
            self.fail(8, "expected a table of tensors in the header")
        return table, 8 + length

    def entry(
        self, name: str, value: Any, room: int
    ) -> tuple[str, tuple[int, ...], int, int]:
        """dtype, shape, begin and end of a tensor."""
        keys = {"data_offsets", "dtype", "shape"}
        if not isinstance(value, dict) or set(value) != keys:
            self.fail(8, f"expected dtype, shape and data_offsets of tensor {name!r}")
        dtype, shape, span = value["dtype"], value["shape"], value["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            self.fail(
                8,
                f"tensor {name!r}: expected a dtype among {sorted(_DTYPES)}, got "
                f"{dtype!r}",
            )
        if not _counts(shape) or len(shape) > 64:
            self.fail(8, f"tensor {name!r}: expected a list of sizes, got {shape!r}")
        if not _counts(span) or len(span) != 2 or not span[0] <= span[1] <= room:
            self.fail(
                8,
                f"tensor {name!r}: expected data_offsets within {room} bytes, got "
                f"{span!r}",
            )
        begin, end = span
        size = getattr(flambeau, _DTYPES[dtype]).itemsize
        for n in shape:
            size *= n
        if end - begin != size:
            self.fail(
                8,
                f"tensor {name!r}: expected {size} bytes for shape {shape} of {dtype}, "
                f"got {end - begin}",
            )
        return _DTYPES[dtype], tuple(shape), begin, end


def _counts(value: Any) -> bool:
    return isinstance(value, list) and all(
        type(v) is int and 0 <= v < 2**62 for v in value
    )


def read(
    data: memoryview, where: str, map_location: Any, shared: bool
) -> dict[str, Any]:
    """The tensors by name; with ``shared`` over the buffer itself, not copied."""
    reader = _Reader(data, where)
    table, start = reader.header()
    table.pop("__metadata__", None)
    room = len(data) - start
    entries = {name: reader.entry(name, value, room) for name, value in table.items()}
    expected = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda e: e[1][2:]):
        if begin != expected:
            reader.fail(
                start + begin,
                f"expected tensor {name!r} at byte {start + expected}: the tensors "
                "must follow one another",
            )
        expected = end
    if expected != room:
        reader.fail(
            start + expected,
            f"expected the end of the file, got {room - expected} more bytes",
        )
    result = {}
    host = flambeau._C._host_device_type
    for name, (dtype, shape, begin, end) in entries.items():
        piece = data[start + begin : start + end]
        raw = tensor_over(piece, len(piece)) if shared else tensor_of(piece)
        storage = Storage(placed(raw, host, map_location, set()), dtype)
        strides, step = [], 1
        for n in reversed(shape):
            strides.append(step)
            step *= max(n, 1)
        try:
            result[name] = storage.tensor(0, shape, tuple(reversed(strides)))
        except ValueError as error:
            reader.fail(start + begin, f"tensor {name!r}: {error}")
    return result


def write(
    tensors: Any, write: Callable[[Any], Any], contents: Callable[[Any], memoryview]
) -> None:
    """Write a dict of tensors; ``contents`` gives the bytes of a contiguous one."""
    import json  # only for this format

    if not isinstance(tensors, dict):
        raise TypeError(
            "save: expected a dict of names and tensors for a .safetensors file, got "
            f"{type(tensors).__name__}"
        )
    header: dict[str, Any] = {}
    ordered = []
    offset = 0
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, flambeau.Tensor):
            raise TypeError(
                f"save: expected names and tensors for a .safetensors file, got "
                f"{name!r}: {type(tensor).__name__}; save to a .pt file instead"
            )
        ordered.append((name, tensor))
    # Wide dtypes first, so that every tensor is aligned.
    ordered.sort(key=lambda e: (-e[1].element_size(), e[0]))
    for name, tensor in ordered:
        code = _NAMES.get(dtype_name(tensor.dtype))
        if code is None:
            raise TypeError(
                f"save: expected a dtype that safetensors knows, got {tensor.dtype} of "
                f"tensor {name!r}"
            )
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": code,
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write(len(text).to_bytes(8, "little") + text)
    for _, tensor in ordered:
        write(contents(tensor))
