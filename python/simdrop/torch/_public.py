"""The modules and functions that `simdrop.torch` offers besides `enable`."""

from .functional import bias_activation_dropout_residual, dropout, gaussian_dropout, key, norm_dropout_residual, softmax_dropout
from .fused import BiasActivationDropoutResidual, NormDropoutResidual
from .keyed import set_step
from .modules import (
    Dropout,
    Dropout1d,
    Dropout2d,
    Dropout3d,
    DropPath,
    EmbeddingDropout,
    GaussianDropout,
    LockedDropout,
    TimeSharedDropout,
)
from .monte_carlo import MonteCarlo, dropout_active, mc_dropout
from .recurrent import GRU, LSTM
from .replace import Replaced, replace

__all__ = [
    "GRU",
    "LSTM",
    "BiasActivationDropoutResidual",
    "DropPath",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "EmbeddingDropout",
    "GaussianDropout",
    "LockedDropout",
    "MonteCarlo",
    "NormDropoutResidual",
    "Replaced",
    "TimeSharedDropout",
    "bias_activation_dropout_residual",
    "dropout",
    "dropout_active",
    "gaussian_dropout",
    "key",
    "mc_dropout",
    "norm_dropout_residual",
    "replace",
    "set_step",
    "softmax_dropout",
]
