"""Trades time for memory: forgets a function's intermediates, computes them again."""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import flambeau
from flambeau.autograd import Function
from flambeau.autograd.graph import saved_tensors_hooks

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "checkpoint",
    "checkpoint_sequential",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]

Contexts = tuple[
    contextlib.AbstractContextManager[Any], contextlib.AbstractContextManager[Any]
]


class CheckpointError(RuntimeError):
    """The second run of a function did not do what the first did."""


def noop_context_fn() -> Contexts:
    """Two contexts, for the first run and for later ones, that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


_early_stop: bool | None = None


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Override the ``early_stop`` of all checkpoints within the block."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


class _Surroundings:
    """What of the program's state a function sees: random numbers and autocast."""

    def __init__(self, preserve_rng_state: bool, args: tuple[Any, ...]) -> None:
        self.rng = flambeau.get_rng_state() if preserve_rng_state else None
        kinds = {a.device.type for a in args if isinstance(a, flambeau.Tensor)}
        self.autocast = [
            flambeau.amp.autocast(
                kind,
                dtype=flambeau.get_autocast_dtype(kind),
                enabled=flambeau.is_autocast_enabled(kind),
                cache_enabled=flambeau.is_autocast_cache_enabled(),
            )
            for kind in sorted(kinds | {flambeau._C._host_device_type})
            if flambeau.amp.is_autocast_available(kind)
        ]

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """As it was, for the length of a block."""
        now = None
        if self.rng is not None:
            now = flambeau.get_rng_state()
            flambeau.set_rng_state(self.rng)
        try:
            with contextlib.ExitStack() as stack:
                for context in self.autocast:
                    stack.enter_context(context)
                yield
        finally:
            if now is not None:
                flambeau.set_rng_state(now)


