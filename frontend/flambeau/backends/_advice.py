"""What to say about a device that no installed backend implements."""

from __future__ import annotations

_PACKAGES = {
    "cpu": ("USE_CPU", "pip install flambeau-cpu-mkl"),
    "cuda": ("USE_CUDA", "the CUDA backend is not part of this release"),
}


def advice(device_type: str) -> str:
    """The package to install, and the toggle that left it out if one did."""
    if device_type not in _PACKAGES:
        return "none of those installed implements it (python -m flambeau.backends)"
    toggle, remedy = _PACKAGES[device_type]
    return remedy + _left_out(toggle)


def _left_out(toggle: str) -> str:
    from flambeau.__config__ import build_info

    toggles = build_info().get("toggles", {})
    return "" if toggles.get(toggle, True) else f" (built with {toggle}=0)"
