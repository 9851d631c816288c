"""PyTorch's samples for its dropouts (torch.testing._internal, which its wheels have), with simdrop on."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
methods = pytest.importorskip("torch.testing._internal.common_methods_invocations")

import simdrop.torch as st  # noqa: E402

pytestmark = [pytest.mark.usefixtures("on"), pytest.mark.filterwarnings("ignore")]

NAMES = (
    "dropout",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "scaled_dot_product_attention",
    "multi_head_attention_forward",
)
ENTRIES = [
    info for info in methods.op_db if info.name in {f"nn.functional.{name}" for name in NAMES} or info.name == "native_dropout_backward"
]
SEED_OF_ENTRIES = 42  # to which some set the generator themselves, at each call
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def samples(info: Any, dtype: Any, requires_grad: bool = False, most: int = 8) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = list(info.sample_inputs("cpu", dtype, requires_grad=requires_grad))
    yield from itertools.islice(found, 0, None, max(1, len(found) // most))


def call(info: Any, sample: Any) -> Any:
    torch.manual_seed(7)
    return info(sample.input, *sample.args, **sample.kwargs)


def first(result: Any) -> torch.Tensor:
    return result if isinstance(result, torch.Tensor) else result[0]


by_entry = pytest.mark.parametrize("info", ENTRIES, ids=lambda info: f"{info.name}{info.variant_test_name}".removeprefix("nn.functional."))


def test_there_are_entries() -> None:
    assert len(ENTRIES) >= 8


@by_entry
def test_metadata_are_those_of_pytorch(info: Any) -> None:
    for dtype in DTYPES:
        if not info.supports_dtype(dtype, "cpu"):
            continue
        for sample in samples(info, dtype):
            y = first(call(info, sample))
            st.disable()
            expected = first(call(info, sample))
            st.enable()
            assert (y.shape, y.dtype, y.stride()) == (expected.shape, expected.dtype, expected.stride())


@by_entry
def test_fake_tensors_know_the_result(info: Any) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.utils._pytree import tree_map_only

    for sample in samples(info, torch.float32, most=4):
        y = first(call(info, sample))
        with FakeTensorMode() as mode:
            fake = sample.transform(lambda value: tree_map_only(torch.Tensor, mode.from_tensor, value))
            z = first(call(info, fake))
        assert (y.shape, y.dtype, y.stride()) == (z.shape, z.dtype, z.stride())


@by_entry
def test_in_place_is_out_of_place(info: Any) -> None:
    if info.inplace_variant is None and "inplace" not in str(next(samples(info, torch.float32)).kwargs):
        pytest.skip("no in-place form")
    for sample in samples(info, torch.float32):
        options = {**sample.kwargs, "inplace": False}
        torch.manual_seed(7)
        y = info(sample.input, *sample.args, **options)
        torch.manual_seed(7)
        z = sample.input.clone()
        assert info(z, *sample.args, **{**options, "inplace": True}) is z
        assert torch.equal(y, z)


@by_entry
def test_gradients(info: Any) -> None:
    for sample in samples(info, torch.float64, requires_grad=True, most=3):
        if sample.input.numel() > 500:
            continue

        def function(x: torch.Tensor, info: Any = info, sample: Any = sample) -> torch.Tensor:
            torch.manual_seed(7)
            return first(info(x, *sample.args, **{**sample.kwargs, **({"inplace": False} if "inplace" in sample.kwargs else {})}))

        assert torch.autograd.gradcheck(function, sample.input, fast_mode=True)
        if info.supports_gradgrad and "attention" not in info.name:  # flash attention, where it is taken, has no second derivative
            assert torch.autograd.gradgradcheck(function, sample.input, fast_mode=True)


@by_entry
def test_graphs_give_the_same(info: Any) -> None:
    from torch.fx.experimental.proxy_tensor import make_fx

    for sample in samples(info, torch.float32, most=2):
        options = {**sample.kwargs, **({"inplace": False} if "inplace" in sample.kwargs else {})}

        def function(x: torch.Tensor) -> torch.Tensor:
            return first(info(x, *sample.args, **options))  # noqa: B023

        graph = make_fx(function, tracing_mode="symbolic", _allow_non_fake_inputs=True)(sample.input)
        torch.manual_seed(SEED_OF_ENTRIES)
        y = function(sample.input)
        torch.manual_seed(SEED_OF_ENTRIES)
        torch.testing.assert_close(graph(sample.input), y)
