"""A case of the kit, and what came of it."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

PASSED, FAILED = "passed", "failed"
UNCLAIMED = "unclaimed"  # the device does not say that it can do this
FALLBACK = "fallback"  # right, but with kernels of another device
SKIPPED = "skipped"  # does not apply; the detail says why
STATUSES = (PASSED, FAILED, UNCLAIMED, FALLBACK, SKIPPED)


class Outcome(Exception):
    """Ends a case that neither passes nor fails."""

    def __init__(self, status: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def skip(why: str) -> Outcome:
    """To be raised where a case does not apply."""
    return Outcome(SKIPPED, why)


def unclaimed(why: str) -> Outcome:
    """To be raised where the device claims nothing."""
    return Outcome(UNCLAIMED, why)


@dataclass(frozen=True)
class Case:
    """One thing that is tested. `run` returns a detail worth telling, or None; it
    raises AssertionError or whatever goes wrong, or an Outcome."""

    level: int
    family: str
    name: str
    run: Callable[[], Any]
    dtype: str = ""

    @property
    def id(self) -> str:
        """As it is named in reports and to pytest."""
        return f"L{self.level}/{self.family}/{self.name}"


@dataclass(frozen=True)
class Result:
    """What came of a case."""

    id: str
    level: int
    family: str
    name: str
    dtype: str
    status: str
    detail: str
    seconds: float

    def data(self) -> dict[str, Any]:
        """For JSON."""
        return {k: v for k, v in asdict(self).items() if v != ""}


def run(case: Case) -> Result:
    """Run a case; nothing that goes wrong in it goes further, but for an interrupt."""
    start = time.perf_counter()
    status, detail = PASSED, ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told = case.run()
        detail = told if isinstance(told, str) else ""
    except Outcome as outcome:
        status, detail = outcome.status, outcome.detail
    except AssertionError as error:
        status, detail = FAILED, str(error) or _where(error)
    except Exception as error:
        status, detail = FAILED, f"{type(error).__name__}: {error}{_where(error)}"
    seconds = round(time.perf_counter() - start, 6)
    return Result(
        case.id, case.level, case.family, case.name, case.dtype, status, detail, seconds
    )


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f" ({f.filename.rpartition('/')[2]}:{f.lineno})" for f in last)


def run_all(
    cases: Iterable[Case],
    tell: Callable[[Result], object] | None = None,
    begin: Callable[[Case], object] | None = None,
) -> Iterator[Result]:
    """Run cases in order; `begin` hears of each before, `tell` after."""
    for case in cases:
        if begin:
            begin(case)
        result = run(case)
        if tell:
            tell(result)
        yield result
