"""Apple's GPUs, for which Flambeau has no backend: every answer is no."""


def is_available() -> bool:
    """False: no backend implements the device."""
    return False


def is_built() -> bool:
    """False: no backend implements the device."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Whether this is macOS of at least that version."""
    import platform

    version = platform.mac_ver()[0]
    if not version:
        return False
    parts = [int(p) for p in version.split(".")[:2]]
    return [*parts, 0][:2] >= [major, minor]
