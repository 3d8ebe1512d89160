"""The lint that forbids comparing a device's name: it finds what is planted."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "check_device_names.py"


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    """The tool as a module."""
    spec = importlib.util.spec_from_file_location("check_device_names", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PYTHON = {
    "equal": 'def f(d):\n    return d.type == "cuda"',
    "other side": 'def f(d):\n    return "cuda:0" != str(d)',
    "is": 'def f(d):\n    return d.type is "xpu"',
    "in a tuple": 'def f(d):\n    return d.type in ("cuda", "acme")',
    "in a set": 'def f(d):\n    return d.type not in {"meta"}',
    "in a constant": 'KINDS = frozenset(["mps"])',
    "match": 'def f(d):\n    match d.type:\n        case "cpu":\n            pass',
    "match or": "def f(d):\n    match d:\n        case 1 | 'cpu':\n            pass",
    "key": 'def f(d):\n    return {"cuda": 1}.get(d.type)',
    "look-up": 'def f(table):\n    return table["cuda"]',
    "get": 'def f(table):\n    return table.get("cuda", 0)',
    "start": 'def f(d):\n    return str(d).startswith("cuda")',
    "of a plugin": 'def f(d):\n    return d.type == "acme"',
}


@pytest.mark.parametrize("text", PYTHON.values(), ids=PYTHON)
def test_python(lint, text):
    found = lint.in_python(text, {*lint.KNOWN, "acme"})
    assert found, text
    line, context, what = found[0]
    assert line == len(text.splitlines()) - (found[0][2] == "a pattern of match")
    assert context in ("f", "KINDS") and what


DATA = {
    "default": 'def f(device="cuda"):\n    return g(device)',
    "argument": 'x = g("cuda", device="cpu")',
    "two values": "def f(a, b):\n    return a.type == b.type",
    "constant": "def f(d):\n    return d.type == HOST",
    "docstring": 'def f():\n    """`d.type == "cuda"`."""',
}


@pytest.mark.parametrize("text", DATA.values(), ids=DATA)
def test_python_data_is_allowed(lint, text):
    assert lint.in_python(text, lint.KNOWN) == []


CPP = {
    "equal": "if (device_type_name(d.type) == name) {",
    "other side": "return name != fl::device_type_name(t->device->device.type);",
    "literal": 'if (kind == "cuda") {',
    "literal first": 'if ("cuda:0" == text) {',
    "over lines": 'if (device_type_name(f(d).type) ==\n    "cuda") {',
    "host": "if (name == kHostDeviceType) {",
    "strcmp": 'if (strcmp(name, "cpu") == 0) {',
    "map": 'auto it = table.find("cuda");',
    "index": 'int code = codes["cuda"];',
}


@pytest.mark.parametrize("text", CPP.values(), ids=CPP)
def test_cpp(lint, text):
    assert lint.in_cpp(text, lint.KNOWN), text


@pytest.mark.parametrize(
    "text",
    [
        '// if (kind == "cuda")',
        '/* device_type_name(d) == "cuda" */ int x;',
        "return a.type == b.type;",
        "return d.type == kHostType;",
        'keywords<1>("cuda", {"device"}, args);',
        'concat(device_type_name(d.type), ":", i);',
    ],
)
def test_cpp_data_is_allowed(lint, text):
    assert lint.in_cpp(text, lint.KNOWN) == []


def test_plugins_are_known(lint):
    assert {"cpu", "reference", "simulated", "opencl"} <= lint.names()


def test_an_exception_that_is_not_needed_is_an_error(lint, monkeypatch, capsys):
    monkeypatch.setitem(lint.ALLOWED, ("core/nowhere.py", "f"), "no reason")
    assert lint.main() == 1
    assert "core/nowhere.py: f: allowed without need" in capsys.readouterr().out


def test_core_and_frontend_compare_no_name(lint, capsys):
    assert lint.main() == 0, capsys.readouterr().out
