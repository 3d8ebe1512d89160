"""The policy for kernels that a device lacks: what is raised, warned and counted; the
context manager; the environment. The device is the template's, with ten kernels."""

from __future__ import annotations

import json

import pytest

from .test_template import add_cpu, in_python


@pytest.fixture
def run(bare, site, tmp_path):
    """Runs code beside device acme; what it prints last, as JSON."""
    add_cpu(site)
    in_python(site, "acme", tmp_path)

    def ask(code, **environment):
        done = bare(START + code, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return ask


START = """
import json, warnings
import flambeau as t
from flambeau.backends import (fallback_counts, fallback_policy, reset_fallback_counts,
                               set_fallback_policy)
x = t.tensor([3.0, 1.0, 2.0], device="acme")
def caught(f):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        f()
    return [str(w.message) for w in found]
"""


def test_warns_by_default_and_names_kernel_and_device(run):
    messages = run("print(json.dumps(caught(lambda: x.argsort())))")
    assert len(messages) == 1
    assert "sort" in messages[0]
    assert "acme" in messages[0]


def test_error_raises_and_says_what_to_do(run):
    code = """
set_fallback_policy("error")
try:
    x.argsort()
except RuntimeError as error:
    print(json.dumps([str(error), len(fallback_counts())]))
"""
    message, counted = run(code)
    assert "sort" in message
    assert "acme" in message
    assert counted == 0


def test_allow_says_nothing_and_counts(run):
    code = """
set_fallback_policy("allow")
said = caught(lambda: [x.argsort() for _ in range(3)])
counts = [[*k, n] for k, n in fallback_counts("acme:0").items()]
same = fallback_counts("acme") == fallback_counts("acme:0") == fallback_counts()
other = fallback_counts("cpu")
reset_fallback_counts()
print(json.dumps([said, counts, same, list(other), list(fallback_counts())]))
"""
    said, counts, same, other, after = run(code)
    assert (said, same, other, after) == ([], True, [], [])
    assert ["acme:0", "sort", 3] in counts


def test_a_with_statement_brings_the_policy_back(run):
    code = """
seen = [fallback_policy()]
with set_fallback_policy("error"):
    seen.append(fallback_policy())
    try:
        with set_fallback_policy("allow"):
            seen.append(fallback_policy())
            raise KeyError
    except KeyError:
        seen.append(fallback_policy())
seen.append(fallback_policy())
set_fallback_policy("allow")
seen.append(fallback_policy())
print(json.dumps(seen))
"""
    assert run(code) == ["warn", "error", "allow", "error", "warn", "allow"]


def test_another_word_is_refused(run):
    code = """
try:
    set_fallback_policy("maybe")
except ValueError as error:
    print(json.dumps([str(error), fallback_policy()]))
"""
    message, policy = run(code)
    assert "expected one of error, warn, allow for argument 'policy', got 'maybe'" in (
        message
    )
    assert policy == "warn"


def test_the_environment_sets_it(run, bare):
    code = "print(json.dumps(fallback_policy()))"
    assert run(code, FLAMBEAU_FALLBACK="error") == "error"
    done = bare("import flambeau", FLAMBEAU_FALLBACK="maybe")
    assert done.returncode == 1
    assert "FLAMBEAU_FALLBACK" in done.stderr.splitlines()[-1]
    assert "maybe" in done.stderr.splitlines()[-1]


def test_without_the_cpus_backend_what_is_lacking_is_said(bare, site, tmp_path):
    in_python(site, "acme", tmp_path)
    code = """
import flambeau as t
x = t.tensor([3.0, 1.0], device="acme")
print((x + x).tolist())
x.argsort()
"""
    done = bare(code)
    assert done.stdout == "[6.0, 2.0]\n", done.stderr
    assert "device 'cpu' needs a backend" in done.stderr.splitlines()[-1]


def test_without_the_cpus_backend_a_copy_to_it_is_refused(bare, site, tmp_path):
    # A second search for a host ran while the first one's error was still set.
    in_python(site, "acme", tmp_path)
    for use in ("x.cpu()", "x.to('cpu')"):
        code = f"import flambeau as t; x = t.ones(2, device='acme'); print(x); {use}"
        done = bare(code)
        assert done.stdout == "tensor([1., 1.], device='acme:0')\n", done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("RuntimeError: device 'cpu' needs a backend"), last
