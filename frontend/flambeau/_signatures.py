"""Signatures of ops for `inspect`, read from their schemas."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["signature_of"]


def _split(text: str) -> list[str]:
    """Arguments of a schema, commas within brackets apart."""
    parts: list[str] = [""]
    depth = 0
    for c in text:
        depth += (c in "[(") - (c in "])")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip()]


def _default(text: str) -> Any:
    words = {"None": None, "True": True, "False": False}
    if text in words:
        return words[text]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text.strip("'\"")


def signature_of(op: Any) -> inspect.Signature:
    """The signature of the overload with most arguments."""
    schema = max(op._schemas, key=lambda s: s.count(","))
    inner = schema[schema.index("(") + 1 : schema.rindex(") ->")]
    kind: Any = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters: list[inspect.Parameter] = []
    is_method = type(op).__name__ == "_OpMethod"
    for part in _split(inner):
        if part == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
            continue
        spec, _, default = part.partition("=")
        name = spec.split()[-1]
        if name == "self" and not is_method:
            name = "input"
        if not name.isidentifier() or name in ("from", "lambda"):
            name += "_"
        value = _default(default) if default else inspect.Parameter.empty
        if parameters and value is inspect.Parameter.empty:
            parameters = [
                p.replace(default=inspect.Parameter.empty) for p in parameters
            ]
        parameters.append(inspect.Parameter(name, kind, default=value))
    if op._has_out and all(p.name != "out" for p in parameters):
        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters.append(inspect.Parameter("out", keyword, default=None))
    return inspect.Signature(parameters)
