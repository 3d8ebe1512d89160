"""Tensors, gradients and neural networks with PyTorch's names; devices are packages.

Importing it loads the compiled part and nothing heavy: submodules come at first use.
"""

from __future__ import annotations

from math import e as e
from math import inf as inf
from math import nan as nan
from math import pi as pi

from . import _C as _C
from ._C import *  # noqa: F403
from ._C import Size as Size
from ._C import Tensor as Tensor
from ._C import _ops
from .version import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._C._ops import *  # noqa: F403

# Functions of ops by name: abs, add, ... (some hide builtins here, as in PyTorch).
globals().update({k: v for k, v in vars(_ops).items() if not k.startswith("_")})

from . import _tensor as _tensor  # noqa: E402  (adds methods to Tensor)
from . import _tensor_methods as _tensor_methods  # noqa: E402
from ._settings import *  # noqa: E402, F403
from ._type_info import finfo as finfo  # noqa: E402
from ._type_info import iinfo as iinfo  # noqa: E402
from .autograd.grad_mode import enable_grad as enable_grad  # noqa: E402
from .autograd.grad_mode import inference_mode as inference_mode  # noqa: E402
from .autograd.grad_mode import no_grad as no_grad  # noqa: E402
from .autograd.grad_mode import set_grad_enabled as set_grad_enabled  # noqa: E402
from .backends import _runtime as _backends_runtime  # noqa: E402
from .backends import get_include as get_include  # noqa: E402
from .random import default_generator as default_generator  # noqa: E402
from .random import get_rng_state as get_rng_state  # noqa: E402
from .random import initial_seed as initial_seed  # noqa: E402
from .random import manual_seed as manual_seed  # noqa: E402
from .random import seed as seed  # noqa: E402
from .random import set_rng_state as set_rng_state  # noqa: E402

newaxis = None

_backends_runtime.start()

from ._lazy import find as _find  # noqa: E402


def __getattr__(name: str) -> Any:
    value = _find(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from ._lazy import names

    return sorted({*globals(), *names()})
