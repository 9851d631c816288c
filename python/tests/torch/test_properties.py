"""Tensors of any shape, strides and type against the reference of the mask in NumPy, by operators and by PyTorch's functions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import reference

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402

import simdrop.torch as st  # noqa: E402

TYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
P = some.one_of(
    some.sampled_from([0.0, 0, 1, 0.1, 0.5, 0.9, 1.0, 2**-32, 2**-33, 3 * 2**-33, 0.5 + 2**-33, 1 - 2**-33, 1 - 2**-53, 5e-324, 1e-300]),
    some.floats(0, 1),
)
WORD = some.integers(-(2**63), 2**63 - 1)
EXAMPLES = 1000 if os.environ.get("SIMDROP_TEST_EFFORT") == "thorough" else 40
any_call = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


def to_numpy(x: torch.Tensor) -> np.ndarray[Any, Any]:
    """Give a copy in row-major order."""
    import ml_dtypes

    x = x.detach().clone(memory_format=torch.contiguous_format)
    return x.view(torch.int16).numpy().view(ml_dtypes.bfloat16) if x.dtype is torch.bfloat16 else x.numpy()


def bits(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The bytes of the elements; every NaN is one, since ml_dtypes has its own."""
    with np.errstate(invalid="ignore"):
        x = np.where(np.isnan(x), np.array(np.nan, x.dtype), x)
    return x.view(f"u{x.dtype.itemsize}")


def check_same(y: torch.Tensor, expected: np.ndarray[Any, Any]) -> None:
    got = to_numpy(y)
    assert got.dtype == expected.dtype and got.shape == expected.shape
    assert np.array_equal(bits(got), bits(expected))


