"""`import flambeau` with and without a backend: what works, what it says, what it
costs."""

from __future__ import annotations

import json

import pytest

# Modules of the standard library that `import flambeau` may load. A new one here needs
# a reason: the whole import has 60 ms.
ALLOWED = {
    "__future__",
    "_bisect",
    "_collections",
    "_collections_abc",
    "_functools",
    "_heapq",
    "_io",
    "_json",
    "_operator",
    "_random",
    "_sre",
    "_stat",
    "_struct",
    "_thread",
    "_typing",
    "_warnings",
    "_weakref",
    "_weakrefset",
    "bisect",
    "builtins",
    "collections",
    "contextlib",
    "copy",
    "copyreg",
    "enum",
    "functools",
    "genericpath",
    "heapq",
    "importlib",
    "itertools",
    "keyword",
    "linecache",
    "math",
    "numbers",
    "operator",
    "os",
    "posixpath",
    "re",
    "reprlib",
    "stat",
    "struct",
    "sys",
    "time",
    "types",
    "typing",
    "warnings",
    "weakref",
}

LOADED = """
before = set(sys.modules)
import flambeau
loaded = {m.partition(".")[0] for m in set(sys.modules) - before}
import json
print(json.dumps(sorted(loaded)))
"""


def test_import_works_without_a_backend(bare):
    done = bare("import flambeau; print(flambeau.float32)")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "torch.float32\n" or done.stdout == "flambeau.float32\n"


def test_import_loads_only_what_is_allowed(bare):
    done = bare(LOADED)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout)) - {"flambeau", "flambeau_core"}
    assert loaded <= ALLOWED, sorted(loaded - ALLOWED)


COST = """
import time, resource
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
import flambeau
seconds = time.process_time() - start
print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024)
"""


def test_import_costs_at_most_60_ms_and_40_mib(bare):
    runs = []
    for _ in range(5):
        done = bare(COST)
        assert done.returncode == 0, done.stderr
        runs.append([float(x) for x in done.stdout.split()])
    assert min(seconds for seconds, _ in runs) < 0.060
    assert min(memory for _, memory in runs) < 40


OPENED = """
import sys
opened = []
def hook(event, args):
    if event == "open":
        opened.append(args[0])
sys.addaudithook(hook)
import flambeau
print(len(opened))
"""


# The time that this takes is measured by tests/bench/discovery.py.
@pytest.mark.parametrize(("order", "files"), [("", 0), ("backend_3", 2)])
def test_a_plugin_costs_the_import_its_two_texts_at_most(bare, site, order, files):
    def opened():
        done = bare(OPENED, FLAMBEAU_BACKENDS=order)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    site.backend("package_3", name="backend_3")
    opened()  # compiles what is not yet compiled
    before = opened()
    for i in (0, 1, 2, 4, 5, 6, 7, 8, 9):
        site.backend(f"package_{i}", name=f"backend_{i}")
    assert opened() - before == 9 * files


def test_cpu_says_what_to_install(bare):
    done = bare("import flambeau; flambeau.zeros(2)")
    assert done.stderr.splitlines()[-1].startswith(
        "RuntimeError: device 'cpu' needs a backend; pip install flambeau-cpu-mkl"
    )


def test_cuda_says_which_toggle_left_it_out(bare):
    done = bare("import flambeau; flambeau.zeros(2, device='cuda')")
    last = done.stderr.splitlines()[-1]
    assert "device 'cuda' needs a backend" in last
    assert "USE_CUDA=0" in last


def test_meta_works_without_a_backend(bare):
    done = bare(
        "import flambeau\nx = flambeau.empty(2, 3, device='meta')\n"
        "print(tuple((x + x).shape))"
    )
    assert done.stdout == "(2, 3)\n", done.stderr


def test_the_allow_list_is_checked_at_import(bare):
    done = bare("import flambeau", FLAMBEAU_BACKENDS="cpu,nonsense")
    assert "FLAMBEAU_BACKENDS: expected names of installed backends" in done.stderr
    assert "'nonsense'" in done.stderr


def test_the_allow_list_forbids(bare, site):
    site.backend("one", name="one", device_type="one")
    site.backend("two", name="two", device_type="two")
    done = bare(
        "import flambeau; flambeau.zeros(2, device='two')", FLAMBEAU_BACKENDS="one"
    )
    assert "two is installed, but FLAMBEAU_BACKENDS allows only one" in done.stderr


def test_the_default_device_of_the_environment(bare):
    done = bare(
        "import flambeau as f\nprint(f.empty(2).device, f.get_default_device())",
        FLAMBEAU_DEVICE="meta",
    )
    assert done.stdout == "meta meta\n", done.stderr


def test_a_bad_default_device_fails_at_import(bare):
    done = bare("import flambeau", FLAMBEAU_DEVICE="no such thing")
    assert done.returncode != 0
    assert "FLAMBEAU_DEVICE" in done.stderr


@pytest.mark.parametrize(
    "text",
    ["{", '{"name": "acme"}', '{"name": "acme", "device_type": 5}'],
)
def test_a_broken_backend_never_breaks_the_import(bare, site, text):
    site.raw_backend("flambeau_acme", text)
    done = bare("import flambeau; print('here'); flambeau.zeros(2, device='acme')")
    assert done.stdout == "here\n", done.stderr
    assert "backend 'acme' of flambeau-acme 1.0" in done.stderr.splitlines()[-1]


def test_a_library_that_does_not_open_gives_its_reason(bare, site):
    site.backend()
    (site.root / "flambeau_acme" / "libacme.so").write_bytes(b"not a library")
    done = bare("import flambeau; print('here'); flambeau.zeros(2, device='acme')")
    assert done.stdout == "here\n", done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("RuntimeError: device 'acme': its backend cannot be used")
    assert "libacme.so" in last


def test_a_broken_plugin_never_breaks_the_import(bare, site):
    site.plugin("broken_plugin", "raise ValueError('boom')")
    done = bare("import flambeau; print(flambeau.float32 is not None)")
    assert done.stdout == "True\n", done.stderr


def test_an_unknown_device_names_those_installed(bare, site):
    site.backend()
    done = bare("import flambeau; flambeau.zeros(2, device='zzz')")
    assert "zzz" in done.stderr.splitlines()[-1]


def test_the_table_without_a_backend(bare):
    done = bare(
        "import runpy; runpy.run_module('flambeau.backends', run_name='__main__')"
    )
    assert done.returncode == 1
    assert "no backend is installed" in done.stdout
