"""Parameters that are functions of other parameters."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import flambeau
from flambeau._C import Tensor

from ..modules.container import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

# Note [Parametrized modules]
# The first parametrization of a module makes a class for this one instance, derived
# from its own, with a property for each parametrized tensor. The tensor itself moves to
# `module.parametrizations[name].original` (or original0, original1, ... if the right
# inverse gives several).

_cache_enabled = 0
_cache: dict[tuple[int, str], Any] = {}


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within it, every parametrized tensor is computed once and kept."""
    global _cache_enabled
    _cache_enabled += 1
    try:
        yield
    finally:
        _cache_enabled -= 1
        if not _cache_enabled:
            _cache.clear()


def _register(module: Any, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _maybe_set(dest: Tensor, src: Tensor) -> None:
    """Make `dest` the tensor that `src` is, unless it is already."""
    if dest is not src:
        dest.data = src.data


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, first to last, and the original beside them.

    unsafe: leave out the checks that dtype and shape stay.
    """

    original: Tensor
    unsafe: bool

    def __init__(self, modules: Any, original: Any, unsafe: bool = False) -> None:
        modules = list(modules)
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        new = self._invert(original)
        if not isinstance(new, Tensor) and not isinstance(new, (list, tuple)):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                f"tuple...). Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if self.is_tensor else len(new)
        if isinstance(new, Tensor):
            if original.dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the "
                    f"dtype. original.dtype: {original.dtype}, right_inverse(original)"
                    f".dtype: {new.dtype}"
                )
            with flambeau.no_grad():
                _maybe_set(original, new)
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors "
                        f"(list, tuple...). Got element {i} of the sequence with type "
                        f"{type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                part.requires_grad_(original.requires_grad)
                _register(self, f"original{i}", part)
        if not unsafe:
            self._check_result(self(), shape, dtype)

    def _invert(self, original: Tensor) -> Any:
        """The right inverses, last to first; a module without one changes nothing."""
        new: Any = original
        with flambeau.no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    new = module.right_inverse(new)
        return new

    @staticmethod
    def _check_result(result: Any, shape: Any, dtype: Any) -> None:
        if not isinstance(result, Tensor):
            raise ValueError(
                f"A parametrization must return a tensor. Got {type(result).__name__}."
            )
        if result.dtype != dtype:
            raise ValueError(
                "Registering a parametrization may not change the dtype of the tensor, "
                f"unless `unsafe` flag is enabled. unparametrized dtype: {dtype}, "
                f"parametrized dtype: {result.dtype}"
            )
        if result.shape != shape:
            raise ValueError(
                "Registering a parametrization may not change the shape of the tensor, "
                f"unless `unsafe` flag is enabled. unparametrized shape: {shape}, "
                f"parametrized shape: {result.shape}"
            )

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the result is `value`, if the modules can."""
        with flambeau.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement "
                        "right_inverse."
                    )
                value = module.right_inverse(value)
            if self.is_tensor:
                if not isinstance(value, Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got "
                        f"{type(value).__name__}"
                    )
                if value.dtype != self.original.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype "
                        f"{value.dtype} while `original` has dtype "
                        f"{self.original.dtype}"
                    )
                _maybe_set(self.original, value)
                return
            if not isinstance(value, (list, tuple)):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors. Got "
                    f"{type(value).__name__}."
                )
            if len(value) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(value)}."
                )
            for i, part in enumerate(value):
                mine = getattr(self, f"original{i}")
                if not isinstance(part, Tensor):
                    raise ValueError(
                        f"`right_inverse` must return a sequence of tensors. Got "
                        f"element {i} of type {type(part).__name__}"
                    )
                if mine.dtype != part.dtype:
                    raise ValueError(
                        f"Tensor {i} returned by `right_inverse` has dtype "
                        f"{part.dtype} "
                        f"while `original{i}` has dtype {mine.dtype}"
                    )
                _maybe_set(mine, part)

    def forward(self) -> Tensor:
        modules = list(self)
        if self.is_tensor:
            x = modules[0](self.original)
        else:
            x = modules[0](
                *[getattr(self, f"original{i}") for i in range(self.ntensors)]
            )
        for module in modules[1:]:
            x = module(x)
        return x


