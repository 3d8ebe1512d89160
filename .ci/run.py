#!/usr/bin/env python3
"""Continuous integration on a clean checkout: builds the wheels once, installs them,
runs every test and every check, the conformance of each device and a vendor's day. The
last line says `N passed, N failed`; exit status 1 on failure.

Needs Python 3.11 or later with venv, and a C++20 compiler. Steps named as arguments
run alone, as `.ci/run lint` after a first whole run. CI_DIR names the folder to work in
(default: build/ci).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = Path(os.environ.get("CI_DIR", ROOT / "build" / "ci")).resolve()
BIN = WORK / "venv" / "bin"
DIST = WORK / "dist"
HOUSE = WORK / "wheelhouse"  # of what Flambeau's wheels and a vendor's build need
# Each device and the level of the kit that it is held to. PoCL compiles every kernel of
# every dtype for minutes; what trains on that device is in tests/plugins.
CONFORMANCE = {"cpu": 5, "reference": 5, "simulated": 5, "opencl": 2}
OPTIONAL = {"opencl"}  # needs a platform, which `system` may not have been able to get
JOBS = os.environ.get("MAX_JOBS", str(os.cpu_count() or 1))
# Tests spread over the processors; those of packaging, which build, do not.
PYTEST = (BIN / "python", "-m", "pytest", "-q", "-n", JOBS)

passed = failed = skipped = 0
summary: list[str] = []


def environment(**extra: str) -> dict[str, str]:
    """A clean environment: nothing of the caller's Python or Flambeau shines
    through."""
    drop = ("PYTHON", "FLAMBEAU_", "USE_", "VIRTUAL_ENV")
    env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
    env["PATH"] = f"{BIN}{os.pathsep}{env.get('PATH', os.defpath)}"
    env["MAX_JOBS"] = JOBS
    if shutil.which("ccache"):
        env.setdefault("CMAKE_CXX_COMPILER_LAUNCHER", "ccache")
        env["CCACHE_DIR"] = str(WORK / "ccache")  # of this run alone
    return {**env, **extra}


def sh(*command: str | Path, cwd: Path = ROOT, **extra: str) -> bool:
    """Run a command, showing it; True when it succeeds."""
    print("$", *command, flush=True)
    done = subprocess.run([str(c) for c in command], cwd=cwd, env=environment(**extra))
    return done.returncode == 0


def count(good: int, bad: int, left_out: int, name: str, seconds: float) -> None:
    """Add to the totals and to the summary."""
    global passed, failed, skipped
    passed, failed, skipped = passed + good, failed + bad, skipped + left_out
    mark = "FAILED" if bad else "ok"
    summary.append(
        f"{mark:7} {name}: {good} passed, {bad} failed, {left_out} skipped "
        f"({seconds:.0f} s)"
    )


def junit(path: Path) -> tuple[int, int, int]:
    """passed, failed, skipped of a JUnit file; (0, 1, 0) when there is none."""
    if not path.is_file():
        return 0, 1, 0
    total = bad = left_out = 0
    for suite in ET.parse(path).getroot().iter("testsuite"):
        total += int(suite.get("tests", 0))
        bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        left_out += int(suite.get("skipped", 0)) + int(suite.get("disabled", 0))
    return total - bad - left_out, bad, left_out


def system() -> None:
    """An OpenCL platform for the processor, and a cache for the compiler, so that the
    portable build takes the kernels of the wheels; from Debian. What cannot be had is
    done without: the tests of that device skip, the kernels are compiled twice."""
    wanted = []
    if not list(Path("/etc/OpenCL/vendors").glob("*.icd")):
        wanted.append("pocl-opencl-icd")
    if not shutil.which("ccache"):
        wanted.append("ccache")
    if not wanted:
        print("an OpenCL platform and ccache are installed")
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print("cannot be installed (needs root and apt-get):", *wanted)
        return
    get = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *wanted]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if not sh(*get, **quiet):
        # The lists of a fresh machine are old or empty.
        _ = sh("apt-get", "-qq", "update", **quiet) and sh(*get, **quiet)
    found = list(Path("/etc/OpenCL/vendors").glob("*.icd"))
    print("OpenCL:", found or "no platform", "- ccache:", shutil.which("ccache"))


def build() -> bool:
    """All wheels, with warnings as errors, in a fresh virtual environment."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    if not sh(sys.executable, "-m", "venv", WORK / "venv"):
        return False
    folders = [
        Path("."),
        *(p.parent for p in sorted(ROOT.glob("backends/*/pyproject.toml"))),
        *(p.parent for p in sorted(ROOT.glob("plugins/*/pyproject.toml"))),
    ]
    wheels = [f"./{p.relative_to(ROOT) if p.is_absolute() else p}" for p in folders]
    return all(
        sh(
            BIN / "pip",
            "wheel",
            "--no-deps",
            "-w",
            DIST,
            folder,
            FLAMBEAU_RELEASE="1",
            SKBUILD_CMAKE_DEFINE="FLAMBEAU_WERROR=ON",
        )
        for folder in wheels
    )


