"""The fused operators against the same computed one after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

import simdrop.torch as st  # noqa: E402

ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "none": lambda t: t,
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_tanh": lambda t: F.gelu(t, approximate="tanh"),
    "silu": F.silu,
}


def chain(x, bias, residual, p, activation, key):
    t = x if bias is None else x + bias
    y = st.dropout(ACTIVATIONS[activation](t), p, key=key)
    return y if residual is None else residual + y


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("parts", ["all", "bias", "residual", "none"])
def test_chain_is_its_parts(activation, dtype, parts):
    torch.manual_seed(1)
    x = torch.randn(3, 17, 70, dtype=dtype, requires_grad=True)
    bias = torch.randn(70, dtype=dtype, requires_grad=True) if parts in ("all", "bias") else None
    residual = torch.randn(3, 17, 70, dtype=dtype, requires_grad=True) if parts in ("all", "residual") else None
    key = st.key(5, 6)
    y = st.bias_activation_dropout_residual(x, bias, residual, 0.3, activation, key=key)
    expected = chain(x, bias, residual, 0.3, activation, key)
    torch.testing.assert_close(y, expected, atol=2e-6, rtol=1e-6)
    dy = torch.randn_like(y)
    leaves = [t for t in (x, bias, residual) if t is not None]
    # The sums of columns are of as many terms as there are rows.
    for mine, other in zip(torch.autograd.grad(y, leaves, dy), torch.autograd.grad(expected, leaves, dy), strict=True):
        torch.testing.assert_close(mine, other, atol=2e-5, rtol=1e-5)


def test_chain_of_strided_tensors():
    x = torch.randn(6, 5, 8).transpose(0, 1)
    residual = torch.randn(5, 8, 6).transpose(1, 2)
    bias = torch.randn(16)[::2]
    y = st.bias_activation_dropout_residual(x, bias, residual, 0.5, "relu", seed=3)
    again = st.bias_activation_dropout_residual(x.contiguous(), bias.contiguous(), residual.contiguous(), 0.5, "relu", seed=3)
    assert y.is_contiguous() and torch.equal(y, again)


@pytest.mark.parametrize("activation", ["none", "gelu", "silu"])
def test_chain_gradcheck(activation):
    x = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(6, dtype=torch.float64, requires_grad=True)
    residual = torch.randn(4, 6, dtype=torch.float64, requires_grad=True)
    key = st.key(1)
    assert torch.autograd.gradcheck(lambda *t: st.bias_activation_dropout_residual(*t, 0.4, activation, key=key), (x, bias, residual))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_chain_of_16_bits_rounds_once(dtype):
    x, residual = torch.randn(2, 40, 64).to(dtype), torch.randn(40, 64).to(dtype).expand(2, 40, 64)
    bias = torch.randn(64).to(dtype)
    y = st.bias_activation_dropout_residual(x, bias, residual, 0.25, "gelu", seed=9)
    exact = chain(x.float(), bias.float(), residual.float(), 0.25, "gelu", st.key(9))
    # Half a unit in the last place, and the difference of the two ways to compute gelu.
    assert ((y.float() - exact).abs() <= exact.abs() * torch.finfo(dtype).eps * 0.51 + 1e-5).all()


def test_chain_in_evaluation_draws_no_key():
    layer = st.BiasActivationDropoutResidual(8, p=0.5, activation="relu").eval()
    state = torch.get_rng_state()
    x, residual = torch.randn(3, 8), torch.randn(3, 8)
    state = torch.get_rng_state()
    assert torch.equal(layer(x, residual), residual + F.relu(x))
    assert torch.equal(torch.get_rng_state(), state)


def test_chain_at_its_limits():
    x, residual = torch.randn(3, 8), torch.randn(3, 8)
    assert torch.equal(st.bias_activation_dropout_residual(x, None, residual, 1.0, "gelu"), residual)
    assert torch.equal(st.bias_activation_dropout_residual(x, None, residual, 0.0, "none"), residual + x)
    for shape in [(0, 8), (3, 0), (8,), ()]:
        y = st.bias_activation_dropout_residual(torch.ones(shape), None, torch.ones(shape), 0.5, "silu", seed=1)
        assert y.shape == shape


def test_chain_refuses():
    x = torch.randn(3, 8)
    with pytest.raises(ValueError, match="activation"):
        st.bias_activation_dropout_residual(x, activation="swish")
    with pytest.raises(RuntimeError, match="bias"):
        st.bias_activation_dropout_residual(x, torch.zeros(7))
    with pytest.raises(RuntimeError, match="bias"):
        torch.ops.simdrop.chain(x, torch.zeros(8, dtype=torch.float64), None, st.key(1), 0.5, 0)
    with pytest.raises(RuntimeError, match="residual"):
        st.bias_activation_dropout_residual(x, None, torch.zeros(8))
    with pytest.raises(RuntimeError, match="residual"):
        torch.ops.simdrop.chain(x, None, x.double(), st.key(1), 0.5, 0)
    with pytest.raises(RuntimeError, match="float32"):
        st.bias_activation_dropout_residual(torch.ones(3, 8, dtype=torch.int64))
    with pytest.raises(RuntimeError, match="key"):
        torch.ops.simdrop.chain(x, None, None, torch.zeros(3, dtype=torch.int64), 0.5, 0)
    with pytest.raises(RuntimeError):
        torch.ops.simdrop.chain(x, None, None, st.key(1), 0.5, 9)


@pytest.mark.parametrize("kind", ["layer", "rms"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("parts", [True, False])
def test_norm_is_its_parts(kind, dtype, parts):
    torch.manual_seed(2)

    def leaf(*shape):
        return torch.randn(*shape, dtype=dtype, requires_grad=True)

    x = leaf(5, 9, 48)
    bias, residual, weight, beta = (leaf(48), leaf(5, 9, 48), leaf(48), leaf(48)) if parts else (None,) * 4
    key = st.key(11)
    y, h = st.norm_dropout_residual(x, bias, residual, weight, beta, 0.2, kind, 1e-4, key=key)
    expected_h = chain(x, bias, residual, 0.2, "none", key)
    if kind == "layer":
        expected = F.layer_norm(expected_h, (48,), weight, beta, 1e-4)
    else:
        expected = F.rms_norm(expected_h, (48,), weight, 1e-4) + (0.0 if beta is None else beta)
    torch.testing.assert_close(h, expected_h, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(y, expected, atol=5e-6, rtol=1e-5)
    dy, dh = torch.randn_like(y), torch.randn_like(h)
    leaves = [t for t in (x, bias, residual, weight, beta) if t is not None]
    for grads in ((dy, dh), (dy, None), (None, dh)):
        outputs = [(mine, other, g) for mine, other, g in zip((y, h), (expected, expected_h), grads, strict=True) if g is not None]
        mine = torch.autograd.grad([o[0] for o in outputs], leaves, [o[2] for o in outputs], True, allow_unused=True)
        other = torch.autograd.grad([o[1] for o in outputs], leaves, [o[2] for o in outputs], True, allow_unused=True)
        for a, b in zip(mine, other, strict=True):
            a, b = (torch.zeros(()) if t is None else t for t in (a, b))
            torch.testing.assert_close(a.expand_as(b) if a.dim() == 0 else a, b.expand_as(a), atol=1e-4, rtol=1e-4, check_dtype=False)


def test_norm_gradcheck():
    leaves = [torch.randn(*s, dtype=torch.float64, requires_grad=True) for s in ((4, 6), (6,), (4, 6), (6,), (6,))]
    key = st.key(3)
    assert torch.autograd.gradcheck(lambda *t: st.norm_dropout_residual(*t, 0.4, key=key), leaves)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(2, 3, 7, 40), (40, 40), (5,)], ids=str)
def test_softmax_is_its_parts(dtype, causal, shape):
    torch.manual_seed(3)
    x = torch.randn(shape, dtype=dtype, requires_grad=True)
    key = st.key(7)
    y = st.softmax_dropout(x, 0.3, scale=0.5, causal=causal, key=key)
    scores = 0.5 * x
    if causal:
        seen = torch.ones(scores.view(-1, shape[-1]).shape[-2:] if len(shape) == 1 else shape[-2:], dtype=torch.bool).tril()
        scores = scores.masked_fill(~seen.view(shape if len(shape) == 1 else seen.shape), -torch.inf)
    expected = st.dropout(scores.softmax(-1), 0.3, key=key)
    torch.testing.assert_close(y, expected, atol=1e-6, rtol=2e-6)
    dy = torch.randn_like(y)
    (a,), (b,) = torch.autograd.grad(y, x, dy), torch.autograd.grad(expected, x, dy)
    torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_softmax_in_evaluation_and_of_strided_tensors():
    x = torch.randn(6, 5, 8).transpose(0, 1)
    torch.testing.assert_close(st.softmax_dropout(x, training=False), x.softmax(-1))
    assert torch.equal(st.softmax_dropout(x, seed=1), st.softmax_dropout(x.contiguous(), seed=1))
    assert st.softmax_dropout(torch.ones(0, 4), causal=True).shape == (0, 4)


def test_threads_do_not_matter():
    x, residual, bias = torch.randn(400, 512, requires_grad=True), torch.randn(400, 512), torch.randn(512, requires_grad=True)

    def run():
        chain = st.bias_activation_dropout_residual(x, bias, residual, 0.1, "gelu", seed=1)
        norm, _ = st.norm_dropout_residual(chain, bias, residual, bias, bias, 0.2, seed=2)
        y = st.softmax_dropout(norm, 0.3, seed=3)
        return y, *torch.autograd.grad(y.square().sum(), (x, bias))

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = run()
        torch.set_num_threads(2)
        assert all(torch.equal(a, b) for a, b in zip(one, run()))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["chain", "norm", "softmax_dropout", "gaussian_dropout"])
def test_operators_keep_their_promises(name):
    x = torch.randn(4, 8, requires_grad=True)
    bias = torch.randn(8, requires_grad=True)
    residual = torch.randn(4, 8, requires_grad=True)
    arguments = {
        "chain": (x, bias, residual, st.key(1), 0.5, 2, 0),
        "norm": (x, bias, residual, bias, bias, st.key(1), 0.5, 1e-5, False, 0),
        "softmax_dropout": (x, st.key(1), 0.5, 0.25, True, 0),
        "gaussian_dropout": (x, st.key(1), 0.5),
    }[name]
    torch.library.opcheck(getattr(torch.ops.simdrop, name).default, arguments)


def test_modules_of_fused_operators():
    torch.manual_seed(0)
    layer = st.BiasActivationDropoutResidual(16, p=0.3, activation="silu", seed=4, stream=2)
    x, residual = torch.randn(5, 16), torch.randn(5, 16)
    assert torch.equal(layer(x, residual), st.bias_activation_dropout_residual(x, layer.bias, residual, 0.3, "silu", seed=4, stream=2))
    assert repr(layer) == "BiasActivationDropoutResidual(16, p=0.3, activation='silu', bias=True, seed=4, stream=2)"
    assert list(layer.state_dict()) == ["bias"]
    norm = st.NormDropoutResidual(16, p=0.0, kind="rms")
    y, h = norm(x, residual)
    torch.testing.assert_close(y, F.rms_norm(x + residual, (16,), eps=1e-5))
    assert torch.equal(h, x + residual) and list(norm.state_dict()) == ["weight"]


def test_chain_compiles():
    layer = st.BiasActivationDropoutResidual(16, p=0.3, seed=4)
    x, residual = torch.randn(5, 16, requires_grad=True), torch.randn(5, 16)
    y = layer(x, residual)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)(x, residual)
    assert torch.equal(compiled, y)
    (g,), (h,) = torch.autograd.grad(y.sum(), x), torch.autograd.grad(compiled.sum(), x)
    assert torch.equal(g, h)


def test_residuals_of_another_type_promote() -> None:
    """Under autocast, a linear layer gives 16 bits, and the stream that it is added to may have 32."""
    linear, x, residual = torch.nn.Linear(4, 8), torch.randn(3, 4), torch.randn(3, 8, requires_grad=True)
    chain, norm = st.BiasActivationDropoutResidual(8, 0.5, seed=1), st.NormDropoutResidual(8, 0.5, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        low = linear(x)
        y, (z, h) = chain(low, residual), norm(low, residual)
    assert low.dtype == torch.bfloat16
    assert y.dtype == z.dtype == h.dtype == torch.float32
    assert torch.equal(y, chain(low.float(), residual))
    assert torch.equal(z, norm(low.float(), residual)[0])
    (y.sum() + z.sum()).backward()
    assert residual.grad is not None and linear.weight.grad is not None
    assert chain(residual, low).dtype == torch.float32
