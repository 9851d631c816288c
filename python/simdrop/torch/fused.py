"""The fused operators' schemas and rules, and modules of them: what stands about a dropout, computed with it in one pass over memory.

`simdrop::chain` is ``residual + dropout(activation(x + bias))``, and `simdrop::norm` is ``norm(residual + dropout(x + bias))``. Masks
are drawn again in the backward pass; nothing is kept for it but x, or for norms h, and two numbers a row. `simdrop::softmax_dropout` is
``dropout(softmax(scale * x))``, and keeps x and two numbers a row in place of the probabilities.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from . import _compositions
from ._extension import extension
from ._operators import check_devices, library
from .functional import activation_number, bias_activation_dropout_residual, check_kind, check_probability, norm_dropout_residual
from .keyed import Keyed

__all__ = ["BiasActivationDropoutResidual", "NormDropoutResidual"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_define: Callable[[str], Any] = library.define


def _register_fake(name: str) -> Callable[[_Function], _Function]:
    """Say what an operator gives where there are shapes but no numbers."""
    decorator: Callable[[_Function], _Function] = torch.library.register_fake(f"simdrop::{name}", lib=library)
    return decorator


_define("chain(Tensor x, Tensor? bias, Tensor? residual, Tensor key, float p, int activation, SymInt offset=0) -> Tensor")
_define(
    "chain_backward(Tensor dy, Tensor? x, Tensor? bias, Tensor key, float p, int activation, bool sum, SymInt offset=0) -> (Tensor, Tensor)"
)
_define(
    "norm(Tensor x, Tensor? bias, Tensor? residual, Tensor? gamma, Tensor? beta, Tensor key, float p, float epsilon, bool rms,"
    " SymInt offset=0) -> (Tensor, Tensor, Tensor)"
)
_define(
    "norm_backward(Tensor dy, Tensor? dh, Tensor h, Tensor statistics, Tensor? gamma, Tensor key, float p, float epsilon, bool rms,"
    " SymInt offset=0) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
_define("softmax_dropout(Tensor x, Tensor key, float p, float scale, bool causal, SymInt offset=0) -> (Tensor, Tensor)")
_define(
    "softmax_dropout_backward(Tensor dy, Tensor x, Tensor statistics, Tensor key, float p, float scale, bool causal,"
    " SymInt offset=0) -> Tensor"
)
if extension.simdrop_torch_register_fused() != 0:
    raise ImportError("simdrop: PyTorch refused the kernels of simdrop's fused operators")


def _contiguous(x: Tensor) -> Tensor:
    return x.new_empty(x.shape)


def _sums(x: Tensor, count: Any) -> Tensor:
    return x.new_empty(count, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)


def _columns(x: Tensor) -> Any:
    return x.shape[-1] if x.dim() > 0 else 1


def _rows(x: Tensor) -> Any:
    rows = 1
    for size in x.shape[:-1]:
        rows = rows * size
    return rows


@_register_fake("chain")
def _(x: Tensor, bias: Tensor | None, residual: Tensor | None, key: Tensor, p: float, activation: int, offset: int = 0) -> Tensor:
    check_devices(x, bias, residual, key)
    return _contiguous(x)


@_register_fake("chain_backward")
def _(
    dy: Tensor,
    x: Tensor | None,
    bias: Tensor | None,
    key: Tensor,
    p: float,
    activation: int,
    sum: bool,
    offset: int = 0,
) -> tuple[Tensor, Tensor]:
    check_devices(dy, x, bias, key)
    return _contiguous(dy), _sums(dy, (_columns(dy) if sum else 0,))


@_register_fake("norm")
def _(
    x: Tensor,
    bias: Tensor | None,
    residual: Tensor | None,
    gamma: Tensor | None,
    beta: Tensor | None,
    key: Tensor,
    p: float,
    epsilon: float,
    rms: bool,
    offset: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    check_devices(x, bias, residual, gamma, beta, key)
    return _contiguous(x), _contiguous(x), _sums(x, (_rows(x), 2))


@_register_fake("norm_backward")
def _(
    dy: Tensor,
    dh: Tensor | None,
    h: Tensor,
    statistics: Tensor,
    gamma: Tensor | None,
    key: Tensor,
    p: float,
    epsilon: float,
    rms: bool,
    offset: int = 0,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    check_devices(dy, dh, h, statistics, gamma, key)
    sums = (_columns(dy),)
    return _contiguous(dy), _contiguous(dy), _sums(dy, sums), _sums(dy, sums), _sums(dy, sums)


@_register_fake("softmax_dropout")
def _(x: Tensor, key: Tensor, p: float, scale: float, causal: bool, offset: int = 0) -> tuple[Tensor, Tensor]:
    check_devices(x, key)
    return _contiguous(x), _sums(x, (_rows(x), 2))


@_register_fake("softmax_dropout_backward")
def _(dy: Tensor, x: Tensor, statistics: Tensor, key: Tensor, p: float, scale: float, causal: bool, offset: int = 0) -> Tensor:
    check_devices(dy, x, statistics, key)
    return _contiguous(dy)


def _chain_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    x, bias, residual, key, p, activation, offset = inputs
    linear = activation == 0
    ctx.save_for_backward(None if linear else x, None if linear else bias, key)
    ctx.numbers = (p, activation, offset)
    ctx.bias_dtype = None if bias is None else bias.dtype


def _chain_backward(ctx: Any, dy: Tensor) -> tuple[Any, ...]:
    x, bias, key = ctx.saved_tensors
    p, activation, offset = ctx.numbers
    wants_x, wants_bias, wants_residual = ctx.needs_input_grad[:3]
    dx = db = None
    if wants_x or wants_bias:
        dx, sums = torch.ops.simdrop.chain_backward(dy, x, bias, key, p, activation, wants_bias, offset)
        db = sums.to(ctx.bias_dtype) if wants_bias else None
    return dx if wants_x else None, db, dy if wants_residual else None, None, None, None, None


torch.library.register_autograd("simdrop::chain", _chain_backward, setup_context=_chain_setup, lib=library)


def _norm_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    gamma, key, p, epsilon, rms, offset = inputs[3], *inputs[5:]
    _, h, statistics = output
    ctx.save_for_backward(h, statistics, gamma, key)
    ctx.numbers = (p, epsilon, rms, offset)
    ctx.mark_non_differentiable(statistics)
    ctx.set_materialize_grads(False)
    ctx.dtypes = tuple(None if t is None else t.dtype for t in (inputs[1], inputs[3], inputs[4]))


def _norm_backward(ctx: Any, dy: Tensor | None, dh: Tensor | None, _: Tensor | None) -> tuple[Any, ...]:
    h, statistics, gamma, key = ctx.saved_tensors
    if dy is None:
        dy = torch.zeros_like(h)
    dx, dresidual, *sums = torch.ops.simdrop.norm_backward(dy, dh, h, statistics, gamma, key, *ctx.numbers)
    dgamma, dbeta, dbias = sums
    bias_dtype, gamma_dtype, beta_dtype = ctx.dtypes
    wants = ctx.needs_input_grad
    return (
        dx if wants[0] else None,
        dbias.to(bias_dtype) if wants[1] else None,
        dresidual if wants[2] else None,
        dgamma.to(gamma_dtype) if wants[3] else None,
        dbeta.to(beta_dtype) if wants[4] else None,
        *[None] * 5,
    )


torch.library.register_autograd("simdrop::norm", _norm_backward, setup_context=_norm_setup, lib=library)


def _softmax_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    x, key, *ctx.numbers = inputs
    ctx.save_for_backward(x, output[1], key)
    ctx.mark_non_differentiable(output[1])


def _softmax_backward(ctx: Any, dy: Tensor, _: Tensor | None) -> tuple[Any, ...]:
    x, statistics, key = ctx.saved_tensors
    return torch.ops.simdrop.softmax_dropout_backward(dy, x, statistics, key, *ctx.numbers), *[None] * 5


torch.library.register_autograd("simdrop::softmax_dropout", _softmax_backward, setup_context=_softmax_setup, lib=library)


# The gradients' own gradients.


def _chain_backward_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs[:4])
    ctx.numbers = inputs[4:]


def _chain_backward_backward(ctx: Any, ddx: Tensor, ddb: Tensor) -> tuple[Any, ...]:
    *tensors, key = ctx.saved_tensors
    sum = ctx.numbers[2]
    found = _compositions.pull_back(_compositions.chain_backward, tensors, (key, *ctx.numbers), (ddx, ddb) if sum else (ddx,))
    return *found, *[None] * 5


torch.library.register_autograd("simdrop::chain_backward", _chain_backward_backward, setup_context=_chain_backward_setup, lib=library)


def _norm_backward_setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    dy, dh, h, _, gamma, key = inputs[:6]
    ctx.save_for_backward(dy, dh, h, gamma, key)
    ctx.numbers = inputs[6:]


def _norm_backward_backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
    """The statistics are functions of h, and have no part of their own."""
    *tensors, key = ctx.saved_tensors
    ddy, ddh, dh, dgamma = _compositions.pull_back(_compositions.norm_backward, tensors, (key, *ctx.numbers), tuple(gradients))
    return ddy, ddh, dh, None, dgamma, *[None] * 5


torch.library.register_autograd("simdrop::norm_backward", _norm_backward_backward, setup_context=_norm_backward_setup, lib=library)


def _softmax_backward_setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    dy, x, _, key, *ctx.numbers = inputs
    ctx.save_for_backward(dy, x, key)


def _softmax_backward_backward(ctx: Any, ddx: Tensor) -> tuple[Any, ...]:
    dy, x, key = ctx.saved_tensors
    ddy, dx = _compositions.pull_back(_compositions.softmax_dropout_backward, (dy, x), (key, *ctx.numbers), ddx)
    return ddy, dx, *[None] * 6


torch.library.register_autograd(
    "simdrop::softmax_dropout_backward", _softmax_backward_backward, setup_context=_softmax_backward_setup, lib=library
)


class BiasActivationDropoutResidual(Keyed, nn.modules.dropout._DropoutNd):
    """``residual + dropout(activation(x + bias))``, one pass over memory forward and one backward.

    Parameters
    ----------
    features : int
        Size of the last axis.
    p : float
        Probability of an element to be dropped.
    activation : {"none", "relu", "gelu", "gelu_tanh", "silu"}
        What is computed of ``x + bias``.
    bias : bool
        Whether there is a bias, a parameter of zeros at first. Take it out of the linear layer before.
    device, dtype
        Of the bias.
    seed, stream : int, optional
        As `Dropout`'s.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        features: int,
        p: float = 0.5,
        activation: str = "gelu",
        bias: bool = True,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        seed: int | None = None,
        stream: int = 0,
    ) -> None:
        super().__init__(check_probability(p))
        activation_number(activation)
        self.features = features
        self.activation = activation
        self.bias = nn.Parameter(torch.zeros(features, device=device, dtype=dtype)) if bias else None
        self.set_key(seed, stream)

    def forward(self, input: Tensor, residual: Tensor | None = None) -> Tensor:
        """Compute it; without a residual, nothing is added."""
        if self.is_part_of_graph(input):
            return self.as_node(input, residual)
        drops = self.training and self.p > 0.0
        key = self.call_key(input) if drops else None
        return bias_activation_dropout_residual(input, self.bias, residual, self.p, self.activation, drops, key=key)

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        return f"{self.features}, p={self.p}, activation={self.activation!r}, bias={self.bias is not None}" + self.key_repr()