def install() -> bool:
    """The wheels with what the tests need, and the tools of the checks."""
    wheels = [
        f"{w}[examples,test]" if w.name.startswith("flambeau-") else str(w)
        for w in sorted(DIST.glob("*.whl"))
    ]
    return sh(BIN / "pip", "install", *wheels) and sh(
        BIN / "pip", "install", "-r", ".ci/requirements.txt"
    )


def tests() -> None:
    """Every test but those of packaging, which have a step of their own."""
    start, report = time.time(), WORK / "pytest.xml"
    leave = "--ignore=tests/packaging"
    sh(*PYTEST, leave, f"--junitxml={report}")
    count(*junit(report), "tests", time.time() - start)


def packaging() -> None:
    """A vendor's day, and fresh environments with only what is needed."""
    start, report = time.time(), WORK / "packaging.xml"
    # Fetched once, so that a dozen environments are made without a network.
    tools = ("pytest>=8", "scikit-build-core>=1.1,<2", "hatchling>=1.18,<2")
    wheels = sorted(DIST.glob("*.whl"))
    fetched = sh(
        *(BIN / "pip", "download", "-q", "-d", HOUSE, "--find-links", DIST),
        *(*tools, "cmake>=3.21", "ninja", *wheels),
    )
    if not fetched:
        shutil.rmtree(HOUSE, ignore_errors=True)  # pip asks its index each time
    sh(
        *(BIN / "python", "-m", "pytest", "-q", "tests/packaging"),
        f"--junitxml={report}",
        FLAMBEAU_TEST_DIST=str(DIST),
    )
    count(*junit(report), "packaging and a vendor's day", time.time() - start)


def conformance() -> None:
    """Every device against the kit. An optional one that cannot be opened is left out;
    what it printed is the reason."""
    for device, level in CONFORMANCE.items():
        start, report = time.time(), WORK / f"conformance-{device}.json"
        code = f"import flambeau; flambeau.empty(1, device={device!r})"
        if device in OPTIONAL and not sh(BIN / "python", "-c", code):
            count(0, 0, 1, f"conformance of {device}", time.time() - start)
            continue
        kit = (BIN / "python", "-m", "flambeau.testing.conformance", device)
        good = sh(*kit, "--level", str(level), "--json", report)
        name = f"conformance of {device}, level {level}"
        count(int(good), int(not good), 0, name, time.time() - start)


def cpp() -> None:
    """tests/cpp under the address and undefined-behaviour sanitizers."""
    start, folder, report = time.time(), WORK / "cpp", WORK / "ctest.xml"
    _ = (
        sh(
            BIN / "cmake",
            "-S",
            ROOT,
            "-B",
            folder,
            "-G",
            "Ninja",
            "-DFLAMBEAU_PYTHON=OFF",
            "-DFLAMBEAU_CPP_TESTS=ON",
            "-DFLAMBEAU_WERROR=ON",
            "-DFLAMBEAU_SANITIZE=address,undefined",
            DEBUG="1",
        )
        and sh(BIN / "cmake", "--build", folder, "-j", JOBS)
        and sh(
            BIN / "ctest",
            "--test-dir",
            folder,
            "--output-on-failure",
            "--no-tests=error",
            "--output-junit",
            report,
        )
    )
    count(*junit(report), "C++ tests under sanitizers", time.time() - start)


