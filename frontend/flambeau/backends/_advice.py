"""What to say about a device that no installed backend implements."""

from __future__ import annotations

# What to install for a device, and the toggle of this build that may have left it out.
_PACKAGES = {
    "cpu": ("pip install flambeau-cpu-mkl", "USE_CPU"),
    "cuda": ("the CUDA backend is not part of this release", "USE_CUDA"),
    "opencl": ("pip install flambeau-opencl", ""),
    "reference": ("pip install flambeau-reference", ""),
    "simulated": ("pip install flambeau-simulated", ""),
}


def advice(device_type: str) -> str:
    """The package to install, and the toggle that left it out if one did."""
    if device_type not in _PACKAGES:
        return "none of those installed implements it (python -m flambeau.backends)"
    remedy, toggle = _PACKAGES[device_type]
    return remedy + _left_out(toggle)


def _left_out(toggle: str) -> str:
    from flambeau.__config__ import build_info

    toggles = build_info().get("toggles", {})
    return "" if toggles.get(toggle, True) else f" (built with {toggle}=0)"
