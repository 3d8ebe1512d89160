"""Level 1: the runtime. Memory and its statistics, streams and events, errors that come
late, running out of memory, other processes, a device that is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from . import _memory, _processes, _streams
from ._bench import Bench
from ._case import Case

Test = Callable[[Bench], str | None]

_TESTS: dict[str, dict[str, Test]] = {
    "memory": _memory.TESTS,
    "streams": _streams.TESTS,
    "processes": _processes.TESTS,
}


def cases(bench: Bench) -> Iterator[Case]:
    """One for each property of the runtime."""
    for family, tests in _TESTS.items():
        for name, test in tests.items():
            yield Case(1, family, name, partial(test, bench))
