"""Which cases a level and a mode have, and running them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import (
    l0_contract,
    l1_runtime,
    l2_primitives,
    l3_composites,
    l4_gradients,
    l5_training,
    l6_speed,
)
from ._bench import Bench
from ._case import Case, Result, run_all
from ._report import Report

_LEVELS: list[Callable[[Bench], Iterator[Case]]] = [
    l0_contract.cases,
    l1_runtime.cases,
    l2_primitives.cases,
    l3_composites.cases,
    l4_gradients.cases,
    l5_training.cases,
]
TOP = len(_LEVELS) - 1
MODES = ("test", "grad", "perf", "support")


def cases(bench: Bench, level: int = TOP, mode: str = "test") -> Iterator[Case]:
    """Those up to a level; of mode "grad" those of level 4 alone. ValueError for a mode
    without cases, or a level that there is not."""
    if mode not in ("test", "grad"):
        raise ValueError(f"cases: expected mode 'test' or 'grad', got '{mode}'")
    if not 0 <= level <= TOP:
        raise ValueError(f"cases: expected a level from 0 to {TOP}, got {level}")
    if mode == "grad":
        yield from l4_gradients.cases(bench)
        return
    for one in _LEVELS[: level + 1]:
        yield from one(bench)


def run(
    device: str,
    level: int = TOP,
    mode: str = "test",
    tell: Callable[[Result], object] | None = None,
    only: str = "",
    begin: Callable[[Case], object] | None = None,
) -> Report:
    """Test a device.

    `begin` hears of each case and `tell` of each result as they come; `only` keeps the
    cases whose id holds it. Level 6, or mode "perf", measures. RuntimeError when there
    is no such device.
    """
    bench = Bench(device)
    report = Report(bench, [])
    if mode != "perf":
        chosen = cases(bench, min(level, TOP), mode)
        report.results = list(run_all((c for c in chosen if only in c.id), tell, begin))
    if mode == "perf" or (mode == "test" and level > TOP):
        report.measurements = l6_speed.measure(bench, only)
    return report
