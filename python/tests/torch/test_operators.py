"""simdrop::key, simdrop::dropout and simdrop::alpha_dropout."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import simdrop.torch  # noqa: E402, F401

key, dropout, alpha_dropout = torch.ops.simdrop.key, torch.ops.simdrop.dropout, torch.ops.simdrop.alpha_dropout
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def a_key() -> torch.Tensor:
    return torch.tensor([2024, 7])


def scale(p: float) -> float:
    t = math.floor(p * 2**32 + 0.5)
    return 2**32 / (2**32 - t) if t < 2**32 else 0.0


@pytest.mark.parametrize("dtype", DTYPES)
def test_kept_elements_are_scaled_and_others_are_zero(dtype: torch.dtype) -> None:
    x = torch.randn(1000).to(dtype)
    y = dropout(x, a_key(), 0.3)
    wide = torch.float64 if dtype is torch.float64 else torch.float32
    expected = (x.to(wide) * torch.tensor(scale(0.3), dtype=wide)).to(dtype)
    assert torch.equal(torch.where(y == 0, y, expected), y)
    assert 600 < int((y != 0).sum()) < 800


def test_all_types_have_one_mask() -> None:
    x = torch.ones(777)
    kept = [dropout(x.to(dtype), a_key(), 0.5) != 0 for dtype in DTYPES]
    assert all(torch.equal(kept[0], other) for other in kept[1:])


def test_mask_goes_by_logical_index_wherever_elements_lie() -> None:
    x = torch.randn(4, 6, 5, 7)
    whole = dropout(x, a_key(), 0.4)
    for order in itertools.permutations(range(4)):
        moved = x.permute(order).contiguous().permute([order.index(i) for i in range(4)])
        y = dropout(moved, a_key(), 0.4)
        assert torch.equal(y, whole)
        assert y.stride() == torch.empty_like(moved).stride()
    wide = torch.randn(4, 6, 10, 14)
    wide[:, :, ::2, ::2] = x
    assert torch.equal(dropout(wide[:, :, ::2, ::2], a_key(), 0.4), whole)
    expanded = torch.randn(6, 1, 7).expand(4, 6, 5, 7)
    assert torch.equal(dropout(expanded, a_key(), 0.4), dropout(expanded.contiguous(), a_key(), 0.4))


def test_more_axes_than_a_layout_has() -> None:
    x = torch.randn([2] * 12)
    moved = x.permute(11, 0, 9, 2, 7, 4, 5, 6, 3, 8, 1, 10)
    y = dropout(moved, a_key(), 0.5)
    assert torch.equal(y, dropout(moved.contiguous(), a_key(), 0.5))


def test_parts_are_those_of_the_whole() -> None:
    x = torch.randn(8, 6, 10)
    whole = dropout(x, a_key(), 0.5)
    assert torch.equal(dropout(x[2:5], a_key(), 0.5, [60, 10, 1], 120), whole[2:5])
    assert torch.equal(dropout(x[:, 3:], a_key(), 0.5, [60, 10, 1], 30), whole[:, 3:])
    assert torch.equal(dropout(x[..., 4:], a_key(), 0.5, [60, 10, 1], 4), whole[..., 4:])


def test_index_strides_of_zero_share_decisions() -> None:
    y = dropout(torch.ones(3, 50, 4), a_key(), 0.5, [50, 1, 0])
    assert torch.equal(y, y[..., :1].expand_as(y))
    assert torch.equal(y[..., 0], dropout(torch.ones(3, 50), a_key(), 0.5))


def test_one_thread_or_two() -> None:
    x = torch.randn(300, 1001)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = [dropout(x, a_key(), 0.1), dropout(x.t(), a_key(), 0.1), alpha_dropout(x, a_key(), 0.1)]
        torch.set_num_threads(2)
        two = [dropout(x, a_key(), 0.1), dropout(x.t(), a_key(), 0.1), alpha_dropout(x, a_key(), 0.1)]
    finally:
        torch.set_num_threads(threads)
    assert all(map(torch.equal, one, two))


def test_edges() -> None:
    x = torch.randn(10)
    assert torch.equal(dropout(x, a_key(), 0.0), x)
    assert torch.equal(dropout(x, a_key(), 1.0), torch.zeros(10))
    assert dropout(torch.ones(0, 3), a_key(), 0.5).shape == (0, 3)
    assert dropout(torch.ones(()), a_key(), 0.5).shape == ()
    assert torch.isinf(dropout(torch.full((100,), math.inf), a_key(), 0.5)).sum() > 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.ones(3), torch.tensor([1, 2]), 1.5), "probability"),
        ((torch.ones(3), torch.tensor([1, 2]), math.nan), "probability"),
        ((torch.ones(3), torch.tensor([1.0, 2.0]), 0.5), "a key is"),
        ((torch.ones(3), torch.tensor([1, 2, 3]), 0.5), "a key is"),
        ((torch.ones(3), torch.tensor([1, 2]), 0.5, [1, 1]), "index_strides"),
        ((torch.ones(3, dtype=torch.int32), torch.tensor([1, 2]), 0.5), "float32"),
    ],
)
def test_bad_arguments_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        dropout(*arguments)


def test_key_comes_from_the_generator() -> None:
    x = torch.ones(3)
    torch.manual_seed(5)
    first = key(x)
    torch.manual_seed(5)
    assert torch.equal(torch.empty(2, dtype=torch.int64).random_(), first)
    assert not torch.equal(key(x), key(x))


def test_key_from_a_generator_of_ones_own() -> None:
    if tuple(map(int, torch.__version__.split(".")[:2])) < (2, 13):
        pytest.skip("generators are arguments from PyTorch 2.13 on")
    state = torch.get_rng_state()
    generator = torch.Generator().manual_seed(5)
    first = key(torch.ones(3), generator=generator)
    assert torch.equal(first, torch.empty(2, dtype=torch.int64).random_(generator=generator.manual_seed(5)))
    assert torch.equal(torch.get_rng_state(), state)


def test_alpha_dropout_follows_the_formula() -> None:
    x, p, alpha = torch.randn(1000, dtype=torch.float64), 0.25, 1.7580993408473766
    kept = dropout(torch.ones(1000), a_key(), p) != 0
    a = 1 / math.sqrt((alpha**2 * p + 1) * (1 - p))
    b = alpha * a * p
    expected = torch.where(kept, x * a + b, torch.tensor(b - alpha * a, dtype=torch.float64))
    torch.testing.assert_close(alpha_dropout(x, a_key(), p), expected)


@pytest.mark.parametrize("operator", [dropout, alpha_dropout])
def test_derivatives_of_every_kind(operator: object) -> None:
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)

    def call(x: torch.Tensor) -> torch.Tensor:
        return operator(x, a_key(), 0.4)  # type: ignore[operator]

    assert torch.autograd.gradcheck(call, x, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    assert torch.autograd.gradgradcheck(call, x, check_fwd_over_rev=True)


@pytest.mark.parametrize("strides", [None, [7, 1], [0, 1]])
def test_opcheck(strides: list[int] | None) -> None:
    x = torch.randn(5, 7)
    for argument in (x, x.t().contiguous().t(), x.clone().requires_grad_()):
        torch.library.opcheck(dropout.default, (argument, a_key(), 0.3, strides, 3))
        torch.library.opcheck(alpha_dropout.default, (argument, a_key(), 0.3, strides))


def test_same_decisions_as_the_library() -> None:
    import simdrop

    if not hasattr(simdrop, "dropout"):
        pytest.skip("simdrop.dropout is not there")
    x = np.random.default_rng(0).standard_normal((40, 33)).astype(np.float32)
    expected = simdrop.dropout(x, 0.2, seed=2024, stream=7, offset=5)
    assert np.array_equal(dropout(torch.from_numpy(x), a_key(), 0.2, None, 5).numpy(), expected)


def test_the_choice_of_a_backend_reaches_the_extension() -> None:
    import simdrop
    from simdrop.torch._extension import extension

    x = torch.randn(1000)
    expected = dropout(x, a_key(), 0.1)
    try:
        for backend in simdrop.backends():
            if backend.supported:
                simdrop.use_backend(backend.name)
                assert extension.simdrop_torch_current_backend().decode() == backend.name
                assert torch.equal(dropout(x, a_key(), 0.1), expected)
    finally:
        simdrop.use_backend(None)
