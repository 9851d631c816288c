"""Monte Carlo dropout: which modules are in which mode, and what is averaged."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

import simdrop.torch as st  # noqa: E402


class Functional(nn.Module):
    """Dropout as a function, with self.training."""

    def forward(self, x):
        return nn.functional.dropout(x, 0.5, self.training)


def make_model():
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), st.GaussianDropout(0.2), nn.Linear(8, 3))


def test_modes():
    model = make_model()
    model.train()
    model[1].eval()
    before = [module.training for module in model.modules()]
    with st.dropout_active(model) as same:
        assert same is model
        assert [module.training for module in model] == [False, False, False, True, True, False]
    assert [module.training for module in model.modules()] == before
    with pytest.raises(KeyError), st.dropout_active(model):
        raise KeyError
    assert [module.training for module in model.modules()] == before
    with st.dropout_active(nn.Sequential(Functional()), also=Functional) as other:
        assert other[0].training and not other.training


def test_batch_norm_keeps_its_statistics():
    model = make_model()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    st.mc_dropout(model, torch.randn(5, 6), passes=3)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert model[1].training


def test_mean_and_deviation():
    model = make_model().eval()
    x = torch.randn(5, 6)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    result = st.mc_dropout(model, x, passes=7, seed=11)
    assert torch.equal(torch.get_rng_state(), state)
    again = st.mc_dropout(model, x, passes=7, seed=11)
    assert torch.equal(again.mean, result.mean) and torch.equal(again.std, result.std)
    other = st.mc_dropout(model, x, passes=7, seed=12)
    assert not torch.equal(other.mean, result.mean)
    with st.dropout_active(model), torch.no_grad():
        torch.manual_seed(11)
        outputs = torch.stack([model(x) for _ in range(7)])
    torch.testing.assert_close(result.mean, outputs.mean(0))
    torch.testing.assert_close(result.std, outputs.std(0))
    mean, std = result
    assert not mean.requires_grad and mean.shape == std.shape == (5, 3)
    torch.manual_seed(11)
    unseeded = st.mc_dropout(model, x, passes=7)
    assert torch.equal(unseeded.mean, result.mean)
    probabilities = st.mc_dropout(model, x, passes=7, seed=11, transform=lambda y: y.softmax(-1))
    torch.testing.assert_close(probabilities.mean, outputs.softmax(-1).mean(0))


def test_without_dropout_nothing_varies():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    x = torch.randn(3, 4)
    mean, std = st.mc_dropout(model, x, passes=4)
    model.eval()
    torch.testing.assert_close(mean, model(x))
    assert std.abs().max() < 1e-6


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True), (3, 5, 8)),
        (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.5, batch_first=True), 2), (3, 5, 8)),
        (lambda: nn.LSTM(8, 8, 2, dropout=0.5), (5, 3, 8)),
        (lambda: st.LSTM(8, 8, recurrent_dropout=0.5), (5, 3, 8)),
        (lambda: st.BiasActivationDropoutResidual(8), (3, 8)),
    ],
    ids=["attention", "encoder", "lstm", "own lstm", "chain"],
)
def test_dropouts_inside(make, shape):
    model = make().eval()
    x = torch.randn(*shape)
    argument = (x, x, x) if isinstance(model, nn.MultiheadAttention) else x
    first = (lambda y: y[0]) if isinstance(model, (nn.MultiheadAttention, nn.RNNBase)) else None
    _, std = st.mc_dropout(model, argument, passes=6, seed=1, transform=first)
    # The first step of a recurrent layer has a state of zeros.
    assert (std > 0).float().mean() > 0.75
    assert not any(module.training for module in model.modules())


def test_seeded_modules_go_through_steps():
    model = nn.Sequential(st.Dropout(0.5, seed=3))
    x = torch.ones(1000)
    mean, std = st.mc_dropout(model, x, passes=50)
    assert abs(mean.mean().item() - 1) < 0.05 and (std > 0.5).all()
    assert torch.equal(model.train()(x), st.dropout(x, 0.5, seed=3))


def test_refusals():
    model = make_model()
    with pytest.raises(ValueError, match="at least 2"):
        st.mc_dropout(model, torch.ones(1, 6), passes=1)
    with pytest.raises(TypeError, match="transform="):
        st.mc_dropout(nn.LSTM(3, 4), torch.ones(2, 2, 3))
    with pytest.raises(TypeError, match="no mean"):
        st.mc_dropout(model, torch.ones(2, 6), transform=lambda y: y.argmax(-1))


def test_bfloat16_is_averaged_in_float():
    mean, std = st.mc_dropout(nn.Dropout(0.5), torch.ones(1000, dtype=torch.bfloat16), passes=100, seed=1)
    assert mean.dtype == std.dtype == torch.float32
    assert abs(mean.mean().item() - 1) < 0.02
