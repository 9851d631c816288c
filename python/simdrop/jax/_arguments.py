"""What dropout's arguments may be: each is checked here, or refused as NumPy and JAX refuse theirs."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

# A number of 64 bits: a Python integer, an integer of JAX's, or two words of 32 bits, the upper one first.
Word64: TypeAlias = int | np.integer | jax.Array

_DTYPES = tuple(jnp.dtype(name) for name in (jnp.float32, jnp.float64, jnp.float16, jnp.bfloat16, jnp.float8_e4m3fn, jnp.float8_e5m2))
_MAX_AXES = 8
_MAX_RANK = 64


def as_array(x: Any) -> jax.Array:
    if x is None or isinstance(x, (list, tuple)):
        raise TypeError(f"dropout takes an array, not a {type(x).__name__}")
    array = x if isinstance(x, jax.Array) else jnp.asarray(x)  # asarray takes longer than dropout of 1024 elements
    if array.dtype not in _DTYPES:
        raise TypeError(f"dropout takes arrays of {', '.join(map(str, _DTYPES))}; got {array.dtype}")
    return array


def check_key(key: Any) -> None:
    if not isinstance(key, (jax.Array, np.ndarray)):
        raise TypeError(f"key is one of jax.random.key, or uint32[2]; got {type(key).__name__}")
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        if key.shape != ():
            raise ValueError(f"dropout takes one key, not an array of them (shape {key.shape}): use jax.vmap for a batch")
    elif key.dtype != jnp.uint32:
        raise TypeError(f"key is one of jax.random.key, or uint32[2]; got {key.dtype}")
    elif key.shape != (2,):
        raise ValueError(f"a key of uint32 has the shape (2,), not {key.shape}; use jax.vmap for a batch of keys")


def seed_of(key: jax.Array) -> jax.Array:
    """The two words of a key, the upper one first."""
    if not jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return jnp.asarray(key)
    words = jax.random.key_data(key)
    if words.shape == (2,):
        return words
    # Keys of other generators (rbg: four words) are folded, word by word, by the generator that JAX has everywhere.
    folded = jax.random.wrap_key_data(words[:2], impl="threefry2x32")
    for word in words[2:]:
        folded = jax.random.fold_in(folded, word)
    return jax.random.key_data(folded)


def probability(p: Any) -> float | None:
    """The probability as a Python number, or None for an array."""
    if isinstance(p, numbers.Real) or (isinstance(p, np.ndarray) and p.ndim == 0 and p.dtype.kind not in "cOSU"):
        number: Any = p  # which may be beyond all floats
        if not 0 <= number <= 1:
            raise ValueError(f"p must be in [0, 1], not {p}")
        return float(number)
    if not isinstance(p, jax.Array):
        raise TypeError(f"p must be a number or an array of shape (), not {type(p).__name__}")
    if p.shape != ():
        raise ValueError(f"p must have the shape (), not {p.shape}")
    if not jnp.issubdtype(p.dtype, jnp.floating):
        raise TypeError(f"p must be of a floating-point type, not {p.dtype}")
    return None


def static(value: Any, name: str) -> int | None:
    """A number of 64 bits as a Python integer, or None for an array."""
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu":
        value = value[()]
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        number = int(value)
        if not 0 <= number < 2**64:
            raise ValueError(f"{name} must be in [0, 2**64), not {number}")
        return number
    if not isinstance(value, (jax.Array, np.ndarray)):
        raise TypeError(f"{name} must be an integer, an integer array of shape (), or uint32[2]; got {type(value).__name__}")
    if value.shape == (2,) and value.dtype == jnp.uint32:
        return None
    if not jnp.issubdtype(value.dtype, jnp.integer):
        raise TypeError(f"{name} must be of an integer type, not {value.dtype}")
    if value.shape != ():
        raise ValueError(f"{name} must have the shape (), or be two words uint32[2]; got the shape {value.shape}")
    return None


def words_of(value: Word64) -> jax.Array | np.ndarray:
    """Two words of 32 bits, the upper one first; a negative number that is traced counts from 2**64 down, in every type."""
    if isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.shape == ()):
        return np.array([int(value) >> 32, int(value) & 0xFFFFFFFF], np.uint32)
    if value.shape == (2,):
        return value
    if np.dtype(value.dtype).itemsize == 8:
        upper = (value >> 32).astype(jnp.uint32)
    elif jnp.issubdtype(value.dtype, jnp.signedinteger):
        upper = (value < 0).astype(jnp.uint32) * jnp.uint32(0xFFFFFFFF)
    else:
        upper = jnp.zeros((), jnp.uint32)
    return jnp.stack([upper, jnp.asarray(value).astype(jnp.uint32)])


def index_strides_of(
    shape: tuple[int, ...], mask_shape: Sequence[int | None] | None, index_strides: Sequence[int] | None
) -> tuple[int, ...]:
    if mask_shape is not None and index_strides is not None:
        raise ValueError("give mask_shape or index_strides, not both")
    if index_strides is None:
        strides = strides_of_mask(shape, mask_shape)
    else:
        strides = tuple(operator.index(stride) for stride in index_strides)
        if len(strides) != len(shape):
            raise ValueError(f"index_strides {strides} must have one stride for each axis of x, which has the shape {shape}")
        if any(not 0 <= stride < 2**64 for stride in strides):
            raise ValueError(f"index_strides must be in [0, 2**64), not {strides}")
    if len(shape) > _MAX_RANK:
        raise NotImplementedError(f"dropout takes arrays of at most {_MAX_RANK} axes, not {len(shape)}")
    if _merged_axes(shape, strides) > _MAX_AXES:
        raise NotImplementedError(
            f"dropout of shape {shape} with index strides {strides}: more than {_MAX_AXES} axes remain when axes that follow one "
            "another are merged"
        )
    return strides


def strides_of_mask(shape: tuple[int, ...], mask_shape: Sequence[int | None] | None) -> tuple[int, ...]:
    """How far the index moves along each axis of an array, for a mask that is broadcast to it."""
    mask = tuple(shape) if mask_shape is None else _extents(shape, mask_shape)
    if len(mask) > len(shape) or any(m not in (1, n) for m, n in zip(reversed(mask), reversed(shape), strict=False)):
        raise ValueError(f"mask_shape {mask} cannot be broadcast to the shape {tuple(shape)}")
    mask = (1,) * (len(shape) - len(mask)) + mask
    strides, stride = [], 1
    for extent in reversed(mask):
        strides.append(0 if extent == 1 else stride)
        stride *= extent
    if not all(isinstance(stride, int) for stride in strides):  # symbolic, in jax.export
        raise NotImplementedError(f"the index strides of shape {tuple(shape)} are unknown: only the first axis may be symbolic")
    return tuple(reversed(strides))


def _extents(shape: tuple[int, ...], mask_shape: Sequence[int | None]) -> tuple[int, ...]:
    """The mask's shape, with x's own extents for None."""
    own = ((1,) * len(mask_shape) + tuple(shape))[-len(mask_shape) :] if len(mask_shape) > 0 else ()
    mask = (extent if given is None else given for given, extent in zip(mask_shape, own, strict=True))
    integers: list[Any] = [extent if jax.export.is_symbolic_dim(extent) else operator.index(extent) for extent in mask]
    return tuple(integers)


def _merged_axes(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """How many axes remain when neighbours that are one longer axis are merged, as the C library does."""
    axes = 0
    last = None
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent == 1:
            continue
        if last is None or stride != last:
            axes += 1
        last = stride * extent
    return axes


def check_indices(shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
    if not all(isinstance(extent, int) for extent in shape) or 0 in shape:  # symbolic ones are checked when the program runs
        return
    largest = offset + sum((extent - 1) * stride for extent, stride in zip(shape, strides, strict=True))
    if largest >= 2**64:
        raise ValueError(f"the last element's index is {largest}, which passes 2**64 - 1")
