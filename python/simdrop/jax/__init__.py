"""Dropout for JAX on the CPU, by XLA's foreign function interface: the same bits as everywhere in simdrop.

>>> import jax, jax.numpy as jnp
>>> from simdrop.jax import dropout
>>> dropout(jnp.ones(8), jax.random.key(0), 0.5).shape
(8,)
"""

from simdrop.jax._dropout import dropout
from simdrop.jax._sharding import ShardIndex, shard_index

__all__ = ["ShardIndex", "dropout", "shard_index"]
