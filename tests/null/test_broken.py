"""Eight broken backends installed at once: `import flambeau` and the CPU go on, and
each one's reason comes out when its device is asked for, and in the report."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

# What is wrong, and what its device says of it.
BROKEN = {
    "gone": "libgone.so: cannot open shared object file",
    "alien": "libalien.so: file too short",
    "newer": "speaks version 7 of the contract with devices, this flambeau 1",
    "raises": "flambeau_raises.code:make raised ValueError: no licence",
    "crashes": "its probe flambeau_crashes.code:probe was ended by SIGSEGV",
    "exits": "its probe flambeau_exits.code:probe ended its process with status 5",
    "hangs": "its probe flambeau_hangs.code:probe did not answer within 1 s",
}
CODE = """
import ctypes, os, time
def make(): raise ValueError("no licence")
def probe():
    if "crashes" in __name__: ctypes.string_at(0)
    if "exits" in __name__: os._exit(5)
    time.sleep(60)
"""


@pytest.fixture
def broken(site):
    """The site with all of them, and the CPU's backend."""
    spec = importlib.util.find_spec("flambeau_cpu_mkl")
    if spec is None or spec.origin is None:
        pytest.skip("flambeau-cpu-mkl is not installed")
    (site.root / "flambeau_cpu_mkl").symlink_to(Path(spec.origin).parent)
    entry = "[flambeau.backends]\ncpu_mkl = flambeau_cpu_mkl\n"
    site.metadata("flambeau-cpu-mkl", entry)
    for name in BROKEN:
        package = f"flambeau_{name}"
        fields = {"name": name, "device_type": name, "library": f"lib{name}.so"}
        if name in ("crashes", "exits", "hangs"):
            fields["probe"] = f"{package}.code:probe"
        if name == "newer":
            fields["abi"] = {"min": 7, "max": 7}
        if name == "raises":
            fields |= {"library": None, "module": f"{package}.code:make"}
        site.backend(package, **fields)
        (site.root / package / "__init__.py").write_text("")
        (site.root / package / "code.py").write_text(CODE)
    (site.root / "flambeau_alien" / "libalien.so").write_bytes(b"MZ")
    site.raw_backend("flambeau_garbled", "{]", "garbled")
    return site


USE = """
import json, os
os.environ["FLAMBEAU_PROBE_TIMEOUT"] = "1"
import flambeau
print(flambeau.ones(2).sum().item())
reasons = {}
for name in json.loads(os.environ["NAMES"]):
    for attempt in range(2):
        try:
            flambeau.zeros(1, device=name)
        except RuntimeError as error:
            reasons.setdefault(name, []).append(str(error))
print(flambeau.ones(3).sum().item())
print(json.dumps(reasons))
"""


def test_each_reason_comes_out_and_nothing_else_breaks(broken, bare):
    import json

    names = [*BROKEN, "garbled"]
    done = bare(USE, NAMES=json.dumps(names))
    assert done.returncode == 0, done.stderr
    first, second, text = done.stdout.splitlines()
    assert (first, second) == ("2.0", "3.0")
    reasons = json.loads(text)
    for name, told in {**BROKEN, "garbled": "is not JSON"}.items():
        once, again = reasons[name]
        assert once == again  # stored
        assert told in once


def test_the_report_lists_them_all(broken, bare):
    code = "import runpy; runpy.run_module('flambeau.backends', run_name='__main__')"
    done = bare(code, FLAMBEAU_PROBE_TIMEOUT="3")
    assert done.returncode == 0, done.stderr
    rows = {w[0]: w for line in done.stdout.splitlines() if (w := line.split())}
    assert rows["cpu_mkl"][-2:] == ["yes", "yes"]
    for name, told in BROKEN.items():
        assert rows[name][-2:] == ["no", "no"]
        assert told.replace("within 1 s", "within 3 s") in done.stdout
    assert "backend 'garbled' of flambeau-garbled 1.0" in done.stdout
