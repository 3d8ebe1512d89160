"""Calling a module with other parameters than its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from flambeau._C import Tensor

__all__ = ["functional_call"]


def _place(module: Any, path: str) -> tuple[dict[str, Any], str]:
    """The dict that holds the tensor at a dotted path, and its key there."""
    owner_path, _, name = path.rpartition(".")
    owner = module.get_submodule(owner_path)
    for store in (owner._parameters, owner._buffers):
        if name in store:
            return store, name
    raise KeyError(path)


def _tied(module: Any, given: dict[str, Any], strict: bool) -> dict[str, Any]:
    """The values given, for all names of tied tensors."""
    names: dict[int, list[str]] = {}
    for kind in (module.named_parameters, module.named_buffers):
        for name, tensor in kind(remove_duplicate=False):
            names.setdefault(id(tensor), []).append(name)
    full = dict(given)
    for group in names.values():
        values = {id(given[n]): given[n] for n in group if n in given}
        if len(values) > 1:
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(group)}, which "
                "are tied. Consider using tie_weights=False"
            )
        for value in values.values():
            full.update(dict.fromkeys(group, value))
    return full


@contextlib.contextmanager
def _reparametrize_module(
    module: Any,
    parameters_and_buffers: dict[str, Tensor],
    *,
    tie_weights: bool = False,
    strict: bool = False,
    stack_weights: bool = False,
) -> Iterator[None]:
    """Within it the module has the tensors given in the place of its own."""
    given = dict(parameters_and_buffers)
    if strict:
        own = {n for n, _ in module.named_parameters(remove_duplicate=False)}
        own |= {n for n, _ in module.named_buffers(remove_duplicate=False)}
        missing, unexpected = own - given.keys(), given.keys() - own
        if missing or unexpected:
            raise RuntimeError(
                f"Error(s) in reparametrizing for {type(module).__name__}:\n\t"
                f"missing keys {sorted(missing)}, unexpected keys {sorted(unexpected)}"
            )
    if tie_weights:
        given = _tied(module, given, strict)
    saved = []
    try:
        for path, tensor in given.items():
            store, name = _place(module, path)
            saved.append((store, name, store[name], tensor))
            store[name] = tensor
        yield
        for store, name, _, tensor in saved:
            # What forward put in its place (a running statistic, say) is the caller's.
            if store.get(name, tensor) is not tensor:
                for path, value in given.items():
                    if value is tensor:
                        parameters_and_buffers[path] = store[name]
    finally:
        for store, name, old, _ in reversed(saved):
            store[name] = old


def functional_call(
    module: Any,
    parameters_and_buffers: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with the tensors given in the place of its own.

    parameters_and_buffers: a dict from names, or several, to tensors.
    tie_weights: a value for one name of a tied tensor counts for all of them.
    strict: every tensor must be given.
    """
    if isinstance(parameters_and_buffers, (list, tuple)):
        merged: dict[str, Tensor] = {}
        for part in parameters_and_buffers:
            repeated = merged.keys() & part.keys()
            if repeated:
                raise ValueError(
                    f"{sorted(repeated)} appeared in multiple dictionaries; behavior "
                    "of "
                    "functional call is ambiguous"
                )
            merged.update(part)
        parameters_and_buffers = merged
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrize_module(
        module, parameters_and_buffers, tie_weights=tie_weights, strict=strict
    ):
        return module(*args, **(kwargs or {}))
