"""Times the cases of cases.py in Flambeau and in PyTorch, in turn, in one process."""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import timeit
from typing import Any

from cases import GROUPS, Case

REPEATS = 7
SECONDS = 0.02  # how long one timing of one side lasts, about


def timer(module: Any, case: Case) -> tuple[timeit.Timer, int]:
    """A timer for one side, warmed up, and how many runs make one timing."""
    names: dict[str, Any] = {"torch": module}
    exec(case[1], names)
    t = timeit.Timer(case[2], globals=names)
    t.timeit(2)
    runs = 1
    while (took := t.timeit(runs)) < SECONDS / 4:
        runs *= 4
    return t, max(1, int(runs * SECONDS / took))


def measure(case: Case, ours: Any, theirs: Any) -> tuple[float, float]:
    """Median seconds a run of each side; the sides take turns, so both see the same
    machine."""
    sides = [timer(ours, case), timer(theirs, case)]
    times: list[list[float]] = [[], []]
    for _ in range(REPEATS):
        for mine, (t, runs) in zip(times, sides, strict=True):
            mine.append(t.timeit(runs) / runs)
    return statistics.median(times[0]), statistics.median(times[1])


def show(seconds: float) -> str:
    for unit, scale in (("ns", 1e9), ("µs", 1e6), ("ms", 1e3)):
        if seconds * scale < 1000 or unit == "ms":
            return f"{seconds * scale:9.1f} {unit}"
    raise AssertionError


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("groups", nargs="*", default=list(GROUPS), help=", ".join(GROUPS))
    p.add_argument("--only", default="", help="cases whose name contains this")
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(args.threads)  # before either is imported
    theirs, ours = importlib.import_module("torch"), importlib.import_module("flambeau")
    for module in (theirs, ours):
        module.set_num_threads(args.threads)
    print(f"{'':44} {'flambeau':>12} {'pytorch':>12}  ratio")
    for group in args.groups:
        ratios = []
        for case in GROUPS[group]:
            if args.only not in case[0]:
                continue
            mine, other = measure(case, ours, theirs)
            ratios.append(other / mine)
            print(f"{case[0]:44} {show(mine)} {show(other)} {ratios[-1]:6.2f}")
        if ratios:
            mean = statistics.geometric_mean(ratios)
            print(f"{group}: geometric mean {mean:.2f}, least {min(ratios):.2f}\n")


if __name__ == "__main__":
    main()
