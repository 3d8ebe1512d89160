"""The base of every layer and network."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self

import flambeau
from flambeau import __future__ as _future
from flambeau._C import Tensor, _ModuleBase

from ..parameter import Buffer, Parameter, is_lazy
from ._hooked_call import call_with_hooks
from ._hooks import (
    GLOBAL,
    HookRegistration,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ._owned import HookDict, OwnedDict, plain_state
from ._state import _EXTRA_STATE_KEY_SUFFIX as _EXTRA_STATE_KEY_SUFFIX
from ._state import ModuleState
from ._state import _IncompatibleKeys as _IncompatibleKeys
from ._to import parse_to
from ._tree import ModuleTree

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_STORES = ("_parameters", "_buffers", "_modules")
_CALL_HOOKS = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_pre_hooks",
)
_OTHER_HOOKS = (
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)
_OWNED = frozenset((*_STORES, *_CALL_HOOKS))


def _forward_unimplemented(self: Any, *input: Any) -> None:
    """What a module computes; every subclass defines it."""
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


def _typename(value: object) -> str:
    kind = type(value)
    module = kind.__module__
    return kind.__name__ if module == "builtins" else f"{module}.{kind.__name__}"


def _adopt(module: Any, name: str, value: Any) -> None:
    """Store a dict under one of the names in `_OWNED`, as one that the module owns."""
    attrs = module.__dict__
    if not isinstance(value, dict):
        attrs[name] = value
    elif name in _STORES:
        for entry, old in (attrs.get(name) or {}).items():
            if attrs.get(entry) is old:
                attrs.pop(entry, None)
        attrs[name] = OwnedDict.of(module, value)
    else:
        attrs[name] = HookDict.of(module, value)


def _discard(module: Any, name: str, kinds: tuple[str, ...]) -> None:
    """Forget what the module holds under the name, itself or in these stores."""
    attrs = module.__dict__
    for kind in kinds:
        store = attrs[kind]
        if name in store:
            del store[name]
            if kind == "_buffers":
                attrs["_non_persistent_buffers_set"].discard(name)
    attrs.pop(name, None)


# The C base stands last: the layout of modules stays that of a plain class, so that
# `module.__class__` can be set to a class with a mixin in front of the old one.
class Module(HookRegistration, ModuleState, ModuleTree, _ModuleBase):
    """Base of all layers: it finds the parameters and modules among its attributes.

    Subclasses call `super().__init__()` before they assign any, and define `forward`.
    """

    dump_patches: bool = False
    call_super_init: bool = False
    training: bool
    _hooked: bool = False
    forward: Callable[..., Any] = _forward_unimplemented

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword "
                    f"argument '{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but "
                    f"{len(args) + 1} were given"
                )
        attrs = self.__dict__
        owner = weakref.ref(self)
        attrs["training"] = True
        for name in _STORES:
            store = attrs[name] = OwnedDict()
            store._owner = owner
        attrs["_non_persistent_buffers_set"] = set()
        attrs["_is_full_backward_hook"] = None
        for name in _CALL_HOOKS:
            hooks = attrs[name] = HookDict()
            hooks._owner = owner
        for name in _OTHER_HOOKS:
            attrs[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # Calling is `_ModuleBase`'s: forward, or this if `_hooked` is not False.
    _call_with_hooks = call_with_hooks

    # -- attributes (Note [Attribute reads of a module] in _owned.py) --------------

    def __getattr__(self, name: str) -> Any:
        attrs = self.__dict__
        for kind in _STORES:
            store = attrs.get(kind)
            if store is not None and name in store:
                return store[name]
        raise AttributeError(
            f"'{type(self).__name__}' object has no attribute '{name}'",
            name=name,
            obj=self,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        attrs = self.__dict__
        if name in _OWNED:
            _adopt(self, name, value)
            return
        if "_parameters" not in attrs:
            for kind in (Parameter, Module, Buffer):
                if isinstance(value, kind):
                    raise AttributeError(
                        f"cannot assign {kind.__name__.lower()}s before "
                        "Module.__init__() call"
                    )
            object.__setattr__(self, name, value)
            return
        if (
            not isinstance(value, (Tensor, Module))
            and name not in attrs["_parameters"]
            and name not in attrs["_modules"]
            and name not in attrs["_buffers"]
        ):
            object.__setattr__(self, name, value)
        else:
            self._set_registered(name, value)

    def _set_registered(self, name: str, value: Any) -> None:
        """`__setattr__` of a tensor or module, or under the name of one."""
        attrs = self.__dict__
        for store in _STORES:
            if type(attrs[store]) is not OwnedDict or attrs[store]._owner() is not self:
                _adopt(self, store, dict(attrs[store]))
        if isinstance(value, Parameter):
            _discard(self, name, ("_buffers", "_modules"))
            self.register_parameter(name, value)
        elif name in attrs["_parameters"]:
            self._expect(value, None, name, "parameter", "nn.Parameter or None")
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            _discard(self, name, ("_parameters", "_buffers"))
            self._set_module(name, value)
        elif name in attrs["_modules"]:
            self._expect(value, None, name, "child module", "nn.Module or None")
            self._set_module(name, None)
        elif isinstance(value, Buffer) and name not in attrs["_buffers"]:
            _discard(self, name, ())
            self.register_buffer(name, value, value.persistent)
        elif name in attrs["_buffers"]:
            self._expect(value, Tensor, name, "buffer", "Tensor, nn.Buffer or None")
            if isinstance(value, Buffer):
                self.register_buffer(name, value, value.persistent)
            else:
                self._set_buffer(name, value)
        else:
            object.__setattr__(self, name, value)

    def _expect(
        self, value: Any, kind: type | None, name: str, what: str, accepted: str
    ) -> None:
        if value is not None and (kind is None or not isinstance(value, kind)):
            raise TypeError(
                f"cannot assign '{_typename(value)}' object to {what} '{name}' "
                f"({accepted} required)"
            )

    def _set_module(self, name: str, module: Module | None) -> None:
        for hook in GLOBAL.module_registration.values():
            changed = hook(self, name, module)
            if changed is not None:
                module = changed
        self._modules[name] = module

    def _set_buffer(self, name: str, buffer: Tensor | None) -> None:
        for hook in GLOBAL.buffer_registration.values():
            changed = hook(self, name, buffer)
            if changed is not None:
                buffer = changed
        self._buffers[name] = buffer

    def __delattr__(self, name: str) -> None:
        attrs = self.__dict__
        for kind in _STORES:
            if name in attrs.get(kind, ()):
                del attrs[kind][name]
                if kind == "_buffers":
                    attrs["_non_persistent_buffers_set"].discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        for kind in _STORES:
            names.update(self.__dict__.get(kind, ()))
        return sorted(name for name in names if name.isidentifier())

    def __getstate__(self) -> dict[str, Any]:
        return plain_state(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        attrs = self.__dict__
        attrs.update(state)
        for name in _STORES:
            attrs[name] = OwnedDict.of(self, attrs.get(name, {}))
        for name in _CALL_HOOKS:
            attrs[name] = HookDict.of(self, attrs.get(name, {}))
        for name in _OTHER_HOOKS:
            attrs.setdefault(name, OrderedDict())
        attrs.setdefault("_non_persistent_buffers_set", set())
        attrs.setdefault("_is_full_backward_hook", None)

    # -- registration --------------------------------------------------------------

    def _check_name(self, name: Any, what: str, store: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {_typename(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[store]:
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(
        self, name: str, tensor: Tensor | None, persistent: bool = True
    ) -> None:
        """Add a tensor that is state but no parameter.

        persistent: whether `state_dict()` holds it.
        """
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{_typename(tensor)}' object to buffer '{name}' "
                "(Tensor or None required)"
            )
        self._set_buffer(name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None keeps the name for none."""
        self._check_name(name, "parameter", "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{_typename(param)}' object to parameter '{name}' "
                    "(nn.Parameter or None required)"
                )
            if param.grad_fn is not None:
                raise ValueError(
                    f"cannot assign non-leaf Tensor to parameter '{name}': a parameter "
                    "must be created explicitly; to express it as a function of "
                    "another tensor, compute it in forward()"
                )
            for hook in GLOBAL.parameter_registration.values():
                changed = hook(self, name, param)
                if changed is not None:
                    param = changed
        self._parameters[name] = param

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule under a name; None keeps the name for none."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{_typename(module)} is not a Module subclass")
        if isinstance(name, str) and hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        self._check_name(name, "module", "_modules")
        self._set_module(name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    # -- changing every tensor -----------------------------------------------------

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace every parameter, its gradient and every buffer by `fn` of it."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        overwrite = _future.get_overwrite_module_params_on_conversion()
        for name, param in self._parameters.items():
            if param is None:
                continue
            with flambeau.no_grad():
                applied = fn(param)
                grad = None if param.grad is None else fn(param.grad)
            real = param.is_meta and not applied.is_meta
            if (overwrite or real) and not is_lazy(param):
                kept = self._parameters[name] = Parameter(applied, param.requires_grad)
            else:
                kept = param
                # Without its old gradient, which would have to match.
                param.grad = None
                param.data = applied
            if grad is not None:
                kept.grad = grad.requires_grad_(
                    param.requires_grad and grad.requires_grad
                )
        for name, buf in self._buffers.items():
            if buf is not None:
                self._buffers[name] = fn(buf)
        return self

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` on every module below and then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device and cast what is floating point or complex.

        Called as `to(device, dtype, non_blocking)`, `to(dtype)`, `to(tensor)` or
        `to(memory_format=...)`; works in place and returns the module.
        """
        device, dtype, non_blocking, memory_format = parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to: expected a floating point or complex dtype for argument "
                f"'dtype', got {dtype}"
            )

        def convert(t: Tensor) -> Tensor:
            cast = dtype if t.is_floating_point() or t.is_complex() else None
            options: dict[str, Any] = {"non_blocking": non_blocking}
            if memory_format is not None and t.dim() in (4, 5):
                options["memory_format"] = memory_format
            return t.to(
                t.device if device is None else device,
                t.dtype if cast is None else cast,
                **options,
            )

        return self._apply(convert)

    def cuda(self, device: Any = None) -> Self:
        """Move everything to a CUDA device."""
        return self._apply(lambda t: t.cuda(device))

    def ipu(self, device: Any = None) -> Self:
        """Move everything to the device type "ipu"."""
        return self._move("ipu", device)

    def xpu(self, device: Any = None) -> Self:
        """Move everything to the device type "xpu"."""
        return self._move("xpu", device)

    def mtia(self, device: Any = None) -> Self:
        """Move everything to the device type "mtia"."""
        return self._move("mtia", device)

    def _move(self, kind: str, device: Any) -> Self:
        where = f"{kind}:{device}" if isinstance(device, int) else device or kind
        return self._apply(lambda t: t.to(where))

    def cpu(self) -> Self:
        """Move everything to the CPU."""
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type: Any) -> Self:
        """Cast every parameter and buffer to a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def _cast(self, dtype: Any) -> Self:
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self) -> Self:
        """Cast floating point parameters and buffers to float32."""
        return self._cast(flambeau.float32)

    def double(self) -> Self:
        """Cast floating point parameters and buffers to float64."""
        return self._cast(flambeau.float64)

    def half(self) -> Self:
        """Cast floating point parameters and buffers to float16."""
        return self._cast(flambeau.float16)

    def bfloat16(self) -> Self:
        """Cast floating point parameters and buffers to bfloat16."""
        return self._cast(flambeau.bfloat16)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device without copying: the values are not set."""
        return self._apply(
            lambda t: flambeau.empty_like(t, device=device), recurse=recurse
        )

    def share_memory(self) -> Self:
        """Move every tensor into memory that other processes can map."""
        return self._apply(lambda t: t.share_memory_())

    def train(self, mode: bool = True) -> Self:
        """Set training mode (or evaluation mode) here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters gather gradients."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the parameters' gradients, or set them to zero."""
        params: list[Any] = []
        modules: list[Module] = [self]
        for module in modules:  # grows as it runs; a shared module may come twice
            own = module._parameters
            if own:
                params += [p for p in own.values() if p is not None]
            below = module._modules
            if below:
                modules += [m for m in below.values() if m is not None]
        flambeau._C._optim.zero_grads(params, set_to_none)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile `forward` in place, with the arguments of `flambeau.compile`."""
        self.forward = flambeau.compile(self.forward, *args, **kwargs)

    # -- text ----------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands in the parentheses of the module's text; override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = []
        for name, module in self._modules.items():
            children.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)" if body else f"{self._get_name()}()"

    def _replicate_for_data_parallel(self) -> Self:
        """A copy that shares the tensors, whose own dicts can be filled anew."""
        replica = self.__new__(type(self))
        replica.__dict__.update(plain_state(self))
        replica._is_replica = True
        for name in ("_parameters", "_buffers", "_modules"):
            setattr(replica, name, dict(self.__dict__[name]))
        replica._parameters = {}
        return replica


GLOBAL.module_class = Module
