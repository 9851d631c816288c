"""Which part of the mask a shard has: for shard_map by a function, in jit of sharded arrays by itself."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, TypedDict

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.custom_partitioning import custom_partitioning
from jax.interpreters import mlir
from jax.sharding import NamedSharding, PartitionSpec

from simdrop.jax import _primitive
from simdrop.jax._arguments import Word64, static, strides_of_mask, words_of


class ShardIndex(TypedDict):
    """The arguments of dropout that say which part of a larger array x is."""

    offset: jax.Array
    index_strides: tuple[int, ...]


def shard_index(
    shape: Sequence[int], spec: PartitionSpec, *, mask_shape: Sequence[int | None] | None = None, offset: Word64 = 0
) -> ShardIndex:
    """Which part of the whole array's mask this device has, within ``jax.shard_map``.

    Parameters
    ----------
    shape : sequence of int
        The shape of the whole array. Axes that are sharded must be divisible by the number of shards, as for shard_map.
    spec : jax.sharding.PartitionSpec
        How it is sharded: the ``in_specs`` of x.
    mask_shape : sequence of int or None, optional
        The shape of the whole array's mask, as for dropout.
    offset : int or jax.Array, optional
        The index of the whole array's first element, as for dropout.

    Returns
    -------
    ShardIndex
        ``offset`` and ``index_strides``: keyword arguments of dropout.

    Raises
    ------
    ValueError
        If the spec or the mask's shape does not fit the array's.

    Examples
    --------
    In a function that shard_map calls with ``in_specs=P("rows", None)`` for a matrix of 8 by 6::

        y = dropout(x, key, 0.1, **shard_index((8, 6), P("rows", None)))
    """
    shape = tuple(operator.index(extent) for extent in shape)
    if len(spec) > len(shape):
        raise ValueError(f"{spec} has more axes than the shape {shape}")
    strides = strides_of_mask(shape, mask_shape)
    static(offset, "offset")
    words = jnp.asarray(words_of(offset))
    for extent, stride, names in zip(shape, strides, spec, strict=False):
        shards = math.prod(jax.lax.axis_size(name) for name in _names(names))
        if extent % shards != 0:
            raise ValueError(f"an axis of {extent} elements cannot be divided among {shards} shards")
        words = _advance(words, _names(names), extent // shards * stride)
    return {"offset": words, "index_strides": strides}


def _names(entry: Any) -> tuple[Any, ...]:
    """The axes of the mesh that an entry of a PartitionSpec names, the slowest first."""
    if entry is None or entry is PartitionSpec.UNCONSTRAINED:
        return ()
    return tuple(entry) if isinstance(entry, tuple) else (entry,)


def _advance(words: jax.Array, names: tuple[Any, ...], step: int) -> jax.Array:
    """Add step for every shard before this one."""
    shards = math.prod(jax.lax.axis_size(name) for name in names)
    if shards == 1 or step == 0:
        return words
    # A table in place of a product: JAX has integers of 64 bits only where they were asked for.
    table = np.stack([words_of(shard * step % 2**64) for shard in range(shards)])
    shard = jnp.int32(0)
    for name in names:
        shard = shard * jax.lax.axis_size(name) + jax.lax.axis_index(name)
    return _add(words, jax.lax.dynamic_index_in_dim(jnp.asarray(table), shard, keepdims=False))


def _add(a: jax.Array, b: jax.Array) -> jax.Array:
    lower = a[..., 1] + b[..., 1]
    carry = (lower < a[..., 1]).astype(jnp.uint32)
    return jnp.stack([a[..., 0] + b[..., 0] + carry, lower], axis=-1)


_spec: Any = PartitionSpec  # untyped in JAX, as the next
_custom: Any = custom_partitioning

# In jit of sharded arrays, XLA's partitioner asks what to do with a call that it does not know. x may be cut along any axis; each shard
# advances the offset to its own part.


def _dropout(parameters: tuple[tuple[str, Any], ...], *operands: Any) -> Any:
    return _primitive.dropout_p.bind(*operands, **dict(parameters))


def _operand_specs(spec: Sequence[Any], batch_rank: int, operands: int) -> list[PartitionSpec]:
    batch = tuple(spec[:batch_rank])
    return [_spec(*spec), _spec(*batch, None), _spec(*batch)][:operands]


def _partition(parameters: tuple[tuple[str, Any], ...], mesh: Any, operands: Any, result: Any) -> Any:
    known = dict(parameters)
    batch_rank, strides = known["batch_rank"], known["index_strides"]
    rank = len(result.shape)
    sharding = result.sharding
    if not isinstance(sharding, NamedSharding):  # nobody has said which axes the mesh has
        replicated = type(sharding).get_replicated(sharding._device_assignment)
        return mesh, functools.partial(_primitive.bind, **known), replicated, (replicated,) * len(operands)
    spec = tuple(sharding.spec) + (None,) * (rank - len(sharding.spec))

    def lower(x: Any, words: Any, *p: Any) -> Any:
        if words.shape[-1] == 2:
            fixed = np.concatenate([words_of(known["stream"]), words_of(known["offset"])])
            words = jnp.concatenate([words, jnp.broadcast_to(fixed, (*words.shape[:-1], 4))], axis=-1)
        offset = words[..., 4:]
        for extent, stride, names in zip(x.shape[batch_rank:], strides, spec[batch_rank:], strict=True):
            offset = _advance(offset, _names(names), extent * stride)
        words = jnp.concatenate([words[..., :4], offset], axis=-1)
        return _primitive.dropout_p.bind(x, words, *p, **{**known, "stream": 0, "offset": 0})

    specs = _operand_specs(spec, batch_rank, len(operands))
    return mesh, lower, NamedSharding(mesh, _spec(*spec)), tuple(NamedSharding(mesh, s) for s in specs)


def _infer(parameters: tuple[tuple[str, Any], ...], mesh: Any, operands: Any, result: Any) -> Any:
    return operands[0].sharding


def _rule(parameters: tuple[tuple[str, Any], ...], mesh: Any, operands: Any, results: Any) -> Any:
    batch_rank = dict(parameters)["batch_rank"]
    axes = [f"axis{a}" for a in range(len(results[0].shape))]
    batch = axes[:batch_rank]
    sides = [" ".join(axes), " ".join([*batch, "words"]), " ".join(batch)][: len(operands)]
    return f"{', '.join(sides)} -> {' '.join(axes)}", {"need_replication_factors": ("words",)}


_partitioned: Any = _custom(_dropout, static_argnums=(0,))
_partitioned.def_partition(_partition, infer_sharding_from_operands=_infer, sharding_rule=_rule)


def _many_devices(context: mlir.LoweringRuleContext) -> bool:
    """Whether XLA is to partition what is being lowered: jit of sharded arrays, but not the inside of a shard_map."""
    axes = context.module_context.axis_context
    return isinstance(axes, mlir.ShardingContext) and axes.num_devices > 1 and axes.device_assignment is not None


def _lower(context: mlir.LoweringRuleContext, *operands: Any, **parameters: Any) -> Any:
    if _many_devices(context) and context.avals_out[0].shape:
        function = functools.partial(_partitioned, tuple(parameters.items()))
        return mlir.lower_fun(function, multiple_results=False)(context, *operands)
    return _primitive.lower_call(context, *operands, **parameters)


mlir.register_lowering(_primitive.dropout_p, _lower, platform="cpu")
_primitive.ask_for_devices()
