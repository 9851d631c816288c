"""A dropout layer for Keras 3, in place of its own, on the backends jax, torch and numpy.

A layer's mask is a function of its seed and of how many times it was called: the same on all three backends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras  # type: ignore[import-untyped, unused-ignore]
import numpy as np


def _jax_dropout(inputs: Any, state: Any, rate: float, mask_shape: Sequence[int] | None) -> Any:
    import jax.numpy as jnp

    from simdrop.jax import dropout

    state = jnp.asarray(state, jnp.uint32)
    key = jnp.stack([jnp.zeros((), jnp.uint32), state[0]])
    return dropout(inputs, key, rate, stream=state[1], mask_shape=mask_shape)


def _torch_dropout(inputs: Any, state: Any, rate: float, mask_shape: Sequence[int] | None) -> Any:
    import torch

    from simdrop.torch import dropout

    key = state.to(torch.int64) & 0xFFFFFFFF  # Keras keeps it as int32
    return dropout(inputs, rate, key=key, mask_shape=mask_shape)


def _numpy_dropout(inputs: Any, state: Any, rate: float, mask_shape: Sequence[int] | None) -> Any:
    from simdrop import dropout

    return dropout(np.asarray(inputs), rate, seed=int(state[0]), stream=int(state[1]), mask_shape=mask_shape)


_DROPOUT: dict[str, Callable[[Any, Any, float, Sequence[int] | None], Any]] = {
    "jax": _jax_dropout,
    "torch": _torch_dropout,
    "numpy": _numpy_dropout,
}


@keras.saving.register_keras_serializable(package="simdrop")
class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """``keras.layers.Dropout`` with simdrop's masks.

    Parameters
    ----------
    rate : float
        The probability of dropping, in [0, 1].
    noise_shape : sequence of int or None, optional
        The shape of the mask, which is broadcast to that of the inputs; None stands for the inputs' own extent.
    seed : int, optional
        Of the layer's ``keras.random.SeedGenerator``; drawn by default.
    **kwargs
        As for every layer of Keras.

    Raises
    ------
    NotImplementedError
        On a call in training, if Keras runs on another backend than jax, torch or numpy.

    Examples
    --------
    >>> import numpy as np
    >>> from simdrop.keras import Dropout
    >>> Dropout(0.5, seed=1)(np.ones((2, 3), "float32"), training=True).shape  # doctest: +SKIP
    (2, 3)
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Apply dropout in training.

        Parameters
        ----------
        inputs : tensor
            Of the backend's kind.
        training : bool, optional
            Whether to; inputs are returned as they are otherwise.

        Returns
        -------
        tensor
            Of the same shape and type.
        """
        if not training or self.rate == 0:
            return inputs
        backend = keras.config.backend()
        if backend not in _DROPOUT:
            raise NotImplementedError(f"simdrop has a dropout for Keras on {', '.join(_DROPOUT)}; Keras runs on {backend}")
        return _DROPOUT[backend](inputs, self.seed_generator.next(), self.rate, self._mask_shape(inputs.shape))

    def _mask_shape(self, shape: Sequence[int]) -> tuple[int, ...] | None:
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != len(shape):
            raise ValueError(f"noise_shape {self.noise_shape} must have as many axes as the inputs, which have the shape {tuple(shape)}")
        return tuple(int(own) if extent is None else extent for extent, own in zip(self.noise_shape, shape, strict=True))
