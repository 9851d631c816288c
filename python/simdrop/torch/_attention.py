"""Attention with dropout: the operators ``simdrop::attention`` and ``simdrop::attention_backward``, and how PyTorch comes to call them.

``scaled_dot_product_attention`` computes with whole matrices of probabilities where it has dropout, in
``aten::_scaled_dot_product_attention_math``. While simdrop is enabled, that operator's kernel for the CPU is the one below; without
dropout, PyTorch chooses its fused kernel before anything of this is called.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import torch
from torch import Tensor
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad

from . import _dtensor, _override
from ._extension import LIBTORCH, extension
from ._operators import check_devices, library

_ARGUMENTS = "Tensor q, Tensor k, Tensor v, Tensor? mask, Tensor key, float p, bool is_causal, float scale"
_TAGS = (torch.Tag.pt2_compliant_tag,)
library.define(f"attention({_ARGUMENTS}) -> Tensor", tags=_TAGS)
library.define(f"attention_backward(Tensor d_out, {_ARGUMENTS}) -> (Tensor, Tensor, Tensor)", tags=_TAGS)

_status = extension.simdrop_torch_register_attention(str(LIBTORCH).encode())
if _status < 0:
    raise ImportError("simdrop: PyTorch refused the kernels of simdrop's attention")

is_available: bool = _status == 0
"""Whether PyTorch's library has the matrix products that attention is made of."""


@torch.library.register_fake("simdrop::attention", lib=library)
def _attention_fake(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, key: Tensor, p: float, is_causal: bool, scale: float) -> Tensor:
    check_devices(q, k, v, mask, key)
    return q.new_empty((*q.shape[:3], v.shape[3]))


@torch.library.register_fake("simdrop::attention_backward", lib=library)
def _attention_backward_fake(
    d_out: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, key: Tensor, p: float, is_causal: bool, scale: float
) -> tuple[Tensor, Tensor, Tensor]:
    check_devices(d_out, q, k, v, mask, key)
    return torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)


def compose(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, key: Tensor, p: float, is_causal: bool, scale: float) -> Tensor:
    """Attention by operators that have every derivative: the same mask, and memory for whole matrices.

    Parameters
    ----------
    q, k, v, mask, key, p, is_causal, scale
        Those of ``simdrop::attention``.

    Returns
    -------
    Tensor
        What ``simdrop::attention`` returns, but for rounding.
    """
    group = q.shape[1] // k.shape[1]
    kind = torch.float32 if q.dtype == torch.bfloat16 else q.dtype
    scores = torch.matmul(q.to(kind), k.to(kind).repeat_interleave(group, 1).transpose(2, 3)) * scale
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask.to(kind)
    if is_causal:
        seen = torch.ones(scores.shape[2:], dtype=torch.bool, device=q.device).tril()
        scores = scores.masked_fill(~seen, -math.inf)
    dropped = torch.ops.simdrop.dropout(torch.ops.aten._safe_softmax(scores, -1), key, p)
    return torch.matmul(dropped, v.to(kind).repeat_interleave(group, 1)).to(q.dtype)


class _Differentiable(torch.autograd.function._SingleLevelFunction):
    """The operator with its gradients, at one level of differentiation of perhaps several."""

    @staticmethod
    def forward(ctx: Any, keyset: Any, *arguments: Any) -> Tensor:
        ctx.save_for_backward(*arguments[:5])
        ctx.rest = arguments[5:]
        return _below_autograd(keyset, arguments)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        saved, d_out, is_needed = ctx.saved_tensors, gradients[0], ctx.needs_input_grad[1:4]
        if not torch.is_grad_enabled():
            found = torch.ops.simdrop.attention_backward(d_out, *saved, *ctx.rest)
        else:  # the gradient is to have a gradient
            # One tensor may be two of the three, and is to have the gradient of each place.
            saved = (*(x.view_as(x) for x in saved[:3]), *saved[3:])
            wanted = [x for x, needed in zip(saved, is_needed, strict=False) if needed]
            some = iter(torch.autograd.grad(compose(*saved, *ctx.rest), wanted, d_out, create_graph=True))
            found = tuple(next(some) if needed else None for needed in is_needed)
        return (None, *found, *(None for _ in range(5)))


def _below_autograd(keyset: Any, arguments: tuple[Any, ...]) -> Tensor:
    with torch._C._AutoDispatchBelowAutograd():
        result: Tensor = torch.ops.simdrop.attention.default.redispatch(keyset & torch._C._after_autograd_keyset, *arguments)
    return result


def _autograd_kernel(keyset: Any, *arguments: Any) -> Tensor:
    if torch.is_grad_enabled() and any(x.requires_grad for x in arguments[:3]):
        with enable_single_level_autograd_function():
            differentiable: Any = _Differentiable
            result: Tensor = differentiable.apply(keyset, *arguments)
        return result
    return _below_autograd(keyset, arguments)


