"""What the layers of both of Flax's interfaces do with a key."""

from __future__ import annotations

from collections.abc import Sequence

import jax

from simdrop.jax import dropout


def apply(inputs: jax.Array, key: jax.Array, rate: float, broadcast_dims: Sequence[int]) -> jax.Array:
    """Apply dropout, with one decision for all places of each of broadcast_dims."""
    mask_shape = list(inputs.shape)
    for axis in broadcast_dims:
        mask_shape[axis] = 1
    return dropout(inputs, key, rate, mask_shape=mask_shape)
