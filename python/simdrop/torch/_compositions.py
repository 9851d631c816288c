"""The fused operators made of others, which have every derivative: the same masks, and memory for what lies between.

The fused operators have a gradient, and no more. Gradients of it, forward mode and ``torch.func`` are those of the functions below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["chain", "chain_backward", "norm", "norm_backward", "pull_back", "softmax_dropout", "softmax_dropout_backward"]

# Numbered as simdrop_activation's.
_ACTIVATIONS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda h: h,
    functional.relu,
    functional.gelu,
    lambda h: functional.gelu(h, approximate="tanh"),
    functional.silu,
)


def _computed(x: Tensor) -> Tensor:
    """Give x in the type that is computed in."""
    return x.to(torch.float64 if x.dtype == torch.float64 else torch.float32)


def _plus(x: Tensor, *others: Tensor | None) -> Tensor:
    x = _computed(x)
    for other in others:
        if other is not None:
            x = x + _fitting(other, x)
    return x


def _fitting(other: Tensor, x: Tensor) -> Tensor:
    """Give what goes with x, whose one column need not be an axis."""
    return _computed(other) if x.dim() > 0 else _computed(other).reshape(())


def _drop(x: Tensor, key: Tensor, p: float, offset: int) -> Tensor:
    result: Tensor = torch.ops.simdrop.dropout(x, key, p, None, offset)
    return result


def chain(x: Tensor, bias: Tensor | None, residual: Tensor | None, key: Tensor, p: float, activation: int, offset: int) -> Tensor:
    """Compute ``residual + dropout(activation(x + bias))``."""
    return _plus(_drop(_ACTIVATIONS[activation](_plus(x, bias)), key, p, offset), residual).to(x.dtype)


def _normalise(h: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float, rms: bool) -> Tensor:
    y = _computed(h)
    if not rms:
        y = y - y.mean(-1, keepdim=True)
    y = y * torch.rsqrt((y * y).mean(-1, keepdim=True) + epsilon)
    return _plus(y if gamma is None else y * _fitting(gamma, y), beta).to(h.dtype)


def norm(
    x: Tensor,
    bias: Tensor | None,
    residual: Tensor | None,
    gamma: Tensor | None,
    beta: Tensor | None,
    key: Tensor,
    p: float,
    epsilon: float,
    rms: bool,
    offset: int,
) -> tuple[Tensor, Tensor]:
    """Compute ``h = residual + dropout(x + bias)`` and its norm: (norm, h)."""
    h = _plus(_drop(_plus(x, bias), key, p, offset), residual)
    return _normalise(h, gamma, beta, epsilon, rms).to(x.dtype), h.to(x.dtype)


def softmax_dropout(x: Tensor, key: Tensor, p: float, scale: float, causal: bool, offset: int) -> Tensor:
    """Compute ``dropout(softmax(scale * x))``."""
    scores = _computed(x) * scale
    if causal:
        shape = x.shape[-2:] if x.dim() > 1 else (1, x.numel())
        seen = torch.ones(shape, dtype=torch.bool, device=x.device).tril()
        scores = scores.masked_fill(~(seen if x.dim() > 1 else seen.reshape(x.shape)), -math.inf)
    weights = torch.ops.aten._safe_softmax(scores, -1).reshape(x.shape)  # that of a single number has an axis
    return _drop(weights, key, p, offset).to(x.dtype)


def pull_back(function: Callable[..., Any], arguments: Sequence[Tensor | None], rest: Sequence[Any], gradients: Any) -> list[Tensor | None]:
    """Give the gradient with respect to each of the arguments before the rest, None where one is missing."""
    present = [argument for argument in arguments if argument is not None]

    def of_present(*given: Tensor) -> Any:
        each = iter(given)
        return function(*(None if argument is None else next(each) for argument in arguments), *rest)

    found = iter(torch.func.vjp(of_present, *present)[1](gradients))
    return [None if argument is None else next(found) for argument in arguments]


def _sum_rows(x: Tensor) -> Tensor:
    x = _computed(x)
    return x.reshape(-1, x.shape[-1] if x.dim() > 0 else 1).sum(0) if x.numel() > 0 else x.new_zeros(x.shape[-1])


def chain_backward(
    dy: Tensor, x: Tensor | None, bias: Tensor | None, key: Tensor, p: float, activation: int, sum: bool, offset: int
) -> tuple[Tensor, ...]:
    """Give the gradients of `chain` with respect to x and, if a sum is asked for, to the bias."""
    dx = _drop(_computed(dy), key, p, offset)
    if activation != 0 and x is not None:
        (dx,) = torch.func.vjp(_ACTIVATIONS[activation], _plus(x, bias))[1](dx)
    return (dx.to(dy.dtype), _sum_rows(dx)) if sum else (dx.to(dy.dtype),)


def norm_backward(
    dy: Tensor, dh: Tensor | None, h: Tensor, gamma: Tensor | None, key: Tensor, p: float, epsilon: float, rms: bool, offset: int
) -> tuple[Tensor, ...]:
    """Give the gradients of `norm` with respect to x, residual, gamma, beta and bias."""
    normalised = _normalise(_computed(h), None, None, epsilon, rms)
    wide = _computed(dy)
    through = wide if gamma is None else wide * _fitting(gamma, wide)
    (inner,) = torch.func.vjp(lambda t: _normalise(t, None, None, epsilon, rms), _computed(h))[1](through)
    dresidual = _plus(inner, dh)
    dx = _drop(dresidual, key, p, offset)
    return dx.to(dy.dtype), dresidual.to(dy.dtype), _sum_rows(wide * normalised), _sum_rows(wide), _sum_rows(dx)


def softmax_dropout_backward(dy: Tensor, x: Tensor, key: Tensor, p: float, scale: float, causal: bool, offset: int) -> Tensor:
    """Give the gradient of `softmax_dropout`."""
    (dx,) = torch.func.vjp(lambda t: softmax_dropout(t, key, p, scale, causal, offset), x)[1](dy)
    result: Tensor = dx
    return result
