"""Where PyTorch lacks something that simdrop uses of its insides, `enable` says so, and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import simdrop.torch as st  # noqa: E402
from simdrop.torch import _attention, _compiler, _hooks, _override  # noqa: E402


def outcome() -> tuple[torch.Tensor, str]:
    x = torch.ones(500)
    torch.manual_seed(7)
    return F.dropout(x), torch.compiler.config.cache_key_tag


def check_refusal(name: str) -> None:
    with pytest.raises(RuntimeError, match=f"simdrop cannot be enabled: PyTorch .* has no .*{name}"):
        st.enable()
    assert not st.is_enabled()


@pytest.fixture
def unchanged(monkeypatch: pytest.MonkeyPatch) -> Any:
    """PyTorch's own dropout before and after; and that nothing but what a test took away was missing."""
    expected = outcome()
    yield
    monkeypatch.undo()
    after = outcome()
    assert torch.equal(after[0], expected[0]) and after[1] == expected[1]
    st.enable()
    assert not torch.equal(outcome()[0], expected[0])


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("path", "name"), _hooks.HOOKS, ids=lambda part: part.removeprefix("torch."))
def test_each_hook(path: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where = _hooks._find(path)
    if where is torch.ops.aten:  # which finds again what is taken out
        find = type(where).__getattr__

        def find_others(self: Any, key: str) -> Any:
            if key == name:
                raise AttributeError(key)
            return find(self, key)

        monkeypatch.setattr(type(where), "__getattr__", find_others)
    monkeypatch.delattr(where, name)
    check_refusal(name)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", _hooks.OPERATOR_HOOKS)
@pytest.mark.parametrize(
    "operator",
    [lambda: _override._operator_of(0, False), lambda: _override._operator_of(3, True), lambda: _attention._math],
    ids=["dropout", "feature_alpha_dropout_", "attention"],
)
def test_operators(operator: Callable[[], Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where = operator()
    monkeypatch.delattr(where if name in vars(where) else type(where), name)
    check_refusal(name)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("module", "name"), [hook[:2] for hook in _hooks.PARTITIONER_HOOKS], ids=lambda part: part.removeprefix("torch."))
def test_partitioner(module: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._functorch.compile_utils
    import torch._functorch.partitioners  # noqa: F401

    monkeypatch.delattr(sys.modules[module], name.split(".")[0])
    check_refusal(name)


@pytest.mark.usefixtures("unchanged")
def test_partitioner_with_other_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._functorch.partitioners as partitioners

    monkeypatch.setattr(partitioners, "choose_saved_values_set", lambda graph, budget: [])
    check_refusal("choose_saved_values_set")


def test_partitioner_that_is_not_imported_yet() -> None:
    """Its source is looked at then: importing it takes seconds."""
    program = """
import importlib.machinery, sys, simdrop.torch
from simdrop.torch import _hooks
simdrop.torch.enable()
assert "torch._functorch.partitioners" not in sys.modules and "torch._dynamo" not in sys.modules
simdrop.torch.disable()
get_source = importlib.machinery.SourceFileLoader.get_source
for module, name, _ in _hooks.PARTITIONER_HOOKS:
    word = name.split(".")[-1]
    importlib.machinery.SourceFileLoader.get_source = lambda self, module: get_source(self, module).replace(word, "other")
    try:
        simdrop.torch.enable()
    except RuntimeError as error:
        print(name, f"has no {module}.{name}" in str(error) and not simdrop.torch.is_enabled())
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ), check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [f"{name} True" for _, name, _ in _hooks.PARTITIONER_HOOKS]


@pytest.mark.usefixtures("unchanged")
def test_a_kernel_that_pytorch_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in place already is taken out again."""
    kernels = dict(torch.ops.aten.dropout.default.py_kernels)
    monkeypatch.setattr(_override.extension, "simdrop_torch_enable", lambda channels: b"dropout_")
    with pytest.raises(RuntimeError, match="PyTorch refused a kernel for dropout_"):
        st.enable()
    assert not st.is_enabled()
    assert torch.ops.aten.dropout.default.py_kernels == kernels


@pytest.mark.filterwarnings("ignore")
def test_a_compiler_that_changed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling checks again what `enable` may only have read about."""
    import torch._functorch.partitioners as partitioners

    st.enable()
    monkeypatch.setattr(_compiler, "teach", _compiler.teach.__wrapped__)
    monkeypatch.delattr(partitioners, "choose_saved_values_set")
    with pytest.raises(Exception, match="has no torch._functorch.partitioners.choose_saved_values_set"):
        torch.compile(nn.Dropout(0.5), backend="aot_eager", fullgraph=True)(torch.ones(5, requires_grad=True))
