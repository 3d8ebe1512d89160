"""What layers share that learn the shapes of their parameters from the first input."""

from __future__ import annotations

import warnings
from typing import Any

from ..parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Initializes a layer in a pre-hook of its first call, then makes it plain.

    A subclass defines `initialize_parameters`, which is given what forward is, and
    `cls_to_become`, the class that the instance is from then on.
    """

    cls_to_become: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        module: Any = self
        self._load_hook = module._register_load_state_dict_pre_hook(
            self._lazy_load_hook
        )
        self._initialize_hook = module.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )
        warnings.warn(
            "Lazy modules are a new feature under heavy development so changes to the "
            "API or functionality can happen at any moment.",
            stacklevel=3,
        )

    def _save_to_state_dict(
        self, destination: Any, prefix: str, keep_vars: bool
    ) -> None:
        """Uninitialized parameters are saved as they are: detaching needs a shape."""
        module: Any = self
        for name, param in module._parameters.items():
            if param is not None:
                keep = is_lazy(param) or keep_vars
                destination[prefix + name] = param if keep else param.detach()
        for name, buf in module._buffers.items():
            if buf is not None and name not in module._non_persistent_buffers_set:
                keep = is_lazy(buf) or keep_vars
                destination[prefix + name] = buf if keep else buf.detach()

    def _lazy_load_hook(
        self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any
    ) -> None:
        """Give what is uninitialized the shape that the state dict has for it."""
        module: Any = self
        for name, mine in [*module._parameters.items(), *module._buffers.items()]:
            theirs = state_dict.get(prefix + name)
            if theirs is not None and is_lazy(mine) and not is_lazy(theirs):
                from flambeau import no_grad

                with no_grad():
                    mine.materialize(theirs.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialize the parameters for the first input; a subclass defines it."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether any parameter or buffer still has no shape."""
        module: Any = self
        return any(
            is_lazy(t)
            for t in [*module._parameters.values(), *module._buffers.values()]
        )

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"module {type(self).__name__} has not been fully initialized"
            )
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook
        del module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _replicate_for_data_parallel(self) -> Any:
        raise RuntimeError(
            "Modules with uninitialized parameters can't be used with DataParallel; "
            "run a dummy forward pass first"
        )
