"""What programs do by mistake, or rarely: an error, or the right numbers, and nothing left behind."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import scaled_dot_product_attention  # noqa: E402

import simdrop.torch as st  # noqa: E402

ops = torch.ops.simdrop


def test_keys_are_on_the_cpu_whatever_the_default_device() -> None:
    with torch.device("meta"):
        key = st.key(1)
        model = nn.Sequential(nn.Linear(8, 8), st.Dropout(0.5, seed=3), st.DropPath(0.5, seed=4))
        evaluated = st.bias_activation_dropout_residual(torch.ones(8, device="cpu"), p=0.5, training=False)
    assert key.device.type == "cpu" and torch.equal(evaluated, torch.ones(8))
    assert torch.equal(model[1](torch.ones(64)), st.Dropout(0.5, seed=3)(torch.ones(64)))
    assert model[2](torch.ones(3, 3)).device.type == "cpu"


def test_arguments_without_numbers_are_refused() -> None:
    """Their kernels are rules of shapes, whose results nobody writes."""
    x, nowhere, key = torch.ones(3, 4), torch.ones(3, 4, device="meta"), torch.zeros(2, dtype=torch.int64, device="meta")
    q = torch.ones(1, 1, 3, 4)
    for call in (
        lambda: st.dropout(x, key=key),
        lambda: st.gaussian_dropout(x, key=key),
        lambda: st.softmax_dropout(x, key=key),
        lambda: st.bias_activation_dropout_residual(x, residual=nowhere, seed=1),
        lambda: st.norm_dropout_residual(x, residual=nowhere, seed=1),
        lambda: ops.attention(q, q, q, None, key, 0.5, False, 1.0),
    ):
        with pytest.raises(RuntimeError, match="same device"):
            call()
    assert st.dropout(nowhere, seed=1).device.type == "meta"


def test_seeded_modules_made_in_inference_mode() -> None:
    with torch.inference_mode():
        model = nn.Sequential(st.Dropout(0.5, seed=3))
    st.set_step(model, 2)
    x = torch.ones(64, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None and torch.equal(x.grad, st.set_step(st.Dropout(0.5, seed=3), 2)(torch.ones(64)))


def test_seeds_are_integers() -> None:
    with pytest.raises(TypeError):
        st.key(1.5)  # type: ignore[arg-type]


def test_mc_dropout_leaves_no_step_behind_where_a_model_raises() -> None:
    class Model(nn.Module):
        calls = 0

        def __init__(self) -> None:
            super().__init__()
            self.drop = st.Dropout(0.5, seed=3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self.calls == 3:
                raise KeyError("third")
            out: torch.Tensor = self.drop(x)
            return out

    model, state = Model().eval(), torch.get_rng_state()
    with pytest.raises(KeyError, match="third"):
        st.mc_dropout(model, torch.ones(4), 5, seed=1)
    assert not any(module.training for module in model.modules())
    assert torch.equal(state, torch.get_rng_state())
    model.train()
    assert torch.equal(model(torch.ones(64)), st.Dropout(0.5, seed=3)(torch.ones(64)))


RECURRENT = [
    (kind, options)
    for kind in ("LSTM", "GRU")
    for options in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"recurrent_dropout": 0.5, "separate_gates": True, "dropout": 0.5})
]


@pytest.mark.parametrize(("kind", "options"), RECURRENT)
def test_recurrent_layers_check_their_input_as_pytorch_does(kind: str, options: dict[str, Any]) -> None:
    """Unchecked, PyTorch's fused LSTM reads what lies beyond the weights."""
    layer, other = getattr(st, kind)(3, 4, 2, **options), getattr(nn, kind)(3, 4, 2)
    inputs = [torch.ones(5, 2, 7), torch.ones(5, 7), torch.ones(5, 2, 3).long(), torch.ones(5, 2, 3).double(), torch.ones(0, 2, 3)]
    inputs.append(nn.utils.rnn.pack_padded_sequence(torch.ones(5, 2, 7), [5, 3]))
    for x in inputs:
        with pytest.raises((RuntimeError, ValueError)) as expected:
            other(x)
        with pytest.raises(expected.type) as got:
            layer(x)
        if isinstance(x, torch.Tensor):
            assert str(got.value) == str(expected.value)


