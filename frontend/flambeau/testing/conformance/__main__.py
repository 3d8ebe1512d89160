"""The command: tests one device, prints what it found; exit status 1 for failures."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import l6_speed
from ._bench import Bench
from ._case import FAILED, Case, Result
from ._report import support
from ._run import MODES, TOP, run


def main(arguments: list[str] | None = None) -> int:
    """Run the command; its exit status."""
    asked = _parser().parse_args(arguments)
    if not asked.here:
        return _in_child(sys.argv[1:] if arguments is None else arguments)
    try:
        if asked.mode == "support":
            sys.stdout.write(support(Bench(asked.device)) + "\n")
            return 0
        tell = _tell(asked.verbose)
        report = run(
            asked.device, asked.level, asked.mode, tell, asked.only, _note(asked.here)
        )
    except RuntimeError as error:
        sys.stderr.write(f"conformance: {error}\n")
        return 2
    sys.stdout.write(report.text() + "\n")
    if report.measurements:
        sys.stdout.write("\n" + l6_speed.text(report.measurements) + "\n")
    if asked.json:
        text = json.dumps(report.data(), indent=1)
        Path(asked.json).write_text(text + "\n", encoding="utf-8")
    return 1 if report.failures() else 0


def _in_child(arguments: list[str]) -> int:
    """The same in a process of its own, so that a crash there is told with its case."""
    with tempfile.TemporaryDirectory() as folder:
        now = Path(folder, "case")
        command = [sys.executable, "-m", __package__, *arguments, "--here", str(now)]
        status = subprocess.run(command, check=False).returncode
        if status >= 0:
            return status
        case = now.read_text() if now.exists() else "opening the device"
    what = signal.Signals(-status).name
    sys.stderr.write(f"conformance: {case} ended the process with {what}\n")
    return 3


def _tell(verbose: bool) -> Any:
    def tell(result: Result) -> None:
        if verbose or result.status == FAILED:
            sys.stderr.write(f"{result.status:9} {result.id} {result.detail}\n")

    return tell


def _note(file: str) -> Any:
    """Leaves behind which case is run."""

    def begin(case: Case) -> None:
        Path(file).write_text(case.id, encoding="utf-8")

    return begin


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flambeau.testing.conformance",
        description="Says of a device what is right, missing, and how fast it is.",
    )
    parser.add_argument("device", help='such as "cpu" or "acme:1"')
    parser.add_argument(
        "--level",
        type=int,
        default=TOP,
        choices=range(TOP + 2),
        help=f"test up to this level (default {TOP}); {TOP + 1} also measures",
    )
    parser.add_argument("--mode", choices=MODES, default="test")
    parser.add_argument("--only", default="", help="cases whose id holds this text")
    parser.add_argument("--json", help="write the results to this file")
    parser.add_argument("--verbose", action="store_true", help="tell every case")
    parser.add_argument("--here", default="", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
