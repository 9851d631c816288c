"""The operators ``simdrop::key``, ``simdrop::dropout``, ``simdrop::gaussian_dropout`` and ``simdrop::alpha_dropout``.

A key is all that is random about a call: two words from PyTorch's generator. Everything else is a pure function of it, linear in ``x``
(alpha dropout: affine), so that a gradient is the same call again and compiled programs save 16 bytes in place of a mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._functorch.pyfunctorch import retrieve_current_functorch_interpreter
from torch._functorch.utils import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import ProxyTorchDispatchMode, proxy_call

from . import _compiler
from ._extension import extension

_ARGUMENTS = "(Tensor x, Tensor key, float p, SymInt[]? index_strides=None, SymInt offset=0) -> Tensor"

# Which element has which decision does not depend on strides: Inductor need not bring them about, for which it would write an activation
# once for the key and once for the dropout.
_TAGS = (torch.Tag.flexible_layout, torch.Tag.pt2_compliant_tag)

library = torch.library.Library("simdrop", "FRAGMENT")
library.define(
    "key(Tensor like, *, Generator? generator=None) -> Tensor",
    "CONSERVATIVE",  # for TorchScript, which would merge two keys of one tensor: for it, all that is not aten's is deterministic
    tags=(torch.Tag.nondeterministic_seeded, *_TAGS),
)
# Each operator of x and a key, and the one that its derivatives are.
_GRADIENTS = {
    "dropout": "dropout",
    "gaussian_dropout": "gaussian_dropout",
    "alpha_dropout": "alpha_dropout_backward",
    "alpha_dropout_backward": "alpha_dropout_backward",
}
for _name in _GRADIENTS:
    library.define(_name + _ARGUMENTS, tags=_TAGS)
library.define("_dropout" + _ARGUMENTS, tags=_TAGS)  # without derivatives: what Inductor's programs call (_compiler.py)
library.impl("_dropout", torch.library.fallthrough_kernel, "Autograd")

if extension.simdrop_torch_register_operators() != 0:
    raise ImportError("simdrop: PyTorch refused the kernels of simdrop's operators")


def check_devices(x: Tensor, *others: Tensor | None) -> None:
    """Refuse what has no numbers beside an x that has: PyTorch takes the rules of shapes then, whose results are not written."""
    for other in others:
        if other is not None and other.device.type == "meta" and x.device.type != "meta":
            raise RuntimeError(f"Expected all tensors to be on the same device, but found at least two devices, {x.device} and meta!")


@torch.library.register_fake("simdrop::key", lib=library)
def _key_fake(like: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    return torch.empty(2, dtype=torch.int64, device=like.device)


@torch.library.register_torch_dispatch("simdrop::key", ProxyTorchDispatchMode, lib=library)
def _key_traced(mode: ProxyTorchDispatchMode, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """Put a key into a graph, so that it is drawn once: never merged with another of the same tensor, never drawn again backwards."""
    from torch.utils.checkpoint import CheckpointPolicy

    _compiler.teach()
    _compiler.teach_inductor()
    key = proxy_call(mode, func, mode.pre_dispatch, args, kwargs or {})
    for node in reversed(mode.tracer.graph.nodes):
        if node.target is func:
            node.meta["recompute"] = CheckpointPolicy.MUST_SAVE
            break
    return key


def _dropout_fake(x: Tensor, key: Tensor, p: float, index_strides: Sequence[int] | None = None, offset: int = 0) -> Tensor:
    check_devices(x, key)
    return torch.empty_like(x)


def _register_autograd(name: str, gradient: str) -> None:
    """Give an operator its derivatives, backwards and forwards: the gradient operator, with the same key."""
    operator = getattr(torch.ops.simdrop, name).default

    def derive(tangent: Tensor, rest: tuple[Any, ...]) -> Tensor:
        derivative: Callable[..., Tensor] = getattr(torch.ops.simdrop, gradient)
        return derivative(tangent, *rest)

    class Differentiable(torch.autograd.Function):
        """What ``torch.library.register_autograd`` makes, and forward mode."""

        @staticmethod
        def forward(ctx: Any, keyset: Any, x: Tensor, *rest: Any) -> Tensor:
            # Other levels of torch.func may follow below, and have derivatives of their own.
            with torch.enable_grad(), forward_ad._set_fwd_grad_enabled(True), torch._C._AutoDispatchBelowAutograd():
                result: Tensor = operator.redispatch(keyset & torch._C._after_autograd_keyset, x, *rest)
            ctx.save_for_backward(rest[0])
            ctx.save_for_forward(rest[0])
            ctx.rest = rest[1:]
            return result

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
            (key,) = ctx.saved_tensors
            return (None, derive(gradients[0], (key, *ctx.rest)), None, *(None for _ in ctx.rest))

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Tensor:
            (key,) = ctx.saved_tensors
            return derive(tangents[1], (key, *ctx.rest))

    def kernel(keyset: Any, x: Tensor, *rest: Any) -> Tensor:
        if (torch.is_grad_enabled() and x.requires_grad) or forward_ad._current_level >= 0:
            # Within one level of torch.func: Function.apply would begin at all of them again.
            with enable_single_level_autograd_function():
                return super(torch.autograd.Function, Differentiable).apply(keyset, x, *rest)
        with torch._C._AutoDispatchBelowAutograd():
            return operator.redispatch(keyset & torch._C._after_autograd_keyset, x, *rest)

    library.impl(name, kernel, "Autograd", with_keyset=True)


def _key_in_vmap(like: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Draw one key or one for each entry of the batch, whether the tensor has the batch's axis or not."""
    interpreter: Any = retrieve_current_functorch_interpreter()
    if interpreter.randomness() == "error":
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the "
            "'same' or 'different' randomness flags on vmap or perform the randomness operation out of vmap"
        )
    level = interpreter.level()
    like = torch._C._functorch._unwrap_batched(like, level)[0]
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.FuncTorchVmapMode)):
        if interpreter.randomness() == "same":
            return torch.ops.simdrop.key(like, generator=generator)
        keys = torch.stack([torch.ops.simdrop.key(like, generator=generator) for _ in range(interpreter.batch_size())])
        return torch._C._functorch._add_batch_dim(keys, 0, level)