def values(shape: Sequence[int], dtype: torch.dtype, seed: int) -> torch.Tensor:
    """Ordinary numbers, and one in eight of any bits that the type has."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    wild = torch.randint(0, 256, (*shape, x.element_size()), generator=generator, dtype=torch.uint8).view(dtype).view(shape)
    return torch.where(torch.rand(shape, generator=generator) < 0.125, wild, x)


@some.composite
def tensors(draw: Any, least: int = 0, most: int = 5, types: Sequence[torch.dtype] = TYPES) -> torch.Tensor:
    """Views of any strides: each axis a slice with a step, repeated without memory or a window, the axes in any order."""
    rank = draw(some.integers(least, most))
    dtype = draw(some.sampled_from(types))
    steps = [draw(some.sampled_from([1, 1, 1, 2, 3])) for _ in range(rank)]
    sizes = [draw(some.integers(0 if draw(some.integers(0, 9)) == 0 else 1, 5 if rank > 2 else 30)) for _ in range(rank)]
    begins = [draw(some.integers(0, 1)) for _ in range(rank)]
    base = values([size * step + begin for size, step, begin in zip(sizes, steps, begins)], dtype, draw(some.integers(0, 999)))
    x = base[tuple(slice(begin, None, step) for begin, step in zip(begins, steps))].permute(draw(some.permutations(range(rank))))
    for axis in range(rank):
        if draw(some.integers(0, 5)) == 0:
            x = x.narrow(axis, 0, min(1, x.shape[axis])).expand([3 if i == axis and n else n for i, n in enumerate(x.shape)])
    if 0 < rank < most and x.shape[0] > 1 and draw(some.integers(0, 5)) == 0:
        x = x.unfold(0, 2, 1)  # elements that lie in two places
    if x.dim() == 4 and draw(some.integers(0, 3)) == 0:
        x = x.contiguous(memory_format=torch.channels_last)
    return x


@some.composite
def gradients(draw: Any, y: torch.Tensor) -> torch.Tensor:
    """Something of the shape of y, as autograd may hand it over."""
    dy = values(y.shape, y.dtype, draw(some.integers(0, 999)))
    order = draw(some.permutations(range(y.dim())))
    kind = draw(some.sampled_from(["contiguous", "permuted", "expanded", "sliced"]))
    if kind == "permuted":
        return dy.permute(order).contiguous().permute([order.index(i) for i in range(len(order))])
    if kind == "sliced":
        return torch.stack([dy, dy], -1)[..., 1]
    return dy.new_full((), 3.0).expand(y.shape) if kind == "expanded" else dy


def keep_of(shape: Sequence[int], p: float, key: torch.Tensor, **position: Any) -> np.ndarray[Any, Any]:
    seed, stream = (word % 2**64 for word in key.tolist())
    return reference.mask(tuple(shape), p, seed=seed, stream=stream, **position)


def drawn_key(seed: int) -> torch.Tensor:
    """The key of the first dropout after ``torch.manual_seed(seed)``."""
    torch.manual_seed(seed)
    return torch.empty(2, dtype=torch.int64).random_()


@any_call
@given(some.data())
def test_the_operator(data: Any) -> None:
    x, p, key = data.draw(tensors()), data.draw(P), torch.tensor([data.draw(WORD), data.draw(WORD)])
    any_strides = some.lists(some.integers(0, 2**40), min_size=x.dim(), max_size=x.dim())
    strides = data.draw(some.one_of(some.none(), some.just([0] * x.dim()), any_strides))
    offset = data.draw(some.sampled_from([0, 0, 5, 127, 2**40 - 1, 2**62]))
    leaf = x.detach().requires_grad_(data.draw(some.booleans()))
    y = torch.ops.simdrop.dropout(leaf, key, p, strides, offset)
    keep = keep_of(x.shape, p, key, offset=offset, index_strides=None if strides is None else tuple(strides))
    check_same(y, reference.dropout(to_numpy(x), p, keep=keep))
    assert y.stride() == torch.empty_like(x).stride()
    if leaf.requires_grad:
        dy = data.draw(gradients(y))
        (dx,) = torch.autograd.grad(y, leaf, dy)
        check_same(dx, reference.dropout(to_numpy(dy), p, keep=keep))


@any_call
@given(some.data())
def test_the_function(data: Any) -> None:
    x, p = data.draw(tensors()), data.draw(P)
    seed, stream, offset = data.draw(some.integers(0, 2**64 - 1)), data.draw(WORD), data.draw(some.integers(0, 2**50))
    shared = [axis for axis in range(x.dim()) if data.draw(some.booleans())]
    shape = [1 if axis in shared else n for axis, n in enumerate(x.shape)]
    leading = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    layout = data.draw(
        some.sampled_from(
            [
                {"share_axes": [axis - x.dim() if axis % 2 else axis for axis in shared]},
                {"mask_shape": shape},
                {"mask_shape": shape[leading:]},
                {"mask_shape": [1 if axis in shared else None for axis in range(x.dim())]},
            ]
        )
    )
    in_place = data.draw(some.booleans()) and x.is_contiguous()
    given_x = x.clone() if in_place else x
    y = st.dropout(given_x, p, inplace=in_place, seed=seed, stream=stream, offset=offset, **layout)
    assert (y is given_x) == (in_place or p == 0)
    keep = keep_of(x.shape, p, st.key(seed, stream), offset=offset, mask_shape=tuple(shape))
    check_same(y, reference.dropout(to_numpy(x), p, keep=keep))


@any_call
@given(some.data())
def test_dropout_of_pytorch(data: Any) -> None:
    st.enable()
    x, p, seed = data.draw(tensors()), data.draw(P), data.draw(some.integers(0, 2**40))
    mode = data.draw(some.sampled_from(["gradient", "no_grad", "inference", "in_place", "in_place_no_grad", "native", "functional"]))
    keep = keep_of(x.shape, p, drawn_key(seed))
    expected = reference.dropout(to_numpy(x), p, keep=keep)
    if p == 1 and x.numel() > 0:  # a product with 0, in which NaN stays
        expected = to_numpy(x * 0.0)
    leaf = x.detach()
    torch.manual_seed(seed)
    if mode in ("no_grad", "inference"):
        with torch.no_grad() if mode == "no_grad" else torch.inference_mode():
            y = F.dropout(leaf, p)
    elif mode == "in_place_no_grad":
        leaf = leaf.clone()
        with torch.no_grad():
            y = F.dropout(leaf, p, inplace=True)
        assert y is leaf
    elif mode == "functional":
        y, pull = torch.func.vjp(lambda x: F.dropout(x, p), leaf)
    else:
        leaf.requires_grad_()
        if mode == "in_place":
            y = F.dropout(leaf * 1, p, inplace=True)
        elif mode == "native":
            y, mask = torch.native_dropout(leaf, p, True)
            if x.numel() > 0 and p < 1:
                assert np.array_equal(mask.numpy(), keep)
        else:
            y = F.dropout(leaf, p)
    if not (p == 1 and mode == "native"):
        check_same(y, expected)
    if p == 0 and mode in ("gradient", "no_grad", "inference"):
        assert y is leaf
    elif mode not in ("in_place", "in_place_no_grad") and p > 0 and x.numel() > 0:
        # Of one element, a product has other strides than empty_like; of none, strides say nothing.
        like = x * 0.0 if p == 1 and mode != "native" else torch.empty_like(x)
        assert y.stride() == like.stride()
    if p < 1 and (y.requires_grad or mode == "functional"):
        dy = data.draw(gradients(y))
        (dx,) = pull(dy) if mode == "functional" else torch.autograd.grad(y, leaf, dy)
        check_same(dx, reference.dropout(to_numpy(dy), p, keep=keep) if p > 0 else to_numpy(dy))
    assert st.report(reset=True).pytorch == {}


@any_call
@given(some.data())
def test_dropouts_of_channels(data: Any) -> None:
    st.enable()
    x, p, seed = data.draw(tensors(least=2)), data.draw(P), data.draw(some.integers(0, 2**40))
    in_place = data.draw(some.booleans())
    shape = (*x.shape[:2], *(1 for _ in x.shape[2:]))
    keep = keep_of(shape, p, drawn_key(seed))
    noise = torch.from_numpy(keep * reference.scale(p)).to(x.dtype)
    torch.manual_seed(seed)
    y = torch.feature_dropout_(x.clone(), p, True) if in_place else torch.feature_dropout(x, p, True)
    check_same(y, to_numpy(x * noise if 0 < p < 1 else x * 0.0 if p == 1 else x))
    assert st.report(reset=True).pytorch == {}


@any_call
@given(some.data())
def test_alpha_dropouts(data: Any) -> None:
    """Which elements they keep; what they make of them is the business of test_operators.py."""
    st.enable()
    kind = data.draw(some.sampled_from(["alpha_dropout", "feature_alpha_dropout"]))
    x = data.draw(tensors(least=2 if kind.startswith("feature") else 0, types=TYPES[:2]))
    x = torch.full_like(x, 2.0)[tuple(slice(None) for _ in x.shape)]
    p, seed = data.draw(some.floats(0, 0.999).filter(lambda p: p > 0)), data.draw(some.integers(0, 2**40))
    shape = x.shape if kind == "alpha_dropout" else (*x.shape[:2], *(1 for _ in x.shape[2:]))
    keep = np.broadcast_to(keep_of(shape, p, drawn_key(seed)), x.shape)
    torch.manual_seed(seed)
    y = to_numpy(getattr(torch, kind + ("_" if data.draw(some.booleans()) else ""))(x, p, True))
    if y.size > 0:
        assert len(np.unique(y)) <= 2
        assert len(np.unique(y[keep])) <= 1 and len(np.unique(y[~keep])) <= 1
        if keep.any() and not keep.all():
            assert y[keep].min() > y[~keep].max()
    assert st.report(reset=True).pytorch == {}


@any_call
@given(some.data())
def test_fused_functions(data: Any) -> None:
    """Without a bias and an activation they are dropouts and sums of the type that is computed in."""
    x, p, key = data.draw(tensors()), data.draw(P), torch.tensor([data.draw(WORD), data.draw(WORD)])
    offset = data.draw(some.integers(0, 2**40))
    x = x.nan_to_num(0.5, 2.0, -2.0).clamp(-100, 100) if x.dtype is not torch.float64 else x.nan_to_num(0.5, 2.0, -2.0)
    leaf = x.detach().requires_grad_()
    keep = keep_of(x.shape, p, key, offset=offset)
    chain = st.bias_activation_dropout_residual(leaf, p=p, key=key, offset=offset)
    if p > 0:
        check_same(chain, reference.dropout(to_numpy(x), p, keep=keep))
        dy = data.draw(gradients(chain))
        check_same(torch.autograd.grad(chain, leaf, dy)[0], reference.dropout(to_numpy(dy), p, keep=keep))
    y, h = st.norm_dropout_residual(leaf, p=p, key=key, offset=offset)
    check_same(h, to_numpy(chain))
    weights = st.softmax_dropout(leaf, p, key=key, offset=offset)
    assert y.shape == weights.shape == x.shape and y.is_contiguous() and weights.is_contiguous()
    if p > 0:
        assert not to_numpy(weights)[~keep].any()
