"""``save`` and ``load``: ``.pt`` archives as PyTorch writes them, and safetensors.

Nothing in a file is ever executed: ``load`` builds tensors and plain containers only.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import flambeau

from . import serialization_safetensors as _safetensors
from .serialization_globals import Refused, expect, full_name, user_globals
from .serialization_storage import (
    STORAGE_DTYPES,
    MapLocation,
    Storage,
    check_map_location,
    placed,
    storage_bytes,
    tensor_of,
    tensor_over,
)

__all__ = [
    "MAP_LOCATION",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "safe_globals",
    "save",
]

MAP_LOCATION = MapLocation
MAX_PICKLE = 1 << 30  # the structure of a checkpoint; its tensors are apart
_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_START = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."


# -- the program's own classes -----------------------------------------------------
def add_safe_globals(safe_globals: Sequence[Any]) -> None:
    """Let files name these classes and functions, or (class, "module.name") pairs.

    Files may then make objects of them as they like; list only what does no harm.
    """
    for entry in safe_globals:
        thing, name = entry if isinstance(entry, tuple) else (entry, full_name(entry))
        user_globals[name] = thing


def get_safe_globals() -> list[Any]:
    """What ``add_safe_globals`` has listed."""
    return list(user_globals.values())


def clear_safe_globals() -> None:
    """Forget what ``add_safe_globals`` has listed."""
    user_globals.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: Sequence[Any]) -> Iterator[None]:
    """``add_safe_globals`` for the length of a block."""
    before = dict(user_globals)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        user_globals.clear()
        user_globals.update(before)


# -- saving ------------------------------------------------------------------------
def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save tensors and plain containers, to a path or to what has ``write``.

    A path that ends in ``.safetensors`` gets that format, for a dict of tensors; any
    other the zip archive that ``load`` and PyTorch's ``load`` read. Tensors that share
    memory still do after loading. A file appears whole or not at all.

    Raises TypeError for objects of other classes: save their ``state_dict()``.
    """
    if getattr(pickle_module, "__name__", "pickle") != "pickle":
        raise NotImplementedError(
            "save: expected no pickle_module: a pickler of our own"
        )
    if not _use_new_zipfile_serialization:
        raise NotImplementedError(
            "save: expected the zip format; the old one is read only"
        )
    if hasattr(f, "write"):
        _write_archive(obj, f.write)
        return
    path = os.fspath(f)
    with _replaced(path) as file:
        if os.fsdecode(path).endswith(".safetensors"):
            _safetensors.write(obj, file.write, _contents)
        else:
            _write_archive(obj, file.write)


def _contents(tensor: Any) -> memoryview:
    plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
    if plain.storage_offset() or plain.untyped_storage().nbytes() != (
        plain.numel() * plain.element_size()
    ):
        plain = plain.clone()
    return storage_bytes(plain, plain.numel() * plain.element_size())


def _write_archive(obj: Any, write: Any) -> None:
    from .serialization_pickle import Pickler  # nothing of this until it is used
    from .serialization_zip import ZipWriter

    pickler = Pickler()
    data = pickler.dump(obj)
    archive = ZipWriter(write)
    archive.add("archive/data.pkl", data)
    archive.add("archive/byteorder", b"little")
    for key, contents in enumerate(pickler.storages.bytes):
        archive.add(f"archive/data/{key}", contents())
    archive.add("archive/version", b"3\n")
    archive.close()


