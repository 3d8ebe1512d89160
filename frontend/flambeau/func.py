"""Transforms of functions: grad, vjp, jvp, jacobians, Hessians, vmap.

Arguments may be nested dicts, lists and tuples of tensors.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from . import _C
from ._C import Tensor
from .autograd import grad as _grad

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "value_and_grad",
    "vjp",
    "vmap",
]


# ---- nested arguments --------------------------------------------------------------
def _flatten(tree: Any) -> tuple[list[Any], Any]:
    """(leaves, how to put them together again)."""
    if isinstance(tree, dict):
        pairs = [(key, _flatten(value)) for key, value in tree.items()]
        leaves = [leaf for _, (found, _) in pairs for leaf in found]
        return leaves, (type(tree), [(k, len(f), spec) for k, (f, spec) in pairs])
    if isinstance(tree, (list, tuple)):
        items = [_flatten(value) for value in tree]
        leaves = [leaf for found, _ in items for leaf in found]
        return leaves, (type(tree), [(None, len(f), spec) for f, spec in items])
    return [tree], None


def _unflatten(leaves: list[Any], spec: Any) -> Any:
    if spec is None:
        return leaves[0]
    kind, parts = spec
    values, at = [], 0
    for _, count, inner in parts:
        values.append(_unflatten(leaves[at : at + count], inner))
        at += count
    if issubclass(kind, dict):
        return kind(zip((k for k, _, _ in parts), values, strict=True))
    return kind._make(values) if hasattr(kind, "_make") else kind(values)


def _map(function: Any, tree: Any) -> Any:
    leaves, spec = _flatten(tree)
    return _unflatten([function(leaf) for leaf in leaves], spec)


def _watched(x: Any) -> Any:
    """A tensor that gradients flow to, and through which they flow further."""
    if not isinstance(x, Tensor):
        raise ValueError(
            f"expected tensors to differentiate by, got {type(x).__name__}"
        )
    return x.view_as(x) if x.requires_grad else x.detach().requires_grad_(True)


def _inner(x: Any) -> bool:
    """Whether results must stay differentiable: a transform runs within another."""
    return isinstance(x, Tensor) and x.requires_grad


def _settle(tree: Any, keep: bool) -> Any:
    if keep:
        return tree
    return _map(lambda x: x.detach() if isinstance(x, Tensor) else x, tree)


# ---- gradients -----------------------------------------------------------------------
def value_and_grad(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
    """A function that gives (func(*args), gradient by argument `argnums`)."""
    swapped = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = swapped(*args, **kwargs)
        return value, gradient

    return wrapper


def grad_and_value(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
    """A function that gives (gradient by argument `argnums`, func(*args))."""
    several = isinstance(argnums, tuple)
    places = argnums if several else (argnums,)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with _C._GradGuard(1, -1):
            given = list(args)
            leaves, specs, nested = [], [], False
            for place in places:
                found, spec = _flatten(given[place])
                nested = nested or any(_inner(x) for x in found)
                watched = [_watched(x) for x in found]
                given[place] = _unflatten(watched, spec)
                leaves += watched
                specs.append((len(watched), spec))
            result = func(*given, **kwargs)
            output, aux = result if has_aux else (result, None)
            if not isinstance(output, Tensor) or output.dim() != 0:
                raise RuntimeError(
                    "Expected f(*args) to return a scalar tensor, got "
                    f"{tuple(output.shape) if isinstance(output, Tensor) else output}"
                )
            nested = nested or _outer(output, leaves)
            found = _safe(output, leaves, None, nested)
        grads, at = [], 0
        for count, spec in specs:
            grads.append(_unflatten(found[at : at + count], spec))
            at += count
        gradient = tuple(grads) if several else grads[0]
        value = _settle(output, nested)
        return gradient, ((value, _settle(aux, nested)) if has_aux else value)

    return wrapper


def _outer(output: Tensor, leaves: list[Any]) -> bool:
    """True when the output depends on leaves other than these: those of a transform
    around this one, whose gradients must flow on."""
    own = {id(leaf) for leaf in leaves}
    seen: dict[int, Any] = {}  # keeps the nodes' objects alive, so that ids stay unique
    todo = [] if output.grad_fn is None else [output.grad_fn]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        for following, _ in node.next_functions:
            if following is None:
                continue
            if following.name() != "AccumulateGrad":
                todo.append(following)
            elif id(following.variable) not in own:
                return True
    return False


def grad(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
    """A function that gives the gradient of func by argument `argnums`."""
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def _safe(output: Any, leaves: list[Any], start: Any, create_graph: bool) -> list[Any]:
    """Gradients by the leaves, zeros where nothing depends on them."""
    outputs = output if isinstance(output, list) else [output]
    starts = start if isinstance(start, list) else [start] * len(outputs)
    pairs = [(o, s) for o, s in zip(outputs, starts, strict=True) if o.requires_grad]
    if not pairs:
        return [_C._ops.zeros_like(x) for x in leaves]
    found = _grad(
        [o for o, _ in pairs],
        leaves,
        [s for _, s in pairs],
        create_graph=create_graph,
        retain_graph=True,
        allow_unused=True,
    )
    return [
        _C._ops.zeros_like(x) if g is None else g
        for g, x in zip(found, leaves, strict=True)
    ]


def vjp(func: Any, *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), vjp_fn): vjp_fn(cotangents) gives the gradients of the
    primals."""
    with _C._GradGuard(1, -1):
        leaves, spec = _flatten(primals)
        nested = any(_inner(x) for x in leaves)
        watched = [_watched(x) for x in leaves]
        result = func(*_unflatten(watched, spec))
        output, aux = result if has_aux else (result, None)
    outputs, _ = _flatten(output)

    def pull(
        cotangents: Any, retain_graph: bool = True, create_graph: Any = None
    ) -> Any:
        starts, _ = _flatten(cotangents)
        again = nested or any(_inner(s) for s in starts)
        keep = again if create_graph is None else create_graph
        with _C._GradGuard(1, -1):
            found = _safe(outputs, watched, starts, keep)
        grads = _unflatten(found, spec)
        return grads if len(primals) > 1 else grads[0]

    value = _settle(output, nested)
    return (value, pull, _settle(aux, nested)) if has_aux else (value, pull)


