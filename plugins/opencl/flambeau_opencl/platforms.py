"""Finds the OpenCL devices of this machine, and says in words when there are none.

An ICD loader learns of platforms from the .icd files of one folder. The loader inside
pyopencl's wheels looks into /etc/OpenCL/vendors, and beside itself for drivers that
came as wheels; OCL_ICD_VENDORS takes the place of both. Loaders of other origin (conda)
may look elsewhere, and read the variable once, when pyopencl is first used: so nothing
is set here behind the user's back, and the reason names the folder that was read.
"""

from __future__ import annotations

import glob
import importlib.util
import os
from typing import Any

SYSTEM_VENDORS = "/etc/OpenCL/vendors"
ADVICE = (
    "install a driver, such as Debian's pocl-opencl-icd, or set OCL_ICD_VENDORS to the "
    "folder that has its .icd file"
)


def devices() -> list[Any]:
    """All pyopencl devices, graphics processors and accelerators before CPUs.

    RuntimeError says why there are none.
    """
    cl = _pyopencl()
    try:
        platforms = cl.get_platforms()
    except cl.Error as error:  # the loader's way to say that it knows no platform
        raise RuntimeError(_nothing(str(error))) from None
    found = []
    for platform in platforms:
        try:
            found += platform.get_devices()
        except cl.Error:  # a platform without a device says so by failing
            continue
    usable = [d for d in found if d.available and d.compiler_available]
    if not usable:
        names = ", ".join(p.name for p in platforms) or "no platform"
        raise RuntimeError(_nothing(f"no usable device in {names}"))
    return sorted(usable, key=lambda d: bool(d.type & cl.device_type.CPU))


def probe() -> str | None:
    """None when there is a device, else the reason in words. Makes no context."""
    try:
        devices()
    except RuntimeError as error:
        return str(error)
    return None


def _pyopencl() -> Any:
    if importlib.util.find_spec("pyopencl") is None:
        raise RuntimeError("pyopencl is not installed")
    try:
        import pyopencl
    except ImportError as error:  # the loader's library is missing or does not fit
        raise RuntimeError(f"pyopencl cannot be imported: {error}") from error
    return pyopencl


def _nothing(detail: str) -> str:
    folder = os.environ.get("OCL_ICD_VENDORS") or SYSTEM_VENDORS
    if not os.path.isdir(folder):
        there = f"{folder} is not a folder"
    else:
        names = [os.path.basename(p) for p in glob.glob(os.path.join(folder, "*.icd"))]
        there = f"{folder} has {', '.join(sorted(names)) or 'no .icd file'}"
    return f"there is no OpenCL device: {there} ({detail}); {ADVICE}"
