"""What a run has found, as text to read and as JSON to publish."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from flambeau import backends
from flambeau.version import __version__

from ._bench import Bench
from ._case import FAILED, FALLBACK, PASSED, STATUSES, UNCLAIMED, Result
from ._names import FUSED, PRIMITIVES
from .specs import KERNELS

FORMAT = 1  # of the JSON
LEVELS = {
    0: "the contract",
    1: "runtime",
    2: "primitives",
    3: "composites",
    4: "gradients",
    5: "training",
    6: "speed",
}


class Report:
    """The results of one run."""

    def __init__(self, bench: Bench, results: Iterable[Result]) -> None:
        self.bench = bench
        self.results = list(results)
        self.measurements: list[dict[str, Any]] = []

    def failures(self) -> list[Result]:
        """What is claimed and wrong."""
        return [r for r in self.results if r.status == FAILED]

    def level_reached(self) -> int:
        """The highest level up to which something was tested and nothing fails; -1 when
        level 0 fails."""
        reached = -1
        for level in sorted({r.level for r in self.results}):
            mine = [r for r in self.results if r.level == level]
            if any(r.status == FAILED for r in mine) or level > reached + 1:
                break
            reached = level
        return reached

    # ---- text ------------------------------------------------------------------------
    def text(self) -> str:
        """The whole report."""
        parts = [self._head(), self._levels(), self._families(), self._failures()]
        return "\n\n".join(p for p in parts if p)

    def _head(self) -> str:
        about = implementation(self.bench.device_type)
        lines = [
            f"device {self.bench.device}: {self.bench.properties['name']}",
            f"backend {about['backend']} of {about['distribution']}",
            f"flambeau {__version__}",
        ]
        if any(r.level == 0 for r in self.results):
            reached = self.level_reached()
            told = f"L{reached} ({LEVELS[reached]})" if reached >= 0 else "none"
            lines.append(f"level reached: {told}")
        return "\n".join(lines)

    def _levels(self) -> str:
        rows: list[tuple[str, ...]] = [("level", *STATUSES, "seconds")]
        for level in sorted({r.level for r in self.results}):
            mine = [r for r in self.results if r.level == level]
            counts = [str(sum(r.status == s for r in mine)) for s in STATUSES]
            seconds = f"{sum(r.seconds for r in mine):.1f}"
            rows.append((f"L{level} {LEVELS[level]}", *counts, seconds))
        return table(rows) if len(rows) > 1 else ""

    def _families(self) -> str:
        head = ("family", "claimed dtypes", PASSED, FAILED, FALLBACK, UNCLAIMED)
        rows: list[tuple[str, ...]] = [head]
        for level, family in dict.fromkeys((r.level, r.family) for r in self.results):
            mine = [r for r in self.results if (r.level, r.family) == (level, family)]
            claimed = {r.dtype for r in mine if r.dtype and r.status != UNCLAIMED}
            counts = [
                str(sum(r.status == s for r in mine))
                for s in (PASSED, FAILED, FALLBACK, UNCLAIMED)
            ]
            rows.append((f"L{level} {family}", _short(claimed), *counts))
        return table(rows) if len(rows) > 1 else ""

    def _failures(self) -> str:
        lines = [f"{r.id}: {r.detail}" for r in self.failures()]
        return "\n".join(["failures:", *lines]) if lines else ""

    # ---- JSON ------------------------------------------------------------------------
    def data(self) -> dict[str, Any]:
        """For JSON: who was tested with what, the summary, each case, measurements."""
        return {
            "format": FORMAT,
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "device": {
                "type": self.bench.device_type,
                **self.bench.properties,
            },
            **implementation(self.bench.device_type),
            "versions": {
                "flambeau": __version__,
                "abi": backends._runtime.ABI[1],
                "python": platform.python_version(),
                "numpy": np.__version__,
            },
            "machine": {
                "system": platform.system(),
                "processor": platform.machine(),
                "cores": os.cpu_count(),
            },
            "level_reached": self.level_reached(),
            "summary": self._summary(),
            "cases": [r.data() for r in self.results],
            "untested": untested(self.bench),
            "measurements": self.measurements,
        }

    def _summary(self) -> dict[str, dict[str, int]]:
        return {
            f"L{level}": {
                s: sum(r.status == s for r in self.results if r.level == level)
                for s in STATUSES
            }
            for level in sorted({r.level for r in self.results})
        }


def implementation(device_type: str) -> dict[str, str]:
    """Who implements a device: backend, distribution and version."""
    for backend in backends.installed():
        manifest = backend.manifest
        if manifest and backend.device_type == device_type and backend.loaded:
            origin = f"{manifest.distribution} {manifest.version}".strip()
            kind = "library" if manifest.library else "Python"
            return {"backend": manifest.name, "distribution": origin, "kind": kind}
    return {"backend": device_type, "distribution": "this process", "kind": "Python"}


def untested(bench: Bench) -> dict[str, list[str]]:
    """What the device claims without an oracle of level 2 for it; much of it is seen by
    the levels above."""
    known: dict[str, set[str]] = {}
    for kernel in KERNELS:
        known.setdefault(kernel.name, set()).update(kernel.dtypes)
    claimed = {n: bench.dtypes(n) for n in sorted(PRIMITIVES | FUSED)}
    left = {
        n: [d for d in ds if d not in known.get(n, ())] for n, ds in claimed.items()
    }
    return {name: dtypes for name, dtypes in left.items() if dtypes}


def support(bench: Bench) -> str:
    """What the device claims: each kernel with its dtypes, and what it leaves out."""
    rows = [("kernel", "primitive", "dtypes")]
    for names, kind in ((PRIMITIVES, "yes"), (FUSED, "")):
        for name in sorted(names):
            rows.append((name, kind, _short(bench.dtypes(name)) or "-"))
    counts = [
        f"{sum(bool(bench.dtypes(n)) for n in names)} of {len(names)} {what}"
        for names, what in ((PRIMITIVES, "primitives"), (FUSED, "fused kernels"))
    ]
    return f"{table(rows)}\n\n{', '.join(counts)}"


_SHORT = {
    "bool": "b8", "uint8": "u8", "int8": "i8", "int16": "i16", "int32": "i32",
    "int64": "i64", "float16": "f16", "bfloat16": "bf16", "float32": "f32",
    "float64": "f64", "complex64": "c64", "complex128": "c128",
}  # fmt: skip


def _short(dtypes: Iterable[str]) -> str:
    given = set(dtypes)
    return " ".join(short for name, short in _SHORT.items() if name in given)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the first row is the head."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])