def portable() -> None:
    """The CPU backend without MKL, oneDNN and OpenMP, for the oldest processors: it
    must hold no AVX outside of its kernels, and pass the tests of the ops on SSE
    alone."""
    start, site = time.time(), WORK / "portable"
    defines = "FLAMBEAU_WERROR=ON;FLAMBEAU_STRIP=OFF"
    # With the CMake that made the wheels, not the one installed since: another version
    # puts flags in another order, and the compiler's cache knows nothing of them.
    built = sh(
        *(BIN / "pip", "install", "--no-deps", "--target", site, "./backends/cpu_mkl"),
        PATH=os.environ.get("PATH", os.defpath),
        USE_MKL="0",
        USE_MKLDNN="0",
        USE_OPENMP="0",
        SKBUILD_CMAKE_DEFINE=defines,
        SKBUILD_INSTALL_STRIP="false",
    )
    library = site / "flambeau_cpu_mkl" / "libflambeau_cpu_mkl.so"
    good = built and sh(BIN / "python", "tools/check_isas.py", library)
    count(int(good), int(not good), 0, "portable build", time.time() - start)
    start, report = time.time(), WORK / "portable.xml"
    # Found first on the path, the portable build stands for the installed one.
    sh(
        *(*PYTEST, "tests/ops", f"--junitxml={report}"),
        PYTHONPATH=str(site),
        FLAMBEAU_ISA="sse",
    )
    count(*junit(report), "ops on portable kernels", time.time() - start)


def tracked(*patterns: str) -> list[str]:
    """The files under version control that match."""
    done = subprocess.run(
        ["git", "ls-files", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


def lint() -> None:
    """Layout, types and layers; each check counts as one test."""
    python = BIN / "python"
    cpp_files = tracked("*.cpp", "*.h", "*.c")
    checks: dict[str, Callable[[], bool]] = {
        "ruff": lambda: sh(BIN / "ruff", "check", "."),
        "ruff format": lambda: sh(BIN / "ruff", "format", "--check", "."),
        "clang-format": lambda: sh(
            BIN / "clang-format", "--dry-run", "-Werror", *cpp_files
        ),
        "mypy": lambda: sh(BIN / "mypy", "-p", "flambeau", "-p", "flambeau_core"),
        "stubs": lambda: sh(python, "tools/make_stubs.py", "--check"),
        "import-linter": lambda: sh(
            BIN / "lint-imports", PYTHONPATH="frontend:core/python"
        ),
        "includes": lambda: sh(python, "tools/check_includes.py"),
        "device names": lambda: sh(python, "tools/check_device_names.py"),
        "device figures": lambda: sh(python, "tools/count_device.py", "--check"),
        "installed size": lambda: sh(python, "tools/installed_size.py"),
    }
    for name, check in checks.items():
        start = time.time()
        good = check()
        count(int(good), int(not good), 0, name, time.time() - start)


def main() -> int:
    """Run the steps; 1 when anything failed."""
    steps: dict[str, Callable[[], bool | None]] = {
        "system": system,
        "build": build,
        "install": install,
        "tests": tests,
        "conformance": conformance,
        "packaging": packaging,
        "cpp": cpp,
        "portable": portable,
        "lint": lint,
    }
    for name in sys.argv[1:] or steps:
        start = time.time()
        result = steps[name]()
        if result is not None:  # a step that is not itself a suite of tests
            count(int(result), int(not result), 0, name, time.time() - start)
        if result is False:
            break
    print("\n" + "\n".join(summary))
    print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
