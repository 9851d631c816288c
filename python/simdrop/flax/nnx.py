"""Dropout for flax.nnx."""

from __future__ import annotations

import jax
from flax import nnx

from simdrop.flax import _shared


class Dropout(nnx.Dropout):
    """``flax.nnx.Dropout`` with simdrop's masks.

    Parameters
    ----------
    rate : float
        The probability of dropping.
    broadcast_dims : sequence of int, optional
        Axes along which decisions are shared.
    deterministic : bool, optional
        Whether inputs are returned as they are; ``train()`` and ``eval()`` set it.
    rng_collection : str, optional
        The stream of ``rngs`` that keys are drawn from.
    rngs : nnx.Rngs or nnx.RngStream, optional
        Where keys come from; may be given to the call instead.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from flax import nnx
    >>> from simdrop.flax.nnx import Dropout
    >>> Dropout(0.5, rngs=nnx.Rngs(0))(jnp.ones(4)).shape
    (4,)
    """

    def __call__(
        self,
        inputs: jax.Array,
        *,
        deterministic: bool | None = None,
        rngs: nnx.Rngs | nnx.RngStream | jax.Array | None = None,
    ) -> jax.Array:
        """Apply dropout.

        Parameters
        ----------
        inputs : jax.Array
            Of a type that simdrop.jax.dropout takes.
        deterministic : bool, optional
            Whether inputs are returned as they are; the layer's own setting by default.
        rngs : nnx.Rngs, nnx.RngStream or jax.Array, optional
            Where the key comes from, or the key itself; the layer's own by default.

        Returns
        -------
        jax.Array
            Of the same shape and type.
        """
        if deterministic is None:
            deterministic = self.deterministic
        if deterministic is None:
            raise ValueError("Dropout was told neither when it was made nor when it was called whether it is deterministic")
        if deterministic or self.rate == 0:
            return inputs
        return _shared.apply(inputs, self._draw(self.rngs if rngs is None else rngs), self.rate, self.broadcast_dims)

    def _draw(self, source: nnx.Rngs | nnx.RngStream | jax.Array | None) -> jax.Array:
        if isinstance(source, nnx.Rngs):
            source = source[self.rng_collection]
        if isinstance(source, nnx.RngStream):
            key: jax.Array = source()
            return key
        if isinstance(source, jax.Array):
            return source
        if source is None:
            raise ValueError("Dropout is not deterministic, but has rngs neither of its own nor from the call")
        raise TypeError(f"rngs must be nnx.Rngs, nnx.RngStream or a key, not {type(source).__name__}")