class CheckpointFunction(Function):
    """The reentrant kind: its backward runs the function and a backward of its own."""

    @staticmethod
    def forward(
        ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any
    ) -> Any:
        """Run the function without recording; keep the inputs."""
        ctx.run_function = run_function
        ctx.surroundings = _Surroundings(preserve_rng_state, args)
        ctx.is_tensor = [isinstance(a, flambeau.Tensor) for a in args]
        tensors = [a for a in args if isinstance(a, flambeau.Tensor)]
        ctx.others = [None if isinstance(a, flambeau.Tensor) else a for a in args]
        ctx.save_for_backward(*tensors)
        with flambeau.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Run the function again, recording, and go back through that."""
        tensors = iter(ctx.saved_tensors)
        inputs = []
        for is_tensor, other in zip(ctx.is_tensor, ctx.others, strict=True):
            if not is_tensor:
                inputs.append(other)
                continue
            saved = next(tensors)
            inputs.append(saved.detach().requires_grad_(saved.requires_grad))
        with flambeau.enable_grad(), ctx.surroundings.restored():
            outputs = ctx.run_function(*inputs)
        if isinstance(outputs, flambeau.Tensor):
            outputs = (outputs,)
        pairs = [
            (output, grad)
            for output, grad in zip(outputs, grads, strict=True)
            if isinstance(output, flambeau.Tensor) and output.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "checkpoint: expected an output that requires a gradient, got none; "
                "the function needs no checkpoint"
            )
        flambeau.autograd.backward([o for o, _ in pairs], [g for _, g in pairs])
        own = (i.grad if isinstance(i, flambeau.Tensor) else None for i in inputs)
        return (None, None, *own)


class _Stop(Exception):
    """Everything that was asked for has been computed again."""


class _Slot:
    """Stands in the graph for one tensor that was forgotten."""

    __slots__ = ("__weakref__", "frame", "kind", "place", "value")

    def __init__(self, frame: _Frame, place: int, tensor: Any) -> None:
        self.frame = frame
        self.place = place
        self.kind = (tuple(tensor.shape), tensor.dtype, tensor.device)
        self.value: Any = None


class _Frame:
    """One call under a checkpoint, with what is needed to make it again."""

    def __init__(
        self,
        call: Callable[[], Any],
        surroundings: _Surroundings,
        context: contextlib.AbstractContextManager[Any],
        early_stop: bool,
        check: bool,
    ) -> None:
        self.call = call
        self.surroundings = surroundings
        self.context = context
        self.early_stop = early_stop
        self.check = check
        self.slots: list[weakref.ref[_Slot]] = []

    def forget(self, tensor: Any) -> _Slot:
        """Called for each tensor that the first run would keep."""
        slot = _Slot(self, len(self.slots), tensor)
        self.slots.append(weakref.ref(slot))
        return slot

    def recall(self, slot: _Slot) -> Any:
        """Called for each tensor that the backward needs."""
        if slot.value is None:
            self._run_again()
        if slot.value is None:
            raise CheckpointError(
                f"checkpoint: expected the function to keep {len(self.slots)} tensors "
                f"when it runs again, as in its first run, got at most {slot.place}; "
                "it depends on something that has changed"
            )
        # Given out once: a second backward computes anew rather than hold memory.
        value, slot.value = slot.value, None
        return value

    def _run_again(self) -> None:
        count = 0

        def keep(tensor: Any) -> Any:
            nonlocal count
            if count >= len(self.slots):
                raise CheckpointError(
                    "checkpoint: expected the function to keep "
                    f"{len(self.slots)} tensors when it runs again, as in its first "
                    "run, got more"
                )
            slot = self.slots[count]()
            count += 1
            if slot is not None:
                self._compare(slot, tensor)
                slot.value = tensor.detach()
            if self.early_stop and count == len(self.slots):
                raise _Stop
            return tensor.detach()

        with (
            flambeau.enable_grad(),
            self.surroundings.restored(),
            self.context,
            saved_tensors_hooks(keep, lambda tensor: tensor),
            contextlib.suppress(_Stop),
        ):
            self.call()

    def _compare(self, slot: _Slot, tensor: Any) -> None:
        kind = (tuple(tensor.shape), tensor.dtype, tensor.device)
        if self.check and kind != slot.kind:
            raise CheckpointError(
                f"checkpoint: expected tensor {slot.place} of the second run to have "
                f"shape, dtype and device {slot.kind}, as in the first, got {kind}"
            )


def _recall(slot: _Slot) -> Any:
    return slot.frame.recall(slot)


def _without_reentrance(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    contexts: Contexts,
    preserve_rng_state: bool,
    check: bool,
    early_stop: bool,
) -> Any:
    frame = _Frame(
        lambda: function(*args, **kwargs),
        _Surroundings(preserve_rng_state, (*args, *kwargs.values())),
        contexts[1],
        early_stop if _early_stop is None else _early_stop,
        check,
    )
    with contexts[0], saved_tensors_hooks(frame.forget, _recall):
        return function(*args, **kwargs)


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """``function(*args, **kwargs)`` whose intermediates are computed again in backward.

    Args:
        function: must do the same when it is called again.
        use_reentrant: False (better) keeps autograd's semantics whole; True runs a
            backward within the backward, and needs an input that requires a gradient.
        context_fn: gives contexts for the first run and for the second.
        determinism_check: "default" compares shapes, dtypes and devices of the two
            runs, "none" nothing.
        early_stop: end the second run when all that is needed has been computed.
        preserve_rng_state: (keyword, True) draw the same random numbers again.

    Raises CheckpointError when the second run differs.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: pass use_reentrant explicitly; without it the reentrant kind "
            "is used, and use_reentrant=False is recommended",
            stacklevel=2,
        )
        use_reentrant = True
    if debug:
        raise NotImplementedError(
            "checkpoint: expected debug=False: traces of both runs are not there yet"
        )
    if determinism_check not in ("default", "none"):
        raise ValueError(
            "checkpoint: expected 'default' or 'none' for argument "
            f"'determinism_check', got {determinism_check!r}"
        )
    if not use_reentrant:
        check = determinism_check == "default"
        contexts = context_fn()
        return _without_reentrance(
            function, args, kwargs, contexts, preserve, check, early_stop
        )
    if kwargs:
        raise ValueError(
            "checkpoint: expected no keyword arguments with use_reentrant=True, got "
            f"{sorted(kwargs)}"
        )
    if context_fn is not noop_context_fn:
        raise ValueError("checkpoint: expected no context_fn with use_reentrant=True")
    if not any(isinstance(a, flambeau.Tensor) and a.requires_grad for a in args):
        warnings.warn(
            "checkpoint: none of the inputs requires a gradient, so with "
            "use_reentrant=True the result has none",
            stacklevel=2,
        )
    return CheckpointFunction.apply(function, preserve, *args)


def checkpoint_sequential(
    functions: Any,
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Run a Sequential, or a list of functions, in segments under checkpoints.

    The last segment keeps its intermediates: its backward comes at once.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(
            f"checkpoint_sequential: expected no argument named {sorted(kwargs)}"
        )
    if use_reentrant is None:
        warnings.warn(
            "checkpoint_sequential: pass use_reentrant explicitly; without it the "
            "reentrant kind is used",
            stacklevel=2,
        )
        use_reentrant = True
    steps = list(functions)

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def segment(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return segment

    size = len(steps) // segments
    for start in range(0, size * (segments - 1), size) if size else ():
        input = checkpoint(
            run(start, start + size),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return run(size * (segments - 1), len(steps))(input)
