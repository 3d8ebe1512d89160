"""Gradients: backward, grad, custom functions, and the switches of recording."""

from __future__ import annotations

from flambeau import _C

from .grad_mode import enable_grad as enable_grad
from .grad_mode import inference_mode as inference_mode
from .grad_mode import no_grad as no_grad
from .grad_mode import set_grad_enabled as set_grad_enabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from flambeau._C import Tensor

    from .anomaly_mode import detect_anomaly as detect_anomaly
    from .anomaly_mode import set_detect_anomaly as set_detect_anomaly
    from .function import Function as Function
    from .gradcheck import gradcheck as gradcheck
    from .gradcheck import gradgradcheck as gradgradcheck
    from .variable import Variable as Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

_HOMES = {
    "Function": "function",
    "NestedIOFunction": "function",
    "Variable": "variable",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
    "gradcheck": "gradcheck",
    "gradgradcheck": "gradcheck",
}
_MODULES = ("anomaly_mode", "function", "functional", "graph", "variable")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def _as_tuple(tensors: Any, what: str) -> tuple[Any, ...]:
    if isinstance(tensors, _C.Tensor):
        return (tensors,)
    if isinstance(tensors, _C._Node):
        raise TypeError(f"{what}: expected tensors, got a node of the graph")
    return tuple(tensors)


def _gradients(outputs: tuple[Any, ...], grads: Any) -> tuple[Any, ...]:
    if grads is None:
        return (None,) * len(outputs)
    if isinstance(grads, _C.Tensor):
        return (grads,)
    return tuple(grads)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` to the .grad of the leaves they depend on.

    grad_tensors: what to start from, shaped like `tensors`; may be None for scalars.
    inputs: only these get gradients. RuntimeError when shapes differ, when a tensor
    does not require grad, or when the graph was freed already.
    """
    if inputs is not None:
        inputs = _as_tuple(inputs, "backward")
        if not inputs:
            raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    roots = _as_tuple(tensors, "backward")
    if grad_tensors is None:
        grad_tensors = grad_variables
    retain = create_graph if retain_graph is None else retain_graph
    grads = _gradients(roots, grad_tensors)
    _C._run_backward(roots, grads, retain, create_graph, inputs, True)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of `outputs` with respect to `inputs`, as a tuple.

    An input that the outputs do not depend on gives None with allow_unused, zeros with
    materialize_grads, else RuntimeError.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when "
            "materialize_grads=True, "
            "but got: allow_unused=False."
        )
    if not only_inputs:
        raise ValueError("grad: only_inputs=False is not supported; use backward")
    roots = _as_tuple(outputs, "grad")
    leaves = _as_tuple(inputs, "grad")
    starts = _gradients(roots, grad_outputs)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        return _batched(roots, leaves, starts, create_graph, allow_unused)
    found = _C._run_backward(roots, starts, retain, create_graph, leaves, False)
    if materialize_grads:
        return tuple(
            _C._ops.zeros_like(x, requires_grad=create_graph) if g is None else g
            for g, x in zip(found, leaves, strict=True)
        )
    if not allow_unused and any(g is None for g in found):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the "
            "graph. Set allow_unused=True if this is the desired behavior."
        )
    return tuple(found)


def _batched(
    roots: tuple[Any, ...],
    leaves: tuple[Any, ...],
    starts: tuple[Any, ...],
    create_graph: bool,
    allow_unused: bool | None,
) -> tuple[Any, ...]:
    """One backward per row of the first dimension of grad_outputs, stacked."""
    rows = [
        grad(
            roots,
            leaves,
            tuple(None if s is None else s[i] for s in starts),
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=allow_unused,
        )
        for i in range(len(next(s for s in starts if s is not None)))
    ]
    return tuple(
        None if column[0] is None else _C._ops.stack(column)
        for column in zip(*rows, strict=True)
    )
