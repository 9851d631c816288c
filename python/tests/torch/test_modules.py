"""Dropout as modules and functions: which decision each element gets, and that modules behave as PyTorch's."""

from __future__ import annotations

import copy
import math
import pickle

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence  # noqa: E402

import simdrop.torch as st  # noqa: E402


def decisions(count, p, seed, stream=0):
    """Give what the elements of indices 0 .. count - 1 are multiplied by."""
    return st.dropout(torch.ones(count), p, seed=seed, stream=stream)


def test_key():
    assert st.key(3, 4).tolist() == [3, 4]
    assert st.key(2**64 - 1, 2**63).tolist() == [-1, -(2**63)]
    assert torch.equal(st.key(-1), st.key(2**64 - 1))
    for word in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="64 bits"):
            st.key(word)


def test_dropout_by_generator_and_key():
    x = torch.randn(50, 40)
    torch.manual_seed(5)
    a, b = st.dropout(x), st.dropout(x)
    assert not torch.equal(a, b)
    torch.manual_seed(5)
    assert torch.equal(st.dropout(x), a)
    generator = torch.Generator().manual_seed(5)
    assert torch.equal(st.dropout(x, generator=generator), a)
    key = torch.empty(2, dtype=torch.int64).random_(generator=generator)  # what simdrop::key draws
    assert torch.equal(st.dropout(x, key=key), b)
    assert st.dropout(x, training=False) is x


def test_dropout_of_dropped_elements_and_gradients():
    x = torch.full((1000,), math.nan).requires_grad_()
    y = st.dropout(x, 0.5, seed=1)
    dropped = decisions(1000, 0.5, 1) == 0
    assert torch.equal(y == 0, dropped) and torch.equal(y.isnan(), ~dropped)
    (dx,) = torch.autograd.grad(y, x, torch.full((1000,), math.inf))
    assert torch.equal(dx == 0, dropped)


@pytest.mark.parametrize(
    ("mask_shape", "share_axes", "expected"),
    [
        ((2, 3, 1, 1), (2, 3), lambda d: d[:6].view(2, 3, 1, 1)),
        ((2, 1, 4, 5), 1, lambda d: d[:40].view(2, 1, 4, 5)),
        ((4, 1), (0, 1, 3), lambda d: d[:4].view(1, 1, 4, 1)),
        ((1, 1, 1, 1), (0, -3, -2, -1), lambda d: d[:1].view(1, 1, 1, 1)),
        ((2, 3, 4, 5), (), lambda d: d[:120].view(2, 3, 4, 5)),
    ],
)
def test_dropout_shares_decisions(mask_shape, share_axes, expected):
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    noise = expected(decisions(200, 0.5, 8).double())
    for arguments in ({"mask_shape": mask_shape}, {"share_axes": share_axes}):
        assert torch.equal(st.dropout(x, 0.5, seed=8, **arguments), x * noise + 0.0)
        last = x.to(memory_format=torch.channels_last)
        y = st.dropout(last, 0.5, seed=8, **arguments)
        assert torch.equal(y, x * noise + 0.0) and y.stride() == last.stride()


def test_dropout_of_a_part():
    x = torch.randn(6, 10)
    whole = st.dropout(x, 0.3, seed=2)
    assert torch.equal(st.dropout(x[4:], 0.3, seed=2, offset=40), whole[4:])


