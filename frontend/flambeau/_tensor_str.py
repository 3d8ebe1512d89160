"""Printing: tensors as text, and set_printoptions."""

from __future__ import annotations

import math
from typing import Any

from . import _C
from ._C import Tensor

__all__ = ["set_printoptions"]


class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES: dict[str, tuple[int, float, int, int]] = {
    "default": (4, 1000, 3, 80),
    "short": (2, 1000, 2, 80),
    "full": (4, math.inf, 3, 80),
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors print.

    precision: digits after the point; threshold: more elements than this are summarised
    with edgeitems at each end; linewidth: characters per line; sci_mode: True or False,
    or None to choose by the values; profile: "default", "short" or "full".
    """
    o = _Options
    if profile is not None:
        o.precision, o.threshold, o.edgeitems, o.linewidth = _PROFILES[profile]
    if precision is not None:
        o.precision = precision
    if threshold is not None:
        o.threshold = threshold
    if edgeitems is not None:
        o.edgeitems = edgeitems
    if linewidth is not None:
        o.linewidth = linewidth
    o.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in force."""
    names = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
    return {name: getattr(_Options, name) for name in names}


class _Formatter:
    """One format for all elements of a tensor, chosen by looking at them."""

    def __init__(self, values: list[Any], floating: bool) -> None:
        self.floating = floating
        self.integral = True
        self.scientific = False
        self.width = 1
        if not floating:
            self.width = max((len(str(v)) for v in values), default=1)
            return
        finite = [abs(v) for v in values if math.isfinite(v) and v != 0]
        if not finite:
            return
        low, high = min(finite), max(finite)
        self.integral = all(v == math.ceil(v) for v in values if math.isfinite(v))
        self.scientific = high / low > 1000.0 or high > 1.0e8
        if not self.integral:
            self.scientific = self.scientific or low < 1.0e-4
        if _Options.sci_mode is not None:
            self.scientific = _Options.sci_mode
        self._widen([v for v in values if math.isfinite(v) and v != 0])

    def _widen(self, values: list[Any]) -> None:
        self.width = max([self.width, *(len(self._text(v)) for v in values)])

    def _text(self, v: Any) -> str:
        if not self.floating:
            return str(v)
        if self.scientific:
            return f"{v:.{_Options.precision}e}"
        if self.integral:
            return f"{v:.0f}" + ("" if math.isinf(v) or math.isnan(v) else ".")
        return f"{v:.{_Options.precision}f}"

    def __call__(self, v: Any) -> str:
        return self._text(v).rjust(self.width)


class _ComplexFormatter:
    """Real and imaginary part each with a format of its own."""

    def __init__(self, values: list[complex]) -> None:
        self.real = _Formatter([v.real for v in values], True)
        self.imag = _Formatter([v.imag for v in values], True)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, v: complex) -> str:
        imag = self.imag(v.imag).strip() + "j"
        if imag[0] not in "+-":
            imag = "+" + imag
        return self.real(v.real) + imag


def _formatter(t: Tensor) -> Any:
    shown = _summary(t) if t.numel() > _Options.threshold else t
    values = shown.flatten().tolist()
    if t.is_complex():
        return _ComplexFormatter(values)
    return _Formatter(values, t.is_floating_point())


def _summary(t: Tensor) -> Tensor:
    """The elements that are printed when the middle is left out."""
    edge = _Options.edgeitems
    if t.dim() == 0:
        return t
    if t.size(0) > 2 * edge:
        if edge == 0:
            return t[:0]
        t = _C._ops.cat([t[:edge], t[-edge:]])
    if t.dim() == 1 or t.size(0) == 0:
        return t
    return _C._ops.stack([_summary(t[i]) for i in range(t.size(0))])


def _vector(t: Tensor, indent: int, summarise: bool, form: Any) -> str:
    per_line = max(1, (_Options.linewidth - indent) // (form.width + 2))
    edge = _Options.edgeitems
    if summarise and t.size(0) > 2 * edge:
        head = [form(v) for v in t[:edge].tolist()]
        tail = [form(v) for v in t[-edge:].tolist()] if edge else []
        items = [*head, " ...", *tail]
    else:
        items = [form(v) for v in t.tolist()]
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _body(t: Tensor, indent: int, summarise: bool, form: Any) -> str:
    if t.dim() == 0:
        return str(form(t.item()))
    if t.dim() == 1:
        return _vector(t, indent, summarise, form)
    edge = _Options.edgeitems
    n = t.size(0)
    if summarise and n > 2 * edge:
        rows = [_body(t[i], indent + 1, summarise, form) for i in range(edge)]
        rows.append("...")
        rows += [_body(t[i], indent + 1, summarise, form) for i in range(n - edge, n)]
    else:
        rows = [_body(t[i], indent + 1, summarise, form) for i in range(n)]
    return "[" + ("," + "\n" * (t.dim() - 1) + " " * (indent + 1)).join(rows) + "]"


def _default_kind(t: Tensor) -> bool:
    """True when the values alone tell the dtype."""
    default = _C.get_default_dtype()
    return t.dtype in (default, _C.int64, _C.bool) or (
        t.dtype is (_C.complex128 if default is _C.float64 else _C.complex64)
    )


def _suffixes(t: Tensor, size_shown: bool) -> list[str]:
    out = []
    if not t.is_cpu:
        out.append(f"device='{t.device}'")
    if t.numel() == 0 or t.is_meta:
        if t.dim() != 1 or t.is_meta:
            out.append(f"size={tuple(t.shape)}")
        if t.dtype is not _C.get_default_dtype():
            out.append(f"dtype={t.dtype}")
    elif not _default_kind(t):
        out.append(f"dtype={t.dtype}")
    return out


def _history(t: Tensor) -> list[str]:
    if t.requires_grad and not t.is_leaf:
        return [f"grad_fn=<{type(t.grad_fn).__name__}>"]
    return ["requires_grad=True"] if t.requires_grad else []


def _joined(body: str, suffixes: list[str], indent: int, prefix: str) -> str:
    """Suffixes after the body, on a new line where they do not fit."""
    out = [prefix + body]
    last = len(out[0]) - out[0].rfind("\n") - 1
    for suffix in suffixes:
        if last + len(suffix) + 2 > _Options.linewidth:
            out.append(",\n" + " " * indent + suffix)
            last = indent + len(suffix)
        else:
            out.append(", " + suffix)
            last += len(suffix) + 2
    return "".join(out) + ")"


def tensor_str(t: Tensor, *, tensor_contents: Any = None) -> str:
    """What repr(tensor) gives."""
    history = _history(t)
    with _C._GradGuard(0, -1):
        name = type(t).__name__
        prefix = "tensor(" if type(t) is Tensor or name == "Parameter" else f"{name}("
        plain = t.detach() if type(t) is not Tensor or t.requires_grad else t
        indent = len(prefix)
        suffixes = _suffixes(plain, False)
        if tensor_contents is not None:
            body = str(tensor_contents)
        elif plain.is_meta:
            body = "..."
        elif plain.numel() == 0:
            body = "[]"
        else:
            shown = _C._on_host(plain)
            if shown.dtype in (_C.float16, _C.bfloat16):
                shown = shown.float()
            summarise = plain.numel() > _Options.threshold
            body = _body(shown, indent, summarise, _formatter(shown))
        text = _joined(body, suffixes + history, indent, prefix)
    return text
