"""Dropout as functions: masks by key, of any shape that broadcasts, and the fused chain.

A key is a tensor of two 64-bit words, a seed and a stream. With the index of an element it decides whether the element is
dropped, and nothing else does: not strides, element types, threads, or whether the call was compiled.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.overrides import handle_torch_function, has_torch_function, has_torch_function_unary

from . import _compositions

__all__ = ["bias_activation_dropout_residual", "dropout", "gaussian_dropout", "key", "norm_dropout_residual", "softmax_dropout"]

_WORD = 1 << 64

# Before PyTorch 2.13, those of operators in C could not be.
GENERATORS_ARE_ARGUMENTS = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)

# As simdrop_activation numbers them.
_ACTIVATIONS = ("none", "relu", "gelu", "gelu_tanh", "silu")


def _signed(word: int) -> int:
    """Give the int64 that has the bits of a 64-bit word."""
    word = operator.index(word)
    if not -(_WORD >> 1) <= word < _WORD:
        raise ValueError(f"seeds and streams are words of 64 bits, not {word}")
    word %= _WORD
    return word - _WORD if word >= _WORD >> 1 else word


def key(seed: int, stream: int = 0) -> Tensor:
    """Make a key.

    Parameters
    ----------
    seed, stream : int
        Words of 64 bits; negative numbers stand for their two's complement. Different keys give independent masks.

    Returns
    -------
    Tensor
        int64 of shape (2,), on the CPU.
    """
    return torch.tensor((_signed(seed), _signed(stream)), dtype=torch.int64, device="cpu")


def check_probability(p: float, *, one: bool = True) -> float:
    """Give p as a float, or raise what torch.nn.Dropout raises."""
    if isinstance(p, str | bytes):  # which float would read
        raise TypeError(f"dropout probability has to be a number, not {type(p).__name__}")
    p = float(p)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 1.0 and not one:
        raise ValueError("this dropout has no limit at a probability of 1")
    return p


def check_tensors(function: str, **arguments: object) -> None:
    """Refuse, as PyTorch's functions do, what is no tensor; all but x may be None."""
    for name, argument in arguments.items():
        if not isinstance(argument, Tensor) and (argument is not None or name == "x"):
            raise TypeError(f"{function}(): argument '{name}' must be Tensor, not {type(argument).__name__}")


def check_offset(offset: int) -> int:
    """Give the offset, or raise what is usual for what is no index."""
    if not isinstance(offset, int | torch.SymInt):
        offset = operator.index(offset)
    if offset < 0:
        raise ValueError(f"offset is an index, from 0 to 2^63 - 1, not {offset}")
    return offset


def index_strides(
    shape: Sequence[int], mask_shape: Sequence[int | None] | None = None, share_axes: Iterable[int] | int | None = None
) -> list[int] | None:
    """Give what one step along each axis adds to the index of a mask that broadcasts; None where nothing is shared.

    Indices are those of the mask's elements in row-major order, so that axes of extent 1 have a stride of 0.
    """
    if share_axes is not None:
        if mask_shape is not None:
            raise ValueError("mask_shape and share_axes say the same thing: give one of them")
        axes = (share_axes,) if isinstance(share_axes, int) else tuple(share_axes)
        extents: list[int | None] = list(shape)
        for axis in axes:
            if not -max(len(extents), 1) <= axis < max(len(extents), 1):
                raise IndexError(f"axis {axis} of share_axes is out of range for a tensor of {len(extents)} axes")
            if extents:
                extents[axis] = 1
        mask_shape = extents
    if mask_shape is None:
        return None
    if torch.jit.is_tracing():  # type: ignore[attr-defined] # sizes are tensors there, which PyTorch does not take in such lists
        shape = tuple(int(n) for n in shape)
        mask_shape = tuple(n if n is None else int(n) for n in mask_shape)
    missing = len(shape) - len(mask_shape)
    own = shape[missing:] if missing > 0 else shape
    full = [1] * missing + [n if m is None else m for m, n in zip(mask_shape, own)]
    if missing < 0 or any(m != 1 and m != n for m, n in zip(full, shape, strict=True)):
        raise ValueError(f"a mask of shape {tuple(mask_shape)} does not broadcast to a tensor of shape {tuple(shape)}")
    strides = [0] * len(full)
    step = 1
    for axis in range(len(full) - 1, -1, -1):
        if full[axis] != 1:
            strides[axis] = step
        step = step * full[axis]
    return strides


