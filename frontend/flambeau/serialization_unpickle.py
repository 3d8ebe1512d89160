"""The strict unpickler: a machine for pickles that can only build plain values.

Python's own unpickler calls whatever a file names. This one knows the opcodes that
checkpoints use and the names of ``serialization_globals``; everything else ends with
an ``UnpicklingError`` that tells file, member and byte.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any, NoReturn

from .serialization_globals import (
    Name,
    Refused,
    check_key,
    expect,
    find,
    new_object,
    set_state,
    user_globals,
)
from .serialization_storage import Storage

MAX_INTEGER_BYTES = (
    1024  # random states of Python are the largest that checkpoints hold
)
_DICTS = (dict, OrderedDict, defaultdict, Counter)

PersistentLoad = Callable[[Any], Any]


def refuse(where: str, offset: int, message: str) -> NoReturn:
    """Raise the error for a pickle that is not read further."""
    from pickle import UnpicklingError  # half of an import of this package

    raise UnpicklingError(f"load: {where}, byte {offset}: {message}")


class Unpickler:
    """Reads pickles one after the other from a buffer.

    Args:
        data: the bytes.
        where: file and member, for errors.
        persistent_load: gives the storage for an id of the file.
        start: where the first pickle begins.
    """

    def __init__(
        self,
        data: memoryview,
        where: str,
        persistent_load: PersistentLoad,
        start: int = 0,
    ) -> None:
        self.data = data
        self.where = where
        self.persistent_load = persistent_load
        self.position = start
        self.copied = 0
        self.copy_limit = 1_000_000 + 4 * len(data)

    def load(self) -> Any:
        """The next pickle's value."""
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        opcodes = _OPCODES
        while True:
            at = self.position
            try:
                code = self.take(1)[0]
                if code == _STOP:
                    value = self.pop()
                    self._plain(value)
                    expect(not self.stack and not self.marks, "expected one value")
                    return value
                handler = opcodes.get(code)
                expect(handler is not None, f"expected a known opcode, got {code:#04x}")
                handler(self)  # type: ignore[misc]
            except Refused as error:
                refuse(self.where, at, str(error))
            except RecursionError:
                refuse(self.where, at, "expected values that are less deeply nested")
            except (ValueError, TypeError, OverflowError, MemoryError) as error:
                # A name was called with arguments that do not fit it.
                refuse(self.where, at, f"{type(error).__name__}: {error}")

    # -- bytes and stack ---------------------------------------------------------------
    def take(self, count: int) -> memoryview:
        """The next bytes."""
        end = self.position + count
        if end > len(self.data):
            raise Refused(
                f"expected {count} more bytes, got {len(self.data) - self.position}: "
                "the file is cut off or damaged"
            )
        piece = self.data[self.position : end]
        self.position = end
        return piece

    def number(self, size: int) -> int:
        """The next little-endian count."""
        return int.from_bytes(self.take(size), "little")

    def line(self) -> str:
        """The text up to the next end of line."""
        limit = bytes(self.data[self.position : self.position + 1024])
        end = limit.find(b"\n")
        expect(end >= 0, "expected a name that ends within 1024 bytes")
        return self.text(self.take(end + 1)[:-1])

    @staticmethod
    def text(data: memoryview) -> str:
        """Bytes as UTF-8."""
        try:
            return str(data, "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise Refused(f"expected text in UTF-8: {error.reason}") from error

    def pop(self) -> Any:
        """The topmost value."""
        expect(bool(self.stack), "expected a value on the stack, which is empty")
        return self.stack.pop()

    def top(self) -> Any:
        """The topmost value, left in place."""
        expect(bool(self.stack), "expected a value on the stack, which is empty")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        """The values above the last mark."""
        expect(bool(self.marks), "expected a mark on the stack")
        values = self.stack
        self.stack = self.marks.pop()
        return values

    @staticmethod
    def _plain(value: Any) -> None:
        """Names and storages are parts of tensors, and nothing by themselves."""
        if isinstance(value, Name):
            raise Refused(f"expected a value, got the name {value.name}")
        expect(not isinstance(value, Storage), "expected a value, got a bare storage")

    # -- building ----------------------------------------------------------------------
    def append(self, values: list[Any]) -> None:
        """Add values to the list on top."""
        target = self.top()
        for value in values:
            self._plain(value)
        if type(target) is list:
            target.extend(values)
            return
        listed = type(target) in user_globals.values()
        expect(listed, f"expected a list to add to, got {type(target).__name__}")
        for value in values:
            target.append(value)

    def set_items(self, values: list[Any]) -> None:
        """Add keys and values to the dict on top."""
        target = self.top()
        known = type(target) in _DICTS or type(target) in user_globals.values()
        expect(known, f"expected a dict to add to, got {type(target).__name__}")
        expect(len(values) % 2 == 0, "expected a value for each key")
        for key, value in zip(values[::2], values[1::2], strict=True):
            check_key(key)
            self._plain(value)
            target[key] = value

    def reduce(self) -> None:
        """Call a name with a tuple of arguments."""
        args, name = self.pop(), self.pop()
        expect(type(args) is tuple, "expected a tuple of arguments")
        if not isinstance(name, Name) or name.call is None:
            what = name.name if isinstance(name, Name) else type(name).__name__
            raise Refused(f"expected a function to call, got {what}")
        # A call may copy its arguments; without a limit a short file that calls again
        # and again for one long list would fill the memory.
        self.copied += sum(
            len(a) for a in args if isinstance(a, (list, tuple, dict, str, bytes))
        )
        expect(
            self.copied <= self.copy_limit, "expected fewer calls with long arguments"
        )
        self.stack.append(name.call(*args))

    def named(self, module: Any, name: Any) -> None:
        """Push what a name stands for."""
        expect(type(module) is str and type(name) is str, "expected the text of a name")
        self.stack.append(find(module, name))

    def integer(self, size: int) -> None:
        """Push a signed integer of that many bytes."""
        ok = size <= MAX_INTEGER_BYTES
        expect(ok, f"expected an integer of at most {MAX_INTEGER_BYTES} bytes")
        self.stack.append(int.from_bytes(self.take(size), "little", signed=True))

    def remember(self, key: int) -> None:
        """Put the topmost value into the memo."""
        self.memo[key] = self.top()

    def recall(self, key: int) -> None:
        """Push a value of the memo."""
        expect(key in self.memo, f"expected a value in memo {key}")
        self.stack.append(self.memo[key])

    def mark(self) -> None:
        """Begin a new run of values."""
        self.marks.append(self.stack)
        self.stack = []

    def tuple_of(self, count: int) -> None:
        """Join the topmost values into a tuple."""
        expect(len(self.stack) >= count, f"expected {count} values on the stack")
        values = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(values)

    def persistent(self) -> None:
        """Push the storage that an id stands for."""
        self.stack.append(self.persistent_load(self.pop()))

    def build(self) -> None:
        """Give the object below its attributes."""
        state = self.pop()
        set_state(self.top(), state)

    def new(self) -> None:
        """Make an object of a listed class."""
        args = self.pop()
        expect(type(args) is tuple, "expected a tuple of arguments")
        self.stack.append(new_object(self.pop(), args))

    def dict_of(self, values: list[Any]) -> None:
        """Push a dict of keys and values."""
        self.stack.append({})
        self.set_items(values)

    def list_of(self, values: list[Any]) -> None:
        """Push a list."""
        self.stack.append([])
        self.append(values)

    def add_items(self, values: list[Any]) -> None:
        """Add values to the set on top."""
        expect(type(self.top()) is set, "expected a set to add to")
        for value in values:
            check_key(value)
        self.top().update(values)

    def frozenset_of(self, values: list[Any]) -> None:
        """Push a frozenset."""
        for value in values:
            check_key(value)
        self.stack.append(frozenset(values))

    def protocol(self) -> None:
        """Check the protocol's number."""
        number = self.number(1)
        expect(2 <= number <= 5, f"expected pickle protocol 2 to 5, got {number}")


_STOP = ord(".")
_U = Unpickler


def _push(make: Callable[[Unpickler], Any]) -> Callable[[Unpickler], None]:
    return lambda u: u.stack.append(make(u))


_OPCODES: dict[int, Callable[[Unpickler], object]] = {
    0x80: _U.protocol,
    0x95: lambda u: expect(u.number(8) <= len(u.data), "expected a frame in the file"),
    ord("("): _U.mark,
    ord("0"): lambda u: u.stack.pop() if u.stack else u.since_mark(),
    ord("1"): lambda u: _drop(u),
    ord("2"): lambda u: u.stack.append(u.top()),
    ord("N"): _push(lambda u: None),
    0x88: _push(lambda u: True),
    0x89: _push(lambda u: False),
    ord("J"): lambda u: u.integer(4),
    ord("K"): _push(lambda u: u.number(1)),
    ord("M"): _push(lambda u: u.number(2)),
    0x8A: lambda u: u.integer(u.number(1)),
    0x8B: lambda u: u.integer(u.number(4)),
    ord("G"): _push(lambda u: struct.unpack(">d", u.take(8))[0]),
    ord("X"): _push(lambda u: u.text(u.take(u.number(4)))),
    0x8C: _push(lambda u: u.text(u.take(u.number(1)))),
    0x8D: _push(lambda u: u.text(u.take(u.number(8)))),
    ord("B"): _push(lambda u: bytes(u.take(u.number(4)))),
    ord("C"): _push(lambda u: bytes(u.take(u.number(1)))),
    0x8E: _push(lambda u: bytes(u.take(u.number(8)))),
    0x96: _push(lambda u: bytearray(u.take(u.number(8)))),
    # Strings of Python 2, which old checkpoints hold.
    ord("T"): _push(lambda u: u.text(u.take(u.number(4)))),
    ord("U"): _push(lambda u: u.text(u.take(u.number(1)))),
    ord("}"): _push(lambda u: {}),
    ord("]"): _push(lambda u: []),
    ord(")"): _push(lambda u: ()),
    0x8F: _push(lambda u: set()),
    ord("d"): lambda u: u.dict_of(u.since_mark()),
    ord("l"): lambda u: u.list_of(u.since_mark()),
    ord("t"): lambda u: _mark_tuple(u),
    0x85: lambda u: u.tuple_of(1),
    0x86: lambda u: u.tuple_of(2),
    0x87: lambda u: u.tuple_of(3),
    ord("a"): lambda u: u.append([u.pop()]),
    ord("e"): lambda u: u.append(u.since_mark()),
    ord("s"): lambda u: _set_item(u),
    ord("u"): lambda u: u.set_items(u.since_mark()),
    0x90: lambda u: u.add_items(u.since_mark()),
    0x91: lambda u: u.frozenset_of(u.since_mark()),
    ord("q"): lambda u: u.remember(u.number(1)),
    ord("r"): lambda u: u.remember(u.number(4)),
    0x94: lambda u: u.remember(len(u.memo)),
    ord("h"): lambda u: u.recall(u.number(1)),
    ord("j"): lambda u: u.recall(u.number(4)),
    ord("c"): lambda u: u.named(u.line(), u.line()),
    0x93: lambda u: _stack_global(u),
    ord("R"): _U.reduce,
    ord("b"): _U.build,
    0x81: _U.new,
    ord("Q"): _U.persistent,
}


def _mark_tuple(u: Unpickler) -> None:
    values = tuple(u.since_mark())
    u.stack.append(values)


def _drop(u: Unpickler) -> None:
    u.since_mark()


def _set_item(u: Unpickler) -> None:
    value, key = u.pop(), u.pop()
    u.set_items([key, value])


def _stack_global(u: Unpickler) -> None:
    name, module = u.pop(), u.pop()
    u.named(module, name)