library.impl("attention", _autograd_kernel, "Autograd", with_keyset=True)


# What the operator does not take, PyTorch computes; `None` where it takes everything.
def _find_obstacle(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scale: float, enable_gqa: bool) -> str | None:
    tensors = [q, k, v] if mask is None else [q, k, v, mask]
    if not is_available:
        return "no matrix product"
    if not math.isfinite(scale):
        return "the scale"
    for x in tensors[:3]:
        reason = _override._reason_against(x)
        if reason is not None:
            return reason
        if type(x) is _dtensor.find_class():
            return "DTensor"
    if k.dtype != q.dtype or v.dtype != q.dtype or any(x.device.type != "cpu" or x.is_nested for x in tensors):
        return "types, devices or layouts"
    if not all(2 <= x.dim() <= 4 for x in (q, k, v)) or (mask is not None and mask.dim() > 4):
        return "the number of axes"
    if enable_gqa and k.shape[-3:-2] != v.shape[-3:-2]:
        return "keys and values of different heads"
    if any(x.numel() == 0 for x in tensors):
        return "no elements"
    if mask is not None and mask.requires_grad and torch.is_grad_enabled():
        return "a gradient of the mask"
    if mask is not None and mask.dtype not in (torch.bool, q.dtype, torch.float32 if q.dtype != torch.float64 else q.dtype):
        return "the type of the mask"
    if forward_ad._current_level >= 0:
        return "forward mode"
    return None


def _with_four_axes(x: Tensor) -> Tensor:
    return x[(None,) * (4 - x.dim())]


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float, is_causal: bool, scale: float, enable_gqa: bool) -> Tensor:
    """`simdrop::attention` of tensors whose samples and heads are broadcast as PyTorch's are."""
    axes, dtype = max(x.dim() for x in (q, k, v)), q.dtype
    q, k, v = _with_four_axes(q), _with_four_axes(k), _with_four_axes(v)
    samples = torch.broadcast_shapes(*(x.shape[:1] for x in (q, k, v)))
    heads = q.shape[1:2] if enable_gqa else torch.broadcast_shapes(*(x.shape[1:2] for x in (q, k, v)))
    key_heads = k.shape[1:2] if enable_gqa else heads
    q = q.expand(*samples, *heads, -1, -1)
    k, v = (x.expand(*samples, *key_heads, -1, -1) for x in (k, v))
    if mask is not None:
        mask = _with_four_axes(mask).expand(*samples, *heads, q.shape[2], k.shape[2])
    if dtype == torch.float16:
        q, k, v = q.float(), k.float(), v.float()
        mask = mask.float() if mask is not None and mask.dtype == torch.float16 else mask
    key = torch.ops.simdrop.key(q)
    out: Tensor = torch.ops.simdrop.attention(q, k, v, mask, key, p, is_causal, scale).to(dtype)
    return out[(0,) * (4 - axes)]


_math = torch.ops.aten._scaled_dot_product_attention_math.default


def _math_kernel(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    dropout_mask: Tensor | None = None,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> tuple[Tensor, Tensor]:
    """The kernel in place of PyTorch's. The second result, the probabilities, is empty: `scaled_dot_product_attention` drops it."""
    if 0.0 < dropout_p < 1.0 and dropout_mask is None and not (is_causal and attn_mask is not None):
        size = query.size(-1)
        factor = scale if scale is not None else size**-0.5 if size > 0 else 1.0
        obstacle = _find_obstacle(query, key, value, attn_mask, factor, enable_gqa)
        _override.count_call_of_part("attention", obstacle)
        if obstacle is None:
            out = _attend(query, key, value, attn_mask, dropout_p, is_causal, factor, enable_gqa)
            return out, query.new_empty(0)
    result: tuple[Tensor, Tensor] = _math._op_dk(
        torch._C.DispatchKey.CompositeImplicitAutograd,
        query,
        key,
        value,
        attn_mask,
        dropout_p,
        is_causal,
        dropout_mask,
        scale=scale,
        enable_gqa=enable_gqa,
    )
    return result


def _put(undo: contextlib.ExitStack) -> None:
    """Let PyTorch's attention with dropout on the CPU be `simdrop::attention`."""
    undo.callback(_math._dispatch_cache.clear)
    kernels = torch.library.Library("aten", "IMPL")
    undo.callback(kernels._destroy)
    for dispatch_key in ("CPU", "AutogradCPU"):
        kernels.impl("_scaled_dot_product_attention_math", _math_kernel, dispatch_key)
    _math._dispatch_cache.clear()


_override.register_part(_put, _math)
