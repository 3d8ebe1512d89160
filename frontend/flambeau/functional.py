"""Functions of `flambeau` that are composed in Python, and names that other modules
own."""

from __future__ import annotations

from typing import Any

from . import _C
from . import _functional_compare as _compare
from . import _functional_math as _math
from . import _functional_more as _more
from . import _functional_shape as _shape
from ._functional_compare import *  # noqa: F403
from ._functional_einsum import einsum
from ._functional_math import *  # noqa: F403
from ._functional_more import *  # noqa: F403
from ._functional_shape import *  # noqa: F403

_nn = _C._nn

# Functions of neural networks that PyTorch offers in both places.
_FROM_NN = """
adaptive_avg_pool1d adaptive_max_pool1d alpha_dropout avg_pool1d bilinear
binary_cross_entropy_with_logits celu channel_shuffle cosine_embedding_loss
cosine_similarity ctc_loss feature_alpha_dropout hardshrink hinge_embedding_loss
instance_norm kl_div margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d
max_pool3d pairwise_distance pdist pixel_shuffle pixel_unshuffle poisson_nll_loss rrelu
selu threshold triplet_margin_loss
""".split()
_FROM_RECORDS = """
batch_norm conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
group_norm gru layer_norm lstm rms_norm rnn_relu rnn_tanh
""".split()
_FROM_LINALG = {
    "det": "det",
    "inverse": "inv",
    "logdet": "_logdet",
    "matrix_exp": "matrix_exp",
    "matrix_power": "matrix_power",
    "pinverse": "_pinverse",
    "slogdet": "slogdet",
    "cholesky": "_cholesky",
    "cholesky_inverse": "_cholesky_inverse",
    "cholesky_solve": "_cholesky_solve",
    "qr": "_qr",
    "svd": "_svd",
    "lu": "_lu",
    "lu_solve": "_lu_solve",
    "lu_unpack": "_lu_unpack",
    "triangular_solve": "_triangular_solve",
    "orgqr": "householder_product",
}
_FROM_SPECIAL = {"logit": "logit"}
_FROM_SIGNAL = {"stft": "stft", "istft": "istft"}


def embedding(
    weight: Any,
    indices: Any,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """Rows of weight at indices."""
    return _nn.embedding(indices, weight, padding_idx, scale_grad_by_freq, sparse)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    def of(module: str, attribute: str) -> Any:
        value = getattr(import_module(f"flambeau.{module}"), attribute)
        globals()[name] = value
        return value

    if name in _FROM_RECORDS:
        return getattr(_nn, name)
    if name in _FROM_NN:
        return of("nn.functional", name)
    if name in _FROM_LINALG:
        home = _FROM_LINALG[name]
        return of("_linalg_older" if home.startswith("_") else "linalg", home)
    if name in _FROM_SPECIAL:
        return of("special", _FROM_SPECIAL[name])
    if name in _FROM_SIGNAL:
        return of("_functional_signal", _FROM_SIGNAL[name])
    raise AttributeError(f"module 'flambeau.functional' has no attribute '{name}'")


__all__ = [
    "einsum",
    "embedding",
    *_compare.__all__,
    *_math.__all__,
    *_more.__all__,
    *_shape.__all__,
    *_FROM_NN,
    *_FROM_RECORDS,
    *_FROM_LINALG,
    *_FROM_SPECIAL,
    *_FROM_SIGNAL,
]
