"""Dropout as a primitive of JAX: what it does under each transformation, and the call that XLA makes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad, batching, mlir

from simdrop._backends import LIBRARIES, on_use_backend

_TARGET = "simdrop_dropout"
_capsule: Any = jax.ffi.pycapsule  # untyped in JAX
_LIBRARY = ctypes.CDLL(str(LIBRARIES / "_xla.so"))
_LIBRARY.simdrop_xla_pieces_helped.restype = ctypes.c_uint64
_LIBRARY.simdrop_xla_use_backend.argtypes = [ctypes.c_char_p]

jax.ffi.register_ffi_target(_TARGET, _capsule(_LIBRARY.simdrop_xla_dropout), platform="cpu")

# Operands: x; words, uint32[..., 2] or uint32[..., 6]: key, stream and offset, each the upper word first; and p, if it is not among the
# parameters. Parameters: p (None: an operand), stream and offset (where there are 2 words), index_strides of every axis but the first
# batch_rank ones. Along these, words and p change too: they tell examples apart.
dropout_p: Any = jax.extend.core.Primitive("simdrop_dropout")


def _use_backend(name: str | None) -> None:
    _LIBRARY.simdrop_xla_use_backend(None if name is None else name.encode())


on_use_backend(_use_backend)


def pieces_helped() -> int:
    """How many pieces of calls the threads of XLA's pool have done for one another."""
    return int(_LIBRARY.simdrop_xla_pieces_helped())


def bind(
    x: jax.Array,
    words: jax.Array,
    *traced_p: jax.Array,
    p: float | None,
    stream: int,
    offset: int,
    index_strides: tuple[int, ...],
    batch_rank: int = 0,
) -> jax.Array:
    """Apply the primitive."""
    operands = _vary_alike(x, words, *traced_p)
    y: jax.Array = dropout_p.bind(*operands, p=p, stream=stream, offset=offset, index_strides=index_strides, batch_rank=batch_rank)
    return y


def _varying_axes(x: Any) -> frozenset[Any]:
    """The axes of a shard_map along which x differs from device to device."""
    aval = jax.typeof(x)
    manual = getattr(aval, "manual_axis_type", None)
    return frozenset(manual.varying if manual is not None else getattr(aval, "vma", ()))


def _vary_alike(*operands: Any) -> list[Any]:
    axes = [_varying_axes(operand) for operand in operands]
    every = frozenset().union(*axes)
    return [
        jax.lax.pcast(operand, tuple(sorted(every - own)), to="varying") if every - own else operand
        for operand, own in zip(operands, axes, strict=True)
    ]


_PARAMETERS = ("p", "stream", "offset", "index_strides", "batch_rank")
dropout_p.def_impl(jax.jit(dropout_p.bind, static_argnames=_PARAMETERS))


def _abstract_eval(x: Any, words: Any, *traced_p: Any, **parameters: Any) -> Any:
    return x.update(weak_type=False)


dropout_p.def_abstract_eval(_abstract_eval)


# Dropout is linear in x, with a matrix that is diagonal: it is its own derivative, and its own transpose.


def _jvp(primals: Sequence[Any], tangents: Sequence[Any], **parameters: Any) -> tuple[Any, Any]:
    x, words, *traced_p = primals
    if any(type(tangent) is not ad.Zero for tangent in tangents[2:]):
        raise NotImplementedError("dropout has no derivative with respect to p: use jax.lax.stop_gradient(p)")
    y = dropout_p.bind(x, words, *traced_p, **parameters)
    if type(tangents[0]) is ad.Zero:
        return y, ad.Zero(jax.typeof(y).to_tangent_aval())
    return y, dropout_p.bind(tangents[0], words, *traced_p, **parameters)


def _transpose(cotangent: Any, x: Any, words: Any, *traced_p: Any, **parameters: Any) -> list[Any]:
    if type(cotangent) is ad.Zero:
        of_x: Any = ad.Zero(x.aval)
    else:
        of_x = dropout_p.bind(cotangent, words, *traced_p, **parameters)
    return [of_x, None, *(None for _ in traced_p)]


ad.primitive_jvps[dropout_p] = _jvp
ad.primitive_transposes[dropout_p] = _transpose


def _batch(operands: Sequence[Any], axes: Sequence[Any], **parameters: Any) -> tuple[Any, int]:
    x, *rest = operands
    x_axis, *rest_axes = axes
    batch_rank = parameters["batch_rank"]
    if all(axis is None for axis in rest_axes):
        # The same key for all: one mask, that the examples share. It is an axis like any other, along which the index stands still.
        if x_axis < batch_rank:
            x, x_axis = jnp.moveaxis(x, x_axis, batch_rank), batch_rank
        strides = list(parameters["index_strides"])
        strides.insert(x_axis - batch_rank, 0)
        return dropout_p.bind(x, *rest, **{**parameters, "index_strides": tuple(strides)}), x_axis

    size = next(operand.shape[axis] for operand, axis in zip(operands, axes, strict=True) if axis is not None)
    moved = [
        jnp.broadcast_to(operand, (size, *operand.shape)) if axis is None else jnp.moveaxis(operand, axis, 0)
        for operand, axis in zip(operands, axes, strict=True)
    ]
    return bind(*moved, **{**parameters, "batch_rank": batch_rank + 1}), 0


batching.primitive_batchers[dropout_p] = _batch


def _attributes(p: float | None, stream: int, offset: int, index_strides: tuple[int, ...], batch_rank: int) -> dict[str, Any]:
    attributes = {
        "stream": _signed(stream),
        "offset": _signed(offset),
        "index_strides": np.array(index_strides, np.uint64).view(np.int64),
        "batch_rank": np.int64(batch_rank),
    }
    if p is not None:
        attributes["p"] = np.float64(p)
    return attributes


def _signed(value: int) -> np.int64:
    """The 64 bits of an unsigned number in the type that attributes have."""
    return np.uint64(value).astype(np.int64)


def lower_call(context: mlir.LoweringRuleContext, *operands: Any, **parameters: Any) -> Any:
    """The call of XLA's, on one device."""
    return jax.ffi.ffi_lowering(_TARGET)(context, *operands, **_attributes(**parameters))


def ask_for_devices() -> None:
    """Have JAX say on which devices a program is to run when it is lowered; where it cannot, arrays are gathered for dropout."""
    try:
        from jax._src.dispatch import prim_requires_devices_during_lowering
    except ImportError:
        return
    prim_requires_devices_during_lowering.add(dropout_p)
