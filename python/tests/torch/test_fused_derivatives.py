"""Derivatives of the fused functions beyond the gradient: of any order, forwards, and under torch.func."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch.autograd import forward_ad, gradcheck, gradgradcheck  # noqa: E402

import simdrop.torch as st  # noqa: E402

ACTIVATIONS = ("none", "relu", "gelu", "gelu_tanh", "silu")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        f"chain_{name}": lambda x, b, r, g, name=name: st.bias_activation_dropout_residual(x, b, r, 0.4, name, seed=3, offset=5) * g
        for name in ACTIVATIONS
    },
    **{
        f"norm_{kind}": lambda x, b, r, g, kind=kind: st.norm_dropout_residual(x, b, r, g, b, 0.4, kind, seed=3)
        for kind in ("layer", "rms")
    },
    **{
        f"softmax_{causal}": lambda x, b, r, g, causal=causal: st.softmax_dropout(x + r, 0.4, scale=0.7, causal=causal, seed=3)
        for causal in (False, True)
    },
}


def make_inputs() -> list[torch.Tensor]:
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in ((2, 3, 4), (4,), (2, 3, 4), (4,))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_have_gradients(name: str) -> None:
    assert gradgradcheck(FUNCTIONS[name], make_inputs())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_gradient_to_be_differentiated_is_the_gradient(name: str) -> None:
    inputs = make_inputs()
    y = FUNCTIONS[name](*inputs)
    total = sum(part.pow(3).sum() for part in (y if isinstance(y, tuple) else (y,)))
    plain = torch.autograd.grad(total, inputs, retain_graph=True, allow_unused=True)
    again = torch.autograd.grad(total, inputs, create_graph=True, allow_unused=True)
    assert all((a is None and b is None) or torch.equal(a, b) for a, b in zip(plain, again, strict=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forward_mode(name: str) -> None:
    assert gradcheck(FUNCTIONS[name], make_inputs(), check_forward_ad=True)


def test_forward_mode_loses_no_tangent() -> None:
    x = torch.randn(2, 3)
    with forward_ad.dual_level():
        y = st.bias_activation_dropout_residual(forward_ad.make_dual(x, torch.ones(2, 3)), p=0.5, seed=1)
        assert torch.equal(forward_ad.unpack_dual(y).tangent, st.dropout(torch.ones(2, 3), 0.5, seed=1))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_torch_func(name: str) -> None:
    x, *rest = (t.detach() for t in make_inputs())

    def total(x: torch.Tensor) -> torch.Tensor:
        y = FUNCTIONS[name](x, *rest)
        return (y[0] if isinstance(y, tuple) else y).pow(3).sum()

    hessian = torch.autograd.functional.hessian(total, x)
    assert torch.allclose(torch.func.jacrev(torch.func.jacrev(total))(x), hessian)
    assert torch.allclose(torch.func.hessian(total)(x), hessian)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_types_of_the_gradients_gradients(dtype: torch.dtype) -> None:
    x, weight = torch.randn(3, 4, dtype=dtype, requires_grad=True), torch.ones(4, requires_grad=True)
    y, _ = st.norm_dropout_residual(x, residual=x, weight=weight, p=0.5, seed=1)
    y = st.bias_activation_dropout_residual(y, weight, y, 0.5, "gelu", seed=2)
    dx, dweight = torch.autograd.grad(y.float().pow(2).sum(), (x, weight), create_graph=True)
    (dx.float().sum() + dweight.sum()).backward()
    assert x.grad is not None and x.grad.dtype == dtype and x.grad.isfinite().all()
    assert weight.grad is not None and weight.grad.dtype == torch.float32


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (0, 4), (5,)])
def test_gradients_gradients_of_any_shape(shape: tuple[int, ...]) -> None:
    for name in ("chain_gelu", "norm_layer", "softmax_True"):
        columns = shape[-1] if shape else 1
        inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in (shape, (columns,), shape, (columns,))]
        y = FUNCTIONS[name](*inputs)
        found = torch.autograd.grad((y[0] if isinstance(y, tuple) else y).pow(2).sum(), inputs[0], create_graph=True)[0]
        found.pow(2).sum().backward()
        assert inputs[0].grad is not None and inputs[0].grad.shape == shape
