"""Installing only what is needed: each set of packages in a fresh virtual environment,
what works there, how large it is and how long it takes to import."""

from __future__ import annotations

import pytest

DEVICES = {
    "flambeau-cpu-mkl": "cpu",
    "flambeau-reference": "reference",
    "flambeau-simulated": "simulated",
    "flambeau-opencl": "opencl",
}

SIZES = """
import json
from importlib.metadata import distributions
sizes = {}
for d in distributions():
    files = [d.locate_file(f) for f in d.files or []]
    # What Python compiled on the way is not the package's.
    real = [f for f in files if f.is_file() and f.suffix != ".pyc"]
    sizes[d.name] = sum(f.stat().st_size for f in real)
print(json.dumps(sizes))
"""

IMPORT = """
import json, time
start = time.perf_counter()
import flambeau
print(json.dumps((time.perf_counter() - start) * 1e3))
"""

FIRST = """
import json, time
import flambeau
start = time.perf_counter()
x = flambeau.arange(6.0, device={device!r}).view(2, 3)
value = (x @ x.t() + 1).tolist()
print(json.dumps([(time.perf_counter() - start) * 1e3, value]))
"""
EXPECTED = [[6.0, 15.0], [15.0, 51.0]]  # by hand


def needed(wheels, *packages):
    for package in packages:
        if not wheels.has(package):
            pytest.skip(f"there is no wheel of {package}")
    return packages


def measure(venv, packages, report):
    """Add a line of sizes and times to the report; the sizes."""
    sizes = venv.ask(SIZES)
    ours = {name: sizes[name] for name in packages}
    least = min(venv.ask(IMPORT) for _ in range(5))
    parts = ", ".join(f"{name} {size / 2**20:.2f} MiB" for name, size in ours.items())
    report(f"{' + '.join(packages)}: {parts}; import {least:.0f} ms")
    return ours


def first_op(venv, device, report):
    """Values of a product on a device, and the time to the first of them."""
    milliseconds, value = venv.ask(FIRST.format(device=device))
    report(f"    first values on '{device}' after {milliseconds:.0f} ms more")
    assert value == EXPECTED


def test_the_frontend_alone(fresh, report):
    venv = fresh("flambeau")
    sizes = measure(venv, ["flambeau"], report)
    assert sizes["flambeau"] < 15 * 2**20
    done = venv.run("-c", "import flambeau; flambeau.zeros(2)")
    assert "needs a backend; pip install flambeau-cpu-mkl" in done.stderr
    meta = "import flambeau, json; x = flambeau.ones(2, 3, device='meta')"
    assert venv.ask(f"{meta}; print(json.dumps((x @ x.t()).shape))") == [2, 2]
    done = venv.run("-m", "flambeau.backends")
    assert done.returncode == 1
    assert "no backend is installed" in done.stdout


def test_the_frontend_and_the_reference_device(fresh, wheels, report):
    packages = needed(wheels, "flambeau", "flambeau-reference")
    venv = fresh(*packages)
    measure(venv, packages, report)
    first_op(venv, "reference", report)
    # Nothing needs the CPU's backend where the device has every primitive.
    code = "import flambeau, json; print(json.dumps(flambeau.ones(3).sum().item()))"
    assert venv.ask(code, FLAMBEAU_DEVICE="reference") == 3.0
    done = venv.run("-c", "import flambeau; flambeau.zeros(2)")
    assert "needs a backend; pip install flambeau-cpu-mkl" in done.stderr


def test_the_frontend_and_the_cpu(fresh, wheels, report):
    packages = needed(wheels, "flambeau", "flambeau-cpu-mkl")
    venv = fresh(*packages)
    sizes = measure(venv, packages, report)
    assert sum(sizes.values()) < 150 * 2**20
    first_op(venv, "cpu", report)
    done = venv.run("-m", "flambeau.backends")
    assert done.returncode == 0, done.stdout + done.stderr


def test_four_devices_together(fresh, wheels, report):
    packages = needed(wheels, "flambeau", *DEVICES)
    venv = fresh(*packages)
    measure(venv, packages, report)
    states = {}
    for package, device in DEVICES.items():
        done = venv.run("-c", FIRST.format(device=device))
        # There may be no OpenCL platform: its reason comes out and disturbs nobody.
        missing = device == "opencl" and done.returncode != 0
        states[package] = done.stderr.splitlines()[-1] if missing else ""
        if not missing:
            first_op(venv, device, report)
    reason = states["flambeau-opencl"]
    if reason:
        assert reason.startswith("RuntimeError: device 'opencl': "), reason
        report(f"    {reason}")
