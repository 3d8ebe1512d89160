"""Process-wide settings and questions about values: defaults, threads, is_tensor."""

from __future__ import annotations

from . import _C
from ._C import Tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_default_device",
    "get_deterministic_debug_mode",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "is_complex",
    "is_conj",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_floating_point",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_signed",
    "is_storage",
    "is_warn_always_enabled",
    "numel",
    "result_type",
    "set_default_device",
    "set_default_dtype",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "typename",
    "use_deterministic_algorithms",
]


# ---- defaults ------------------------------------------------------------------------
def set_default_dtype(d: Any, /) -> None:
    """Set the floating dtype of new tensors. TypeError for other dtypes."""
    _C._set_default_dtype(d)


def set_default_device(device: Any) -> None:
    """Set the device of this thread's new tensors; None is the CPU."""
    _C._set_default_device(device)


def get_default_device() -> Any:
    """The device of new tensors, with its index where there may be several."""
    device = _C._get_default_device()
    if device.index is None:
        device = _C._ops.empty(0).device
    return device


def set_default_tensor_type(t: Any, /) -> None:
    """Set the default dtype by a typed tensor class or its name."""
    if isinstance(t, str):
        import flambeau

        t = getattr(flambeau, t.rsplit(".", 1)[-1])
    _C._set_default_dtype(t.dtype)


# ---- questions -----------------------------------------------------------------------
def is_floating_point(input: Tensor) -> Any:
    """True when the dtype is a floating one."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> Any:
    """True when the dtype is a complex one."""
    return input.is_complex()


def is_signed(input: Tensor) -> Any:
    """True when the dtype has negative values."""
    return input.is_signed()


def is_conj(input: Tensor) -> bool:
    """False: no tensor here is conjugated lazily."""
    return False


def is_neg(input: Tensor) -> bool:
    """False: no tensor here is negated lazily."""
    return False


def is_inference(input: Tensor) -> Any:
    """True when the tensor was made in inference mode."""
    return input.is_inference()


def is_nonzero(input: Tensor) -> bool:
    """True when the only element is not zero. RuntimeError for more or none."""
    return bool(input)


def is_storage(obj: object) -> bool:
    """True for a storage."""
    from .storage import TypedStorage, UntypedStorage

    return isinstance(obj, (UntypedStorage, TypedStorage))


def typename(obj: Any, /) -> str:
    """The name of a tensor's type, or of an object's class with its module."""
    if isinstance(obj, Tensor):
        return str(obj.type())
    cls = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(cls, "__module__", "") or ""
    named = str(getattr(cls, "__qualname__", cls.__name__))
    return named if module in ("", "builtins") else f"{module}.{named}"


def numel(input: Tensor) -> Any:
    """How many elements there are."""
    return input.numel()


def result_type(tensor1: Any, tensor2: Any) -> Any:
    """The dtype of an op on the two: tensors or numbers."""
    return _promoted(tensor1, tensor2)


def _rank(x: Any) -> int:
    """Tensors with dimensions decide before those without, these before numbers."""
    if not isinstance(x, Tensor):
        return 0
    return 2 if x.dim() else 1


def _category(dtype: Any) -> int:
    if dtype is _C.bool:
        return 0
    return 3 if dtype.is_complex else 2 if dtype.is_floating_point else 1


def _promoted(a: Any, b: Any) -> Any:
    def dtype(x: Any) -> Any:
        return x.dtype if isinstance(x, Tensor) else _C.tensor(x).dtype

    if _rank(a) == _rank(b):
        return _C.promote_types(dtype(a), dtype(b))
    strong, weak = (a, b) if _rank(a) > _rank(b) else (b, a)
    if _category(dtype(weak)) <= _category(dtype(strong)):
        return dtype(strong)
    if not isinstance(weak, Tensor) and _category(dtype(weak)) == 3:
        return _C.promote_types(dtype(strong), _C.complex64)
    return dtype(weak)


# ---- switches
# --------------------------------------------------------------------------
class _State:
    precision = "highest"
    deterministic = False
    warn_only = False
    warn_always = False
    interop_threads = 1


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for the same bits in every run. The kernels of the CPU always give them."""
    _State.deterministic, _State.warn_only = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """Whether use_deterministic_algorithms is on."""
    return _State.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was turned on with warn_only."""
    return _State.warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """ "default", "warn" or "error" (0, 1, 2). ValueError for anything else."""
    modes: dict[Any, int] = {"default": 0, "warn": 1, "error": 2, 0: 0, 1: 1, 2: 2}
    if debug_mode not in modes:
        raise ValueError(
            "set_deterministic_debug_mode: expected 'default', 'warn' or 'error', got "
            f"{debug_mode!r}"
        )
    level = modes[debug_mode]
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: off, warn, error."""
    return 0 if not _State.deterministic else 1 if _State.warn_only else 2


def set_float32_matmul_precision(precision: str) -> None:
    """ "highest", "high" or "medium": a permission that the CPU does not use."""
    if precision not in ("highest", "high", "medium"):
        raise ValueError(
            "set_float32_matmul_precision: expected 'highest', 'high' or 'medium', got "
            f"{precision!r}"
        )
    _State.precision = precision


def get_float32_matmul_precision() -> str:
    """What set_float32_matmul_precision was given."""
    return _State.precision


def set_warn_always(b: bool, /) -> None:
    """Whether warnings that come once are to come each time."""
    _State.warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    """What set_warn_always was given."""
    return _State.warn_always


def set_num_interop_threads(n: int, /) -> None:
    """How many ops may run side by side: one here, so that other numbers are kept
    only."""
    _State.interop_threads = int(n)


def get_num_interop_threads() -> int:
    """What set_num_interop_threads was given."""
    return _State.interop_threads


def set_flush_denormal(mode: bool, /) -> bool:
    """False: this build does not change how the processor treats tiny numbers."""
    return False
