"""LSTM and GRU with dropout against PyTorch's, and against loops that are written out."""

from __future__ import annotations

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence  # noqa: E402

import simdrop.torch as st  # noqa: E402

PAIRS = [(st.LSTM, nn.LSTM), (st.GRU, nn.GRU)]
SHAPES = [{}, {"bidirectional": True}, {"batch_first": True}, {"num_layers": 2, "bidirectional": True}, {"bias": False}]
# So small that it drops nothing: the layers then go the way that they go with dropout.
TINY = 1e-300


def flat(states):
    return states if isinstance(states, tuple) else (states,)


def compare(mine, other, **tolerances):
    """Compare outputs and states of two calls."""
    (y, h), (z, g) = mine, other
    if isinstance(y, PackedSequence):
        assert torch.equal(y.batch_sizes, z.batch_sizes)
        y, z = y.data, z.data
    torch.testing.assert_close(y, z, **tolerances)
    for a, b in zip(flat(h), flat(g), strict=True):
        torch.testing.assert_close(a, b, **tolerances)


@pytest.mark.parametrize("pair", PAIRS, ids=["LSTM", "GRU"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dropouts", [{}, {"recurrent_dropout": TINY}, {"weight_dropout": TINY}, {"output_dropout": TINY}], ids=str)
@pytest.mark.parametrize("separate", [False, True])
def test_without_dropout_it_is_pytorchs(pair, shape, dropouts, separate):
    torch.manual_seed(0)
    mine, other = pair[0](5, 6, **shape, **dropouts, separate_gates=separate), pair[1](5, 6, **shape)
    other.load_state_dict(mine.state_dict())
    assert isinstance(mine, pair[1]) and list(mine.state_dict()) == list(other.state_dict())
    x = torch.randn(7, 3, 5, requires_grad=True)
    batch = 7 if shape.get("batch_first") else 3
    layers = shape.get("num_layers", 1) * (2 if shape.get("bidirectional") else 1)
    hx = torch.randn(layers, batch, 6)
    hx = (hx, torch.randn(layers, batch, 6)) if pair[1] is nn.LSTM else hx
    for given in (None, hx):
        compare(mine(x, given), other(x, given))
    (a,), (b,) = (torch.autograd.grad(module(x, hx)[0].square().sum(), x) for module in (mine, other))
    torch.testing.assert_close(a, b)
    for p, q in zip(mine.parameters(), other.parameters(), strict=True):
        (a,), (b,) = (torch.autograd.grad(m(x)[0].square().sum(), w) for m, w in ((mine, p), (other, q)))
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)
    # One sequence without a batch.
    compare(mine(x[:, 0]), other(x[:, 0]))
    for sort, lengths in ((False, [3, 7, 5]), (True, [7, 4, 4])):
        packed = pack_padded_sequence(x, lengths, enforce_sorted=sort)
        compare(mine(packed), other(packed))
        if batch == 3:
            compare(mine(packed, hx), other(packed, hx))


def test_projections():
    mine, other = (
        st.LSTM(5, 6, 2, proj_size=4, bidirectional=True, recurrent_dropout=TINY),
        nn.LSTM(5, 6, 2, proj_size=4, bidirectional=True),
    )
    other.load_state_dict(mine.state_dict())
    x = torch.randn(7, 3, 5)
    compare(mine(x), other(x))


def noises(seed, *shapes_and_probabilities):
    """Give the masks of a call, which lie one after the other in the index space of its key."""
    offset, result = 0, []
    for p, *shape in shapes_and_probabilities:
        result.append(st.dropout(torch.ones(shape), p, seed=seed, offset=offset))
        offset += result[-1].numel()
    return result


def lstm_loop(x, module, noise, update=None):
    """Run one layer, the states as they are multiplied by a mask for each gate and step: noise(t) is (4, batch, hidden)."""
    w_ih, w_hh, b_ih, b_hh = (w.detach() for w in module.parameters())
    h = c = torch.zeros(x[0].shape[-2], module.hidden_size)
    outputs = []
    for t in range(len(x)):
        gates = []
        for k in range(4):
            rows = slice(k * module.hidden_size, (k + 1) * module.hidden_size)
            gates.append(F.linear(x[t][k], w_ih[rows], b_ih[rows]) + F.linear(h * noise(t)[k], w_hh[rows], b_hh[rows]))
        i, f, g, o = gates
        g = torch.tanh(g)
        if update is not None:
            g = g * update(t)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * g
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs)


