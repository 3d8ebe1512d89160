"""Level 0: the contract itself. Hosts of other versions, cut structs, names and
tables; a refusal tells its reason in words."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from flambeau import backends

from . import _abi
from ._bench import Bench
from ._case import Case, skip
from ._names import FUSED, PRIMITIVES
from ._operand import DTYPES

_SECONDS = 60


def cases(bench: Bench) -> Iterator[Case]:
    """Those of a library or of a backend in Python, and those of the manifest."""
    manifest = _manifest(bench.device_type)
    tests: dict[str, Any]
    if manifest is not None and manifest.library:
        tests = {name: partial(_version, manifest, name) for name in _abi.HOSTS}
        tests["tables"] = partial(_tables, manifest)
        tests["structs cut short"] = partial(_short_structs, manifest)
    elif manifest is not None:
        instance = _Instance(manifest.module)
        tests = {
            "names": partial(_names, instance, manifest),
            "devices": partial(_devices, instance),
            "kernels": partial(_kernels, instance),
            "memory": partial(_memory, instance),
        }
    else:
        tests = {"manifest": _no_manifest}
    tests["versions in the manifest"] = partial(_skew, manifest)
    for name, test in tests.items():
        yield Case(0, "contract", name, test)


def _manifest(device_type: str) -> Any:
    """That of the backend in use; None when it came without one."""
    for backend in backends.installed():
        if backend.device_type == device_type and backend.loaded:
            return backend.manifest
    return None


def _no_manifest() -> None:
    raise skip("the backend was opened in this process, without a manifest")


# ---- libraries -----------------------------------------------------------------------
def _ask(library: str, case: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(Path(_abi.__file__)), library, case],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, (
        f"the query for {case} ended its process with {done.returncode}: "
        f"{done.stderr.strip()[-300:]}"
    )
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


_ACCEPTED = ("this host", "a newer host that speaks this version")


def _version(manifest: Any, case: str) -> str | None:
    answer = _ask(manifest.library, case)
    if case in _ACCEPTED:
        assert "reason" not in answer, f"refused {case}: {answer['reason']!r}"
        assert answer["abi_version"] >= 1
        return None
    assert "reason" in answer, f"accepted {case}"
    assert len(answer["reason"].split()) >= 3, (
        f"refused {case} without a reason in words, got {answer['reason']!r}"
    )
    return str(answer["reason"])


def _tables(manifest: Any) -> str:
    answer = _ask(manifest.library, "this host")
    assert answer["device_type"] == manifest.device_type, (
        f"expected device type '{manifest.device_type}' as in the manifest, got "
        f"'{answer['device_type']}'"
    )
    assert answer["name"] == manifest.name, (
        f"expected name '{manifest.name}' as in the manifest, got '{answer['name']}'"
    )
    required = _abi.Backend.kernels.offset + 8
    assert answer["size"] >= required, f"fl_backend: size {answer['size']}"
    for name in _abi.REQUIRED:
        found = answer[name]
        assert found is not None, f"the required table '{name}' is empty"
        assert not found["empty"], f"table '{name}': empty slots {found['empty']}"
    stream = answer["stream"]
    if stream is not None:
        assert not stream["empty"], f"table 'stream': empty slots {stream['empty']}"
    assert answer["count"] >= 1, f"count of devices: {answer['count']}"
    assert answer["properties"] == 0, f"properties: status {answer['properties']}"
    alignment = answer["alignment"]
    assert alignment and alignment & (alignment - 1) == 0, (
        f"expected a power of two for the alignment, got {alignment}"
    )
    assert answer["device_name"], "the device has no name"
    assert answer["beyond_count"] != 0, "properties of a device that there is not"
    return f"{answer['count']} devices, {'with' if stream else 'without'} streams"


def _short_structs(manifest: Any) -> None:
    answer = _ask(manifest.library, "this host")
    assert answer["unknown"] == 0, "find: a kernel for a name that there is not"
    assert answer["empty_name"] == 0, "find: a kernel for the empty name"
    assert answer["fill"] and answer["fill_runs"], "find: no kernel for 'fill'"
    assert not answer["beyond_info"], (
        "find: wrote beyond the size of fl_kernel_info that it was given"
    )


# ---- backends in Python --------------------------------------------------------------
class _Instance:
    """The backend, made anew as the host makes it; at the first use."""

    def __init__(self, module: str) -> None:
        self.module = module
        self._made: Any = None

    def __call__(self) -> Any:
        if self._made is None:
            module, _, name = self.module.partition(":")
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            self._made = found()
        return self._made


def _names(instance: _Instance, manifest: Any) -> None:
    made = instance()
    for field in ("name", "device_type"):
        wanted, got = getattr(manifest, field), getattr(made, field)
        assert got == wanted, (
            f"expected {field} '{wanted}' as in the manifest, got {got!r}"
        )
    assert isinstance(made.build_info, str)
    for field in ("host_memory", "asynchronous"):
        assert isinstance(getattr(made, field), bool), f"expected a bool for {field}"
    assert made.alignment & (made.alignment - 1) == 0, (
        f"expected a power of two for alignment, got {made.alignment}"
    )


def _devices(instance: _Instance) -> str:
    made = instance()
    count = made.count()
    assert isinstance(count, int) and count >= 1, f"count: got {count!r}"
    for index in range(count):
        name = made.device_name(index)
        assert isinstance(name, str) and name, f"device_name({index}): got {name!r}"
        total = made.total_memory(index)
        assert isinstance(total, int) and total >= 0, f"total_memory: got {total!r}"
    return f"{count} devices"


def _kernels(instance: _Instance) -> str:
    made = instance()
    assert made.kernel("no_kernel_has_this_name") is None, (
        "kernel: expected None for a name that there is not"
    )
    count = 0
    for name in sorted(PRIMITIVES | FUSED):
        found = made.kernel(name)
        if found is None:
            continue
        count += 1
        run, dtypes = found
        assert callable(run), f"kernel('{name}'): {run!r} cannot be called"
        unknown = set(dtypes) - set(DTYPES)
        assert not unknown, f"kernel('{name}'): no dtypes are called {sorted(unknown)}"
    for name in ("fill", "copy"):
        assert made.kernel(name) is not None, f"a device boots with '{name}', at least"
    return f"{count} kernels"


def _memory(instance: _Instance) -> None:
    made = instance()
    if made.host_memory:
        raise skip("the device is in host memory")
    device = made.open(0)
    address = made.allocate(device, 1000)
    try:
        assert isinstance(address, int) and address > 0, f"allocate: got {address!r}"
        sent, back = bytes(range(250)), bytearray(250)
        made.from_host(device, address + 3, memoryview(sent))
        made.to_host(device, memoryview(back), address + 3)
        made.synchronize(device)
        assert bytes(back) == sent, "what was sent to the device did not come back"
    finally:
        made.release(device, address, 1000)


# ---- versions ------------------------------------------------------------------------
def _skew(manifest: Any) -> str:
    """The host refuses a manifest of versions before and after its own, in words."""
    if manifest is None:
        raise skip("the backend was opened in this process, without a manifest")
    from flambeau_core.opener import Opener

    def never(*_: object) -> None:
        raise AssertionError("opened a backend of another version")

    class Skewed:
        def __init__(self, low: int, high: int) -> None:
            self.abi_min, self.abi_max = low, high

        def __getattr__(self, name: str) -> Any:
            return getattr(manifest, name)

    oldest, newest = backends._runtime.ABI
    opener = Opener(never, never, (oldest + 1, newest + 1))
    told = []
    for low, high in ((newest + 2, newest + 3), (oldest, oldest)):
        reason = opener.open(Skewed(low, high))  # type: ignore[arg-type]
        assert "version" in reason, f"versions {low} to {high}: got {reason!r}"
        told.append(reason)
    return "; ".join(told)
