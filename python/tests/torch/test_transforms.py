"""Simdrop under torch.func, in forward mode, under modes and in subclasses."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.autograd.forward_ad as forward_ad  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch.func import functional_call, grad, jacfwd, jacrev, jvp, vjp, vmap  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

import simdrop.torch as st  # noqa: E402

pytestmark = pytest.mark.usefixtures("on")


def keyed(x: torch.Tensor, p: float) -> torch.Tensor:
    torch.manual_seed(7)
    return torch.ops.simdrop.dropout(x, torch.ops.simdrop.key(x), p)


def dropped(x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(7)
    return F.dropout(x, 0.5)


def test_reverse_transforms() -> None:
    x = torch.randn(5, dtype=torch.float64)
    mask = keyed(torch.ones(5, dtype=torch.float64), 0.5)
    assert torch.equal(grad(lambda x: dropped(x).sum())(x), mask)
    assert torch.equal(vjp(dropped, x)[1](torch.ones_like(x))[0], mask)
    assert torch.equal(jacrev(dropped)(x), torch.diag(mask))
    torch.testing.assert_close(jacfwd(jacrev(lambda x: (dropped(x) ** 3).sum()), randomness="same")(x), torch.diag(6 * x * mask**3))
    torch.testing.assert_close(grad(lambda x: grad(lambda x: (dropped(x) ** 3).sum())(x).sum())(x), 6 * x * mask**3)
    assert st.report().pytorch == {} and st.report().operators > 0


def test_forward_transforms() -> None:
    x, t = torch.randn(5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    y, tangent = jvp(dropped, (x,), (t,))
    assert torch.equal(y, keyed(x, 0.5)) and torch.equal(tangent, keyed(t, 0.5))
    assert torch.equal(jacfwd(dropped, randomness="same")(x), torch.diag(keyed(torch.ones(5, dtype=torch.float64), 0.5)))


@pytest.mark.parametrize("gradients", [True, False])
def test_dual_numbers(gradients: bool) -> None:
    x, t = torch.randn(50), torch.randn(50)
    with torch.set_grad_enabled(gradients), forward_ad.dual_level():
        y, tangent = forward_ad.unpack_dual(dropped(forward_ad.make_dual(x, t)))
        assert torch.equal(y, keyed(x, 0.5)) and torch.equal(tangent, keyed(t, 0.5))
    F.dropout(x)
    assert st.report().direct == {"dropout": 1}


@pytest.mark.parametrize("function", [F.dropout, F.alpha_dropout])
def test_three_kinds_of_randomness(function: Any) -> None:
    x = torch.rand(8, 200) + 1
    same = vmap(lambda x: function(x, 0.5, True), randomness="same")(x)
    lowest = same.amin()
    masks = same == lowest
    assert torch.equal(masks, masks[:1].expand_as(masks)) and masks.any() and not masks.all()
    different = vmap(lambda x: function(x, 0.5, True), randomness="different")(x)
    assert len({tuple(row) for row in (different == lowest).tolist()}) == 8
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda x: function(x, 0.5, True))(x)
    assert torch.equal(vmap(lambda x: function(x, 0.5, False))(x), x)
    assert st.report().pytorch == {}


def test_a_tensor_that_the_batch_shares() -> None:
    shared, x = torch.ones(200), torch.ones(8, 1)
    different = vmap(lambda x: F.dropout(shared, 0.5) * x, randomness="different")(x)
    assert len({tuple(row) for row in different.tolist()}) == 8
    same = vmap(lambda x: F.dropout(shared, 0.5) * x, randomness="same")(x)
    assert len({tuple(row) for row in same.tolist()}) == 1
    with pytest.raises(RuntimeError, match="randomness"):
        vmap(lambda x: F.dropout(shared, 0.5) * x)(x)
    nested = vmap(vmap(lambda x: F.dropout(shared, 0.5) * x, randomness="different"), randomness="same")(torch.ones(2, 3, 1))
    assert torch.equal(nested[0], nested[1]) and len({tuple(row) for row in nested[0].tolist()}) == 3


def test_gradients_of_each_sample() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.5))
    parameters = dict(model.named_parameters())

    def loss(parameters: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(model, parameters, (x,)).sum()

    x = torch.randn(6, 4)
    gradients = vmap(grad(loss), in_dims=(None, 0), randomness="different")(parameters, x)
    assert gradients["0.bias"].shape == (6, 4) and set(gradients["0.bias"].unique().tolist()) == {0.0, 2.0}
    assert len({tuple(row) for row in gradients["0.bias"].tolist()}) > 1


def test_in_place_in_a_transform() -> None:
    def call(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(7)
        return F.dropout(x * 1, 0.5, inplace=True).sum()

    assert torch.equal(grad(call)(torch.ones(50)), keyed(torch.ones(50), 0.5))


def test_what_pytorch_alone_can_do_in_a_transform() -> None:
    x = torch.ones(3, 40)
    assert torch.equal(vmap(lambda x: F.dropout(x, 1.0), randomness="same")(x), torch.zeros_like(x))
    meta = torch.ones(3, 40, device="meta")
    assert vmap(lambda x: F.dropout(x, 0.5), randomness="different")(meta).shape == (3, 40)


def test_functionalize() -> None:
    x = torch.randn(50)
    torch.manual_seed(7)
    y = torch.func.functionalize(lambda x: F.dropout(x * 1, 0.5, inplace=True))(x)
    assert torch.equal(y, keyed(x, 0.5))


class Record(TorchDispatchMode):
    """Writes down what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("gradients", [True, False])
def test_modes_see_the_operators(gradients: bool) -> None:
    x = torch.randn(50, requires_grad=True)
    with torch.set_grad_enabled(gradients), Record() as record:
        y = dropped(x)
    assert torch.equal(y, keyed(x, 0.5))
    assert record.names == ["simdrop.key.default", "simdrop.dropout.default"]


def test_tracing_real_tensors_keeps_what_is_random() -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    x = torch.randn(50)
    for mode in ("real", "fake", "symbolic"):
        traced = make_fx(lambda x: F.dropout(x, 0.5), tracing_mode=mode)(x)
        torch.manual_seed(7)
        assert torch.equal(traced(x), keyed(x, 0.5))
        assert not torch.equal(traced(x), traced(x))


def test_fake_and_meta_tensors() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode() as mode:
        x = mode.from_tensor(torch.randn(4, 5).t())
        y = F.dropout(x.requires_grad_(), 0.5)
        assert y.shape == (5, 4) and y.stride() == x.stride() and y.device.type == "cpu"
    assert F.dropout(torch.ones(3, device="meta")).device.type == "meta"


def test_subclasses() -> None:
    class Plain(torch.Tensor):
        pass

    x = torch.randn(50)
    torch.manual_seed(7)
    y = F.dropout(x.as_subclass(Plain), 0.5)
    assert type(y) is Plain and torch.equal(y.as_subclass(torch.Tensor), keyed(x, 0.5))


def test_unknown_wrappers_are_left_to_pytorch() -> None:
    from torch.testing._internal.two_tensor import TwoTensor

    x = TwoTensor(torch.ones(50), torch.ones(50))
    y = F.dropout(x, 0.5)
    assert type(y) is TwoTensor and set(y.a.unique().tolist()) == {0.0, 2.0}
    assert st.report().pytorch == {"TwoTensor": 1}


def test_nested_tensors() -> None:
    x = torch.nested.nested_tensor([torch.ones(3, 4), torch.ones(5, 4)])
    y = F.dropout(x, 0.5)
    assert set(torch.cat([part.flatten() for part in y.unbind()]).unique().tolist()) <= {0.0, 2.0}
