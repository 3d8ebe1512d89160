"""What a call on a device costs the host, beside the same call on the CPU.

    python tests/bench/device_calls.py simulated

Calls come in bursts that the device's queue holds, and the host waits for the device
between them, untimed; both sides take turns, and the best burst of each counts.
"""

from __future__ import annotations

import argparse
import statistics
import timeit

import flambeau as fl

CASES = {
    "a + b": "a + b",
    "a * 2": "a * 2",
    "a.add_(b)": "a.add_(b)",
    "a.exp()": "a.exp()",
    "a.sum()": "a.sum()",
    "a > b": "a > b",
    "a @ m": "a @ m",
    "a[2:6]": "a[2:6]",
}
BURST, ROUNDS = 200, 400


def timer(statement: str, device: str) -> timeit.Timer:
    names = {
        "a": fl.ones(8, device=device),
        "b": fl.ones(8, device=device),
        "m": fl.ones(8, 8, device=device),
    }
    return timeit.Timer(statement, globals=names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("device")
    args = parser.parse_args()
    ratios = []
    print(f"{'':12} {'cpu':>9} {args.device:>12}  ratio")
    for name, statement in CASES.items():
        sides = [timer(statement, "cpu"), timer(statement, args.device)]
        best = [float("inf")] * 2
        for _ in range(ROUNDS):
            for side, t in enumerate(sides):
                best[side] = min(best[side], t.timeit(BURST) / BURST * 1e9)
                fl.accelerator.synchronize()
        ratios.append(best[1] / best[0])
        print(f"{name:12} {best[0]:6.0f} ns {best[1]:9.0f} ns {ratios[-1]:6.2f}")
    print(f"geometric mean {statistics.geometric_mean(ratios):.2f}")


if __name__ == "__main__":
    main()