def choose_key(x: Tensor, given: Tensor | None, seed: int | None, stream: int, generator: torch.Generator | None) -> Tensor:
    """Give the key of a call: the one given, or that of a seed, or the generator's next."""
    if sum(argument is not None for argument in (given, seed, generator)) > 1:
        raise ValueError("a mask has one origin: give one of key, seed and generator")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, not {type(generator).__name__}")
    if given is not None:
        if not isinstance(given, Tensor):
            raise TypeError(f"a key is a Tensor, not {type(given).__name__}")
        if given.dtype != torch.int64 or given.shape != (2,):
            raise ValueError(f"a key is an int64 tensor of shape (2,), not {given.dtype} of shape {tuple(given.shape)}")
        return given
    if seed is not None:
        return key(seed, stream)
    if stream != 0:
        raise ValueError("a stream belongs to a seed: without one, keys come from the generator")
    if generator is not None and not GENERATORS_ARE_ARGUMENTS:
        return torch.empty(2, dtype=torch.int64, device="cpu").random_(generator=generator)
    drawn: Tensor = torch.ops.simdrop.key(x, generator=generator)
    return drawn


def _hand_over(function: Callable[..., Any], tensors: tuple[object, ...], arguments: dict[str, Any]) -> Any:
    """Leave a call to the class of one of its tensors that has a say in it, with all arguments where the function has them."""
    bound = inspect.signature(function).bind(**arguments)
    return handle_torch_function(function, tensors, *bound.args, **bound.kwargs)


def dropout(
    x: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    key: Tensor | None = None,
    seed: int | None = None,
    stream: int = 0,
    generator: torch.Generator | None = None,
    mask_shape: Sequence[int | None] | None = None,
    share_axes: Iterable[int] | int | None = None,
    offset: int = 0,
) -> Tensor:
    """Zero elements with probability p, and multiply the others by 1 / (1 - p).

    Dropped elements are +0 whatever they were (NaN too), and dropped gradients likewise. The probability is exact to 2^-32.

    Parameters
    ----------
    x : Tensor
        f32, f64, f16 or bf16, of any strides.
    p : float
        Probability of an element to be dropped, from 0 to 1.
    training : bool
        False returns `x`, and so does a `p` of 0; neither draws a key.
    inplace : bool
        Write the result into `x`.
    key : Tensor, optional
        int64 of shape (2,): which mask. The same key gives the same mask.
    seed, stream : int, optional
        The same as ``key=simdrop.torch.key(seed, stream)``.
    generator : torch.Generator, optional
        Where the key is drawn from if none is given; PyTorch's own by default, so that `torch.manual_seed` rules.
    mask_shape : sequence of int or None, optional
        The shape of the mask, which broadcasts to that of `x` as NumPy's do: Keras' ``noise_shape``. ``(N, C, 1, 1)`` drops channels.
        None is the extent that `x` has there.
    share_axes : int or iterable of int, optional
        Axes along which elements share decisions: the same as a `mask_shape` of 1 there.
    offset : int
        The index of the first element of the mask: where `x` begins in a larger tensor.

    Returns
    -------
    Tensor
        Of the shape, type and strides of `x`.

    Raises
    ------
    ValueError
        `p` is not in [0, 1], the mask does not broadcast, it was given more than one origin, or the offset is negative.
    TypeError
        `x` or `key` is no tensor, or `p` no number.
    IndexError
        `x` has no such axis to share.

    Examples
    --------
    >>> x = torch.ones(2, 4)
    >>> torch.equal(dropout(x, 0.5, seed=7), dropout(x, 0.5, seed=7))
    True
    """
    if has_torch_function_unary(x):
        return _hand_over(dropout, (x,), locals())
    check_tensors("dropout", x=x)
    p = check_probability(p)
    if not training or p == 0.0:
        return x
    strides, offset = index_strides(x.shape, mask_shape, share_axes), check_offset(offset)
    chosen = choose_key(x, key, seed, stream, generator)
    y: Tensor = torch.ops.simdrop.dropout(x, chosen, p, strides, offset)
    return x.copy_(y) if inplace else y


