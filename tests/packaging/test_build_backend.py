"""The build backends: what a wheel depends on and needs, as the toggles ask."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("scikit_build_core", reason="needs scikit-build-core to build")


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(monkeypatch):
    for name in ("USE_CPU", "USE_CUDA", "FLAMBEAU_RELEASE", "MAX_JOBS"):
        monkeypatch.delenv(name, raising=False)
    return load(ROOT / "buildtools" / "flambeau_build.py")


@pytest.fixture
def cpu_mkl(monkeypatch):
    for name in ("USE_MKL", "USE_MKLDNN", "MAX_JOBS"):
        monkeypatch.delenv(name, raising=False)
    path = ROOT / "backends" / "cpu_mkl" / "buildtools" / "cpu_mkl_build.py"
    module = load(path)
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(module._build, "get_requires_for_build_wheel", lambda _: ["x"])
    return module


def backends(module):
    dependencies = module.dynamic_metadata({}, {})["dependencies"]
    return [d for d in dependencies if "@" in d]


def test_a_checkout_brings_its_cpu_backend(root):
    (found,) = backends(root)
    assert found == f"flambeau-cpu-mkl @ {(ROOT / 'backends/cpu_mkl').as_uri()}"


@pytest.mark.parametrize("no", ["0", "OFF", "off", "NO", "False", "n"])
def test_use_cpu_says_no(root, monkeypatch, no):
    monkeypatch.setenv("USE_CPU", no)
    assert backends(root) == []


def test_a_release_names_no_paths(root, monkeypatch):
    monkeypatch.setenv("FLAMBEAU_RELEASE", "1")
    assert backends(root) == []


def test_use_cuda_without_the_backend_in_the_checkout(root, monkeypatch, tmp_path):
    (tmp_path / "backends").mkdir()
    monkeypatch.setattr(root, "ROOT", tmp_path)
    monkeypatch.setenv("USE_CPU", "0")
    monkeypatch.setenv("USE_CUDA", "1")
    with pytest.raises(RuntimeError, match="USE_CUDA=1 asks for flambeau-cuda"):
        root.dynamic_metadata({}, {})


def test_use_cuda_zero_is_the_default(root, monkeypatch):
    before = backends(root)
    monkeypatch.setenv("USE_CUDA", "0")
    assert backends(root) == before


def test_mkl_and_onednn_are_needed_by_default(cpu_mkl):
    needed = " ".join(cpu_mkl.get_requires_for_build_wheel())
    assert "mkl-static" in needed
    assert "onednn-devel-cpu-gomp" in needed


def test_use_mkl_zero_downloads_no_mkl(cpu_mkl, monkeypatch):
    monkeypatch.setenv("USE_MKL", "0")
    needed = " ".join(cpu_mkl.get_requires_for_build_wheel())
    assert "mkl" not in needed
    assert "onednn" in needed


def test_all_off_needs_only_the_build_system(cpu_mkl, monkeypatch):
    monkeypatch.setenv("USE_MKL", "0")
    monkeypatch.setenv("USE_MKLDNN", "0")
    assert cpu_mkl.get_requires_for_build_wheel() == ["x"]


def test_other_processors_get_portable_code(cpu_mkl, monkeypatch):
    monkeypatch.setattr(cpu_mkl.platform, "machine", lambda: "aarch64")
    assert cpu_mkl.get_requires_for_build_wheel() == ["x"]


def test_max_jobs_limits_the_compilers(cpu_mkl, monkeypatch):
    monkeypatch.setenv("MAX_JOBS", "3")
    monkeypatch.delenv("CMAKE_BUILD_PARALLEL_LEVEL", raising=False)
    seen = {}
    monkeypatch.setattr(
        cpu_mkl._build,
        "build_wheel",
        lambda *_: seen.update(cpu_mkl.os.environ) or "wheel",
    )
    cpu_mkl.build_wheel("somewhere")
    monkeypatch.delenv("CMAKE_BUILD_PARALLEL_LEVEL")
    assert seen["CMAKE_BUILD_PARALLEL_LEVEL"] == "3"


def test_versions_agree():
    def version(path):
        return tomllib.loads((ROOT / path).read_text())["project"]["version"]

    here = load(ROOT / "frontend" / "flambeau" / "version.py").__version__
    assert version("pyproject.toml") == here
    assert version("backends/cpu_mkl/pyproject.toml") == here