def test_dropout_in_place():
    x = torch.randn(30, 30)
    y = x.clone()
    assert st.dropout(y, 0.4, inplace=True, seed=3) is y
    assert torch.equal(y, st.dropout(x, 0.4, seed=3))
    leaf = torch.randn(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        st.dropout(leaf, inplace=True)


def test_gradients_of_functions():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    for function in (st.dropout, st.gaussian_dropout):
        for shared in (None, 1):
            run = lambda t: function(t, 0.4, seed=5, share_axes=shared)  # noqa: B023, E731
            assert torch.autograd.gradcheck(run, (x,)) and torch.autograd.gradgradcheck(run, (x,))


def test_functions_refuse():
    x = torch.randn(2, 3)
    for p in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            st.dropout(x, p)
    with pytest.raises(ValueError, match="limit"):
        st.gaussian_dropout(x, 1.0)
    with pytest.raises(ValueError, match="does not broadcast"):
        st.dropout(x, mask_shape=(2,))
    with pytest.raises(ValueError, match="does not broadcast"):
        st.dropout(x, mask_shape=(1, 1, 2, 3))
    with pytest.raises(ValueError, match="one of them"):
        st.dropout(x, mask_shape=(2, 1), share_axes=1)
    with pytest.raises(IndexError, match="axis 2"):
        st.dropout(x, share_axes=2)
    with pytest.raises(ValueError, match="one origin"):
        st.dropout(x, seed=1, key=st.key(1))
    with pytest.raises(ValueError, match="belongs to a seed"):
        st.dropout(x, stream=1)
    with pytest.raises(ValueError, match="int64"):
        st.dropout(x, key=torch.zeros(2))


def test_gaussian_dropout():
    x = torch.ones(200_000)
    p = 0.3
    y = st.gaussian_dropout(x, p, seed=1)
    sigma = math.sqrt(p / (1 - p))
    assert abs(y.mean().item() - 1) < 5 * sigma / math.sqrt(x.numel())
    assert abs(y.std().item() / sigma - 1) < 0.01
    shared = st.gaussian_dropout(torch.ones(4, 5, 6), p, seed=1, share_axes=(0, 2))
    assert torch.equal(shared, y[:5].view(1, 5, 1).expand(4, 5, 6))
    assert st.gaussian_dropout(x, p, training=False) is x
    assert torch.equal(st.gaussian_dropout(x, 0.0), x)


CASES = [
    # module, input shape, shape of the mask
    (lambda **k: st.Dropout(0.4, **k), (4, 5, 6), (4, 5, 6)),
    (lambda **k: st.Dropout(0.4, share=1, **k), (4, 5, 6), (4, 1, 6)),
    (lambda **k: st.Dropout1d(0.4, **k), (4, 5, 6), (4, 5, 1)),
    (lambda **k: st.Dropout1d(0.4, **k), (5, 6), (5, 1)),
    (lambda **k: st.Dropout2d(0.4, **k), (2, 3, 4, 5), (2, 3, 1, 1)),
    (lambda **k: st.Dropout2d(0.4, **k), (2, 3, 4), (2, 3, 1)),
    (lambda **k: st.Dropout3d(0.4, **k), (2, 3, 4, 5, 2), (2, 3, 1, 1, 1)),
    (lambda **k: st.Dropout3d(0.4, **k), (3, 4, 5, 2), (3, 1, 1, 1)),
    (lambda **k: st.TimeSharedDropout(0.4, **k), (7, 3, 5), (1, 3, 5)),
    (lambda **k: st.TimeSharedDropout(0.4, batch_first=True, **k), (3, 7, 5), (3, 1, 5)),
    (lambda **k: st.TimeSharedDropout(0.4, **k), (7, 5), (1, 5)),
    (lambda **k: st.DropPath(0.4, **k), (8, 3, 5), (8, 1, 1)),
    (lambda **k: st.DropPath(0.4, mode="batch", **k), (8, 3, 5), (1, 1, 1)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]().__class__.__name__}{case[1]}")
def test_modules(case):
    make, shape, mask_shape = case
    torch.manual_seed(3)
    x = torch.randn(*shape)
    noise = decisions(math.prod(mask_shape), 0.4, 21, 2).view(mask_shape)
    module = make(seed=21, stream=2)
    assert torch.equal(module(x), x * noise + 0.0)
    assert torch.equal(module(x), module(x))
    assert not module.state_dict() and not list(module.buffers())
    # By the generator.
    free = make()
    torch.manual_seed(9)
    a = [free(x) for _ in range(20)]
    torch.manual_seed(9)
    assert all(torch.equal(free(x), y) for y in a)
    assert any(not torch.equal(y, a[0]) for y in a)
    # As modules.
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(copied(x), module(x)) and repr(copied) == repr(module)
        st.set_step(copied, 4)
        assert not torch.equal(copied.call_key(x), module.call_key(x))
    assert "seed=21, stream=2" in repr(module) and "seed" not in repr(free) and "p=0.4" in repr(free)
    assert module.eval()(x) is x
    assert isinstance(module, nn.modules.dropout._DropoutNd)


def test_modules_are_those_of_pytorch():
    for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d"):
        mine, other = getattr(st, name)(0.2, True), getattr(nn, name)(0.2, True)
        assert isinstance(mine, type(other)) and repr(mine) == repr(other)
    assert st.LockedDropout is st.TimeSharedDropout


def test_modules_refuse():
    for kind in (st.Dropout, st.Dropout2d, st.TimeSharedDropout, st.DropPath, st.GaussianDropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            kind(1.5)
        with pytest.raises(ValueError, match="belongs to a seed"):
            kind(0.5, stream=1)
    with pytest.raises(RuntimeError, match="expected a 3-D or 4-D input"):
        st.Dropout2d()(torch.ones(3, 4))
    with pytest.raises(RuntimeError, match="expected a 2-D or 3-D input"):
        st.LockedDropout()(torch.ones(3))
    with pytest.raises(ValueError, match="mode"):
        st.DropPath(0.5, mode="column")


def test_time_shared_dropout_of_packed_sequences():
    x = torch.randn(7, 4, 5)
    module = st.TimeSharedDropout(0.5, seed=6)
    lengths = [3, 7, 5, 1]
    for sort in (False, True):
        order = sorted(range(4), key=lambda k: -lengths[k]) if sort else list(range(4))
        y, _ = pad_packed_sequence(module(pack_padded_sequence(x[:, order], [lengths[k] for k in order], enforce_sorted=sort)))
        expected = module(x[:, order])
        for b, k in enumerate(order):
            assert torch.equal(y[: lengths[k], b], expected[: lengths[k], b])


def test_embedding_dropout():
    embedding = nn.Embedding(50, 8, padding_idx=0)
    module = st.EmbeddingDropout(embedding, 0.5, seed=3)
    words = torch.randint(0, 50, (9, 11))
    noise = decisions(50, 0.5, 3)
    y = module(words)
    assert torch.equal(y, embedding(words) * noise[words].unsqueeze(-1) + 0.0)
    y.sum().backward()
    counts = torch.bincount(words.flatten(), minlength=50).float()
    counts[0] = 0
    assert torch.equal(embedding.weight.grad, (counts * noise).unsqueeze(1).expand(50, 8))
    assert list(module.state_dict()) == ["embedding.weight"]
    assert torch.equal(module.eval()(words), embedding(words))


def test_set_step():
    model = nn.Sequential(st.Dropout(seed=7), nn.Linear(4, 4), nn.Sequential(st.Dropout2d(seed=7, stream=1), st.Dropout()))
    keys = set()
    for step in range(100):
        assert st.set_step(model, step) is model
        for module in (model[0], model[2][0]):
            keys.add(tuple(module.call_key(torch.ones(1)).tolist()))
    assert len(keys) == 200
    st.set_step(model, 0)
    assert model[0].call_key(torch.ones(1)).tolist() == [7, 0]
    # What an earlier call drew from stays with its graph.
    x = torch.ones(100, requires_grad=True)
    y = model[0](x)
    st.set_step(model, 1)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(dx, y)


def test_keep_rates():
    x = torch.ones(64, 64, 7, 7)
    for module, units in ((st.Dropout(0.3), x.numel()), (st.Dropout2d(0.3), 64 * 64), (st.LockedDropout(0.3), 64 * 49)):
        torch.manual_seed(0)
        y = module(x if not isinstance(module, st.LockedDropout) else x.view(64, 64, 49))
        assert abs(y.mean().item() - 1) < 5 * math.sqrt(0.3 / 0.7 / units)
    torch.manual_seed(0)
    paths = torch.stack([st.DropPath(0.3)(torch.ones(1000, 1)).mean() for _ in range(40)])
    assert abs(paths.mean().item() - 1) < 5 * math.sqrt(0.3 / 0.7 / 40_000)


@pytest.mark.parametrize("seed", [None, 5])
def test_modules_compile(seed):
    model = nn.Sequential(st.Dropout(0.5, seed=seed), st.LockedDropout(0.2, seed=seed), st.DropPath(0.2, seed=seed))
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    x = torch.randn(6, 5, 4, requires_grad=True)
    for step in (0, 1):
        st.set_step(model, step)
        torch.manual_seed(1)
        expected = model(x)
        torch.manual_seed(1)
        y = compiled(x)
        assert torch.equal(y, expected)
        (a,), (b,) = torch.autograd.grad(y.sum(), x), torch.autograd.grad(expected.sum(), x)
        assert torch.equal(a, b)


def test_checkpointing_recomputes_the_same_masks():
    from torch.utils.checkpoint import checkpoint

    layer = nn.Sequential(nn.Linear(8, 8), st.Dropout(0.5), st.GaussianDropout(0.3))
    x = torch.randn(10, 8, requires_grad=True)
    for reentrant in (False, True):
        torch.manual_seed(2)
        (a,) = torch.autograd.grad(layer(x).sum(), x)
        torch.manual_seed(2)
        y = checkpoint(layer, x, use_reentrant=reentrant)
        x.grad = None
        y.sum().backward()
        assert torch.equal(x.grad, a)