def jvp(
    func: Any,
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """(func(*primals), the derivative of its outputs along the tangents)."""
    with _C._GradGuard(1, -1):
        leaves, spec = _flatten(primals)
        directions, _ = _flatten(tangents)
        nested = any(_inner(x) for x in (*leaves, *directions))
        watched = [_watched(x) for x in leaves]
        result = func(*_unflatten(watched, spec))
        output, aux = result if has_aux else (result, None)
        outputs, out_spec = _flatten(output)
        # The vjp is linear in its cotangents: its derivative by them is the jvp.
        dummies = [_C._ops.zeros_like(o).requires_grad_(True) for o in outputs]
        backs = _safe(outputs, watched, dummies, True)
        moved = _safe(backs, dummies, directions, nested)
    value = _settle(output, nested)
    tangent = _settle(_unflatten(moved, out_spec), nested)
    return (value, tangent, _settle(aux, nested)) if has_aux else (value, tangent)


def linearize(func: Any, *primals: Any) -> tuple[Any, Any]:
    """(func(*primals), jvp_fn): jvp_fn(*tangents) gives the derivative along them."""
    return func(*primals), lambda *tangents: jvp(func, primals, tangents)[1]


# ---- Jacobians
# -------------------------------------------------------------------------
def jacrev(
    func: Any,
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Any:
    """A function that gives the Jacobian of func by argument `argnums`, of the shape of
    the output followed by that of the argument."""
    several = isinstance(argnums, tuple)
    places = argnums if several else (argnums,)

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        def chosen(*parts: Any) -> Any:
            given = list(args)
            for place, part in zip(places, parts, strict=True):
                given[place] = part
            return func(*given, **kwargs)

        primals = [args[place] for place in places]
        result = vjp(chosen, *primals, has_aux=has_aux)
        output, pull = result[0], result[1]
        outputs, out_spec = _flatten(output)
        leaves, spec = _flatten(tuple(primals))
        blocks = [
            _rows(outputs, k, pull, leaves, len(primals)) for k in range(len(outputs))
        ]
        per_output = [_unflatten(block, spec) for block in blocks]
        shaped = [row if several else row[0] for row in per_output]
        jacobian = _unflatten(shaped, out_spec)
        return (jacobian, result[2]) if has_aux else jacobian

    return wrapper


def _rows(
    outputs: list[Any], k: int, pull: Any, leaves: list[Any], n: int
) -> list[Any]:
    """Per leaf, d outputs[k] / d leaf: one backward per element of the output."""
    y = outputs[k]
    rows: list[list[Any]] = [[] for _ in leaves]
    for j in range(y.numel()):
        starts = [_C._ops.zeros_like(o, requires_grad=False) for o in outputs]
        one = _C._ops.zeros(y.numel(), dtype=y.dtype, device=y.device)
        one[j] = 1
        starts[k] = one.reshape(y.shape)
        cotangents = starts if len(starts) > 1 else starts[0]
        found, _ = _flatten(pull(cotangents))
        for row, g in zip(rows, found, strict=True):
            row.append(g)
    return [
        _C._ops.stack(row).reshape(tuple(y.shape) + tuple(leaf.shape))
        if row
        else _C._ops.zeros(tuple(y.shape) + tuple(leaf.shape), dtype=leaf.dtype)
        for row, leaf in zip(rows, leaves, strict=True)
    ]


def jacfwd(
    func: Any, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Any:
    """The same values as jacrev; computed by reverse mode here, too."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Any, argnums: Any = 0) -> Any:
    """A function that gives the Hessian of func by argument `argnums`."""
    return jacrev(jacrev(func, argnums), argnums)


# ---- vmap ----------------------------------------------------------------------------
def vmap(
    func: Any,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Any:
    """func over the batch dimension of its arguments: once per example, then stacked.

    in_dims: per argument (nested alike) the dimension to map over, or None.
    """

    @wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = _flatten(args)
        dims = _broadcast(in_dims, args)
        sizes = {x.size(d) for x, d in zip(leaves, dims, strict=True) if d is not None}
        if len(sizes) != 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped "
                "dimension, "
                f"got sizes {sorted(sizes)} for the mapped dimension"
            )
        results = []
        for i in range(sizes.pop()):
            parts = [
                x if d is None else x.select(d, i)
                for x, d in zip(leaves, dims, strict=True)
            ]
            results.append(func(*_unflatten(parts, spec), **kwargs))
        return _stacked(results, out_dims)

    return wrapper


def _broadcast(dims: Any, tree: Any) -> list[Any]:
    """One dimension per leaf of the tree."""
    if dims is None or isinstance(dims, int):
        leaves, _ = _flatten(tree)
        return [dims if isinstance(x, Tensor) else None for x in leaves]
    if isinstance(tree, dict):
        return [d for key, value in tree.items() for d in _broadcast(dims[key], value)]
    if len(dims) != len(tree):
        raise ValueError(f"vmap: in_dims {dims} does not fit {len(tree)} arguments")
    return [
        d
        for part, value in zip(dims, tree, strict=True)
        for d in _broadcast(part, value)
    ]


def _stacked(results: list[Any], out_dims: Any) -> Any:
    columns = [_flatten(r) for r in results]
    spec = columns[0][1]
    count = len(columns[0][0])
    dims = list(out_dims) if isinstance(out_dims, tuple) else [out_dims] * count
    return _unflatten(
        [
            _C._ops.stack([leaves[k] for leaves, _ in columns], 0).movedim(0, dims[k])
            for k in range(count)
        ],
        spec,
    )


# ---- modules
# ---------------------------------------------------------------------------
def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """module(*args, **kwargs) with other parameters and buffers, by dotted name."""
    values: dict[str, Any] = {}
    dicts = parameter_and_buffer_dicts
    for part in (dicts,) if isinstance(dicts, dict) else dicts:
        values |= part
    given = () if args is None else args if isinstance(args, tuple) else (args,)
    known = dict(module.named_parameters(remove_duplicate=False))
    known |= dict(module.named_buffers(remove_duplicate=False))
    if strict and values.keys() != known.keys():
        raise RuntimeError(
            f"functional_call: missing {sorted(known.keys() - values.keys())}, "
            f"unexpected {sorted(values.keys() - known.keys())}"
        )
    if tie_weights:
        ties = {
            id(known[name]): value for name, value in values.items() if name in known
        }
        for name, old in known.items():
            if name not in values and id(old) in ties:
                values[name] = ties[id(old)]
    changed = []
    try:
        for name, value in values.items():
            path, _, leaf = name.rpartition(".")
            owner = module.get_submodule(path)
            home = owner._parameters if leaf in owner._parameters else owner._buffers
            if leaf not in home:
                raise KeyError(f"functional_call: the module has no tensor '{name}'")
            changed.append((home, leaf, home[leaf]))
            home[leaf] = value
        return module(*given, **(kwargs or {}))
    finally:
        for home, leaf, old in reversed(changed):
            home[leaf] = old


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters, buffers) of several modules alike, stacked by name."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")

    def stacked(of: str) -> dict[str, Any]:
        named = [dict(getattr(m, of)()) for m in models]
        return {
            name: _C._ops.stack([d[name].detach() for d in named]).requires_grad_(
                named[0][name].requires_grad
            )
            for name in named[0]
        }

    return stacked("named_parameters"), stacked("named_buffers")