@contextlib.contextmanager
def _replaced(path: Any) -> Iterator[Any]:
    """A new file that takes the path's place once it is whole."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise RuntimeError(f"save: expected a folder {folder!r} to save into, got none")
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as file:  # a pipe or a device cannot be replaced
            yield file
        return
    name = f".{os.path.basename(os.fsdecode(target))}.{os.urandom(6).hex()}.part"
    part = os.path.join(os.fsdecode(folder), name)
    try:
        with open(part, "xb") as file:
            yield file
        if os.path.exists(target):
            os.chmod(part, os.stat(target).st_mode & 0o7777)
        os.replace(part, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise


# -- loading -----------------------------------------------------------------------
def load(
    f: Any,
    map_location: MAP_LOCATION = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load what ``save``, or PyTorch's ``save``, wrote to a path or an open file.

    Args:
        f: a path, or what has ``read``.
        map_location: where tensors go: a device, a dict from the file's devices, or a
            function of the storage's bytes and the file's device; None where they were.
        weights_only: must not be False: nothing in a file is executed, see
            ``add_safe_globals``.
        mmap: map the file into memory instead of reading it; changes do not reach it.

    Raises UnpicklingError for what a checkpoint may not contain, RuntimeError for a
    damaged file, EOFError for an empty one; each names the file, the member, the byte.
    """
    if weights_only is False:
        raise NotImplementedError(
            "load: expected weights_only=True, got False: Flambeau never executes code "
            "from a file. Leave the argument out for tensors and plain containers; for "
            "objects of your own classes list these with "
            "flambeau.serialization.add_safe_globals"
        )
    if pickle_module is not None:
        raise RuntimeError("load: expected no pickle_module: another could run code")
    check_map_location(map_location)
    data, where = _contents_of(f, bool(mmap))
    if len(data) == 0:
        raise EOFError(
            f"load: {where}, byte 0: expected a checkpoint, got an empty file"
        )
    if bytes(data[:4]) == b"PK\3\4":
        return _load_archive(data, where, map_location, bool(mmap))
    if where.endswith(".safetensors") or _safetensors.looks_like(data):
        return _safetensors.read(data, where, map_location, bool(mmap))
    if mmap:
        raise RuntimeError(f"load: {where}: expected a zip archive for mmap=True")
    if bytes(data[257:262]) == b"ustar":
        _unreadable(where, 257, "the tar format of PyTorch before 0.1.10 is not read")
    if data[: len(_LEGACY_START)] != _LEGACY_START[: len(data)]:
        _unreadable(
            where,
            0,
            "expected a zip archive, a safetensors file or a pickle of PyTorch",
        )
    return _load_legacy(data, where, map_location)


def _unreadable(where: str, offset: int, message: str) -> NoReturn:
    from .serialization_unpickle import refuse  # nothing of this until it is used

    refuse(where, offset, message)


def _contents_of(f: Any, mapped: bool) -> tuple[memoryview, str]:
    """All bytes of a file, and its name for errors."""
    if hasattr(f, "read"):
        if mapped:
            raise ValueError("load: expected a path for mmap=True, got an open file")
        data = f.read()
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"load: expected a file opened in binary mode, got {f!r}")
        return memoryview(data), str(getattr(f, "name", "<file>"))
    if not isinstance(f, (str, bytes, os.PathLike)):
        raise TypeError(
            f"load: expected a path or what has read() for argument 'f', got "
            f"{type(f).__name__}"
        )
    path = os.fspath(f)
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return memoryview(b""), os.fsdecode(path)
        from mmap import ACCESS_COPY, ACCESS_READ, mmap  # a C module

        access = ACCESS_COPY if mapped else ACCESS_READ
        return memoryview(mmap(file.fileno(), 0, access=access)), os.fsdecode(path)


class _Storages:
    """Gives the storages that a pickle's persistent ids name."""

    def __init__(self, map_location: MapLocation) -> None:
        self.map_location = map_location
        self.warned: set[str] = set()
        self.known: dict[str, Storage] = {}

    def bytes_of(self, key: str, size: int) -> Any:
        """The storage's bytes, as a tensor on the CPU."""
        raise NotImplementedError

    def __call__(self, pid: Any) -> Storage:
        ok = type(pid) is tuple and len(pid) in (5, 6) and pid[0] == "storage"
        expect(ok, "expected the id of a storage")
        _, kind, key, location, count = pid[:5]
        name = getattr(kind, "name", "").rsplit(".", 1)[-1]
        expect(name in STORAGE_DTYPES, "expected a type of storage")
        expect(type(key) is str and type(location) is str, "expected a storage's key")
        expect(type(count) is int and 0 <= count < 2**62, "expected a storage's length")
        expect(len(pid) == 5 or pid[5] is None, "expected a storage, got a view of one")
        dtype = STORAGE_DTYPES[name]
        size = count * getattr(flambeau, dtype).itemsize
        if key not in self.known:
            data = placed(
                self.bytes_of(key, size), location, self.map_location, self.warned
            )
            self.known[key] = Storage(data, dtype)
        storage = self.known[key]
        expect(storage.nbytes == size, f"expected storage {key!r} of one size")
        return storage.of(dtype)


