"""What PyTorch's own tests of dropout (test/nn/test_dropout.py) ask of it, in our words, with simdrop on and off."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import simdrop.torch as st  # noqa: E402

MODULES = [nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout]


@pytest.fixture(autouse=True, params=["on", "off"])
def state(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param == "on":
        st.enable()
    yield
    st.disable()


@pytest.mark.parametrize(
    ("module", "shape"),
    [(nn.Dropout, (1000,)), (nn.Dropout1d, (50, 80, 5)), (nn.Dropout2d, (50, 80, 4, 4)), (nn.Dropout3d, (50, 80, 2, 2, 2))],
)
@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_mean_is_preserved_and_gradient_is_the_mask(module: type, shape: tuple[int, ...], p: float) -> None:
    dropout = module(p)
    x = torch.full(shape, 1 - p, requires_grad=True)
    y = dropout(x)
    assert abs(y.mean().item() - (1 - p)) < 0.05
    y.backward(torch.full_like(y, 1 - p))
    torch.testing.assert_close(x.grad, y.detach())
    in_place = module(p, inplace=True)
    leaf = torch.full(shape, 1 - p, requires_grad=True)
    z = in_place(leaf + 0)
    assert abs(z.mean().item() - (1 - p)) < 0.05
    z.backward(torch.full_like(z, 1 - p))
    torch.testing.assert_close(leaf.grad, z.detach())
    for inplace in (False, True):
        assert torch.equal(module(p, inplace).eval()(x.detach().clone()), x)
    assert repr(dropout) and str(in_place)


@pytest.mark.parametrize("module", [nn.AlphaDropout, nn.FeatureAlphaDropout])
@pytest.mark.parametrize("p", [0.2, 0.5, 0.8])
def test_alpha_dropouts_keep_mean_and_deviation(module: type, p: float) -> None:
    shape = (5000,) if module is nn.AlphaDropout else (100, 80, 2)
    for mean, inplace in ((0.0, False), (0.0, True)):
        x = torch.randn(shape) + mean
        before = x.mean(), x.std()
        y = module(p, inplace)(x)
        assert abs(y.mean() - before[0]) < 0.12 and abs(y.std() - before[1]) < 0.12


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_probabilities_outside_of_0_and_1(module: type, p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        module(p)
    for function in (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            function(torch.ones(1, 1, 1), p)


def test_no_elements() -> None:
    empty = torch.tensor([])
    for inplace in (False, True):
        y = F.dropout(empty, 0.5, True, inplace)
        assert y.shape == (0,)
    assert nn.Dropout2d()(torch.ones(0, 3, 2, 2)).shape == (0, 3, 2, 2)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("module", [nn.Dropout, nn.Dropout2d])
def test_strides_and_mean_are_preserved(module: type, channels_last: bool) -> None:
    dropout = module(0.5)
    x = torch.full((40, 30, 6, 5), 2.0)
    if channels_last:
        x = x.to(memory_format=torch.channels_last)
    y = dropout(x)
    assert y.stride() == x.stride()
    assert abs(y.mean().item() - 2) < 0.3
    for _ in range(4):
        order = random.sample(range(4), 4)
        moved = torch.full([(40, 30, 6, 5)[i] for i in order], 2.0).permute([order.index(i) for i in range(4)])
        y = dropout(moved)
        assert y.stride() == moved.stride() and y.shape == (40, 30, 6, 5)


def test_slices_and_expanded_tensors() -> None:
    for x in (torch.ones(64, 128)[:, ::2], torch.ones(1, 64).expand(128, 64), torch.ones(64, 128).t()):
        y = F.dropout(x, 0.5)
        assert set(y.unique().tolist()) == {0.0, 2.0} and abs(y.mean().item() - 1) < 0.1


@pytest.mark.parametrize(("module", "shape"), [(nn.Dropout1d, (50, 4)), (nn.Dropout2d, (50, 4, 3)), (nn.Dropout3d, (50, 4, 3, 2))])
def test_one_sample_without_a_batch(module: type, shape: tuple[int, ...]) -> None:
    if module is nn.Dropout2d:
        pytest.skip("PyTorch takes three axes for a batch here")
    x = torch.rand(shape) + 1
    torch.manual_seed(3)
    one = module(0.5)(x)
    torch.manual_seed(3)
    assert torch.equal(one, module(0.5)(x.unsqueeze(0)).squeeze(0))


@pytest.mark.parametrize(
    ("module", "shape"), [(nn.Dropout1d, (10, 20, 5)), (nn.Dropout2d, (10, 20, 4, 4)), (nn.Dropout3d, (10, 20, 2, 3, 2))]
)
def test_channels_are_dropped_whole(module: type, shape: tuple[int, ...]) -> None:
    y = module(0.5)(torch.rand(shape) + 0.5).flatten(2)
    dropped = (y == 0).sum(-1)
    assert set(dropped.unique().tolist()) == {0, y.shape[-1]}


LARGE = 1 << 15  # elements for which it is asked whether they will need a gradient


def large_inputs() -> dict[str, Callable[[], torch.Tensor]]:
    leaf = torch.ones(LARGE, requires_grad=True)
    base = torch.ones(2, LARGE)
    base[1] *= leaf
    with torch.inference_mode():
        inference = torch.ones(LARGE)
    return {
        "leaf": lambda: leaf,
        "result": lambda: leaf * 1,
        "view of a result": lambda: base[0],
        "view of a leaf": lambda: leaf.view(64, -1).t(),
        "parameter": lambda: torch.nn.Parameter(torch.ones(LARGE)),
        "detached": lambda: leaf.detach(),
        "constant": lambda: torch.ones(LARGE),
        "transposed": lambda: torch.ones(64, LARGE // 64).t(),
        "inference": lambda: inference,
    }


@pytest.mark.parametrize("name", large_inputs())
def test_large_inputs_need_gradients_or_not(name: str) -> None:
    x = large_inputs()[name]()
    torch.manual_seed(3)
    y = F.dropout(x, 0.5)
    assert y.requires_grad == x.requires_grad and y.stride() == x.stride()
    torch.manual_seed(3)
    with torch.no_grad():
        assert torch.equal(y, F.dropout(x, 0.5))
    if x.requires_grad:
        (dx,) = torch.autograd.grad(y, x, torch.ones_like(y))
        assert torch.equal(dx, y)


def test_large_inputs_in_place() -> None:
    x, leaf = torch.ones(LARGE), torch.ones(LARGE, requires_grad=True)
    weight = torch.ones(LARGE, requires_grad=True)
    product = x * weight
    torch.manual_seed(3)
    assert F.dropout(x, 0.5, inplace=True) is x and x.grad_fn is None
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()
    with pytest.raises(RuntimeError, match="leaf Variable|on stderr alone"):  # before PyTorch 2.13
        F.dropout(leaf, 0.5, inplace=True)
    torch.manual_seed(3)
    y = leaf * 1
    F.dropout(y, 0.5, inplace=True).sum().backward()
    assert torch.equal(leaf.grad, x)
