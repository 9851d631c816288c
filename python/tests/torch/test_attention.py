"""Attention with dropout: against the plain form in double with the same mask, and as PyTorch's own functions call it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import scaled_dot_product_attention  # noqa: E402

import simdrop.torch as st  # noqa: E402


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    """Simdrop is on, and the number of threads is afterwards what it was."""
    threads = torch.get_num_threads()
    with st.enabled():
        yield
    torch.set_num_threads(threads)


def counts() -> tuple[dict[str, int], dict[str, int]]:
    """How many calls went where, since this was last asked."""
    report = st.report(reset=True)
    return {name: n for name, n in report.direct.items() if name == "attention"}, report.pytorch


def make(
    shape: tuple[int, ...],
    dtype: torch.dtype = torch.float32,
    *,
    keys: int | None = None,
    value_size: int | None = None,
    key_heads: int | None = None,
) -> list[Tensor]:
    """q, k and v for samples x heads x queries x size."""
    samples, heads, queries, size = shape
    keys, key_heads, value_size = keys or queries, key_heads or heads, value_size or size
    shapes = (shape, (samples, key_heads, keys, size), (samples, key_heads, keys, value_size))
    return [torch.randn(s, dtype=dtype, requires_grad=True) for s in shapes]


def next_key(like: Tensor) -> Tensor:
    """The key that the next call will draw."""
    state = torch.get_rng_state()
    key: Tensor = torch.ops.simdrop.key(like)
    torch.set_rng_state(state)
    return key


def plain(tensors: list[Tensor], mask: Tensor | None, key: Tensor, p: float, is_causal: bool) -> Tensor:
    """Whole matrices, in double, with the mask that dropout of ones has."""
    q, k, v = (x.double() for x in tensors)
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[3])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask.double()
    if is_causal:
        scores = scores.masked_fill(torch.ones(scores.shape[2:]).tril() == 0, -math.inf)
    probabilities = torch.ops.aten._safe_softmax(scores, -1)
    factors = torch.ops.simdrop.dropout(torch.ones_like(scores), key, p)
    return (probabilities * factors) @ v


def check(tensors: list[Tensor], mask: Tensor | None = None, *, p: float = 0.3, is_causal: bool = False) -> None:
    """Output and gradients of one call."""
    key = next_key(tensors[0])
    out = scaled_dot_product_attention(*tensors, mask, p, is_causal, enable_gqa=tensors[0].shape[1] != tensors[1].shape[1])
    assert counts() == ({"attention": 1}, {})
    expected = plain(tensors, mask, key, p, is_causal)
    d_out = torch.randn_like(out)
    found = torch.autograd.grad(out, tensors, d_out)
    wanted = torch.autograd.grad(expected, tensors, d_out.double())
    tolerance = {torch.float64: 1e-13, torch.float32: 4e-6, torch.float16: 2e-3, torch.bfloat16: 1e-2}[out.dtype]
    assert out.dtype == tensors[0].dtype
    for a, b in zip((out, *found), (expected, *wanted), strict=True):
        assert a.shape == b.shape
        assert float((a.double() - b.double()).abs().max()) <= tolerance * float(b.abs().max())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.float16])
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(
    ("shape", "keys", "value_size"),
    [((2, 3, 40, 16), 40, 16), ((1, 2, 33, 13), 77, 7), ((1, 2, 150, 8), 65, 9), ((1, 1, 150, 5), 600, 3), ((2, 2, 1, 1), 1, 1)],
)
def test_equals_plain_form(dtype: torch.dtype, is_causal: bool, shape: tuple[int, ...], keys: int, value_size: int) -> None:
    check(make(shape, dtype, keys=keys, value_size=value_size), is_causal=is_causal)


MASKS = {
    "whole": lambda: torch.rand(2, 4, 30, 50),
    "samples": lambda: torch.rand(2, 1, 1, 50),
    "queries": lambda: torch.rand(30, 1),
    "matrix": lambda: torch.rand(30, 50),
    "transposed": lambda: torch.rand(2, 4, 50, 30).transpose(2, 3),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("mask_dtype", [torch.bool, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masks(kind: str, mask_dtype: torch.dtype, dtype: torch.dtype) -> None:
    if mask_dtype == torch.bfloat16 and dtype == torch.float32:
        pytest.skip("PyTorch refuses it")
    mask = MASKS[kind]()
    check(make((2, 4, 30, 8), dtype, keys=50), mask > 0.4 if mask_dtype == torch.bool else mask.to(mask_dtype) * 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("mask_dtype", [torch.bool, torch.float32])
def test_operator_with_masks_as_they_are(dtype: torch.dtype, mask_dtype: torch.dtype) -> None:
    tensors = make((2, 4, 30, 8), dtype, keys=50)
    for make_mask in MASKS.values():
        mask = make_mask().expand(2, 4, 30, 50)
        mask = mask > 0.4 if mask_dtype == torch.bool else mask
        key = torch.tensor([3, 4])
        out = torch.ops.simdrop.attention(*tensors, mask, key, 0.2, False, 8**-0.5)
        expected = plain(tensors, mask, key, 0.2, False)
        torch.testing.assert_close(out.double(), expected, atol=1e-6 if dtype == torch.float32 else 1e-2, rtol=1e-2)


@pytest.mark.parametrize("key_heads", [1, 2, 6])
def test_grouped_queries(key_heads: int) -> None:
    check(make((2, 6, 40, 8), key_heads=key_heads), is_causal=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_strides(dtype: torch.dtype) -> None:
    long = [torch.randn(2, 30, 3, 8, dtype=dtype).transpose(1, 2).requires_grad_() for _ in range(3)]
    check(long)
    check([torch.randn(2, 3, 30, 16, dtype=dtype)[..., ::2].detach().requires_grad_() for _ in range(3)])
    check([torch.randn(1, 1, 30, 8, dtype=dtype).expand(2, 3, 30, 8).detach().requires_grad_() for _ in range(3)])
    check([torch.randn(2, 3, 1, 8, dtype=dtype).expand(2, 3, 30, 8).detach().requires_grad_(), *make((2, 3, 30, 8), dtype)[1:]])
    tensors = make((2, 3, 30, 8), dtype)
    key = next_key(tensors[0])
    found = torch.autograd.grad(scaled_dot_product_attention(*tensors, dropout_p=0.3).sum(), tensors)  # from ones whose strides are 0
    wanted = torch.autograd.grad(plain(tensors, None, key, 0.3, False).sum(), tensors)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5 if dtype != torch.bfloat16 else 0.1, rtol=1e-2)


@pytest.mark.parametrize(("keys", "queries"), [(1, 7), (100, 37), (128, 300), (777, 200), (5000, 40)])
@pytest.mark.parametrize("threads", [1, 2])
def test_mask_is_that_of_dropout(keys: int, queries: int, threads: int) -> None:
    """With the unit matrix for v, the output is the matrix of dropped probabilities, whose zeros are those of dropout of ones."""
    torch.set_num_threads(threads)
    samples, heads = (2, 2) if keys < 1000 else (1, 1)
    q, k, _ = make((samples, heads, queries, 4), keys=keys)
    v = torch.eye(keys).expand(samples, heads, keys, keys)
    key = next_key(q)
    with torch.no_grad():
        out = scaled_dot_product_attention(q, k, v, dropout_p=0.25)
    expected = torch.ops.simdrop.dropout(torch.ones(samples, heads, queries, keys), key, 0.25)
    assert torch.equal(out != 0, expected != 0)


@pytest.mark.parametrize("shape", [(1, 1, 300, 16), (2, 3, 100, 16)])
def test_threads(shape: tuple[int, ...]) -> None:
    results = []
    tensors = make(shape)
    d_out = torch.randn(shape)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        torch.manual_seed(3)
        out = scaled_dot_product_attention(*tensors, dropout_p=0.5)
        results.append((out, *torch.autograd.grad(out, tensors, d_out)))
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_rows_in_which_all_is_masked() -> None:
    tensors = make((1, 2, 6, 4))
    mask = torch.ones(6, 6, dtype=torch.bool)
    mask[2] = False
    out = scaled_dot_product_attention(*tensors, mask, 0.3)
    gradients = torch.autograd.grad(out.sum(), tensors)
    assert (out[:, :, 2] == 0).all()
    assert (gradients[0][:, :, 2] == 0).all()
    assert all(g.isfinite().all() for g in gradients)
    st.disable()
    assert (scaled_dot_product_attention(*tensors, mask, 0.3)[:, :, 2] == 0).all()  # as PyTorch's own


def test_nan_of_a_later_key_leaves_earlier_queries_alone() -> None:
    q, k, v = (x.detach() for x in make((1, 1, 40, 4)))
    k[:, :, 30] = math.nan
    out = scaled_dot_product_attention(q, k, v, dropout_p=0.3, is_causal=True)
    assert out[:, :, :30].isfinite().all()
    assert out[:, :, 30:].isnan().any(-1).all()


def test_probability_of_one_draws_nothing() -> None:
    tensors = make((1, 2, 6, 4))
    state = torch.get_rng_state()
    assert (scaled_dot_product_attention(*tensors, dropout_p=1.0) == 0).all()
    assert torch.equal(torch.get_rng_state(), state)
    key = torch.tensor([1, 2])
    assert (torch.ops.simdrop.attention(*tensors, None, key, 1.0, False, 0.5) == 0).all()


@pytest.mark.parametrize("p", [-0.1, 1.5, math.nan])
def test_wrong_probabilities_raise(p: float) -> None:
    with pytest.raises(RuntimeError):
        scaled_dot_product_attention(*make((1, 2, 6, 4)), dropout_p=p)


def test_without_dropout_nothing_changes() -> None:
    tensors = make((2, 2, 40, 16))
    ours = scaled_dot_product_attention(*tensors)
    mask = torch.zeros(40, 40, requires_grad=True)  # its gradient makes PyTorch take whole matrices
    ours_math = scaled_dot_product_attention(*tensors, mask)
    st.disable()
    assert torch.equal(ours, scaled_dot_product_attention(*tensors))
    assert torch.equal(ours_math, scaled_dot_product_attention(*tensors, mask))
    assert counts() == ({}, {})


def test_axes_and_broadcasting() -> None:
    q, k, v = make((2, 4, 20, 8))
    for index in ((0,), (0, 0)):
        torch.manual_seed(1)
        out = scaled_dot_product_attention(q[index], k[index], v[index], dropout_p=0.3)
        torch.manual_seed(1)
        key = next_key(q)
        whole = [x[index][(None,) * len(index)] for x in (q, k, v)]
        torch.testing.assert_close(out.double(), plain(whole, None, key, 0.3, False)[(0,) * len(index)], atol=1e-6, rtol=1e-5)
    key = next_key(q)
    out = scaled_dot_product_attention(q, k[:1, :1], v[:1, :1], dropout_p=0.3)
    expected = plain([q, k[:1, :1].expand(2, 4, -1, -1), v[:1, :1].expand(2, 4, -1, -1)], None, key, 0.3, False)
    torch.testing.assert_close(out.double(), expected, atol=1e-6, rtol=1e-5)
    for found, wanted in zip(torch.autograd.grad(out.sum(), (q, k, v)), torch.autograd.grad(expected.sum(), (q, k, v)), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert counts() == ({"attention": 3}, {})


@pytest.mark.parametrize(
    ("reason", "call"),
    [
        ("a gradient of the mask", lambda t: scaled_dot_product_attention(*t, torch.zeros(20, 20, requires_grad=True), 0.3)),
        ("the number of axes", lambda t: scaled_dot_product_attention(*(x[None] for x in t), dropout_p=0.3)),
        ("no elements", lambda t: torch._scaled_dot_product_attention_math(*(x[:, :, :0] for x in t), None, 0.3)[0]),
        ("forward mode", lambda t: torch.func.jvp(lambda q: scaled_dot_product_attention(q, *t[1:], dropout_p=0.3), (t[0],), (t[0],))[0]),
    ],
)
def test_what_is_left_to_pytorch(reason: str, call: Any) -> None:
    assert call(make((2, 4, 20, 8))).shape[-1] == 8
    assert counts() == ({}, {f"attention: {reason}": 1})


def test_gradients_of_any_order() -> None:
    tensors = make((1, 2, 3, 2), torch.float64, keys=4, key_heads=1)
    key = torch.tensor([5, 6])

    def function(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        result: Tensor = torch.ops.simdrop.attention(q, k, v, None, key, 0.4, True, 0.7)
        return result

    assert torch.autograd.gradcheck(function, tensors)
    assert torch.autograd.gradgradcheck(function, tensors)
    assert torch.autograd.gradcheck(lambda v: function(tensors[0].detach(), tensors[1].detach(), v), tensors[2:])


def test_function_transforms() -> None:
    q, k, v = (x.detach() for x in make((2, 2, 10, 4)))
    torch.manual_seed(1)
    found = torch.func.grad(lambda q: scaled_dot_product_attention(q, k, v, dropout_p=0.3).sum())(q)
    torch.manual_seed(1)
    (wanted,) = torch.autograd.grad(scaled_dot_product_attention(q.requires_grad_(), k, v, dropout_p=0.3).sum(), q)
    torch.testing.assert_close(found, wanted)
    assert counts() == ({"attention": 2}, {})


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
@pytest.mark.parametrize("is_dynamic", [False, True])
def test_compiled_is_eager(backend: str, is_dynamic: bool) -> None:
    tensors = make((2, 4, 37, 16))
    d_out = torch.randn(2, 4, 37, 16)

    def function(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return scaled_dot_product_attention(q * 2, k, v, dropout_p=0.3, is_causal=True)

    torch._dynamo.reset()
    results = []
    for f in (function, torch.compile(function, backend=backend, fullgraph=True, dynamic=is_dynamic)):
        torch.manual_seed(5)
        out = f(*tensors)
        results.append((out, *torch.autograd.grad(out, tensors, d_out)))
    torch._dynamo.reset()
    for a, b in zip(*results, strict=True):
        assert torch.equal(a != 0, b != 0)
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("is_differentiated", [True, False])
def test_operators_keep_pytorchs_rules(is_differentiated: bool) -> None:
    q, k, v = make((1, 2, 5, 4), keys=6)
    arguments = (q, k, v, torch.randn(1, 2, 5, 6), torch.tensor([1, 2]), 0.3, False, 0.5)
    if is_differentiated:
        torch.library.opcheck(torch.ops.simdrop.attention.default, arguments)
    else:
        detached = (x.detach() if isinstance(x, Tensor) else x for x in arguments)
        torch.library.opcheck(torch.ops.simdrop.attention_backward.default, (torch.randn(1, 2, 5, 4), *detached))
        strided = (torch.randn(1, 5, 2, 4).transpose(1, 2), torch.randn(1, 2, 6, 8)[..., ::2], torch.randn(1, 1, 6, 4).expand(1, 2, 6, 4))
        torch.library.opcheck(torch.ops.simdrop.attention_backward.default, (torch.randn(1, 2, 5, 4), *strided, *arguments[3:]))


@pytest.mark.parametrize(
    "change",
    [
        {0: torch.randn(2, 5, 4)},
        {1: torch.randn(1, 2, 6, 5)},
        {1: torch.randn(1, 3, 6, 4), 2: torch.randn(1, 3, 6, 4)},
        {1: torch.randn(1, 2, 6, 4).double()},
        {2: torch.randn(1, 2, 7, 4)},
        {3: torch.randn(5, 6)},
        {3: torch.zeros(1, 2, 5, 6, dtype=torch.int64)},
        {4: torch.tensor([1, 2, 3])},
        {5: 1.5},
        {7: math.inf},
        {0: torch.randn(1, 2, 5, 4).half(), 1: torch.randn(1, 2, 6, 4).half(), 2: torch.randn(1, 2, 6, 4).half()},
    ],
)
def test_operator_refuses(change: dict[int, Any]) -> None:
    arguments = [torch.randn(1, 2, 5, 4), torch.randn(1, 2, 6, 4), torch.randn(1, 2, 6, 4), None, torch.tensor([1, 2]), 0.3, False, 0.5]
    for place, argument in change.items():
        arguments[place] = argument
    with pytest.raises(RuntimeError):
        torch.ops.simdrop.attention(*arguments)
    with pytest.raises(RuntimeError):
        torch.ops.simdrop.attention_backward(torch.randn(1, 2, 5, 4), *arguments)


@pytest.mark.parametrize("sizes", [(1, 2, 4, 4), (1, 2, 5, 3), (2, 5, 4), (1, 2, 5, 4)])
def test_gradient_refuses(sizes: tuple[int, ...]) -> None:
    d_out = torch.randn(sizes, dtype=torch.float64 if sizes == (1, 2, 5, 4) else torch.float32)
    q, k = torch.randn(1, 2, 5, 4), torch.randn(1, 2, 6, 4)
    with pytest.raises(RuntimeError, match="gradient"):
        torch.ops.simdrop.attention_backward(d_out, q, k, k, None, torch.tensor([1, 2]), 0.3, False, 0.5)


@pytest.mark.parametrize("sizes", [(0, 2, 5, 4, 6), (1, 0, 5, 4, 6), (1, 2, 0, 4, 6), (1, 2, 5, 0, 6), (1, 2, 5, 4, 0)])
def test_operator_without_elements(sizes: tuple[int, ...]) -> None:
    samples, heads, queries, size, keys = sizes
    q, k, v = (torch.randn(samples, heads, n, e, requires_grad=True) for n, e in ((queries, size), (keys, size), (keys, 3)))
    out = torch.ops.simdrop.attention(q, k, v, None, torch.tensor([1, 2]), 0.3, False, 0.5)
    assert out.shape == (samples, heads, queries, 3)
    assert keys > 0 or (out == 0).all()
    assert all(g.shape == x.shape for g, x in zip(torch.autograd.grad(out.sum(), (q, k, v)), (q, k, v), strict=True))


def test_statistics() -> None:
    """The mean over many masks is attention without dropout."""
    q, k, v = (x.detach() for x in make((1, 2, 8, 4), keys=24))
    count, p = 3000, 0.25
    whole = [x.expand(count, -1, -1, -1) for x in (q, k, v)]
    out = scaled_dot_product_attention(*whole, dropout_p=p).double()
    expected = scaled_dot_product_attention(q, k, v).double()
    probabilities = torch.softmax(q.double() @ k.double().transpose(2, 3) / 2, -1)
    deviation = ((probabilities**2 @ v.double() ** 2) * p / (1 - p) / count).sqrt()
    assert ((out.mean(0, keepdim=True) - expected).abs() / deviation).max() < 5


def test_saves_no_matrix() -> None:
    saved: list[Tensor] = []
    tensors = make((1, 2, 200, 4))
    with torch.autograd.graph.saved_tensors_hooks(lambda x: saved.append(x) or x, lambda x: x):
        scaled_dot_product_attention(*tensors, dropout_p=0.3)
    assert sum(x.numel() for x in saved) <= sum(x.numel() for x in tensors) + 2


def test_modules() -> None:
    x = torch.randn(2, 9, 32)
    attention = nn.MultiheadAttention(32, 4, dropout=0.3, batch_first=True)
    attention(x, x, x, need_weights=False)[0].sum().backward()
    nn.TransformerEncoderLayer(32, 4, dropout=0.3, batch_first=True)(x, src_key_padding_mask=torch.zeros(2, 9, dtype=torch.bool))
    causal = nn.Transformer.generate_square_subsequent_mask(9)
    nn.TransformerDecoderLayer(32, 4, dropout=0.3, batch_first=True)(x, x, tgt_mask=causal, tgt_is_causal=True)
    assert counts() == ({"attention": 4}, {})
    assert attention.in_proj_weight.grad is not None


def test_inference_mode_and_autocast() -> None:
    q, k, v = (x.detach() for x in make((2, 2, 30, 8)))
    torch.manual_seed(1)
    expected = scaled_dot_product_attention(q, k, v, dropout_p=0.3)
    torch.manual_seed(1)
    with torch.inference_mode():
        assert torch.equal(scaled_dot_product_attention(q, k, v, dropout_p=0.3), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert scaled_dot_product_attention(q, k, v, dropout_p=0.3).dtype == torch.bfloat16
    assert counts() == ({"attention": 3}, {})


@pytest.mark.parametrize("is_causal", [False, True])
def test_bfloat16_is_float32_rounded_once(is_causal: bool) -> None:
    """All is computed in float: the result is that of float's call, to the last bit, rounded to nearest even."""
    narrow = make((2, 4, 60, 16), torch.bfloat16, keys=70, key_heads=2)
    wide = [x.detach().float().requires_grad_() for x in narrow]
    key, d_out = torch.tensor([1, 2]), torch.randn(2, 4, 60, 16).bfloat16()
    outs = [torch.ops.simdrop.attention(*tensors, None, key, 0.2, is_causal, 0.25) for tensors in (narrow, wide)]
    gradients = [torch.autograd.grad(out, t, d_out.to(out.dtype)) for out, t in zip(outs, (narrow, wide), strict=True)]
    for found, wanted in zip((outs[0], *gradients[0]), (outs[1], *gradients[1]), strict=True):
        assert torch.equal(found, wanted.bfloat16())
    q, k, v = (x.detach() for x in narrow)
    mask = torch.zeros(2, 4, 60, 70)
    mask[0, 0, 59] = torch.tensor(0x7FFFFFFF, dtype=torch.int32).view(torch.float32)  # the NaN that rounding would carry over to -0
    out = torch.ops.simdrop.attention(q, k, v, mask, key, 0.2, is_causal, 0.25)
    assert out[0, 0, 59].isnan().all()
    assert out[0, 0, :59].isfinite().all()


def test_composition_of_pytorch_has_the_same_mask() -> None:
    """What the operator does not take is PyTorch's composition, whose dropout draws the same key."""
    tensors = make((2, 4, 20, 8))
    mask = torch.randn(20, 20, requires_grad=True)
    key = next_key(tensors[0])
    out = scaled_dot_product_attention(*tensors, mask, 0.3)
    assert counts() == ({}, {"attention: a gradient of the mask": 1})
    torch.testing.assert_close(out.double(), plain(tensors, mask, key, 0.3, False), atol=1e-6, rtol=1e-4)


def test_disabled_is_pytorchs_own() -> None:
    q, k, v = (x.detach() for x in make((2, 2, 30, 8)))
    st.disable()
    torch.manual_seed(1)
    before = scaled_dot_product_attention(q, k, v, dropout_p=0.3)
    with st.enabled():
        torch.manual_seed(1)
        assert not torch.equal(scaled_dot_product_attention(q, k, v, dropout_p=0.3), before)
    torch.manual_seed(1)
    assert torch.equal(scaled_dot_product_attention(q, k, v, dropout_p=0.3), before)