@pytest.mark.parametrize(("kind", "options"), RECURRENT)
def test_recurrent_layers_of_no_sequences(kind: str, options: dict[str, Any]) -> None:
    layer, other = getattr(st, kind)(3, 4, 2, **options), getattr(nn, kind)(3, 4, 2)
    y, states = layer(torch.ones(5, 0, 3))
    expected, expected_states = other(torch.ones(5, 0, 3))
    assert y.shape == expected.shape
    pairs = [(states, expected_states)] if kind == "GRU" else zip(states, expected_states, strict=True)
    assert all(a.shape == b.shape for a, b in pairs)


def test_an_lstm_has_two_states() -> None:
    state = torch.zeros(1, 2, 4)
    for number in (1, 3):
        with pytest.raises(RuntimeError, match="two hidden states"):
            st.LSTM(3, 4, recurrent_dropout=0.5)(torch.ones(5, 2, 3), (state,) * number)


def test_attention_of_one_tensor_in_two_places() -> None:
    """The gradient that is to be differentiated is the gradient, and not as often as the tensor is given."""
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    total = ops.attention(x, x, x, None, st.key(1), 0.5, False, 1.0).pow(2).sum()
    (plain,) = torch.autograd.grad(total, x, retain_graph=True)
    (again,) = torch.autograd.grad(total, x, create_graph=True)
    assert torch.allclose(plain, again)


@pytest.mark.usefixtures("on")
def test_attention_with_other_heads_of_values_than_of_keys() -> None:
    q, k, v = torch.ones(1, 4, 3, 8), torch.ones(1, 2, 3, 8), torch.ones(1, 4, 3, 8)
    for keys, values in ((k, v), (v, k)):
        assert scaled_dot_product_attention(q, keys, values, dropout_p=0.5, enable_gqa=True).shape == q.shape
    assert st.report().pytorch == {"attention: keys and values of different heads": 2}


def _errors() -> dict[str, tuple[Any, ...]]:
    key, bad_key, x, many = st.key(1), torch.zeros(3, dtype=torch.int64), torch.ones(4), torch.ones([1] * 65)
    q, bad = torch.ones(1, 2, 3, 4), torch.ones(1, 2, 3, 5)
    return {
        "dropout, key": (ops.dropout, x, bad_key, 0.5),
        "dropout, axes": (ops.dropout, many, key, 0.5),
        "gaussian_dropout, p": (ops.gaussian_dropout, x, key, 1.0),
        "attention, key": (ops.attention, q, q, q, None, bad_key, 0.5, False, 1.0),
        "attention, mask": (ops.attention, q, q, q, x, key, 0.5, False, 1.0),
        "attention_backward, key": (ops.attention_backward, q, q, q, q, None, bad_key, 0.5, False, 1.0),
        "attention_backward, mask": (ops.attention_backward, q, q, q, q, x, key, 0.5, False, 1.0),
        "attention_backward, gradient": (ops.attention_backward, bad, q, q, q, None, key, 0.5, False, 1.0),
        "aten dropout, axes": (torch.dropout, many, 0.5, True),
        "aten dropout_, p": (torch.dropout_, x, 1.5, True),
        "aten dropout_, overlap": (torch.dropout_, torch.ones(1).expand(4), 0.5, True),
        "aten feature_dropout_, axes": (torch.feature_dropout_, x, 0.5, True),
        "aten native_dropout, p": (torch.native_dropout, x, 1.5, True),
        "aten native_dropout, integers": (torch.native_dropout, torch.ones(4, dtype=torch.int64), 0.5, True),
    }


@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", _errors())
def test_errors_keep_no_tensor(name: str, grad: bool) -> None:
    function, *arguments = _errors()[name]
    tensors = [argument for argument in arguments if isinstance(argument, torch.Tensor)]
    before = [x._use_count() for x in tensors]
    with torch.set_grad_enabled(grad), pytest.raises(RuntimeError):
        function(*arguments)
    assert [x._use_count() for x in tensors] == before


@pytest.mark.usefixtures("on")
@pytest.mark.parametrize("shape", [(), (1,), (3, 4)])
def test_autograd_sees_writes_without_gradients(shape: tuple[int, ...]) -> None:
    x, weight = torch.ones(shape), torch.ones(shape, requires_grad=True)
    y = (x * weight).sum()
    with torch.no_grad():
        torch.dropout_(x, 0.5, True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