class NormDropoutResidual(Keyed, nn.modules.dropout._DropoutNd):
    """``norm(residual + dropout(x + bias))``: what follows a sublayer of a transformer, in one pass over memory.

    Parameters
    ----------
    features : int
        Size of the last axis, which is normalised.
    p : float
        Probability of an element to be dropped.
    kind : {"layer", "rms"}
        LayerNorm (Ba, Kiros, Hinton, 2016), or RMSNorm (Zhang, Sennrich, 2019), which has no `beta`.
    eps : float
        Added to the mean square before its root.
    bias : bool
        Whether something is added to x: the bias of the linear layer before, a parameter of zeros at first.
    device, dtype
        Of the parameters: `weight` and, for "layer", `beta`, which are nn.LayerNorm's weight and bias.
    seed, stream : int, optional
        As `Dropout`'s.
    """

    bias: nn.Parameter | None
    beta: nn.Parameter | None

    def __init__(
        self,
        features: int,
        p: float = 0.1,
        kind: str = "layer",
        eps: float = 1e-5,
        bias: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        seed: int | None = None,
        stream: int = 0,
    ) -> None:
        super().__init__(check_probability(p))
        check_kind(kind)
        self.features = features
        self.kind = kind
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(features, device=device, dtype=dtype))
        self.beta = nn.Parameter(torch.zeros(features, device=device, dtype=dtype)) if kind == "layer" else None
        self.bias = nn.Parameter(torch.zeros(features, device=device, dtype=dtype)) if bias else None
        self.set_key(seed, stream)

    def forward(self, input: Tensor, residual: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Give the normalised sum, and the sum itself: the residual of what follows where norms come first."""
        if self.is_part_of_graph(input):
            return self.as_node(input, residual)
        drops = self.training and self.p > 0.0
        return norm_dropout_residual(
            input,
            self.bias,
            residual,
            self.weight,
            self.beta,
            self.p,
            self.kind,
            self.eps,
            drops,
            key=self.call_key(input) if drops else None,
        )

    def extra_repr(self) -> str:
        """Say what the module was made with."""
        return f"{self.features}, p={self.p}, kind={self.kind!r}, eps={self.eps}, bias={self.bias is not None}" + self.key_repr()