library.impl("key", _key_in_vmap, "FuncTorchVmapMode")


def _register_vmap(name: str) -> None:
    operator = getattr(torch.ops.simdrop, name)

    def rule(
        info: Any, in_dims: Any, x: Tensor, key: Tensor, p: float, index_strides: Sequence[int] | None = None, offset: int = 0
    ) -> tuple[Tensor, int]:
        """One key: every entry of the batch gets the same decisions. A key for each: one call for each."""
        x_dim, key_dim = in_dims[:2]
        if key_dim is None:
            x = x.movedim(x_dim, 0)
            if index_strides is None:
                index_strides = row_major_strides(x.shape[1:])
            return operator(x, key, p, [0, *index_strides], offset), 0
        keys = key.movedim(key_dim, 0).unbind()
        parts = [x] * info.batch_size if x_dim is None else x.movedim(x_dim, 0).unbind()
        return torch.stack([operator(part, k, p, index_strides, offset) for part, k in zip(parts, keys, strict=True)]), 0

    torch.library.register_vmap(f"simdrop::{name}", rule, lib=library)


def row_major_strides(sizes: Sequence[int]) -> list[int]:
    """Index strides of a tensor of these sizes, each element of which has a decision of its own."""
    strides: list[int] = []
    stride = 1
    for size in reversed(sizes):
        strides.append(stride)
        stride = stride * size
    return strides[::-1]


torch.library.register_fake("simdrop::_dropout", _dropout_fake, lib=library)
for _name, _gradient in _GRADIENTS.items():
    torch.library.register_fake(f"simdrop::{_name}", _dropout_fake, lib=library)
    _register_autograd(_name, _gradient)
    _register_vmap(_name)