class _ArchiveStorages(_Storages):
    def __init__(
        self, archive: Any, prefix: str, map_location: Any, shared: bool
    ) -> None:
        super().__init__(map_location)
        self.archive = archive
        self.prefix = prefix
        self.shared = shared

    def bytes_of(self, key: str, size: int) -> Any:
        data = self.archive.read(f"{self.prefix}/data/{key}", check=not self.shared)
        if len(data) < size:
            raise Refused(f"expected {size} bytes of storage {key!r}, got {len(data)}")
        data = data[:size]
        return tensor_over(data, size) if self.shared else tensor_of(data)


def _load_archive(data: memoryview, where: str, map_location: Any, shared: bool) -> Any:
    from .serialization_unpickle import Unpickler  # nothing of this until it is used
    from .serialization_zip import ZipReader

    archive = ZipReader(data, where)
    pickles = [
        n for n in archive.members if n.count("/") == 1 and n.endswith("/data.pkl")
    ]
    if len(pickles) != 1:
        raise RuntimeError(
            f"load: {where}: expected one member data.pkl in the archive, got "
            f"{len(pickles)}; this zip file is no checkpoint"
        )
    prefix = pickles[0].rsplit("/", 1)[0]
    if f"{prefix}/constants.pkl" in archive.members:
        raise RuntimeError(
            f"load: {where}: expected a checkpoint, got a TorchScript program, which "
            "is code; save its state_dict() from PyTorch"
        )
    order = f"{prefix}/byteorder"
    if order in archive.members and bytes(archive.read(order)) != b"little":
        raise RuntimeError(f"load: {where}: expected little-endian numbers")
    pickle = archive.read(pickles[0])
    if len(pickle) > MAX_PICKLE:
        raise RuntimeError(
            f"load: {where}, member {pickles[0]}: expected at most {MAX_PICKLE} bytes"
        )
    storages = _ArchiveStorages(archive, prefix, map_location, shared)
    return Unpickler(pickle, f"{where}, member {pickles[0]}", storages).load()


class _LegacyStorages(_Storages):
    """Storages whose bytes come after the pickle that names them."""

    def __init__(self, total: int, map_location: Any) -> None:
        super().__init__(map_location)
        self.left = total

    def bytes_of(self, key: str, size: int) -> Any:
        self.left -= size
        expect(self.left >= 0, "expected storages that fit into the file")
        host = flambeau._C._host_device()
        return flambeau.zeros(size, dtype=flambeau.uint8, device=host)


def _load_legacy(data: memoryview, where: str, map_location: Any) -> Any:
    """The format before PyTorch 1.6: pickles, then the storages one after the other."""
    from .serialization_unpickle import Unpickler  # nothing of this until it is used

    storages = _LegacyStorages(len(data), map_location)
    reader = Unpickler(data, where, storages)
    if reader.load() != _MAGIC or reader.load() != 1001:
        _unreadable(where, 0, "expected the numbers that begin a checkpoint")
    system = reader.load()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        _unreadable(where, reader.position, "expected little-endian numbers")
    result = reader.load()
    keys = reader.load()
    position = reader.position
    if not isinstance(keys, list) or set(storages.known) != set(map(str, keys)):
        _unreadable(where, position, "expected the keys of all storages")
    for key in keys:
        storage = storages.known[str(key)]
        itemsize = getattr(flambeau, storage.dtype).itemsize
        count = int.from_bytes(data[position : position + 8], "little")
        begin, end = position + 8, position + 8 + storage.nbytes
        if count * itemsize != storage.nbytes or end > len(data):
            _unreadable(
                where,
                position,
                f"expected {storage.nbytes} bytes of storage {key!r}; the file is cut "
                "off or damaged",
            )
        try:
            storage.fill(tensor_of(data[begin:end]))
        except ValueError as error:
            _unreadable(where, begin, str(error))
        position = end
    return result


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a zip checkpoint that ``load`` would refuse; nothing is built."""
    from .serialization_names import unknown_names  # nothing of this until it is used
    from .serialization_zip import ZipReader

    data, where = _contents_of(f, False)
    archive = ZipReader(data, where)
    names: set[str] = set()
    for member in archive.members:
        if member.endswith("/data.pkl"):
            names |= unknown_names(archive.read(member), f"{where}, member {member}")
    return sorted(names)
