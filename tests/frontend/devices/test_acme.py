"""All of this folder once more in a process that has a further device, `acme`: two of
them, with memory of their own, that can do nothing but fill and copy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSIDE = "FLAMBEAU_TESTS_ON_ACME"


@pytest.mark.skipif(INSIDE in os.environ, reason="this is the inner process")
def test_on_a_device_that_only_fills_and_copies(tmp_path):
    info = tmp_path / "flambeau_acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: flambeau-acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[flambeau.backends]\nacme = flambeau_acme\n"
    )
    (tmp_path / "flambeau_acme").symlink_to(HERE / "acme" / "flambeau_acme")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "FLAMBEAU_BACKENDS": "cpu,acme",
        INSIDE: "1",
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v"),
            *("--no-header", f"--ignore={HERE / 'test_names.py'}", str(HERE)),
        ],
        env=environment,
        cwd=HERE.parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-2000:]
    there = [line for line in done.stdout.splitlines() if "[acme" in line]
    assert sum("PASSED" in line for line in there) > 50
