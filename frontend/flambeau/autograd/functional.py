"""Jacobians, Hessians and their products with vectors, of functions of tensors."""

from __future__ import annotations

from typing import Any

from flambeau import _C
from flambeau._C import Tensor

from . import grad as _grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _prepared(inputs: Any, create_graph: bool) -> tuple[tuple[Tensor, ...], bool]:
    """Inputs that require grad, on their own unless create_graph; was it a tuple."""
    several = isinstance(inputs, tuple)
    out = []
    for t in _tuple(inputs):
        if create_graph and t.requires_grad:
            out.append(t.view_as(t))
        else:
            out.append(t.detach().clone().requires_grad_(True))
    return tuple(out), several


def _outputs(func: Any, inputs: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], bool]:
    out = func(*inputs)
    return _tuple(out), isinstance(out, tuple)


def _filled(
    grads: Any, inputs: tuple[Tensor, ...], strict: bool, what: str
) -> tuple[Tensor, ...]:
    """Zeros for inputs that nothing depends on; RuntimeError if strict."""
    out = []
    for i, (g, x) in enumerate(zip(grads, inputs, strict=True)):
        if g is None:
            if strict:
                raise RuntimeError(
                    f"{what}: the outputs are independent of input {i}, which "
                    "strict=True "
                    "does not allow"
                )
            g = _C._ops.zeros_like(x)
        out.append(g)
    return tuple(out)


def _safe_grad(
    outputs: tuple[Tensor, ...],
    inputs: tuple[Tensor, ...],
    grads: tuple[Any, ...],
    create_graph: bool,
) -> tuple[Any, ...]:
    """Gradients, None where an output needs none at all."""
    pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return _grad(
        tuple(o for o, _ in pairs),
        inputs,
        tuple(g for _, g in pairs),
        create_graph=create_graph,
        retain_graph=True,
        allow_unused=True,
    )


def _shaped(value: Any, several: bool) -> Any:
    return value if several else value[0]


def _released(values: tuple[Any, ...], create_graph: bool) -> tuple[Any, ...]:
    return values if create_graph else tuple(v.detach() for v in values)


def _vectors(v: Any, like: tuple[Tensor, ...], name: str) -> tuple[Tensor, ...]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {name} is a single Tensor with "
                "one "
                "element."
            )
        return (_C._ops.ones_like(like[0]),)
    vs = _tuple(v)
    if len(vs) != len(like):
        raise RuntimeError(
            f"v has invalid length: should be {len(like)} but got {len(vs)}."
        )
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if a.shape != b.shape:
            raise RuntimeError(
                f"v has invalid size: entry {i} should be {tuple(b.shape)} but got "
                f"{tuple(a.shape)}."
            )
    return vs


def vjp(
    func: Any,
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), v times the Jacobian): v is shaped like the outputs."""
    with _C._GradGuard(1, -1):
        xs, several = _prepared(inputs, create_graph)
        ys, many = _outputs(func, xs)
        vs = _vectors(v, ys, "outputs of func")
        grads = _safe_grad(ys, xs, vs, create_graph)
        out = _filled(grads, xs, strict, "vjp")
    return _shaped(_released(ys, create_graph), many), _shaped(
        _released(out, create_graph), several
    )


def jvp(
    func: Any,
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), the Jacobian times v): v is shaped like the inputs."""
    with _C._GradGuard(1, -1):
        xs, _ = _prepared(inputs, create_graph)
        vs = _vectors(v, xs, "input of func")
        ys, many = _outputs(func, xs)
        # The vjp is linear in its vector: differentiate it once more.
        dummies = tuple(_C._ops.zeros_like(y).requires_grad_(True) for y in ys)
        backs = _filled(_safe_grad(ys, xs, dummies, True), xs, strict, "jvp")
        grads = _safe_grad(backs, dummies, vs, create_graph)
        out = _filled(grads, dummies, strict, "jvp")
    return _shaped(_released(ys, create_graph), many), _shaped(
        _released(out, create_graph), many
    )


def jacobian(
    func: Any,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of func: per output and input a tensor of shape output + input.

    A tuple per output and per input where func has several. Reverse mode, one backward
    per element of the outputs, whatever `vectorize` and `strategy` say.
    """
    with _C._GradGuard(1, -1):
        xs, several = _prepared(inputs, create_graph)
        ys, many = _outputs(func, xs)
        rows = []
        for y in ys:
            flat = y.reshape(-1)
            parts: list[list[Tensor]] = [[] for _ in xs]
            for k in range(flat.numel()):
                one = _C._ops.zeros_like(flat)
                one[k] = 1
                grads = _safe_grad((flat,), xs, (one,), create_graph)
                for part, g in zip(
                    parts, _filled(grads, xs, strict, "jacobian"), strict=True
                ):
                    part.append(g)
            rows.append(
                tuple(
                    _C._ops.stack(part).reshape(tuple(y.shape) + tuple(x.shape))
                    if part
                    else _C._ops.zeros(tuple(y.shape) + tuple(x.shape), dtype=x.dtype)
                    for part, x in zip(parts, xs, strict=True)
                )
            )
    done = [_released(row, create_graph) for row in rows]
    return _shaped(tuple(_shaped(row, several) for row in done), many)


def hessian(
    func: Any,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function with one scalar result, per pair of inputs."""
    several = isinstance(inputs, tuple)

    def gradient(*xs: Tensor) -> Any:
        y = func(*xs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a "
                "single element"
            )
        found = _safe_grad(
            (y.reshape(()),), xs, (_C._ops.ones_like(y.reshape(())),), True
        )
        return _filled(found, xs, strict, "hessian")

    rows = jacobian(gradient, _tuple(inputs), create_graph, strict)
    return rows if several else rows[0][0]


def vhp(
    func: Any,
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), v times the Hessian) of a function with one scalar result."""
    with _C._GradGuard(1, -1):
        xs, several = _prepared(inputs, create_graph)
        y = func(*xs)
        vs = _vectors(v, xs, "input of func")
        first = _filled(
            _safe_grad((y,), xs, (_C._ops.ones_like(y),), True), xs, strict, "vhp"
        )
        second = _filled(_safe_grad(first, xs, vs, create_graph), xs, strict, "vhp")
    return _released((y,), create_graph)[0], _shaped(
        _released(second, create_graph), several
    )


def hvp(
    func: Any,
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), the Hessian times v); the same as vhp where it is symmetric."""
    return vhp(func, inputs, v, create_graph, strict)
