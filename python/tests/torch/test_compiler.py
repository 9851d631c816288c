"""What simdrop changes in graphs that PyTorch compiles."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.fx.experimental.proxy_tensor import make_fx  # noqa: E402

from simdrop.torch import _compiler  # noqa: E402

ops, aten = torch.ops.simdrop, torch.ops.aten
SPECIAL = [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 1e-45, -1e-45, 1.0]


def gradient(
    x: Tensor,
    g: Tensor,
    key: Tensor,
    other: Tensor,
    has_other_key: bool = False,
    p: float = 0.5,
    strides: Any = None,
    threshold: float = 0.0,
    fill: float = 0.0,
    late: bool = False,
    dtype: Any = torch.float32,
) -> tuple[Tensor, ...]:
    """Relu, dropout, and the gradient of both, by the mask of another dropout if one is asked for."""
    r, g = torch.relu(x.to(dtype)), g.to(dtype)
    if not late:
        y = ops.dropout(r, key, 0.5)
    compared = aten.le.Scalar(r, threshold)
    if late:
        y = ops.dropout(r, key, 0.5)
    return y, aten.where.self(compared, aten.full.default([], fill), ops.dropout(g, other if has_other_key else key, p, strides))


def compared_twice(x: Tensor, g: Tensor, key: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    r = torch.relu(x)
    y, compared = ops.dropout(r, key, 0.5), aten.le.Scalar(r, 0)
    return y, compared * 1.0, aten.where.self(compared, aten.full.default([], 0.0), ops.dropout(g, key, 0.5))


def expanded(x: Tensor, g: Tensor, key: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    """The mask of a row, and that of the whole."""
    r = torch.relu(x[0])
    y = ops.dropout(r, key, 0.5)
    return y, aten.where.self(aten.le.Scalar(r, 0), aten.full.default([], 0.0), ops.dropout(g, key, 0.5))


def change(function: Callable[..., Any]) -> str:
    """What the graph is changed to, if it is; its values are not."""
    x = torch.tensor(SPECIAL).repeat(8, 4)
    g = torch.tensor(SPECIAL).repeat_interleave(4).repeat(8, 1)
    inputs = (x, g, torch.tensor([1, 2]), torch.tensor([1, 3]))
    module = make_fx(lambda *inputs: function(*inputs), tracing_mode="fake")(*inputs)
    before, text = module(*inputs), str(module.graph)
    _compiler.compare_what_is_saved(module.graph)
    module.graph.lint()
    module.recompile()
    for one, other in zip(module(*inputs), before, strict=True):
        assert torch.equal(one.contiguous().view(torch.uint8), other.contiguous().view(torch.uint8))
    after = str(module.graph)
    return after if after != text else ""


def test_the_gradient_of_relu_compares_the_output_of_dropout() -> None:
    assert "simdrop.dropout" not in change(gradient).split("aten.le")[1]  # nor has it a mask drawn again
    assert "simdrop.dropout" not in change(functools.partial(gradient, dtype=torch.float64)).split("aten.le")[1]


def asked_for_twice(x: Tensor, g: Tensor, key: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    r = torch.relu(x)
    y, compared, d = ops.dropout(r, key, 0.5), aten.le.Scalar(r, 0), ops.dropout(g, key, 0.5)
    return y, d, aten.where.self(compared, aten.full.default([], 0.0), d)


@pytest.mark.parametrize(
    "function", [asked_for_twice, functools.partial(gradient, dtype=torch.bfloat16)], ids=["asked_for_twice", "rounded_between"]
)
def test_gradients_that_stay_dropouts(function: Callable[..., Any]) -> None:
    """Those that somebody else sees, too, and those whose product would be rounded elsewhere if it were fused."""
    assert change(function).count("simdrop.dropout") == 2


@pytest.mark.parametrize(
    "other",
    [{"has_other_key": True}, {"p": 0.25}, {"strides": [64, 1]}, {"threshold": 1.0}, {"fill": 1.0}, {"late": True}],
    ids=lambda other: next(iter(other)),
)
def test_other_masks_and_comparisons_stay(other: dict[str, Any]) -> None:
    assert not change(functools.partial(gradient, **other))


@pytest.mark.parametrize("function", [compared_twice, expanded])
def test_comparisons_for_others_stay(function: Callable[..., Any]) -> None:
    assert not change(function)


@pytest.mark.usefixtures("on")
def test_compiled_programs_keep_no_bools() -> None:
    """In Inductor's decompositions, since its stores of bools take longer than dropouts."""
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd
    from torch._functorch.partitioners import min_cut_rematerialization_partition
    from torch._inductor.decomposition import select_decomp_table

    forwards = []

    def see(module: torch.fx.GraphModule, _: Any) -> Any:
        forwards.append(module)
        return make_boxed_func(module)

    backend = aot_autograd(
        fw_compiler=see,
        bw_compiler=lambda module, _: make_boxed_func(module),
        decompositions=select_decomp_table(),
        partition_fn=min_cut_rematerialization_partition,
    )
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.25), nn.Linear(32, 4))
    x = torch.randn(8, 16)
    results = []
    for call in (model, torch.compile(model, backend=backend, fullgraph=True)):
        torch.manual_seed(7)
        results.append(torch.autograd.grad(call(x).square().sum(), list(model.parameters())))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)
    (outputs,) = forwards[0].graph.find_nodes(op="output")
    kinds = [node.meta["val"].dtype for node in outputs.args[0]]
    assert set(kinds) == {torch.float32}  # nor keys: what a dropout has zeroed tells all that the gradient has to know


@pytest.mark.usefixtures("on")
def test_the_operator_in_inductors_programs() -> None:
    """One without derivatives, which are Inductor's: it takes half the time of a short call."""
    from torch._inductor.utils import run_and_get_code

    x = torch.randn(64, requires_grad=True)
    with torch.compiler.config.patch(force_disable_caches=True):  # programs of another state of this package
        y, programs = run_and_get_code(torch.compile(lambda x: F.dropout(x, 0.25).cos()), x)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert "simdrop._dropout.default(" in programs[0] and "simdrop.dropout.default(" not in programs[0]
    assert torch.equal(dx == 0, (y == 1) | (dx == 0)) and 0 < int((y == 1).sum()) < 64


def test_inductors_that_have_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such programs call the operator that has derivatives."""
    monkeypatch.setitem(sys.modules, "torch._inductor.lowering", types.ModuleType("lowering"))
    _compiler.teach_inductor()
