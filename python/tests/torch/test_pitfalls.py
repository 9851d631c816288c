"""What went wrong, unseen, in the first attempts at replacing PyTorch's dropouts: a test for each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch._C import DispatchKey  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import simdrop.torch as st  # noqa: E402


def keyed(x: torch.Tensor, p: float = 0.5) -> torch.Tensor:
    torch.manual_seed(7)
    return torch.ops.simdrop.dropout(x, torch.ops.simdrop.key(x), p)


def run_python(program: str, **environment: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


@pytest.mark.filterwarnings("ignore")
def test_1_gradients_survive_switching_after_a_compilation() -> None:
    """The Python dispatcher remembers which kernel it chose; it must forget, or gradients are None, and nobody says so."""
    layer, x = nn.Linear(4, 4), torch.randn(3, 4)

    def call(x: torch.Tensor) -> torch.Tensor:
        return F.dropout(layer(x), 0.5)

    for turn in range(4):
        (st.enable, st.disable)[turn % 2]()
        layer.zero_grad(set_to_none=True)
        torch.manual_seed(7)
        y = torch.compile(call, backend="aot_eager")(x)
        y.sum().backward()
        assert torch.equal(y, keyed(layer(x))) == st.is_enabled()
        assert layer.weight.grad is not None and layer.weight.grad.any()
        assert (torch.ops.aten.dropout.default.py_kernels.get(DispatchKey.AutogradCPU) is None) == (not st.is_enabled())


def test_2_compiled_code_on_disk_is_not_that_of_the_other_state(tmp_path: Path) -> None:
    """Caches of compiled code find it by a tag, which must differ, and be the user's again afterwards."""
    from torch.compiler import config

    config.cache_key_tag = "mine"
    try:
        with st.enabled():
            assert config.cache_key_tag not in ("", "mine") and "mine" in config.cache_key_tag
        assert config.cache_key_tag == "mine"
    finally:
        config.cache_key_tag = ""


@pytest.mark.slow
def test_2_in_processes_of_their_own(tmp_path: Path) -> None:
    program = """
import sys, torch, simdrop.torch
if sys.argv[1:] == ["on"] or {on}: simdrop.torch.enable()
x = torch.randn(100, requires_grad=True)
call = torch.compile(lambda x: torch.nn.functional.dropout(x, 0.5), fullgraph=True)
torch.manual_seed(7)
y = call(x)
y.sum().backward()
torch.manual_seed(7)
expected = torch.ops.simdrop.dropout(x, torch.ops.simdrop.key(x), 0.5)
print(torch.equal(y, expected))
"""
    for on in (False, True, False, True):
        output = run_python(program.replace("{on}", str(on)), TORCHINDUCTOR_CACHE_DIR=str(tmp_path))
        assert (str(on)) in output


