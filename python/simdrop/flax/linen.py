"""Dropout for flax.linen."""

from __future__ import annotations

import jax
from flax import linen

from simdrop.flax import _shared


class Dropout(linen.Dropout):
    """``flax.linen.Dropout`` with simdrop's masks.

    Parameters
    ----------
    rate : float
        The probability of dropping.
    broadcast_dims : sequence of int, optional
        Axes along which decisions are shared.
    deterministic : bool, optional
        Whether inputs are returned as they are; may be given to the call instead.
    rng_collection : str, optional
        The collection that keys are drawn from.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from simdrop.flax.linen import Dropout
    >>> layer = Dropout(0.5, deterministic=False)
    >>> layer.apply({}, jnp.ones(4), rngs={"dropout": jax.random.key(0)}).shape
    (4,)
    """

    @linen.compact
    def __call__(self, inputs: jax.Array, deterministic: bool | None = None, rng: jax.Array | None = None) -> jax.Array:
        """Apply dropout.

        Parameters
        ----------
        inputs : jax.Array
            Of a type that simdrop.jax.dropout takes.
        deterministic : bool, optional
            Whether inputs are returned as they are, if the layer was not told.
        rng : jax.Array, optional
            The key; by default one of the layer's collection.

        Returns
        -------
        jax.Array
            Of the same shape and type.
        """
        if linen.merge_param("deterministic", self.deterministic, deterministic) or self.rate == 0:
            return inputs
        key = self.make_rng(self.rng_collection) if rng is None else rng
        return _shared.apply(inputs, key, self.rate, self.broadcast_dims)
