"""Backends written in Python, and versions of the contract: what is opened, and what
becomes a reason."""

from __future__ import annotations

import builtins
import itertools

import pytest
from flambeau_core.registry import Registry

ADVICE = "install it"


# Python keeps what it has imported: no test may use the name of another's module.
_modules = itertools.count()


@pytest.fixture
def acme(site, monkeypatch):
    """A registry with backend acme in Python, whose module has this source."""
    monkeypatch.syspath_prepend(str(site.root))

    def make(source, name="Acme", open_python=None, **fields):
        module = f"acme_python_{next(_modules)}"
        (site.root / f"{module}.py").write_text(source)
        manifest = {"library": None, "module": f"{module}:{name}", **fields}
        site.backend(**manifest)
        opened = []

        def take(instance, called):
            opened.append((instance, called))
            if open_python:
                open_python(instance)

        registry = Registry(
            lambda *_: pytest.fail("there is no library"),
            lambda _: ADVICE,
            [str(site.root)],
            open_python=take,
        )
        return registry, opened

    return make


def test_a_class_is_called_and_its_instance_handed_over(acme):
    registry, opened = acme("class Acme:\n    answer = 42\n")
    registry.resolve("acme")
    registry.resolve("acme")
    ((instance, name),) = opened
    assert (type(instance).__name__, instance.answer, name) == ("Acme", 42, "acme")


def test_a_function_may_make_it(acme):
    registry, opened = acme(
        "class make:\n    @staticmethod\n    def it(): return 7\n", "make.it"
    )
    registry.resolve("acme")
    assert opened == [(7, "acme")]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import acme_sdk_that_is_not_there", "ModuleNotFoundError: No module named"),
        ("def Acme(:", "SyntaxError"),
        ("x = 1", "AttributeError"),
        ("Acme = 5", "TypeError: expected a class or a function, got 5"),
        ("def Acme(): raise OSError('no card')", "OSError: no card"),
        ("def Acme():\n    import sys\n    sys.exit('licence')", "SystemExit: licence"),
        ("class Acme:\n    def __init__(self, x): pass", "TypeError"),
    ],
)
def test_what_its_python_raises_is_the_reason(acme, source, reason):
    registry, opened = acme(source)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="its backend cannot be used") as caught:
            registry.resolve("acme")
        assert f"raised {reason}" in str(caught.value)
    assert opened == []


def test_the_reason_says_where(acme):
    registry, _ = acme("\n\ndef Acme():\n    raise ValueError('boom')\n")
    with pytest.raises(RuntimeError, match=r"boom \(.*acme_python.*\.py, line 4\)"):
        registry.resolve("acme")


def test_the_interpreters_own_end_is_not_a_reason(acme):
    registry, _ = acme("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.resolve("acme")
    assert registry.backends[0].reason == ""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("its count is negative"), "its count is negative"),
        (RuntimeError(), "gave no reason"),
        (AttributeError("no 'count'"), "raised AttributeError: no 'count'"),
    ],
)
def test_what_the_host_finds_wrong_with_it(acme, error, reason):
    def refuse(_):
        raise error

    registry, _ = acme("class Acme: pass", open_python=refuse)
    with pytest.raises(RuntimeError, match=reason):
        registry.resolve("acme")
    assert reason in registry.backends[0].reason


def test_one_that_uses_its_device_while_it_is_opened(acme, monkeypatch):
    source = "import builtins\ndef Acme(): builtins.acme_registry.resolve('acme')\n"
    registry, opened = acme(source)
    monkeypatch.setattr(builtins, "acme_registry", registry, raising=False)
    with pytest.raises(RuntimeError, match="uses its device while it is being"):
        registry.resolve("acme")
    assert opened == []


def test_a_host_without_python_backends(site):
    site.backend(library=None, module="os:getpid")
    registry = Registry(lambda *_: None, str, [str(site.root)])
    with pytest.raises(RuntimeError, match="written in Python, which this host"):
        registry.resolve("acme")


@pytest.mark.parametrize(
    ("abi", "host", "reason"),
    [
        (
            {"min": 2, "max": 3},
            (1, 1),
            "version 2 to 3 .* this flambeau 1: update flambeau$",
        ),
        ({"min": 1, "max": 1}, (2, 4), "version 1 .* 2 to 4: update flambeau-acme$"),
        ({"min": 1, "max": 2}, (2, 4), None),
        ({"min": 1, "max": 9}, (2, 4), None),
        ({"min": 4, "max": 9}, (2, 4), None),
    ],
)
def test_versions_that_do_not_meet(site, abi, host, reason):
    site.backend(abi=abi)
    opened = []
    registry = Registry(
        lambda _, name: opened.append(name), str, [str(site.root)], abi=host
    )
    if reason is None:
        registry.resolve("acme")
        assert opened == ["acme"]
    else:
        with pytest.raises(RuntimeError, match=reason):
            registry.resolve("acme")
        assert opened == []


def test_one_in_python_that_names_no_version_meets_every_host(site):
    site.backend(library=None, abi=None, module="builtins:object")
    opened = []
    registry = Registry(
        str, str, [str(site.root)], open_python=lambda *a: opened.append(a), abi=(7, 9)
    )
    registry.resolve("acme")
    assert len(opened) == 1


def test_the_frontend_speaks_the_versions_of_its_header():
    import re
    from pathlib import Path

    import flambeau
    from flambeau.backends import _runtime

    text = (Path(flambeau.get_include()) / "flambeau" / "backend.h").read_text()
    found = [re.search(rf"FL_ABI_{n} (\d+)u", text)[1] for n in ("OLDEST", "VERSION")]
    assert tuple(map(int, found)) == _runtime.ABI
