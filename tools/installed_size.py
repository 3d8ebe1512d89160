"""Prints what the installed distributions weigh, and checks it against their limits.

flambeau without a backend: at most 15 MiB; with flambeau-cpu-mkl: at most 150 MiB, as
`du -m` counts. What Python compiles at the first import counts: it lies on the disk.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution

MIB = 1 << 20
LIMITS = {"flambeau": 15 * MIB, "flambeau-cpu-mkl": 150 * MIB}


def files(name: str) -> dict[str, int]:
    """The size in bytes of every file of a distribution."""
    installed = distribution(name).files or []
    paths = {str(f): f.locate() for f in installed}
    return {k: p.stat().st_size for k, p in paths.items() if p.is_file()}


def main() -> int:
    """Print the table; 1 when a limit is passed."""
    total, status = 0.0, 0
    for name, limit in LIMITS.items():
        try:
            sizes = files(name)
        except PackageNotFoundError:
            print(f"{name}: not installed")
            continue
        total += sum(sizes.values())
        print(f"{name}: {sum(sizes.values()) / MIB:.1f} MiB in {len(sizes)} files")
        for path, size in sorted(sizes.items(), key=lambda item: -item[1])[:3]:
            print(f"    {size / MIB:8.1f} MiB  {path}")
        verdict = "ok" if total <= limit else "TOO LARGE"
        print(f"  up to here {total / MIB:.1f} MiB of {limit / MIB:.0f} MiB: {verdict}")
        status |= total > limit
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
