"""compile: eager execution behind PyTorch's interface.

There is no compiler in this release. `flambeau.compile` runs the function as it is
written, op by op; programs that call it work, and are as fast as without it.
"""

from __future__ import annotations

from typing import Any

__all__ = ["compile", "disable", "is_compiling", "is_dynamo_compiling", "reset"]


def compile(
    model: Any = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Any:
    """The model or function itself, to be run eagerly, whatever the options.

    Documented so on purpose: nothing is compiled, `fullgraph` checks nothing. As a
    decorator with options, it gives the decorator that returns its function.
    """
    if model is None:
        return lambda fn: fn
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: Any = None) -> Any:
    """The function itself: it was never compiled."""
    return fn if fn is not None else lambda f: f


def is_compiling() -> bool:
    """False."""
    return False


def is_dynamo_compiling() -> bool:
    """False."""
    return False


def reset() -> None:
    """Nothing: no compiled code is kept."""