def gru_loop(x, module, noise, update=None):
    """Run one layer of a GRU likewise."""
    w_ih, w_hh, b_ih, b_hh = (w.detach() for w in module.parameters())
    h = torch.zeros(x[0].shape[-2], module.hidden_size)
    outputs = []
    for t in range(len(x)):
        of_x, of_h = [], []
        for k in range(3):
            rows = slice(k * module.hidden_size, (k + 1) * module.hidden_size)
            of_x.append(F.linear(x[t][k], w_ih[rows], b_ih[rows]))
            of_h.append(F.linear(h * noise(t)[k], w_hh[rows], b_hh[rows]))
        r, z = torch.sigmoid(of_x[0] + of_h[0]), torch.sigmoid(of_x[1] + of_h[1])
        n = torch.tanh(of_x[2] + r * of_h[2])
        if update is not None:
            n = n * update(t)
        h = (1 - z) * n + z * h
        outputs.append(h)
    return torch.stack(outputs)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("variational", [True, False])
@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("recurrent", ["state", "update"])
def test_against_a_loop(kind, variational, separate, recurrent):
    torch.manual_seed(4)
    steps, batch, features, hidden = 6, 3, 5, 4
    gates = 4 if kind == "LSTM" else 3
    module = getattr(st, kind)(
        features, hidden, input_dropout=0.3, recurrent_dropout=0.4, output_dropout=0.2, seed=12,
        variational=variational, separate_gates=separate, recurrent=recurrent,
    )  # fmt: skip
    x = torch.randn(steps, batch, features)
    y, states = module(x)

    times = 1 if variational else steps
    many = gates if separate else 1
    of_states = many if recurrent == "state" else 1
    of_inputs, inside, of_outputs = noises(
        12, (0.3, many, times, batch, features), (0.4, times, of_states, batch, hidden), (0.2, times, batch, hidden)
    )
    x_of_gates = (x * of_inputs).expand(gates, steps, batch, features).transpose(0, 1)
    ones = torch.ones(gates, 1, 1)
    here = lambda t: inside[0 if variational else t]  # noqa: E731
    loop = lstm_loop if kind == "LSTM" else gru_loop
    if recurrent == "state":
        expected = loop(x_of_gates, module, lambda t: here(t).expand(gates, batch, hidden))
    else:
        expected = loop(x_of_gates, module, lambda t: ones, lambda t: here(t)[0])
    torch.testing.assert_close(y, expected * of_outputs)
    torch.testing.assert_close(flat(states)[0][0], expected[-1])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("variational", [True, False])
