"""A vendor's day: the template is written, built outside the tree against the installed
wheel, installed beside the other backends, passes what it claims; and with another
version of the contract it is refused in words."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest

from .conftest import Venv, clean_environment

BESIDE = ("flambeau-cpu-mkl", "flambeau-reference", "flambeau-simulated")
COMPILER = shutil.which("c++") or shutil.which("g++")


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory):
    """An environment with Flambeau from its wheel, in which the vendor starts."""
    venv = Venv.create(tmp_path_factory.mktemp("start") / "venv", wheels)
    venv.install("flambeau")
    return venv


@pytest.fixture(scope="module")
def vendor(installed, wheels, tmp_path_factory):
    """Writes a new backend and runs its ci.sh; the source, the folder that it worked in
    and what it printed."""

    def day(name, *options):
        folder = tmp_path_factory.mktemp(name)
        source, work = folder / f"flambeau-{name}", folder / "work"
        done = installed.run(
            "-m", "flambeau.backends", "new", name, *options, cwd=folder
        )
        assert done.returncode == 0, done.stderr
        beside = [package for package in BESIDE if wheels.has(package)]
        done = subprocess.run(
            ["bash", source / "ci.sh"],
            env=clean_environment(
                **wheels.environment,
                PYTHON=sys.executable,
                WORK=str(work),
                BESIDE=" ".join(["flambeau", *beside]),
            ),
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
        return source, work, done.stdout

    return day


def claimed(source):
    """The level that the template's README and script state, which must agree."""
    script = re.search(r"^CLAIM=(\d)$", (source / "ci.sh").read_text(), re.M)
    readme = re.search(r"passes level (\d)", (source / "README.md").read_text())
    assert script[1] == readme[1]
    return int(script[1])


def chosen(text, name):
    """Whether the report lists a backend as loading and chosen."""
    row = re.search(rf"^{name} .*$", text, re.M)
    return row is not None and row[0].split()[-2:] == ["yes", "yes"]


def check(source, work, text, name):
    for package in ("cpu_mkl", name):
        assert chosen(text, package), text
    result = json.loads((work / "conformance.json").read_text())
    assert result["level_reached"] >= claimed(source)


@pytest.fixture(scope="module")
def in_cpp(vendor):
    if COMPILER is None:
        pytest.skip("needs a C++ compiler")
    return vendor("acme")


def test_the_backend_in_cpp_passes_what_it_claims(in_cpp):
    check(*in_cpp, "acme")


def test_the_backend_in_python_passes_what_it_claims(vendor):
    check(*vendor("pyacme", "--python"), "pyacme")


def flipped(include, folder, version, oldest):
    """A copy of the headers that speaks other versions."""
    shutil.copytree(include, folder, dirs_exist_ok=True)
    header = folder / "flambeau" / "backend.h"
    text = header.read_text()
    for name, value in (("VERSION", version), ("OLDEST", oldest)):
        text, n = re.subn(rf"(FL_ABI_{name}) \d+u", rf"\1 {value}u", text)
        assert n == 1
    header.write_text(text)
    return folder


USE = """
import flambeau
print((flambeau.ones(2) + 1).tolist())
flambeau.ones(2, device="acme")
"""


def test_another_version_is_refused_in_words(in_cpp, wheels, tmp_path):
    source, work, _ = in_cpp
    venv = Venv(work / "venv", wheels)
    include = venv.ask(
        "import flambeau, json; print(json.dumps(flambeau.get_include()))"
    )
    library = venv.site / "flambeau_acme" / "libflambeau_acme.so"
    manifest = venv.site / "flambeau_acme" / "manifest.json"
    fields = json.loads(manifest.read_text())
    assert fields["abi"] == {"min": 1, "max": 1}

    def build(version, oldest, **abi):
        headers = flipped(include, tmp_path / "include", version, oldest)
        sources = sorted(map(str, source.glob("src/*.cpp")))
        flags = ["-std=c++17", "-shared", "-fPIC", f"-I{headers}", "-o", str(library)]
        library.unlink()
        subprocess.run([COMPILER, *flags, *sources], check=True)
        manifest.write_text(json.dumps({**fields, "abi": abi}))

    def refusal():
        done = venv.run("-c", USE)
        assert done.stdout == "[2.0, 2.0]\n", done.stderr  # the CPU goes on
        last = done.stderr.splitlines()[-1]
        assert last.startswith(
            "RuntimeError: device 'acme': its backend cannot be used"
        )
        return last

    build(2, 2, min=2, max=2)
    assert (
        "speaks version 2 of the contract with devices, this flambeau 1: " in refusal()
    )
    assert "update flambeau" in refusal()
    # A manifest that does not know better: the library is asked, and says so itself.
    build(2, 2, min=1, max=2)
    assert "refuses to work: the host is older than this backend supports" in refusal()
    build(0, 0, min=1, max=1)
    assert "refuses to work: this backend is older than the host supports" in refusal()
    done = venv.run("-m", "flambeau.backends")
    assert done.returncode == 0
    assert "acme: backend 'acme' refuses to work: this backend is older" in done.stdout
    build(2, 1, min=1, max=2)  # newer, and still speaking ours: welcome
    assert venv.run("-c", USE).returncode == 0


@pytest.mark.parametrize("name", ["Acme", "1acme", "ac me", "acme-x", "a__b", "", "_a"])
def test_names_that_cannot_be_a_device(installed, tmp_path, name):
    done = installed.run(
        "-m", "flambeau.backends", "new", name, str(tmp_path / "x"), cwd=tmp_path
    )
    assert done.returncode in (1, 2)
    assert "argument 'name'" in done.stderr
    assert not (tmp_path / "x").exists()


def test_a_folder_that_holds_something_is_left_alone(installed, tmp_path):
    (tmp_path / "precious").write_text("mine")
    done = installed.run("-m", "flambeau.backends", "new", "acme", str(tmp_path))
    assert done.returncode == 1
    assert "is not empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]
