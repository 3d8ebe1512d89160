"""Pruning: parameters multiplied by masks of zeros and ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import flambeau
from flambeau._C import Tensor

# A pruned `name` is a plain attribute that a forward pre-hook sets to `name`_orig (the
# parameter) times `name`_mask (a buffer). Methods that are applied one after another
# are kept in one PruningContainer, each choosing among what is left.


class BasePruningMethod:
    """The hook, and what its subclasses share; they define `compute_mask`.

    PRUNING_TYPE: "unstructured", "structured" or "global".
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for t, within the mask that is there; a subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute_mask")

    def apply_mask(self, module: Any) -> Tensor:
        """The original times the mask."""
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls,
        module: Any,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune a parameter of the module by this method, after those it has."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        old = _method_of(module, name)
        original = getattr(module, name if old is None else name + "_orig")
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(
                "importance_scores should have the same shape as parameter "
                f"{name} of {module}"
            )
        if old is None:
            mask = flambeau.ones_like(original)
        else:
            mask = getattr(module, name + "_mask").detach().clone()
            for key, hook in list(module._forward_pre_hooks.items()):
                if hook is old:
                    del module._forward_pre_hooks[key]
            container = PruningContainer(old)
            container.add_pruning_method(method)
            method = container
        new_mask = method.compute_mask(scores, mask)
        if old is None:
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
            module.register_buffer(name + "_mask", new_mask)
        else:
            setattr(module, name + "_mask", new_mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """t with what the method prunes set to zero."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                "importance_scores should have the same shape as tensor t"
            )
        mask = flambeau.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, mask)

    def remove(self, module: Any) -> None:
        """Make the pruned values the parameter, and forget the mask."""
        name = self._tensor_name
        value = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters[name + "_orig"]
        original.data = value.data
        del module._parameters[name + "_orig"]
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Methods that prune one parameter one after another."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        methods = args[0] if args and isinstance(args[0], Iterable) else args
        for method in methods:
            if len(args) == 1 and not self._pruning_methods:
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Add a method for the same parameter."""
        if method is not None and not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is None:
            return
        if method._tensor_name != getattr(self, "_tensor_name", method._tensor_name):
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found "
                f"'{method._tensor_name}'"
            )
        self._tensor_name = method._tensor_name
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The last method's mask, computed on what the mask so far leaves."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            kept = mask == 1
            new = mask.clone()
            new[kept] = method.compute_mask(t[kept], mask[kept]).to(mask.dtype)
            return new
        if method.PRUNING_TYPE == "structured":
            dim = method.dim % t.dim()  # type: ignore[attr-defined]
            others = [d for d in range(t.dim()) if d != dim]
            live = mask.sum(others).nonzero().squeeze(1)
            part = method.compute_mask(
                t.index_select(dim, live), mask.index_select(dim, live)
            )
            return mask.index_copy(dim, live, part.to(mask.dtype))
        return mask * method.compute_mask(t, mask).to(mask.dtype)


def _check_amount(amount: Any) -> None:
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if isinstance(amount, int):
        if amount < 0:
            raise ValueError(f"amount={amount} should be a non-negative integer")
    elif not 0.0 <= amount <= 1.0:
        raise ValueError(f"amount={amount} should be in the range [0, 1]")