@pytest.mark.parametrize("separate", [False, True])
def test_packed_sequences_get_the_masks_of_padded_ones(kind, variational, separate):
    torch.manual_seed(4)
    module = getattr(st, kind)(
        5, 4, 2, dropout=0.2, input_dropout=0.3, recurrent_dropout=0.4, output_dropout=0.2, weight_dropout=0.1,
        variational=variational, separate_gates=separate, seed=1,
    )  # fmt: skip
    x = torch.randn(7, 4, 5)
    lengths = [3, 7, 5, 1]
    expected, _ = module(x)
    y, states = module(pack_padded_sequence(x, lengths, enforce_sorted=False))
    padded, _ = pad_packed_sequence(y)
    for b, length in enumerate(lengths):
        torch.testing.assert_close(padded[:length, b], expected[:length, b])
        # The last layer's last state is the last output before its dropout.
        kept = padded[length - 1, b] != 0
        torch.testing.assert_close(padded[length - 1, b][kept], flat(states)[0][-1, b][kept] / 0.8)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_batch_first_is_the_same(kind):
    arguments = {"recurrent_dropout": 0.3, "input_dropout": 0.3, "dropout": 0.2, "num_layers": 2, "bidirectional": True, "seed": 3}
    a, b = getattr(st, kind)(5, 4, **arguments), getattr(st, kind)(5, 4, batch_first=True, **arguments)
    b.load_state_dict(a.state_dict())
    x = torch.randn(7, 3, 5)
    torch.testing.assert_close(b(x.transpose(0, 1))[0].transpose(0, 1), a(x)[0])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_fused_and_stepwise_layers_have_the_same_masks(kind):
    """With a recurrent dropout that drops nothing, the layers run in Python, and without, in PyTorch's kernels."""
    arguments = {"input_dropout": 0.3, "weight_dropout": 0.4, "seed": 3}
    a = getattr(st, kind)(5, 4, **arguments)
    b = copy.deepcopy(a)
    b.recurrent_dropout = TINY
    x = torch.randn(7, 3, 5)
    torch.testing.assert_close(a(x)[0], b(x)[0])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_weight_dropout_is_one_of_the_weights(kind):
    module, other = getattr(st, kind)(5, 4, bidirectional=True, weight_dropout=0.5, seed=3), getattr(nn, kind)(5, 4, bidirectional=True)
    gates = module.gates
    state = dict(module.state_dict())
    first, second = noises(3, (0.5, 4 * gates, 4), (0.5, 4 * gates, 4))
    state["weight_hh_l0"] = state["weight_hh_l0"] * first
    state["weight_hh_l0_reverse"] = state["weight_hh_l0_reverse"] * second
    other.load_state_dict(state)
    x = torch.randn(7, 3, 5)
    compare(module(x), other(x))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_dropout_between_layers(kind):
    module = getattr(st, kind)(5, 4, 2, dropout=0.5, variational=False, seed=8)
    first, second = getattr(nn, kind)(5, 4), getattr(nn, kind)(4, 4)
    state = module.state_dict()
    first.load_state_dict({k: v for k, v in state.items() if k.endswith("_l0")})
    second.load_state_dict({k.replace("_l1", "_l0"): v for k, v in state.items() if k.endswith("_l1")})
    x = torch.randn(7, 3, 5)
    torch.testing.assert_close(module(x)[0], second(st.dropout(first(x)[0], 0.5, seed=8))[0])


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("separate", [False, True])
def test_gradients(kind, separate):
    module = getattr(st, kind)(3, 2, recurrent_dropout=0.4, input_dropout=0.3, separate_gates=separate, seed=5).double()
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    weights = list(module.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: module(x)[0], (x, *weights))


def test_modes_copies_and_words():
    module = st.LSTM(5, 4, 2, dropout=0.1, input_dropout=0.2, recurrent_dropout=0.3, separate_gates=True)
    assert repr(module) == "LSTM(5, 4, num_layers=2, dropout=0.1, input_dropout=0.2, recurrent_dropout=0.3, separate_gates=True)"
    x = torch.randn(7, 3, 5)
    torch.manual_seed(1)
    y = module(x)[0]
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        torch.manual_seed(1)
        assert torch.equal(other(x)[0], y)
    assert not torch.equal(module(x)[0], y)
    module.eval()
    reference = nn.LSTM(5, 4, 2)
    reference.load_state_dict(module.state_dict())
    compare(module(x), reference(x))


def test_refusals():
    with pytest.raises(ValueError, match="recurrent is"):
        st.LSTM(3, 4, recurrent="gates")
    with pytest.raises(ValueError, match="between 0 and 1"):
        st.GRU(3, 4, recurrent_dropout=1.5)
    module = st.LSTM(3, 4, recurrent_dropout=0.5)
    with pytest.raises(ValueError, match="2D or 3D"):
        module(torch.ones(2, 2, 2, 3))
    with pytest.raises(RuntimeError, match=r"Expected hidden\[1\] size"):
        module(torch.ones(2, 5, 3), (torch.zeros(1, 5, 4), torch.zeros(1, 4, 4)))
    with pytest.raises(RuntimeError, match="length"):
        module(torch.ones(0, 5, 3))
