"""Saving and loading a module's state."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Mapping
from typing import Any

import flambeau
from flambeau._C import Tensor

from ..parameter import Parameter, is_lazy

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(
    namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])
):
    """What `load_state_dict` returns: the names on one side alone."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class ModuleState:
    """The methods of a module that turn it into a state dict and back."""

    _version: int = 1
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: Any
    _state_dict_pre_hooks: Any
    _load_state_dict_pre_hooks: Any
    _load_state_dict_post_hooks: Any

    def get_extra_state(self) -> Any:
        """State that is no tensor, to be kept in the state dict; override it."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be "
            "called: a module that sets extra state must define get_extra_state too"
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave; override both."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be "
            "called: a module that gives extra state must define set_extra_state too"
        )

    def _has_extra_state(self, method: str) -> bool:
        return getattr(type(self), method, None) is not getattr(ModuleState, method)

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        """Put this module's own state, not its children's, into `destination`."""
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buf in self._buffers.items():
            if buf is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buf if keep_vars else buf.detach()
        if self._has_extra_state("get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(
        self,
        *args: Any,
        destination: Any = None,
        prefix: str = "",
        keep_vars: bool = False,
    ) -> Any:
        """An ordered dict from names to the parameters and persistent buffers.

        keep_vars: hold the tensors themselves, not detached ones that share memory.
        """
        if args:
            given = dict(
                zip(("destination", "prefix", "keep_vars"), args, strict=False)
            )
            destination = given.get("destination", destination)
            prefix = given.get("prefix", prefix)
            keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination,
                    prefix=prefix + name + ".",
                    keep_vars=keep_vars,
                )
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, local_metadata)
            if getattr(hook, "_from_public_api", False):
                if changed is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif changed is not None:
                destination = changed
        return destination

    def _load_one(
        self,
        key: str,
        name: str,
        mine: Tensor,
        value: Any,
        assign: bool,
        error_msgs: list[str],
    ) -> None:
        """Copy or assign one tensor of a state dict."""
        if not isinstance(value, Tensor):
            error_msgs.append(
                f'While copying the parameter named "{key}", expected a tensor from '
                f"checkpoint but received {type(value)}"
            )
            return
        lazy = is_lazy(mine)
        if not lazy and mine.dim() == 0 and value.shape == (1,):
            value = value[0]
        if not lazy and value.shape != mine.shape:
            error_msgs.append(
                f"size mismatch for {key}: copying a param with shape {value.shape} "
                f"from checkpoint, the shape in current model is {mine.shape}."
            )
            return
        if not assign and mine.is_meta and not value.is_meta:
            _warn_meta(key)
        try:
            with flambeau.no_grad():
                if assign:
                    setattr(self, name, _as_kind_of(mine, value))
                else:
                    mine.copy_(value)
        except Exception as error:
            error_msgs.append(
                f'While copying the parameter named "{key}", whose dimensions in the '
                f"model are {mine.shape} and whose dimensions in the checkpoint are "
                f"{value.shape}, an exception occurred : {error.args}."
            )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own state, not its children's; lists take what failed."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        assign = local_metadata.get("assign_to_params_buffers", False)
        own = dict(self._parameters)
        for name, buf in self._buffers.items():
            if name not in self._non_persistent_buffers_set:
                own[name] = buf
        for name, mine in own.items():
            if mine is None:
                continue
            key = prefix + name
            if key in state_dict:
                self._load_one(key, name, mine, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra_key = prefix + _EXTRA_STATE_KEY_SUFFIX
        if self._has_extra_state("set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            self._find_unexpected(state_dict, prefix, own, extra_key, unexpected_keys)

    def _find_unexpected(
        self,
        state_dict: Any,
        prefix: str,
        own: dict[str, Any],
        extra_key: str,
        unexpected_keys: list[str],
    ) -> None:
        for key in state_dict:
            if not key.startswith(prefix) or key == extra_key:
                continue
            head, dot, _ = key[len(prefix) :].partition(".")
            if dot and head in self._modules:
                continue
            if dot or head not in own:
                unexpected_keys.append(key)

    def _load_tree(
        self, state_dict: Any, prefix: str, assign: bool, found: _Found
    ) -> None:
        """Load this module and those below it, then call their post hooks."""
        metadata = found.metadata
        local = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local["assign_to_params_buffers"] = assign
        self._load_from_state_dict(
            state_dict,
            prefix,
            local,
            True,
            found.missing,
            found.unexpected,
            found.errors,
        )
        for name, child in self._modules.items():
            if child is not None:
                below = prefix + name + "."
                part = {k: v for k, v in state_dict.items() if k.startswith(below)}
                ModuleState._load_tree(child, part, below, assign, found)
        incompatible = _IncompatibleKeys(found.missing, found.unexpected)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, incompatible) is not None:
                raise RuntimeError(
                    "Hooks registered with `register_load_state_dict_post_hook` are "
                    "not expected to return new values; change incompatible_keys in "
                    "place instead"
                )

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Copy parameters and buffers from a dict of names; returns the odd names.

        strict: raise RuntimeError unless the names match exactly.
        assign: make the dict's tensors the module's own rather than copy from them.
        Raises TypeError for no mapping, RuntimeError listing every tensor that failed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(
                "load_state_dict: expected a dict-like for argument 'state_dict', got "
                f"{type(state_dict)}"
            )
        found = _Found(getattr(state_dict, "_metadata", None))
        copied = OrderedDict(state_dict)
        if found.metadata is not None:
            copied._metadata = found.metadata  # type: ignore[attr-defined]
        self._load_tree(copied, "", assign, found)
        errors = found.errors
        if strict:
            for what, keys in (
                ("Missing", found.missing),
                ("Unexpected", found.unexpected),
            ):
                if keys:
                    names = ", ".join(f'"{k}"' for k in keys)
                    errors.insert(0, f"{what} key(s) in state_dict: {names}. ")
        if errors:
            raise RuntimeError(
                f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                + "\n\t".join(errors)
            )
        return _IncompatibleKeys(found.missing, found.unexpected)


class _Found:
    """What one `load_state_dict` met on its way through the modules."""

    def __init__(self, metadata: Any) -> None:
        self.metadata = None if metadata is None else metadata.copy()
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []


def _as_kind_of(mine: Tensor, value: Tensor) -> Tensor:
    """The loaded tensor as a parameter where the module's is one."""
    if isinstance(mine, Parameter):
        if not isinstance(value, Parameter):
            return Parameter(value, requires_grad=mine.requires_grad)
        return value.requires_grad_(mine.requires_grad)
    return value


def _warn_meta(key: str) -> None:
    import warnings

    warnings.warn(
        f"for {key}: copying from a non-meta parameter in the checkpoint to a meta "
        "parameter in the current model, which is a no-op; pass `assign=True` to take "
        "the checkpoint's tensors",
        stacklevel=4,
    )
