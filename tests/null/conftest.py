"""Fixtures of the tests that need no device: made-up distributions, bare
interpreters."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MANIFEST = {
    "name": "acme",
    "device_type": "acme",
    "abi": {"min": 1, "max": 1},
    "library": "libacme.so",
    "score": 50,
}


class Site:
    """A folder that looks like site-packages, to which made-up distributions are
    added."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def metadata(
        self, distribution: str, entry_points: str, version: str = "1.0"
    ) -> None:
        """A dist-info folder with this entry_points.txt."""
        name = distribution.replace("-", "_")
        info = self.root / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)

    def backend(self, package: str = "flambeau_acme", **fields: object) -> None:
        """A distribution with a backend; `fields` change its manifest, None removes
        one."""
        manifest = {**MANIFEST, **fields}
        manifest = {k: v for k, v in manifest.items() if v is not None}
        self.raw_backend(
            package, json.dumps(manifest), str(manifest.get("name", "acme"))
        )

    def raw_backend(self, package: str, text: str, name: str = "acme") -> None:
        """A distribution whose manifest is this text, valid or not."""
        folder = self.root / package
        folder.mkdir()
        # Importing a backend's package is never needed, so these forbid it.
        (folder / "__init__.py").write_text(
            "raise ImportError('must not be imported')\n"
        )
        (folder / "manifest.json").write_text(text)
        line = f"[flambeau.backends]\n{name} = {package}\n"
        self.metadata(package.replace("_", "-"), line)

    def plugin(self, module: str, source: str) -> None:
        """A distribution with a plugin for pluggy's events."""
        (self.root / f"{module}.py").write_text(source)
        self.metadata(
            module.replace("_", "-"), f"[flambeau.plugins]\n{module} = {module}\n"
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty made-up site-packages."""
    root = tmp_path / "site"
    root.mkdir()
    return Site(root)


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bare(site: Site) -> Run:
    """Runs code in an interpreter that sees flambeau, NumPy, pluggy and `site`
    alone."""
    for package in ("flambeau", "flambeau_core", "numpy", "numpy.libs", "pluggy"):
        spec = importlib.util.find_spec(package.partition(".")[0])
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).parent.with_name(package)
        if source.is_dir():
            (site.root / package).symlink_to(source)

    def run(
        code: str, *arguments: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        start = f"import sys; sys.path.insert(0, {str(site.root)!r})\n"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("FLAMBEAU_")}
        return subprocess.run(
            [sys.executable, "-I", "-S", *arguments, "-c", start + code],
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
