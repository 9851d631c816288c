"""The function that users call: checks its arguments, and says them in words that the primitive takes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from simdrop.jax import _arguments, _primitive
from simdrop.jax._arguments import Word64


def dropout(
    x: Any,
    key: jax.Array,
    p: float | jax.Array,
    *,
    stream: Word64 = 0,
    offset: Word64 = 0,
    mask_shape: Sequence[int | None] | None = None,
    index_strides: Sequence[int] | None = None,
    deterministic: bool = False,
) -> jax.Array:
    """Set elements of an array to zero with probability p, and scale the others by 1 / (1 - p).

    Which elements is a pure function of the key, the stream, p, and each element's index: by default its place in row-major
    order. It does not depend on jit, on the type of x, on the number of threads, or on how x is sharded.

    The function works under ``jit``, ``grad`` (of any order; nothing is stored for the backward pass but the key), ``jvp``,
    ``vmap``, ``checkpoint``, ``shard_map``, and in ``jit`` of sharded arrays.

    Parameters
    ----------
    x : array_like
        The input, of type float32, float64, float16, bfloat16, float8_e4m3fn or float8_e5m2.
    key : jax.Array
        A key of ``jax.random.key`` or of ``jax.random.PRNGKey`` (``uint32[2]``). ``jax.random.key(7)`` is seed 7 of simdrop's
        other interfaces. Under ``vmap``, a batch of keys gives each example its own mask; a key that is not mapped gives all of
        them the same one, as ``vmap`` means.
    p : float or jax.Array
        The probability of dropping, in [0, 1]. A Python number is part of the compiled program; an array of shape () may change
        from call to call without compiling again. It is not differentiable.
    stream : int or jax.Array, optional
        Chooses one of 2**64 masks of the key: a layer, a step. Integers of JAX's, or two words ``uint32[2]``, the upper one
        first, may be traced.
    offset : int or jax.Array, optional
        The index of the first element, likewise.
    mask_shape : sequence of int or None, optional
        The shape of the mask, which is broadcast to that of x as NumPy does: ``(n, 1, 1, c)`` decides once a channel. None stands for
        the extent of x.
    index_strides : sequence of int, optional
        How far the index moves along each axis of x, in place of mask_shape: for parts of larger arrays.
    deterministic : bool, optional
        Whether to return x as it is.

    Returns
    -------
    jax.Array
        An array of x's shape and type.

    Raises
    ------
    TypeError
        If x is not of one of these types, or the key, the stream or the offset are not of theirs.
    ValueError
        If p is outside [0, 1], shapes do not go together, or an index passes 2**64 - 1.
    jax.errors.JaxRuntimeError
        The last two, where they are only known when the program runs.

    Notes
    -----
    Dropped elements are +0 even where x is infinite or NaN. docs/numerics.md of simdrop defines the mask.

    Examples
    --------
    >>> import jax, jax.numpy as jnp
    >>> from simdrop.jax import dropout
    >>> y = dropout(jnp.ones((4, 6)), jax.random.key(1), 0.25)
    >>> channels = dropout(jnp.ones((2, 5, 5, 3)), jax.random.key(1), 0.5, mask_shape=(2, 1, 1, 3))
    """
    array = _arguments.as_array(x)
    _arguments.check_key(key)
    static_p = _arguments.probability(p)
    strides = _arguments.index_strides_of(array.shape, mask_shape, index_strides)
    static_stream, static_offset = _arguments.static(stream, "stream"), _arguments.static(offset, "offset")
    if static_offset is not None:
        _arguments.check_indices(array.shape, strides, static_offset)
    if deterministic or static_p == 0:
        return array

    traced = static_stream is None or static_offset is None
    y: jax.Array = _dropout(
        array,
        key,
        None if static_p is not None else p,
        (_arguments.words_of(stream), _arguments.words_of(offset)) if traced else None,
        p=static_p,
        stream=0 if traced else static_stream,
        offset=0 if traced else static_offset,
        index_strides=strides,
    )
    return y


@functools.partial(jax.jit, static_argnames=("p", "stream", "offset", "index_strides"), inline=True)
def _dropout(
    x: jax.Array,
    key: jax.Array,
    traced_p: jax.Array | None,
    positions: tuple[jax.Array, jax.Array] | None,
    *,
    p: float | None,
    stream: int,
    offset: int,
    index_strides: tuple[int, ...],
) -> jax.Array:
    words = _arguments.seed_of(key)
    if positions is not None:
        words = jnp.concatenate([words, *positions])
    operands = [x, words]
    if traced_p is not None:
        operands.append(traced_p if traced_p.dtype == jnp.float64 else traced_p.astype(jnp.float32))
    return _primitive.bind(*operands, p=p, stream=stream, offset=offset, index_strides=index_strides)
