"""The template of a new backend, used straight from its source: it boots, its kernels
are right, with `fill` and `copy` alone everything runs by fallback; and two backends
for one device."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from flambeau.backends import _new, get_include

ROOT = Path(__file__).resolve().parents[2]
COMPILER = shutil.which("c++") or shutil.which("g++")


def add_cpu(site):
    """Flambeau's own CPU backend, if there is one."""
    spec = importlib.util.find_spec("flambeau_cpu_mkl")
    if spec is None or spec.origin is None:
        pytest.skip("flambeau-cpu-mkl is not installed")
    (site.root / "flambeau_cpu_mkl").symlink_to(Path(spec.origin).parent)
    entry = "[flambeau.backends]\ncpu_mkl = flambeau_cpu_mkl\n"
    site.metadata("flambeau-cpu-mkl", entry)


def add(site, name, source):
    """Put a package into site-packages as its wheel would."""
    package = f"flambeau_{name}"
    shutil.copytree(source / package, site.root / package)
    entry = f"[flambeau.backends]\n{name} = {package}\n"
    site.metadata(package.replace("_", "-"), entry)
    return site.root / package


def in_python(site, name, tmp_path):
    _new.write(name, str(tmp_path / name), python=True)
    return add(site, name, tmp_path / name)


def in_cpp(site, name, tmp_path):
    """The C++ variant, compiled without its build system."""
    if COMPILER is None:
        pytest.skip("needs a C++ compiler")
    source = tmp_path / name
    _new.write(name, str(source), python=False)
    package = add(site, name, source)
    template = (package / "manifest.json.in").read_text()
    manifest = template.replace("@ABI_OLDEST@", "1").replace("@ABI_VERSION@", "1")
    (package / "manifest.json").write_text(manifest)
    flags = ["-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    flags += [f"-I{get_include()}", "-o", str(package / f"libflambeau_{name}.so")]
    sources = sorted(map(str, source.glob("src/*.cpp")))
    subprocess.run([COMPILER, *flags, *sources], check=True)
    return package


@pytest.fixture(params=["python", "cpp"])
def device(request, bare, site, tmp_path):
    """Runs code where device acme, written from the template, lies beside the CPU's;
    the package, and the runner."""
    add_cpu(site)
    package = (in_python if request.param == "python" else in_cpp)(
        site, "acme", tmp_path
    )
    return package, bare


VALUES = """
import flambeau as t
from flambeau.backends import set_fallback_policy, fallback_counts
set_fallback_policy("error")
a = t.tensor([[1.0, -2.0, 4.0], [0.5, float("nan"), 9.0]], device="acme")
b = t.full((3,), 2.0, device="acme")
out = [(-a), (a + b), (a - b), (b * a), (a / b), a.exp(), a.t() @ a]
assert all(x.device.type == "acme" for x in out)
assert not fallback_counts("acme")
import numpy as np
x = np.array([[1, -2, 4], [0.5, np.nan, 9]], "f4")
want = [-x, x + 2, x - 2, x * 2, x / 2, np.exp(x), x.T.astype("f8") @ x]
for got, expected in zip(out, want):
    np.testing.assert_allclose(got.cpu().numpy(), expected, rtol=1e-6)
print("fine")
"""


def test_its_own_kernels(device):
    done = device[1](VALUES)
    assert done.stdout == "fine\n", done.stderr


TRAIN = """
import flambeau as t
from flambeau.backends import set_fallback_policy, fallback_counts
set_fallback_policy("allow")
def losses(device):
    t.manual_seed(0)
    net = t.nn.Sequential(t.nn.Linear(4, 8), t.nn.ReLU(), t.nn.Linear(8, 3)).to(device)
    adam = t.optim.Adam(net.parameters(), lr=0.05)
    x = t.randn(32, 4).to(device)
    y = (x.cpu()[:, 0] > 0).long().to(device)
    found = []
    for _ in range(10):
        loss = t.nn.functional.cross_entropy(net(x), y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        found.append(loss.item())
    return found
here, there = losses("cpu"), losses("acme")
assert max(abs(a - b) for a, b in zip(here, there)) < 1e-4, (here, there)
assert here[-1] < 0.8 * here[0]
print(sorted({kernel for _, kernel in fallback_counts("acme")}))
"""


def test_with_fill_and_copy_alone_a_network_trains(device):
    package, bare = device
    if (package / "kernels.py").exists():
        (package / "kernels.py").write_text("KERNELS = {}\n")
    names = "neg exp sqrt relu add sub mul div sum matmul".split()
    hide = f"import flambeau\nflambeau._C._hide_kernels('acme', {names})\n"
    done = bare(hide + TRAIN)
    assert "'matmul'" in done.stdout or "'linear'" in done.stdout, done.stderr


def test_its_memory_is_limited_and_counted(bare, site, tmp_path):
    add_cpu(site)
    in_cpp(site, "acme", tmp_path)
    code = """
import flambeau as t
free, total = t._C._memory_available("acme")
assert total == 2**30
kept = t.empty(2**20, dtype=t.uint8, device="acme")
assert free - t._C._memory_available("acme")[0] >= 2**20
try:
    t.empty(2**31, dtype=t.uint8, device="acme")
except t.OutOfMemoryError as error:
    print("acme" in str(error))
"""
    done = bare(code)
    assert done.stdout == "True\n", done.stderr


# ---- two backends for one device ---------------------------------------------------


@pytest.fixture
def two(bare, site, tmp_path):
    """cpu_mkl and, with a lower score, a backend for the CPU in Python; the folder of
    the latter."""
    add_cpu(site)
    package = in_python(site, "plain", tmp_path)
    manifest = json.loads((package / "manifest.json").read_text())
    manifest.update(device_type="cpu", score=10)
    (package / "manifest.json").write_text(json.dumps(manifest))
    backend = package / "backend.py"
    text = backend.read_text()
    changed = text.replace(
        'name = device_type = "plain"', 'name = "plain"\n    device_type = "cpu"'
    )
    assert changed != text
    backend.write_text(changed)
    return package


USE = """
import flambeau as t
print((t.tensor([1.0, 2.0]) + t.tensor([3.0, 4.0])).tolist(), end=" ")
print([b.name for b in t.backends.installed() if b.loaded], end=" ")
"""


@pytest.mark.parametrize(
    ("order", "used"),
    [
        ("", "cpu_mkl"),
        ("plain", "plain"),
        ("plain,cpu_mkl", "plain"),
        ("cpu_mkl,plain", "cpu_mkl"),
        ("cpu", "cpu_mkl"),
    ],
)
def test_score_and_order_choose_between_two(two, bare, order, used):
    done = bare(USE, FLAMBEAU_BACKENDS=order)
    assert done.stdout == f"[4.0, 6.0] ['{used}'] ", done.stderr
    assert done.stderr == ""


def test_the_next_one_stands_in_with_a_warning(two, bare, site):
    broken = site.root / "flambeau_cpu_mkl"
    manifest = (broken / "manifest.json").read_text()
    broken.unlink()
    broken.mkdir()
    (broken / "manifest.json").write_text(manifest)
    done = bare(USE)
    assert done.stdout == "[4.0, 6.0] ['plain'] ", done.stderr
    assert "device 'cpu': using backend 'plain'" in done.stderr
    assert "libflambeau_cpu_mkl.so: cannot open shared object file" in done.stderr


def test_an_exception_in_the_preferred_ones_python(two, bare):
    (two / "kernels.py").write_text("raise OSError('no such card')\n")
    done = bare(USE, FLAMBEAU_BACKENDS="plain,cpu_mkl")
    assert done.stdout == "[4.0, 6.0] ['cpu_mkl'] ", done.stderr
    assert "RuntimeWarning: device 'cpu': using backend 'cpu_mkl'" in done.stderr
    assert "OSError: no such card" in done.stderr
    done = bare(USE, FLAMBEAU_BACKENDS="plain")
    assert "RuntimeError: device 'cpu': its backend cannot be used" in done.stderr


REPORT = "import runpy; runpy.run_module('flambeau.backends', run_name='__main__')"


def test_the_report_on_two(two, bare):
    done = bare(REPORT)
    assert done.returncode == 0, done.stderr
    rows = {w[0]: w for line in done.stdout.splitlines() if (w := line.split())}
    assert rows["cpu_mkl"][1] == rows["plain"][1] == "cpu"
    assert rows["cpu_mkl"][-3:] == ["1", "yes", "yes"]
    assert rows["plain"][-3:] == ["1", "yes", "no"]
    assert "plain: cpu_mkl comes first" in done.stdout
    (cpu,) = [line for line in done.stdout.splitlines() if line.startswith("cpu:0")]
    assert "of the host" in cpu
    assert cpu.count("GiB") >= 1


def test_a_library_that_crashes_when_it_opens_does_not_end_the_report(
    two, bare, tmp_path
):
    if COMPILER is None:
        pytest.skip("needs a C++ compiler")
    bad = tmp_path / "bad.cpp"
    bad.write_text("struct C { C() { *(volatile int*)8 = 1; } } crash;\n")
    library = two / "libbad.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", bad, "-o", library], check=True)
    manifest = json.loads((two / "manifest.json").read_text())
    del manifest["module"]
    manifest.update(device_type="bad", library="libbad.so")
    (two / "manifest.json").write_text(json.dumps(manifest))
    done = bare(REPORT)
    assert done.returncode == 0, done.stderr
    assert "plain: opening it was ended by SIGSEGV" in done.stdout
    assert "cpu:0" in done.stdout


# ---- the figures of the document ---------------------------------------------------


def load_counter():
    path = ROOT / "tools" / "count_device.py"
    spec = importlib.util.spec_from_file_location("count_device", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PYTHON = '''"""What

it is."""

# a remark
X = (
    1,
)


def f():
    """Says."""
    return X


class C:
    async def g(self):
        await f()  # here
'''
CPP = """// What it is.
#include <x>

namespace {

int f(int a,
      int b) {
  if (a) {
    return b;
  }
  return 0;  // none
}

struct S {
  int g() { return 1; }
};

void h() {}

const int table[] = {f(1, 2)};
}
"""


def test_the_counter_counts_as_by_hand(tmp_path):
    counter = load_counter()
    (tmp_path / "a.py").write_text(PYTHON)
    (tmp_path / "a.cpp").write_text(CPP)
    assert counter.python(tmp_path / "a.py") == (2, 8)
    assert counter.cpp(tmp_path / "a.cpp") == (2, 15)


def test_the_document_says_what_is_counted():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "count_device.py", "--check"],
        capture_output=True,
        text=True,
        env={**os.environ},
    )
    assert done.returncode == 0, done.stdout + done.stderr
