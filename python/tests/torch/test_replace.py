"""Replacing a model's dropouts in place."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import simdrop.torch as st  # noqa: E402


class Own(nn.Dropout):
    """A subclass, which may mean something else."""


def make_model():
    return nn.ModuleDict(
        {
            "body": nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1), nn.Dropout2d(0.2, inplace=True)),
            "rnn": nn.LSTM(4, 4, 2, dropout=0.3),
            "gru": nn.GRU(4, 4),
            "attention": nn.MultiheadAttention(4, 2, dropout=0.1),
            "quiet": nn.MultiheadAttention(4, 2),
            "plain": nn.RNN(4, 4, 2, dropout=0.1),
            "quiet_plain": nn.RNN(4, 4, 1),
            "own": Own(0.5),
            "alpha": nn.AlphaDropout(0.5),
            "mine": st.DropPath(0.1),
        }
    )


def test_replace(capsys):
    model = make_model()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    identities = {name: id(module) for name, module in model.named_modules()}
    calls = []
    model["body"][1].register_forward_hook(lambda *_: calls.append(1))
    result = st.replace(model)
    assert result.model is model
    assert result.swapped == [
        ("body.1", "torch.nn.Dropout", "simdrop.torch.Dropout"),
        ("body.2", "torch.nn.Dropout2d", "simdrop.torch.Dropout2d"),
        ("rnn", "torch.nn.LSTM", "simdrop.torch.LSTM"),
        ("gru", "torch.nn.GRU", "simdrop.torch.GRU"),
    ]
    assert [name for name, _ in result.left] == ["attention", "plain", "own", "alpha"]
    assert capsys.readouterr().out == f"{result}\n"
    assert "body.1: torch.nn.Dropout -> simdrop.torch.Dropout" in str(result)
    assert {name: id(module) for name, module in model.named_modules()} == identities
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert repr(model["body"][2]) == "Dropout2d(p=0.2, inplace=True)"
    model["body"][1](torch.ones(3))
    assert calls == [1]
    again = st.replace(model, verbose=False)
    assert not again.swapped and not capsys.readouterr().out


def test_replaced_layers_do_what_they_did():
    model = nn.LSTM(4, 5, 2, dropout=0.5, bidirectional=True)
    x = torch.randn(6, 3, 4)
    expected = model.eval()(x)[0]
    assert torch.equal(st.replace(model, verbose=False).model.eval()(x)[0], expected)
    model.train()
    outputs = torch.stack([model(x)[0] for _ in range(400)]).detach()
    # Between the layers, for each time step anew: the first layer's output is dropped by halves.
    assert 0 < outputs.std(0).mean() < 0.5 and repr(model).endswith("dropout=0.5, bidirectional=True, variational=False)")
    dropout = nn.Dropout(0.5)
    st.replace(dropout, verbose=False)
    torch.manual_seed(1)
    y = dropout(torch.ones(1000))
    torch.manual_seed(1)
    assert torch.equal(y, st.dropout(torch.ones(1000), 0.5))


def test_replace_with_a_seed():
    model = make_model()
    shared = nn.Sequential(model, model["own"], model["body"][1])
    st.replace(shared, seed=9, verbose=False)
    keyed = [module for module in model.modules() if hasattr(module, "call_key")]
    assert [(module.seed, module.stream) for module in keyed] == [(9, k) for k in range(5)]
    x = torch.ones(100)
    layer = model["body"][1]
    assert torch.equal(layer(x), layer(x)) and torch.equal(layer(x), st.dropout(x, 0.1, seed=9))
    a = layer(x)
    st.set_step(model, 1)
    assert not torch.equal(layer(x), a)


def test_nothing_to_replace():
    assert str(st.replace(nn.Linear(2, 2), verbose=False)) == "no dropout found"
