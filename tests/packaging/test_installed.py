"""What lies on the disk after an installation, and what the commands of it say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import flambeau
import pytest
from flambeau.backends import installed

ROOT = Path(__file__).resolve().parents[2]


def run(*command, **environment):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("FLAMBEAU_")}
    return subprocess.run(
        [str(c) for c in command],
        capture_output=True,
        text=True,
        env={**clean, **environment},
        timeout=300,
    )


def library():
    for backend in installed():
        if backend.name == "cpu_mkl" and backend.manifest:
            return Path(backend.manifest.library)
    pytest.skip("flambeau-cpu-mkl is not installed")


def test_sizes_are_within_their_limits():
    try:
        distribution("flambeau")
    except PackageNotFoundError:
        pytest.skip("flambeau runs from the source tree")
    done = run(sys.executable, ROOT / "tools" / "installed_size.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "flambeau-cpu-mkl" in done.stdout


def test_the_library_exports_one_symbol():
    if not shutil.which("nm"):
        pytest.skip("needs nm of binutils")
    done = run("nm", "-D", "--defined-only", library())
    symbols = [line.split()[-1] for line in done.stdout.splitlines()]
    assert symbols == ["flambeau_backend_query"]


def test_the_library_needs_no_python():
    if not shutil.which("readelf"):
        pytest.skip("needs readelf of binutils")
    done = run("readelf", "-d", library())
    needed = re.findall(r"NEEDED.*\[(.+?)\]", done.stdout)
    assert needed
    assert not [n for n in needed if "python" in n or "mkl" in n or "iomp" in n]


def test_get_include_has_the_contract():
    folder = Path(flambeau.get_include()) / "flambeau"
    assert (folder / "backend.h").is_file()
    assert (folder / "backend_negotiate.h").is_file()


def test_config_shows_the_toggles():
    text = flambeau.__config__.show()
    for name in ("USE_CUDA=0", "USE_MKL=", "USE_MKLDNN=", "USE_OPENMP=", "DEBUG="):
        assert name in text


def test_the_table_of_backends():
    done = run(sys.executable, "-m", "flambeau.backends")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^cpu_mkl +cpu +flambeau-cpu-mkl \S+ +100 +1 +yes +yes$", done.stdout, re.M
    )


def test_doctor():
    done = run(
        sys.executable, "-c", "from flambeau.cli import main; raise SystemExit(main())"
    )
    assert done.returncode == 2
    assert "usage" in done.stderr
    code = (
        "import sys; sys.argv = ['flambeau', 'doctor']\n"
        "from flambeau.cli import main; raise SystemExit(main())"
    )
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "default device: cpu" in done.stdout
    assert "fallback policy: warn" in done.stdout
    assert re.search(r"^  cpu_mkl: USE_MKL=\d, ", done.stdout, re.M)
    (cpu,) = [line for line in done.stdout.splitlines() if line.startswith("cpu:0 ")]
    free, total = (float(n) for n in re.findall(r"([\d.]+) GiB", cpu))
    assert 0 < free <= total


def test_settings_by_pytorchs_names():
    backends = flambeau.backends
    toggles = next(b.manifest.toggles for b in installed() if b.name == "cpu_mkl")
    assert backends.mkl.is_available() is toggles["USE_MKL"]
    assert backends.mkldnn.is_available() is toggles["USE_MKLDNN"]
    assert backends.openmp.is_available() is toggles["USE_OPENMP"]
    assert backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")
    assert not backends.mps.is_available()
    assert not backends.cuda.is_built()
    assert backends.cudnn.version() is None
    with backends.cudnn.flags(benchmark=True):
        assert backends.cudnn.benchmark
    assert not backends.cudnn.benchmark
    with pytest.raises(AttributeError, match="nothing_here"):
        backends.nothing_here  # noqa: B018
