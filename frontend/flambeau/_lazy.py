"""Names of `flambeau` that are found at their first use."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
# Public submodules.
_MODULES = frozenset(
    [
        "__config__",
        "__future__",
        "accelerator",
        "amp",
        "autograd",
        "backends",
        "compiler",
        "cpu",
        "cuda",
        "distributed",
        "distributions",
        "fft",
        "func",
        "functional",
        "fx",
        "hub",
        "jit",
        "library",
        "linalg",
        "masked",
        "mps",
        "multiprocessing",
        "mtia",
        "nested",
        "nn",
        "onnx",
        "optim",
        "overrides",
        "profiler",
        "quantization",
        "random",
        "return_types",
        "serialization",
        "signal",
        "sparse",
        "special",
        "storage",
        "testing",
        "torch_version",
        "types",
        "utils",
        "version",
        "xpu",
    ]
)

# Functions and classes that live in a module loaded when they are wanted.
_HOMES = {
    "save": "serialization",
    "load": "serialization",
    "set_printoptions": "_tensor_str",
    "autocast": "amp",
    "get_autocast_dtype": "amp.autocast_mode",
    "set_autocast_dtype": "amp.autocast_mode",
    "is_autocast_enabled": "amp.autocast_mode",
    "set_autocast_enabled": "amp.autocast_mode",
    "is_autocast_available": "amp",
    "get_autocast_gpu_dtype": "amp.autocast_mode",
    "get_autocast_cpu_dtype": "amp.autocast_mode",
    "is_autocast_cache_enabled": "amp.autocast_mode",
    "set_autocast_cache_enabled": "amp.autocast_mode",
    "clear_autocast_cache": "amp.autocast_mode",
    "UntypedStorage": "storage",
    "TypedStorage": "storage",
    "compile": "compiler",
    "get_device_module": "_devices",
    "GradScaler": "amp",
    "_register_device_module": "_devices",
    "Stream": "_streams",
    "Event": "_streams",
    "vmap": "func",
}
_TYPED = {
    "BoolTensor": "bool",
    "ByteTensor": "uint8",
    "CharTensor": "int8",
    "ShortTensor": "int16",
    "IntTensor": "int32",
    "LongTensor": "int64",
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
}
# Functions of the layers that `flambeau` has too, with the same arguments.
_OF_LAYERS = frozenset(
    [
        "adaptive_avg_pool1d",
        "alpha_dropout",
        "avg_pool1d",
        "bilinear",
        "celu",
        "celu_",
        "channel_shuffle",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_tbc",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "cosine_similarity",
        "feature_alpha_dropout",
        "group_norm",
        "hardshrink",
        "layer_norm",
        "max_pool1d",
        "max_pool2d",
        "max_pool3d",
        "native_channel_shuffle",
        "pairwise_distance",
        "pdist",
        "pixel_shuffle",
        "pixel_unshuffle",
        "prelu",
        "rms_norm",
        "rrelu",
        "rrelu_",
        "selu",
        "selu_",
        "threshold",
        "threshold_",
    ]
)
# Modules whose public functions are also those of `flambeau`.
_FUNCTIONS = ("functional",)


def _module(name: str) -> Any:
    try:
        return import_module(f"flambeau.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"flambeau.{name}":
            raise
        return None


def module_of(name: str) -> Any:
    """`flambeau.<name>`; AttributeError when it is not built."""
    module = _module(name)
    if module is None:
        raise AttributeError(f"flambeau has no module '{name}': it is not built yet")
    return module


def find(name: str) -> Any:
    """The value of `flambeau.<name>`; AttributeError when there is none."""
    if name in _MODULES and (module := _module(name)) is not None:
        return module
    module = _module(_HOMES[name]) if name in _HOMES else None
    if hasattr(module, name):
        return getattr(module, name)
    if name in _OF_LAYERS:
        return getattr(import_module("flambeau.nn.functional"), name)
    if name in _TYPED:
        from ._typed import typed

        return typed(name, _TYPED[name])
    if not name.startswith("__"):
        for home in _FUNCTIONS:
            module = _module(home)
            if module is not None and name in module.__all__:
                return getattr(module, name)
    if not name.startswith("_"):
        from ._devices import module_of as module_of_device

        module = module_of_device(name)
        if module is not None:
            return module
    raise AttributeError(
        f"flambeau has no attribute '{name}': if PyTorch has it, it is not built yet"
    )


def names() -> set[str]:
    """All names that `find` knows."""
    found = {*_MODULES, *_HOMES, *_OF_LAYERS, *_TYPED}
    for home in _FUNCTIONS:
        module = _module(home)
        if module is not None:
            found.update(module.__all__)
    return found
