"""Asks a backend's library for its table as hosts of other versions would; run as a
program of its own, since what comes of it may be a crash.

    python _abi.py LIBRARY CASE        prints a line of JSON
"""

from __future__ import annotations

import ctypes as C
import json
import sys
from typing import Any

_SET_ERROR = C.CFUNCTYPE(None, C.c_char_p)
_WORKSPACE = C.CFUNCTYPE(C.c_void_p, C.c_void_p, C.c_size_t)
_POISON = 0x5A5A5A5A5A5A5A5A  # what is behind the end of a struct


class Host(C.Structure):
    """fl_host, with room for what a later version may append."""

    _fields_ = [
        ("size", C.c_uint32),
        ("abi_version", C.c_uint32),
        ("abi_oldest", C.c_uint32),
        ("set_error", _SET_ERROR),
        ("workspace", _WORKSPACE),
        ("later", C.c_uint64 * 8),
    ]


HOST_SIZE = Host.later.offset
HEAD_SIZE = Host.set_error.offset


class Backend(C.Structure):
    """fl_backend."""

    _fields_ = [
        ("size", C.c_uint32),
        ("abi_version", C.c_uint32),
        ("device_type", C.c_char_p),
        ("name", C.c_char_p),
        ("build_info", C.c_char_p),
        ("device", C.c_void_p),
        ("memory", C.c_void_p),
        ("kernels", C.c_void_p),
        ("stream", C.c_void_p),
        ("set_num_threads", C.c_void_p),
    ]


class KernelInfo(C.Structure):
    """fl_kernel_info."""

    _fields_ = [
        ("size", C.c_uint32),
        ("dtypes", C.c_uint32),
        ("run", C.c_void_p),
        ("context", C.c_void_p),
    ]


class Properties(C.Structure):
    """fl_properties."""

    _fields_ = [
        ("size", C.c_uint32),
        ("flags", C.c_uint32),
        ("total_memory", C.c_uint64),
        ("alignment", C.c_uint64),
        ("name", C.c_char * 128),
    ]


FIND = C.CFUNCTYPE(C.c_int32, C.c_char_p, C.POINTER(KernelInfo))
# The required functions of each table, in order behind its size.
REQUIRED = {
    "device": ("count", "open", "close", "properties", "synchronize"),
    "memory": ("allocate", "release", "from_host", "to_host"),
    "kernels": ("find",),
}
STREAM = (
    "create", "destroy", "synchronize", "query", "event_create", "event_destroy",
    "event_record", "event_wait", "event_synchronize", "event_query", "event_elapsed",
)  # fmt: skip

# case: (size, version, oldest)
HOSTS: dict[str, tuple[int, int, int]] = {
    "this host": (HOST_SIZE, 1, 1),
    "a newer host that speaks this version": (HOST_SIZE + 64, 99, 1),
    "a newer host that does not": (HOST_SIZE + 64, 99, 99),
    "an older host": (HOST_SIZE, 0, 0),
    "a host without functions": (HEAD_SIZE, 1, 1),
    "a host cut within a function": (HEAD_SIZE + 4, 1, 1),
    "a host that holds its size alone": (4, 1, 1),
}


def _host(size: int, version: int, oldest: int) -> Host:
    host = Host()
    words = C.cast(C.pointer(host), C.POINTER(C.c_uint64))
    for k in range(C.sizeof(host) // 8):
        words[k] = _POISON
    host.size, host.abi_version, host.abi_oldest = size, version, oldest
    if size >= HOST_SIZE:  # what is cut off stays poison: who calls it crashes
        host.set_error = _SET_ERROR(lambda message: None)
        host.workspace = _WORKSPACE(lambda call, count: None)
    elif size < HEAD_SIZE:
        host.abi_version = host.abi_oldest = 0x5A5A5A5A
    return host


def ask(library: str, case: str) -> dict[str, Any]:
    """What the library answers."""
    loaded = C.CDLL(library)
    query = loaded.flambeau_backend_query
    query.restype = C.POINTER(Backend)
    query.argtypes = [C.POINTER(Host), C.POINTER(C.c_char_p)]
    reason = C.c_char_p()
    host = _host(*HOSTS[case])
    found = query(C.byref(host), C.byref(reason))
    if not found:
        return {"reason": (reason.value or b"").decode(errors="replace")}
    table = found.contents
    answer: dict[str, Any] = {
        "size": table.size,
        "abi_version": table.abi_version,
        "device_type": (table.device_type or b"").decode(),
        "name": (table.name or b"").decode(),
    }
    if case == "this host":
        answer.update(_tables(table))
    return answer


def _table(address: int | None, names: tuple[str, ...]) -> dict[str, Any] | None:
    """A table's size and which of its slots are empty."""
    if not address:
        return None
    size = C.c_uint32.from_address(address).value
    empty = [
        name
        for k, name in enumerate(names)
        if size < 16 + 8 * k or not C.c_uint64.from_address(address + 8 + 8 * k).value
    ]
    return {"size": size, "empty": empty}


def _tables(table: Backend) -> dict[str, Any]:
    out: dict[str, Any] = {n: _table(getattr(table, n), REQUIRED[n]) for n in REQUIRED}
    out["stream"] = _table(table.stream, STREAM)
    if table.kernels:
        out.update(_found(table.kernels + 8))
    if table.device:
        out.update(_told(table.device))
    return out


def _found(slot: int) -> dict[str, Any]:
    """What `find` says of names that are none, and if it keeps to a struct's size."""
    find = FIND(C.c_uint64.from_address(slot).value)
    info = KernelInfo(C.sizeof(KernelInfo), 0, None, None)
    unknown = find(b"no_kernel_has_this_name", C.byref(info))
    empty = find(b"", C.byref(info))
    fill = find(b"fill", C.byref(info))
    short = KernelInfo(KernelInfo.context.offset, 0, None, _POISON)
    find(b"fill", C.byref(short))
    return {
        "unknown": unknown,
        "empty_name": empty,
        "fill": fill,
        "fill_runs": bool(info.run),
        "beyond_info": short.context != _POISON,
    }


def _told(device: int) -> dict[str, Any]:
    """How many devices there are, and what `properties` says of them."""
    count = C.CFUNCTYPE(C.c_int32)(C.c_uint64.from_address(device + 8).value)()
    if count < 1:
        return {"count": count}
    kind = C.CFUNCTYPE(C.c_int, C.c_int32, C.POINTER(Properties))
    properties = kind(C.c_uint64.from_address(device + 8 + 24).value)
    whole = Properties(C.sizeof(Properties))
    status = properties(0, C.byref(whole))
    beyond = properties(count, C.byref(Properties(C.sizeof(Properties))))
    return {
        "count": count,
        "properties": status,
        "device_name": whole.name.decode(errors="replace"),
        "alignment": whole.alignment,
        "beyond_count": beyond,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(ask(sys.argv[1], sys.argv[2])) + "\n")
