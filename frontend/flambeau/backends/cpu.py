"""What the CPU can do."""

from __future__ import annotations


def get_cpu_capability() -> str:
    """The instruction set that the CPU backend uses: "AVX512", "AVX2" or "DEFAULT"."""
    from ._runtime import registry

    registry.resolve("cpu")
    flags = _processor_flags()
    compiled = [
        isa
        for backend in registry.candidates("cpu")
        if backend.loaded and backend.manifest
        for isa in backend.manifest.isas
    ]
    if (
        "avx512" in compiled
        and {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= flags
    ):
        return "AVX512"
    if "avx2" in compiled and {"avx2", "fma"} <= flags:
        return "AVX2"
    return "DEFAULT"


def _processor_flags() -> set[str]:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return set(line.partition(":")[2].split())
    except OSError:  # not Linux: the baseline is all that is compiled there
        return set()
    return set()
