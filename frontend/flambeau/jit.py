"""jit: what eager programs ask of it; scripting and tracing are not built yet."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "annotate",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "load",
    "save",
    "script",
    "trace",
    "unused",
]

_isinstance = isinstance


def is_scripting() -> bool:
    """False: nothing is ever scripted."""
    return False


def is_tracing() -> bool:
    """False: nothing is ever traced."""
    return False


def export(fn: Any) -> Any:
    """The function itself."""
    return fn


def unused(fn: Any) -> Any:
    """The function itself."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself; with `drop`, the decorator that returns it."""
    return drop if callable(drop) else lambda fn: fn


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value itself."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Python's isinstance."""
    return _isinstance(obj, target_type)


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"flambeau.jit.{name} is not built yet: run the program without it, eagerly"
    )


def script(obj: Any = None, *args: Any, **kwargs: Any) -> Any:
    """NotImplementedError."""
    _refuse("script")


def trace(func: Any = None, *args: Any, **kwargs: Any) -> Any:
    """NotImplementedError."""
    _refuse("trace")


def save(m: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
    """NotImplementedError."""
    _refuse("save")


def load(f: Any, *args: Any, **kwargs: Any) -> Any:
    """NotImplementedError."""
    _refuse("load")