def _count(amount: Any, size: int) -> int:
    """How many of `size` an amount is: a number, or a share."""
    if isinstance(amount, int):
        if amount > size:
            raise ValueError(
                f"amount={amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return amount
    return round(amount * size)


class Identity(BasePruningMethod):
    """Prunes nothing, but puts the mask there."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _ByAmount(BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Any) -> None:
        _check_amount(amount)
        self.amount = amount


def _without(mask: Tensor, flat: Tensor) -> Tensor:
    """The mask with zeros at flat positions."""
    return mask.reshape(-1).index_fill(0, flat, 0).reshape(mask.shape)


class RandomUnstructured(_ByAmount):
    """Prunes elements at random."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = _count(self.amount, t.numel())
        chosen = flambeau.randperm(t.numel(), device=t.device)[:count]
        return _without(default_mask, chosen)


class L1Unstructured(_ByAmount):
    """Prunes the elements of the smallest absolute values."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = _count(self.amount, t.numel())
        if count == 0:
            return default_mask.clone()
        smallest = t.detach().abs().reshape(-1).topk(count, largest=False).indices
        return _without(default_mask, smallest)


class _ByChannel(_ByAmount):
    """Prunes whole slices of one dimension."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _worst(self, t: Tensor, count: int) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() < 2:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. "
                f"Found tensor of shape {tuple(t.shape)} with {t.dim()} dims"
            )
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(
                f"Invalid index {self.dim} for tensor of size {tuple(t.shape)}"
            )
        count = _count(self.amount, t.size(self.dim))
        if count == 0:
            return default_mask.clone()
        return default_mask.index_fill(self.dim, self._worst(t, count), 0)


class RandomStructured(_ByChannel):
    """Prunes slices at random."""

    def _worst(self, t: Tensor, count: int) -> Tensor:
        return flambeau.randperm(t.size(self.dim), device=t.device)[:count]


class LnStructured(_ByChannel):
    """Prunes the slices of the smallest n-norms."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _worst(self, t: Tensor, count: int) -> Tensor:
        slices = t.detach().movedim(self.dim, 0).flatten(1)
        return slices.norm(self.n, 1).topk(count, largest=False).indices


class CustomFromMask(BasePruningMethod):
    """Prunes by a mask that is given."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError("the mask should have the shape of the tensor")
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module: Any, name: str) -> Any:
    """Put a mask of ones on a parameter."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune a number or a share of a parameter's elements at random."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Any, name: str, amount: Any, importance_scores: Tensor | None = None
) -> Any:
    """Prune the elements of the smallest absolute values (or scores)."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune slices of a dimension at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Any,
    name: str,
    amount: Any,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Any:
    """Prune the slices of a dimension with the smallest n-norms."""
    LnStructured.apply(
        module, name, amount, n, dim, importance_scores=importance_scores
    )
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune a parameter by a mask."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Any,
    pruning_method: Any,
    importance_scores: dict[Any, Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune elements of several (module, name) pairs as if they were one tensor."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    given = {} if importance_scores is None else importance_scores
    if not isinstance(given, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    if pruning_method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f"Only 'unstructured' PRUNING_TYPE supported for the `pruning_method`. "
            f"Found method {pruning_method} of type {pruning_method.PRUNING_TYPE}"
        )
    values = [getattr(module, name) for module, name in pairs]
    scores = [given.get(p, v) for p, v in zip(pairs, values, strict=True)]
    masks = [
        getattr(m, n + "_mask", flambeau.ones_like(v))
        for (m, n), v in zip(pairs, values, strict=True)
    ]
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    container.add_pruning_method(method)
    final = container.compute_mask(
        flambeau.cat([s.detach().reshape(-1) for s in scores]),
        flambeau.cat([m.reshape(-1) for m in masks]),
    )
    start = 0
    for (module, name), value in zip(pairs, values, strict=True):
        part = final[start : start + value.numel()].reshape(value.shape)
        custom_from_mask(module, name, part)
        start += value.numel()


def _method_of(module: Any, name: str) -> BasePruningMethod | None:
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return hook
    return None


def remove(module: Any, name: str) -> Any:
    """Make a parameter's pruning permanent; ValueError if it has none."""
    for key, hook in list(module._forward_pre_hooks.items()):
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(
        f"Parameter '{name}' of module {module} has to be pruned before pruning can be "
        "removed"
    )


def is_pruned(module: Any) -> bool:
    """Whether any parameter of the module or of those below is pruned."""
    return any(
        isinstance(hook, BasePruningMethod)
        for below in module.modules()
        for hook in below._forward_pre_hooks.values()
    )
