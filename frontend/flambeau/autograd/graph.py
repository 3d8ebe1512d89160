"""The recorded graph: nodes, hooks on saved tensors and on several gradients."""

from __future__ import annotations

from typing import Any

from flambeau import _C
from flambeau._C import Tensor
from flambeau._C import _Node as Node

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class saved_tensors_hooks:
    """Within it, what ops save for backward passes pack_hook(tensor), and comes back
    by unpack_hook(what pack_hook returned)."""

    def __init__(self, pack_hook: Any, unpack_hook: Any) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _C._push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exc: object) -> None:
        _C._pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Within it, saved tensors wait in host memory."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(t: Tensor) -> tuple[Any, Tensor]:
            kept = t.cpu()
            if pin_memory and kept is not t and can_pin():
                kept = kept.pin_memory()
            return t.device, kept

        def unpack(kept: tuple[Any, Tensor]) -> Tensor:
            device, t = kept
            return t.to(device, non_blocking=pin_memory)

        from flambeau._device_types import can_pin

        super().__init__(pack, unpack)


class disable_saved_tensors_hooks:
    """Within it, saved_tensors_hooks raises RuntimeError(error_message)."""

    def __init__(self, error_message: str) -> None:
        self.error_message = error_message

    def _refuse(self, _: object) -> Any:
        raise RuntimeError(self.error_message)

    def __enter__(self) -> None:
        self._enter = saved_tensors_hooks.__enter__
        saved_tensors_hooks.__enter__ = self._refuse  # type: ignore[method-assign]

    def __exit__(self, *exc: object) -> None:
        saved_tensors_hooks.__enter__ = self._enter  # type: ignore[method-assign]


class allow_mutation_on_saved_tensors:
    """Within it, tensors saved for backward may be changed in place: copies are
    kept."""

    def __init__(self) -> None:
        self._hooks = saved_tensors_hooks(
            lambda t: t.detach().clone().requires_grad_(t.requires_grad), lambda t: t
        )

    def __enter__(self) -> allow_mutation_on_saved_tensors:
        self._hooks.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._hooks.__exit__()

    def clear(self) -> None:
        """Nothing is kept beside the graph itself."""


class GradientEdge:
    """A node and which of its outputs a gradient belongs to."""

    def __init__(self, node: Node, output_nr: int, ownership_token: Any = None) -> None:
        self.node = node
        self.output_nr = output_nr
        self.ownership_token = ownership_token

    def __iter__(self) -> Any:
        return iter((self.node, self.output_nr))


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor goes. RuntimeError when it needs none."""
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not "
            "require gradients"
        )
    return GradientEdge(_C._gradient_node(tensor), tensor.output_nr)


def increment_version(tensor: Any) -> None:
    """Say that tensors were changed in place, by means autograd could not see."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        _C._bump_version(t)


class _MultiHandle:
    def __init__(self, handles: list[Any]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()


def register_multi_grad_hook(tensors: Any, fn: Any, *, mode: str = "all") -> Any:
    """Call fn once per backward: with the gradients of all tensors when all are there
    ("all"), or with the first one ("any"). Returns a handle with remove()."""
    if mode not in ("all", "any"):
        raise ValueError(
            f"register_multi_grad_hook: expected mode all or any, got {mode}"
        )
    found: dict[int, Any] = {}
    total = len(tensors)

    def hook_of(index: int) -> Any:
        def hook(grad: Tensor) -> None:
            if mode == "any":
                if not found:
                    found[index] = grad
                    fn(grad)
                return
            found[index] = grad
            if len(found) == total:
                grads = [found.get(i) for i in range(total)]
                found.clear()
                fn(grads)

        return hook

    return _MultiHandle([t.register_hook(hook_of(i)) for i, t in enumerate(tensors)])
