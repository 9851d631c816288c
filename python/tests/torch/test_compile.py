"""Simdrop in compiled programs: the same numbers as without, for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import simdrop.torch as st  # noqa: E402

pytestmark = [pytest.mark.usefixtures("on"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One cache of compiled code for all tests of this file, and none that another run left behind."""
    import os

    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(tmp_path_factory.mktemp("inductor"))


class Net(nn.Module):
    """Dropout in several of its forms, of one tensor twice, and in place."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.linear(x)
        x = F.dropout(x, 0.5) + F.dropout(x, 0.5)
        x = F.dropout(x * 2, 0.2, inplace=True)
        x = F.alpha_dropout(x, 0.3)
        return F.dropout1d(x.unsqueeze(-1).expand(-1, -1, 3), 0.4).sum(-1)


def step(model: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, parameters: list[torch.Tensor]) -> list[torch.Tensor]:
    torch.manual_seed(7)
    y = model(x)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), parameters)]


@pytest.mark.parametrize("backend", ["eager", "aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_compiled_is_eager(backend: str) -> None:
    net, x = Net(), torch.randn(8, 16, requires_grad=True)
    parameters = [x, *net.parameters()]
    expected = step(net, x, parameters)
    compiled = torch.compile(net, backend=backend, fullgraph=True)
    for _ in range(2):
        for one, other in zip(step(compiled, x, parameters), expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
    assert st.report().pytorch == {}


def test_dropout_alone_is_the_same_bits() -> None:
    x = torch.randn(64, 33, requires_grad=True)
    expected = step(F.dropout, x, [x])
    for dynamic in (False, True):
        results = step(torch.compile(F.dropout, fullgraph=True, dynamic=dynamic), x, [x])
        assert all(map(torch.equal, results, expected))


def test_dynamic_shapes_compile_once() -> None:
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(lambda x: F.dropout(x, 0.5) * 2, backend=counter, fullgraph=True, dynamic=True)
    for n in (5, 6, 7, 1000):
        x = torch.randn(n, 3)
        torch.manual_seed(7)
        y = compiled(x)
        torch.manual_seed(7)
        assert torch.equal(y, F.dropout(x, 0.5) * 2)
    assert counter.frame_count == 1


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(mode: type) -> None:
    x = torch.randn(50)
    compiled = torch.compile(lambda x: F.dropout(x, 0.5) + 1, backend="aot_eager", fullgraph=True)
    with mode():
        for _ in range(2):
            torch.manual_seed(7)
            y = compiled(x)
            torch.manual_seed(7)
            assert torch.equal(y, F.dropout(x, 0.5) + 1)
    assert st.report().operators > 0 and st.report().direct == {"dropout": 2}


def test_training_and_evaluation_are_two_programs() -> None:
    dropout = nn.Dropout(0.5)
    compiled = torch.compile(dropout, backend="aot_eager")
    x = torch.randn(50)
    assert (compiled(x) == 0).any()
    dropout.eval()
    assert torch.equal(compiled(x), x)


@pytest.mark.parametrize("budget", [1.0, 0.5, 0.0])
def test_keys_are_never_drawn_again_in_the_backward_pass(budget: float) -> None:
    """Whatever is recomputed to save memory."""
    model = nn.Sequential(*(nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Dropout(0.5)) for _ in range(3)))
    x = torch.randn(8, 16, requires_grad=True)
    expected = step(model, x, [x, *model.parameters()])
    with torch._functorch.config.patch(activation_memory_budget=budget):
        results = step(torch.compile(model, backend="aot_eager", fullgraph=True), x, [x, *model.parameters()])
    for one, other in zip(results, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_checkpoint_in_compiled_programs() -> None:
    model = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.5), nn.Linear(16, 16), nn.Dropout(0.5))

    def call(x: torch.Tensor) -> torch.Tensor:
        return checkpoint(model, x, use_reentrant=False)

    x = torch.randn(8, 16, requires_grad=True)
    expected = step(call, x, [x])
    results = step(torch.compile(call, backend="aot_eager", fullgraph=True), x, [x])
    for one, other in zip(results, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_export(tmp_path: Path) -> None:
    class Module(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.dropout(x, 0.5, True)

    x = torch.randn(50)
    program = torch.export.export(Module(), (x,))
    decomposed = program.run_decompositions()
    names = {str(node.target) for node in decomposed.graph.nodes}
    assert {"simdrop.key.default", "simdrop.dropout.default"} <= names
    torch.export.save(decomposed, tmp_path / "program.pt2")
    loaded = torch.export.load(tmp_path / "program.pt2")
    torch.manual_seed(7)
    expected = F.dropout(x, 0.5)
    for exported in (program, decomposed, loaded):
        torch.manual_seed(7)
        assert torch.equal(exported.module()(x), expected)


def test_operators_in_a_program_of_ones_own() -> None:
    def call(x: torch.Tensor) -> torch.Tensor:
        first, second = torch.ops.simdrop.key(x), torch.ops.simdrop.key(x)
        return torch.ops.simdrop.dropout(x, first, 0.5) - torch.ops.simdrop.dropout(x, second, 0.5)

    x = torch.randn(100, requires_grad=True)
    expected = step(call, x, [x])
    results = step(torch.compile(call, backend="aot_eager", fullgraph=True), x, [x])
    assert all(map(torch.equal, results, expected))
    assert results[0].any()


@pytest.mark.slow
def test_inductor_writes_an_activation_once() -> None:
    """It needs no copies for the key and the dropout."""
    from torch._inductor.utils import run_and_get_code

    compiled = torch.compile(lambda x: F.dropout(torch.relu(x), 0.5), fullgraph=True)
    with torch.no_grad():
        _, (code,) = run_and_get_code(compiled, torch.randn(64, 512))
    assert code.count(".store(") == 1