def _inject_new_class(module: Any) -> None:
    """Give the instance a class of its own, which properties can be put on."""
    cls = type(module)

    def __getstate__(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through "
            "state_dict()"
        )

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        replica = self.__new__(type(self))
        memo[id(self)] = replica
        from ..modules._owned import plain_state

        replica.__setstate__(copy.deepcopy(plain_state(self), memo))
        return replica

    members: dict[str, Any] = {
        "__getstate__": __getstate__,
        "parametrized_base": cls,
    }
    if not hasattr(cls, "__deepcopy__"):
        members["__deepcopy__"] = __deepcopy__
    members["__module__"] = cls.__module__
    module.__class__ = type("Parametrized" + cls.__name__, (cls,), members)


def _inject_property(module: Any, name: str) -> None:
    """Put the property on the instance's class."""
    if hasattr(type(module), name):
        raise AssertionError(f"class attribute '{name}' already exists")

    def get_parametrized(self: Any) -> Any:
        if not _cache_enabled:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def set_original(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get_parametrized, set_original))


def register_parametrization(
    module: Any, tensor_name: str, parametrization: Any, *, unsafe: bool = False
) -> Any:
    """Make a parameter or buffer the parametrization of another one.

    parametrization: a module from the original tensor to the one used. With a
    `right_inverse`, the value now there stays. unsafe: let dtype and shape change.
    Raises ValueError if there is no such tensor, or if a check fails.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        _append(module, tensor_name, parametrization, unsafe)
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized "
            f"element with name '{tensor_name}'"
        )
    original = getattr(module, tensor_name)
    parametrizations = ParametrizationList([parametrization], original, unsafe=unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        _inject_new_class(module)
        module.parametrizations = ModuleDict()
    _inject_property(module, tensor_name)
    module.parametrizations[tensor_name] = parametrizations
    return module


def _append(module: Any, name: str, parametrization: Any, unsafe: bool) -> None:
    """One more parametrization, of what the last one gives."""
    chain = module.parametrizations[name]
    if not unsafe:
        before = getattr(module, name)
        after = parametrization(before)
        ParametrizationList._check_result(after, before.shape, before.dtype)
        if hasattr(parametrization, "right_inverse"):
            ParametrizationList._check_result(
                parametrization.right_inverse(after), before.shape, before.dtype
            )
    chain.append(parametrization)
    chain.unsafe |= unsafe


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether the module, or one tensor of it, is parametrized."""
    parametrizations = module.__dict__.get("_modules", {}).get("parametrizations")
    if not isinstance(parametrizations, ModuleDict):
        return False
    if tensor_name is None:
        return len(parametrizations) > 0
    return tensor_name in parametrizations


def remove_parametrizations(
    module: Any, tensor_name: str, leave_parametrized: bool = True
) -> Any:
    """Make a parametrized tensor plain again.

    leave_parametrized: keep the value that is seen now, not the original one.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(
            f"Module {module} does not have a parametrization on {tensor_name}"
        )
    chain = module.parametrizations[tensor_name]
    if chain.is_tensor:
        original = chain.original
        if leave_parametrized:
            with flambeau.no_grad():
                value = getattr(module, tensor_name)
            with flambeau.no_grad():
                original.data = value.data
    elif leave_parametrized:
        with flambeau.no_grad():
            value = getattr(module, tensor_name).detach()
        trained = any(p.requires_grad for p in chain.parameters(recurse=False))
        is_param = len(chain._parameters) > 0
        original = Parameter(value, trained) if is_param else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _register(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).parametrized_base
    return module


def type_before_parametrizations(module: Any) -> type:
    """The module's class, or what it was before it was parametrized."""
    if is_parametrized(module):
        return type(module).parametrized_base
    return type(module)


def transfer_parametrizations_and_params(
    from_module: Any, to_module: Any, tensor_name: str | None = None
) -> Any:
    """Copy the parametrizations, and the tensors under them, to another module."""
    if not is_parametrized(from_module):
        return to_module
    names = list(from_module.parametrizations) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        chain = from_module.parametrizations[name]
        for parametrization in chain:
            register_parametrization(to_module, name, parametrization)
        mine = to_module.parametrizations[name]
        for key in [*chain._parameters, *chain._buffers]:
            setattr(mine, key, getattr(chain, key))
    return to_module