def test_3_plain_tensors_take_the_short_way() -> None:
    """Masks are the same on all ways, so that one that is never taken is seen in the counts alone."""
    st.enable()
    x = torch.randn(50, requires_grad=True)
    for tensor in (x, x * 1, nn.Parameter(torch.randn(5)), x.detach()[::2]):
        F.dropout(tensor)
    F.alpha_dropout(x, 0.5, True)
    F.dropout1d(x.view(5, 10, 1))
    with torch.no_grad():
        F.dropout(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        F.dropout(x)
    report = st.report()
    assert report.direct == {"dropout": 6, "alpha_dropout": 1, "feature_dropout": 1}
    assert report.operators == 0 and report.pytorch == {}


def test_4_key_has_a_tensor_argument() -> None:
    """Operators without one are taken for factories by FakeTensor, and get a keyword ``device``."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    assert str(torch.ops.simdrop.key.default._schema).startswith("simdrop::key(Tensor like")
    with FakeTensorMode() as mode:
        key = torch.ops.simdrop.key(mode.from_tensor(torch.ones(3)))
    assert key.shape == (2,) and key.dtype is torch.int64


@pytest.mark.filterwarnings("ignore")
def test_5_functorch_and_compiled_autograd() -> None:
    """Nodes of autograd of one's own refuse the one or the other."""
    st.enable()
    x = torch.randn(20)
    torch.manual_seed(7)
    assert torch.equal(torch.func.grad(lambda x: F.dropout(x).sum())(x), keyed(torch.ones(20)))
    leaf = x.clone().requires_grad_()
    torch.manual_seed(7)
    y = F.dropout(leaf) + F.alpha_dropout(leaf, 0.5, True) * 0
    with torch._dynamo.compiled_autograd._enable(lambda graph: torch.compile(graph, backend="aot_eager")):
        y.sum().backward()
    assert torch.equal(leaf.grad, keyed(torch.ones(20)))


def test_6_sharded_tensors_are_not_refused() -> None:
    """A class of tensors that does not know simdrop's operators must not meet them; DTensor has rules (test_distributed.py)."""
    from torch.testing._internal.two_tensor import TwoTensor

    st.enable()
    for requires_grad in (False, True):
        x = TwoTensor(torch.ones(50), torch.ones(50)).requires_grad_(requires_grad)
        y = F.dropout(x)
        assert type(y) is TwoTensor
        if requires_grad:
            y.sum().backward()
            assert x.grad is not None
    with torch.inference_mode():
        assert type(F.dropout(TwoTensor(torch.ones(50), torch.ones(50)))) is TwoTensor
    assert st.report().pytorch == {"TwoTensor": 3}


def test_7_inference_mode_and_autograd_both() -> None:
    """Kernels are needed at AutogradCPU and at CPU: the one alone breaks inference mode, the other alone gradients."""
    st.enable()
    x = torch.randn(50, requires_grad=True)
    with torch.inference_mode():
        torch.manual_seed(7)
        assert torch.equal(F.dropout(x.clone()), keyed(x.clone()))
    torch.manual_seed(7)
    F.dropout(x).sum().backward()
    assert torch.equal(x.grad, keyed(torch.ones(50)))
    for name in ("dropout", "dropout_", "alpha_dropout", "feature_dropout", "feature_alpha_dropout_"):
        for key in ("AutogradCPU", "CPU"):
            assert torch._C._dispatch_has_kernel_for_dispatch_key(f"aten::{name}", key)


@pytest.mark.filterwarnings("ignore")
def test_8_symbolic_shapes_do_not_reach_the_kernels() -> None:
    """They have no numbers to give to C."""
    st.enable()
    compiled = torch.compile(lambda x: F.dropout(x * 2), backend="aot_eager", dynamic=True, fullgraph=True)
    for n in (3, 4, 50):
        x = torch.randn(n, 2)
        torch.manual_seed(7)
        assert torch.equal(compiled(x), keyed(x * 2))


@pytest.mark.parametrize("reentrant", [False, True])
def test_9_recomputation_draws_the_same_keys(reentrant: bool) -> None:
    """Keys come from the generator, whose state checkpointing keeps; a count of calls would go on."""
    st.enable()
    x = torch.randn(50, requires_grad=True)
    y = checkpoint(lambda x: F.dropout(F.dropout(x).exp()), x, use_reentrant=reentrant)
    y.sum().backward()
    assert torch.equal(x.grad != 0, (y.detach() != 0) & (x.grad != 0))
    torch.testing.assert_close(x.grad, torch.where(y.detach() != 0, x.grad, torch.zeros(())))


@pytest.mark.filterwarnings("ignore")
def test_10_keys_are_not_computed_again() -> None:
    """With a memory budget of 0 PyTorch's partitioner computes all again, random or not (test_compile.py has other budgets)."""
    st.enable()
    x = torch.randn(500, requires_grad=True)
    call = torch.compile(lambda x: F.dropout(x.exp()).exp(), backend="aot_eager", fullgraph=True)
    with torch._functorch.config.patch(activation_memory_budget=0.0):
        y = call(x)
        y.sum().backward()
    assert torch.equal(x.grad == 0, y == 1)


def test_11_no_warning_about_kernels_that_are_replaced() -> None:
    """PyTorch gives one for native_dropout, which has a kernel of the CPU; it was asked for."""
    output = run_python("import simdrop.torch, torch; simdrop.torch.enable(); torch.nn.functional.dropout(torch.ones(3))")
    assert output == ""


def test_12_what_is_compiled_is_forgotten_by_either_switch() -> None:
    """Otherwise the next measurement is one of the other state."""
    calls: list[Any] = []

    def backend(graph: torch.fx.GraphModule, inputs: Any) -> Any:
        calls.append(graph)
        return graph.forward

    compiled = torch.compile(lambda x: F.dropout(x), backend=backend)
    x = torch.randn(5)
    for turn in range(3):
        compiled(x)
        compiled(x)
        assert len(calls) == turn + 1
        (st.enable, st.disable)[turn % 2]()
