"""The zip archives of checkpoints: uncompressed members, aligned, checked.

Python's ``zipfile`` neither aligns what it writes nor tells where a damaged archive is
wrong, and it unpacks what a checkpoint never holds; the little of the format that
checkpoints use is read and written here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any, NoReturn

ALIGNMENT = 64
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_FULL = 0xFFFFFFFF  # stands for a number that is in the zip64 field
_DATE = (
    1 << 5
) | 1  # the first day that the format knows, so equal data gives equal files


class _Member:
    __slots__ = ("crc", "header", "size", "start")

    def __init__(self, header: int, size: int, crc: int) -> None:
        self.header = header
        self.size = size
        self.crc = crc
        self.start = 0


class ZipReader:
    """The members of an archive in memory; RuntimeError names the damaged byte."""

    def __init__(self, data: memoryview, where: str) -> None:
        self.data = data
        self.where = where
        self.members: dict[str, _Member] = {}
        try:
            count, start, end = self._directory()
            self._read_directory(count, start, end)
        except struct.error as error:
            self.fail(len(data), f"the directory is cut off: {error}")
        self._check_overlap(start)

    def fail(self, offset: int, message: str) -> NoReturn:
        """Raise the error for an archive that cannot be read."""
        raise RuntimeError(
            f"load: {self.where}, byte {offset}: {message}; the archive is damaged or "
            "cut off"
        )

    def _directory(self) -> tuple[int, int, int]:
        """How many members there are, and where their directory begins and ends."""
        data = self.data
        tail = max(0, len(data) - _END.size - 0xFFFF)
        at = bytes(data[tail:]).rfind(b"PK\5\6")
        if at < 0:
            self.fail(len(data), "expected the end of a zip archive")
        at += tail
        _, disk, disk2, here, count, size, start, _ = _END.unpack_from(data, at)
        locator = at - _LOCATOR64.size
        if locator >= 0 and bytes(data[locator : locator + 4]) == b"PK\6\7":
            _, _, place, _ = _LOCATOR64.unpack_from(data, locator)
            if place > locator - _END64.size:
                self.fail(locator, "expected the directory's end within the file")
            fields = _END64.unpack_from(data, place)
            if fields[0] != b"PK\6\6":
                self.fail(place, "expected the end of the directory")
            disk, disk2, here, count, size, start = fields[4:10]
            at = place
        if disk or disk2 or here != count:
            self.fail(at, "expected an archive in one part")
        if start + size > at:
            self.fail(at, f"expected the directory within the file, got byte {start}")
        return count, start, start + size

    def _read_directory(self, count: int, at: int, end: int) -> None:
        for _ in range(count):
            if at + _CENTRAL.size > end:
                self.fail(at, f"expected {count} members in the directory")
            fields = _CENTRAL.unpack_from(self.data, at)
            signature, _, _, flags, method = fields[:5]
            crc, packed, size, name_len, extra_len, comment_len = fields[7:13]
            header = fields[16]
            if signature != b"PK\1\2":
                self.fail(at, "expected a member of the directory")
            if flags & ~0x0808 or method:
                self.fail(at, "expected a plain member, got a packed or encrypted one")
            place = at + _CENTRAL.size
            raw = bytes(self.data[place : place + name_len])
            extra = self.data[place + name_len : place + name_len + extra_len]
            following = place + name_len + extra_len + comment_len
            if following > end:
                self.fail(at, "expected a name that ends within the directory")
            try:
                name = raw.decode("utf-8")
            except UnicodeDecodeError:
                self.fail(place, "expected a name in UTF-8")
            size, packed, header = self._wide(at, size, packed, header, extra)
            if size != packed:
                self.fail(at, f"expected {size} bytes of {name!r}, got {packed}")
            if name in self.members:
                self.fail(at, f"expected one member of the name {name!r}")
            self.members[name] = _Member(header, size, crc)
            at = following

    def _wide(
        self, at: int, size: int, packed: int, header: int, extra: memoryview
    ) -> tuple[int, int, int]:
        """The numbers of a member, from the zip64 field where they stand there."""
        values = [size, packed, header]
        place = 0
        while place + 4 <= len(extra) and _FULL in values:
            kind, length = struct.unpack_from("<2H", extra, place)
            field = extra[place + 4 : place + 4 + length]
            if kind == 1:
                wide = iter(
                    [
                        int.from_bytes(field[i : i + 8], "little")
                        for i in range(0, len(field), 8)
                    ]
                )
                values = [next(wide, v) if v == _FULL else v for v in values]
                break
            place += 4 + length
        return values[0], values[1], values[2]

    def _check_overlap(self, directory: int) -> None:
        """Each byte belongs to one member at most, so nothing can grow by reading."""
        end = 0
        for name, member in sorted(self.members.items(), key=lambda m: m[1].header):
            at = member.header
            if at < end or at + _LOCAL.size > directory:
                self.fail(at, f"expected member {name!r} apart from the others")
            fields = _LOCAL.unpack_from(self.data, at)
            if fields[0] != b"PK\3\4":
                self.fail(at, f"expected the header of member {name!r}")
            name_len, extra_len = fields[9:11]
            place = at + _LOCAL.size
            if bytes(self.data[place : place + name_len]) != name.encode():
                self.fail(place, f"expected the name {name!r} here too")
            member.start = place + name_len + extra_len
            end = member.start + member.size
            if end > directory:
                self.fail(
                    member.start,
                    f"expected {member.size} bytes of {name!r} in the file",
                )

    def read(self, name: str, check: bool = True) -> memoryview:
        """The bytes of a member; with ``check`` its checksum must be right."""
        member = self.members.get(name)
        if member is None:
            raise RuntimeError(
                f"load: {self.where}: expected a member {name!r}, got none"
            )
        data = self.data[member.start : member.start + member.size]
        if check and zlib.crc32(data) != member.crc:
            self.fail(member.start, f"the checksum of member {name!r} is wrong")
        return data


class ZipWriter:
    """Writes members one after the other through ``write``."""

    def __init__(self, write: Callable[[Any], Any]) -> None:
        self._write = write
        self._position = 0
        self._entries: list[tuple[bytes, int, int, int]] = []

    def _emit(self, data: Any) -> None:
        self._write(data)
        self._position += len(data)

    def add(self, name: str, data: Any) -> None:
        """Write a member; its bytes begin at a multiple of ``ALIGNMENT``."""
        raw, size, at = name.encode(), len(data), self._position
        crc = zlib.crc32(data)
        extra = struct.pack("<2H2Q", 1, 16, size, size) if size >= _FULL else b""
        end = at + _LOCAL.size + len(raw) + len(extra) + 4
        padding = -end % ALIGNMENT
        extra += struct.pack("<2s", b"FB") + struct.pack("<H", padding) + b"Z" * padding
        short = min(size, _FULL)
        self._emit(
            _LOCAL.pack(
                b"PK\3\4",
                45,
                0x800,
                0,
                0,
                _DATE,
                crc,
                short,
                short,
                len(raw),
                len(extra),
            )
            + raw
            + extra
        )
        self._emit(data)
        self._entries.append((raw, at, size, crc))

    def close(self) -> None:
        """Write the directory."""
        start = self._position
        for raw, at, size, crc in self._entries:
            wide = [n for n in (size, size, at) if n >= _FULL]
            extra = b""
            if wide:
                extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide)
            short, place = min(size, _FULL), min(at, _FULL)
            self._emit(
                _CENTRAL.pack(
                    b"PK\1\2",
                    45,
                    45,
                    0x800,
                    0,
                    0,
                    _DATE,
                    crc,
                    short,
                    short,
                    len(raw),
                    len(extra),
                    0,
                    0,
                    0,
                    0,
                    place,
                )
                + raw
                + extra
            )
        end, count = self._position, len(self._entries)
        size = end - start
        if count >= 0xFFFF or start >= _FULL or size >= _FULL:
            self._emit(
                _END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
                + _LOCATOR64.pack(b"PK\6\7", 0, end, 1)
            )
        few = min(count, 0xFFFF)
        short, place = min(size, _FULL), min(start, _FULL)
        self._emit(_END.pack(b"PK\5\6", 0, 0, few, few, short, place, 0))