def _is_composed() -> bool:
    """Whether tensors may have tangents, which the fused operators would lose, or belong to ``torch.func``, which these do not take."""
    if forward_ad._current_level >= 0:
        return True
    return not torch.compiler.is_compiling() and torch._C._functorch.peek_interpreter_stack() is not None


def _key_if_drops(x: Tensor, p: float, key: Tensor | None, seed: int | None, stream: int, generator: torch.Generator | None) -> Tensor:
    """Give a key; none is drawn where nothing is dropped, so that evaluation leaves the generator where it is."""
    if p > 0.0:
        return choose_key(x, key, seed, stream, generator)
    return torch.zeros(2, dtype=torch.int64, device="cpu")


def _promote(x: Tensor, residual: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Give both in one type, as their sum would be: under autocast, x is of 16 bits where the residual is not."""
    if residual is None or residual.dtype == x.dtype:
        return x, residual
    dtype = torch.promote_types(x.dtype, residual.dtype)
    return x.to(dtype), residual.to(dtype)


def activation_number(activation: str) -> int:
    """Give the number of an activation of the fused chain."""
    if activation not in _ACTIVATIONS:
        raise ValueError(f"activation is one of {', '.join(_ACTIVATIONS)}, not {activation!r}")
    return _ACTIVATIONS.index(activation)


def check_kind(kind: str) -> None:
    """Refuse what is no norm."""
    if kind not in ("layer", "rms"):
        raise ValueError(f"kind is 'layer' or 'rms', not {kind!r}")


def gaussian_dropout(
    x: Tensor,
    p: float = 0.5,
    training: bool = True,
    *,
    key: Tensor | None = None,
    seed: int | None = None,
    stream: int = 0,
    generator: torch.Generator | None = None,
    mask_shape: Sequence[int | None] | None = None,
    share_axes: Iterable[int] | int | None = None,
    offset: int = 0,
) -> Tensor:
    """Multiply each element by a normal number of mean 1 and variance p / (1 - p).

    Nothing is dropped; the noise has the mean and the variance of dropout's with the same p (Srivastava et al. 2014, section 10).

    Parameters
    ----------
    x : Tensor
        f32, f64, f16 or bf16.
    p : float
        From 0 to less than 1: the standard deviation is ``sqrt(p / (1 - p))``, as in Keras.
    training, key, seed, stream, generator, mask_shape, share_axes, offset
        As in `dropout`; elements that share a decision there share a number here.

    Returns
    -------
    Tensor
        Of the shape and type of `x`.
    """
    if has_torch_function_unary(x):
        return _hand_over(gaussian_dropout, (x,), locals())
    check_tensors("gaussian_dropout", x=x)
    p = check_probability(p, one=False)
    if not training or p == 0.0:
        return x
    strides, offset = index_strides(x.shape, mask_shape, share_axes), check_offset(offset)
    chosen = choose_key(x, key, seed, stream, generator)
    y: Tensor = torch.ops.simdrop.gaussian_dropout(x, chosen, p, strides, offset)
    return y


def bias_activation_dropout_residual(
    x: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    p: float = 0.5,
    activation: str = "none",
    training: bool = True,
    *,
    key: Tensor | None = None,
    seed: int | None = None,
    stream: int = 0,
    generator: torch.Generator | None = None,
    offset: int = 0,
) -> Tensor:
    """Compute ``residual + dropout(activation(x + bias))`` in one pass over memory, and its gradients in another.

    Parameters
    ----------
    x : Tensor
        (..., features).
    bias : Tensor, optional
        (features,), added to the last axis.
    residual : Tensor, optional
        Of the shape of `x`.
    p : float
        Probability of an element to be dropped, from 0 to 1.
    activation : {"none", "relu", "gelu", "gelu_tanh", "silu"}
        What is computed of ``x + bias``.
    training : bool
        False drops nothing.
    key, seed, stream, generator, offset
        As in `dropout`: element k in row-major order has the index ``offset + k``.

    Returns
    -------
    Tensor
        Of the shape of `x`, and the type of ``x + residual``.
    """
    if has_torch_function((x, bias, residual)):
        return _hand_over(bias_activation_dropout_residual, (x, bias, residual), locals())
    check_tensors("bias_activation_dropout_residual", x=x, bias=bias, residual=residual)
    p = check_probability(p)
    number = activation_number(activation)
    p, offset = p if training else 0.0, check_offset(offset)
    chosen = _key_if_drops(x, p, key, seed, stream, generator)
    x, residual = _promote(x, residual)
    bias = None if bias is None else bias.to(x.dtype)
    if _is_composed():
        return _compositions.chain(x, bias, residual, chosen, p, number, offset)
    y: Tensor = torch.ops.simdrop.chain(x, bias, residual, chosen, p, number, offset)
    return y


def norm_dropout_residual(
    x: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    weight: Tensor | None = None,
    beta: Tensor | None = None,
    p: float = 0.5,
    kind: str = "layer",
    eps: float = 1e-5,
    training: bool = True,
    *,
    key: Tensor | None = None,
    seed: int | None = None,
    stream: int = 0,
    generator: torch.Generator | None = None,
    offset: int = 0,
) -> tuple[Tensor, Tensor]:
    """Compute ``h = residual + dropout(x + bias)`` and ``y = norm(h) * weight + beta`` in one pass over memory.

    Parameters
    ----------
    x : Tensor
        (..., features).
    bias, weight, beta : Tensor, optional
        (features,); nothing is added, or multiplied, where one is missing.
    residual : Tensor, optional
        Of the shape of `x`.
    p : float
        Probability of an element to be dropped, from 0 to 1.
    kind : {"layer", "rms"}
        LayerNorm of the last axis, or RMSNorm.
    eps : float
        Added to the mean square before its root.
    training : bool
        False drops nothing.
    key, seed, stream, generator, offset
        As in `bias_activation_dropout_residual`.

    Returns
    -------
    y, h : Tensor
        Of the shape of `x`, and the type of ``x + residual``.
    """
    if has_torch_function((x, bias, residual, weight, beta)):
        return _hand_over(norm_dropout_residual, (x, bias, residual, weight, beta), locals())
    check_tensors("norm_dropout_residual", x=x, bias=bias, residual=residual, weight=weight, beta=beta)
    p = check_probability(p)
    check_kind(kind)
    p, offset = p if training else 0.0, check_offset(offset)
    chosen = _key_if_drops(x, p, key, seed, stream, generator)
    x, residual = _promote(x, residual)
    bias, weight, beta = (None if t is None else t.to(x.dtype) for t in (bias, weight, beta))
    if _is_composed():
        return _compositions.norm(x, bias, residual, weight, beta, chosen, p, eps, kind == "rms", offset)
    y, h, _ = torch.ops.simdrop.norm(x, bias, residual, weight, beta, chosen, p, eps, kind == "rms", offset)
    return y, h


def softmax_dropout(
    x: Tensor,
    p: float = 0.5,
    training: bool = True,
    *,
    scale: float = 1.0,
    causal: bool = False,
    key: Tensor | None = None,
    seed: int | None = None,
    stream: int = 0,
    generator: torch.Generator | None = None,
    offset: int = 0,
) -> Tensor:
    """Compute ``dropout(softmax(scale * x))`` along the last axis, in one pass over memory: the weights of attention.

    Parameters
    ----------
    x : Tensor
        (..., queries, keys).
    p : float
        Probability of a weight to be dropped, from 0 to 1.
    training : bool
        False drops nothing.
    scale : float
        What scores are multiplied by: 1 / sqrt(head size).
    causal : bool
        Query r sees the keys 0 .. r alone; the weights of the others are 0, and their scores are not read.
    key, seed, stream, generator, offset
        As in `bias_activation_dropout_residual`.

    Returns
    -------
    Tensor
        Of the shape and type of `x`. A row in which every score is -infinity has weights of 0.
    """
    if has_torch_function_unary(x):
        return _hand_over(softmax_dropout, (x,), locals())
    check_tensors("softmax_dropout", x=x)
    p = check_probability(p)
    p, offset = p if training else 0.0, check_offset(offset)
    chosen = _key_if_drops(x, p, key, seed, stream, generator)
    if _is_composed():
        return _compositions.softmax_dropout(x, chosen, p, scale, causal, offset)
    y: Tensor = torch.ops.simdrop.softmax_dropout(x, chosen, p, scale, causal, offset)[0]
    return y
