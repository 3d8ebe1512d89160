"""Prints what the installed distributions weigh, and checks it against their limits.

flambeau without a backend: at most 15 MB; with flambeau-cpu-mkl: at most 150 MB (1 MB
is 1,000,000 bytes). What Python compiles at the first import counts: it lies on the
disk.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, distribution

LIMITS = {"flambeau": 15e6, "flambeau-cpu-mkl": 150e6}


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
        print(f"{name}: {sum(sizes.values()) / 1e6:.1f} MB in {len(sizes)} files")
        for path, size in sorted(sizes.items(), key=lambda item: -item[1])[:3]:
            print(f"    {size / 1e6:8.1f} MB  {path}")
        verdict = "ok" if total <= limit else "TOO LARGE"
        print(f"  up to here {total / 1e6:.1f} MB of {limit / 1e6:.0f} MB: {verdict}")
        status |= total > limit
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
