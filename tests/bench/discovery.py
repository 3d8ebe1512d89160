"""What ten installed plugins cost `import flambeau` and the first use of a device.

Made-up distributions lie in a folder on the path: none, then ten, in turn, each
measurement in a process of its own. `python tests/bench/discovery.py [rounds]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGINS = 10

# Milliseconds of the processor and of the clock: the import, then the search through
# what is installed, as the first use of a device makes it.
CODE = """
import json, time
def now():
    return time.process_time() * 1e3, time.perf_counter() * 1e3
a = now()
import flambeau
b = now()
found = len(flambeau.backends.installed())
c = now()
print(json.dumps([found, *(y - x for x, y in zip(a + b, b + c))]))
"""


def plugins(folder: Path, count: int) -> None:
    """As many distributions with a backend each."""
    for i in range(count):
        info = folder / f"flambeau_plugin{i}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: flambeau-plugin{i}\nVersion: 1.0\n")
        entry = f"[flambeau.backends]\nplugin{i} = flambeau_plugin{i}\n"
        (info / "entry_points.txt").write_text(entry)
        package = folder / f"flambeau_plugin{i}"
        package.mkdir()
        (package / "__init__.py").write_text("raise ImportError('never imported')\n")
        manifest = {
            "name": f"plugin{i}",
            "device_type": f"plugin{i}",
            "abi": {"min": 1, "max": 1},
            "library": f"libplugin{i}.so",
            "score": 50,
        }
        (package / "manifest.json").write_text(json.dumps(manifest))


def measure(folder: Path, **extra: str) -> list[float]:
    """Backends found, then milliseconds: import (processor, clock), search (the
    same)."""
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, **extra}
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    values: list[float] = json.loads(done.stdout)
    return values


def main() -> None:
    """Print a table: the least of all rounds, and what ten plugins add."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as top:
        folders = {0: Path(top) / "none", PLUGINS: Path(top) / "ten"}
        for count, folder in folders.items():
            folder.mkdir()
            plugins(folder, count)
        # With the variable, the import itself has to look.
        asked = {"": {}, ", FLAMBEAU_BACKENDS set": {"FLAMBEAU_BACKENDS": "cpu"}}
        print("milliseconds of the processor (of the clock) | none | ten | added")
        for suffix, extra in asked.items():
            runs: dict[int, list[list[float]]] = {0: [], PLUGINS: []}
            for _ in range(rounds):
                for count, folder in folders.items():
                    runs[count].append(measure(folder, **extra))
            for row, at in (("import", 1), ("search", 3)):
                print(f"{row}{suffix}", *_cells(runs, at), sep=" | ")
            found = runs[PLUGINS][0][0] - runs[0][0][0]
            assert found == PLUGINS, found


def _cells(runs: dict[int, list[list[float]]], at: int) -> list[str]:
    least = [
        [min(run[at + i] for run in runs[count]) for i in (0, 1)]
        for count in (0, PLUGINS)
    ]
    least.append([b - a for a, b in zip(*least, strict=True)])
    return [f"{processor:.1f} ({clock:.1f})" for processor, clock in least]


if __name__ == "__main__":
    main()
