"""Fresh virtual environments from the wheels that CI built once.

FLAMBEAU_TEST_DIST names the folder of Flambeau's wheels. A folder `wheelhouse` beside
it may hold those of everything else; without it, pip asks its index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DIST = "FLAMBEAU_TEST_DIST"
_report: list[str] = []


def clean_environment(**extra: str) -> dict[str, str]:
    """Nothing of the caller's Python or Flambeau shines through."""
    drop = ("PYTHON", "FLAMBEAU_", "VIRTUAL_ENV", "USE_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    return {**kept, **extra}


class Wheels:
    """The wheels at hand, and how pip finds them."""

    def __init__(self, dist: Path) -> None:
        self.dist = dist
        house = dist.parent / "wheelhouse"
        self.folders = [dist, house] if house.is_dir() else [dist]

    def has(self, distribution: str) -> bool:
        """Whether there is a wheel of this name."""
        return any(self.dist.glob(f"{distribution.replace('-', '_')}-*.whl"))

    @property
    def environment(self) -> dict[str, str]:
        """What tells pip of them."""
        links = {"PIP_FIND_LINKS": " ".join(map(str, self.folders))}
        links["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        return links if len(self.folders) == 1 else {**links, "PIP_NO_INDEX": "1"}


class Venv:
    """A virtual environment with packages of its own alone."""

    def __init__(self, folder: Path, wheels: Wheels) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        self._wheels = wheels

    @classmethod
    def create(cls, folder: Path, wheels: Wheels) -> Venv:
        """A fresh one; pip works on it from outside, which saves its installation."""
        command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
        subprocess.run(command, check=True, env=clean_environment())
        return cls(folder, wheels)

    def install(self, *names: str | Path) -> None:
        """Packages, with what they depend on."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install"]
        done = subprocess.run(
            [*pip, "--quiet", "--no-compile", *map(str, names)],
            env=clean_environment(**self._wheels.environment),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def run(
        self, *arguments: str, cwd: Path | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run its Python."""
        return subprocess.run(
            [str(self.python), *arguments],
            env=clean_environment(**environment),
            cwd=cwd or self.folder,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def ask(self, code: str, **environment: str) -> object:
        """What a program prints last, as JSON."""
        done = self.run("-c", code, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    @property
    def site(self) -> Path:
        """Its site-packages."""
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found


@pytest.fixture(scope="session")
def wheels() -> Wheels:
    """The wheels of this checkout."""
    named = os.environ.get(DIST)
    if not named:
        pytest.skip(f"{DIST} names no folder of built wheels (.ci/run sets it)")
    return Wheels(Path(named).resolve())


@pytest.fixture
def fresh(tmp_path: Path, wheels: Wheels):
    """Makes a fresh environment with these packages."""

    def make(*names: str) -> Venv:
        venv = Venv.create(tmp_path / "venv", wheels)
        venv.install(*names)
        return venv

    return make


@pytest.fixture(scope="session")
def report():
    """Adds a line to what is printed at the end of the run."""
    return _report.append


def pytest_terminal_summary(terminalreporter) -> None:
    """Print what the tests measured."""
    if _report:
        terminalreporter.section("installations")
        for line in _report:
            terminalreporter.write_line(line)
