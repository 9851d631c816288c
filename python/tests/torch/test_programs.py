"""Programs made of a program: torch.jit, torch.export, torch.fx, dynamic shapes, copies and pickles."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch._dynamo.testing import CompileCounterWithBackend  # noqa: E402

import simdrop.torch as st  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
ops = torch.ops.simdrop


def run(model: Callable[..., Any], *inputs: torch.Tensor) -> list[torch.Tensor]:
    """What a model gives after a certain seed, and its gradients."""
    leaves = [x.detach().requires_grad_() for x in inputs]
    torch.manual_seed(7)
    y = model(*leaves)
    outputs = list(y) if isinstance(y, tuple | list) else [y]
    total = sum(part.square().sum() for part in outputs)
    parameters = list(model.parameters()) if isinstance(model, nn.Module) else []
    return [*(part.detach() for part in outputs), *torch.autograd.grad(total, [*leaves, *parameters], allow_unused=True)]


def check_equal(one: list[torch.Tensor], other: list[torch.Tensor]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other):
        assert (a is None and b is None) or torch.equal(a, b)


class Chain(nn.Module):
    """The fused functions, one after the other."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()
        self.chain = st.BiasActivationDropoutResidual(8, 0.3, "gelu", seed=seed)
        self.norm = st.NormDropoutResidual(8, 0.3, bias=True, seed=seed, stream=0 if seed is None else 1)

    def forward(self, x, residual):  # torch.fx could not pickle annotations that are strings
        y, h = self.norm(self.chain(x, residual), residual)
        return st.softmax_dropout(y, 0.3, self.training), h


class Drops(nn.Module):
    """Each of the dropouts of this package."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__()

        def stream(number: int) -> dict[str, int]:
            return {} if seed is None else {"seed": seed, "stream": number}

        self.plain, self.shared = st.Dropout(0.3, **stream(1)), st.Dropout(0.3, share=1, **stream(2))
        self.channels, self.locked = st.Dropout1d(0.3, **stream(3)), st.LockedDropout(0.3, **stream(4))
        self.path, self.noise = st.DropPath(0.3, **stream(5)), st.GaussianDropout(0.3, **stream(6))

    def forward(self, x):
        return self.noise(self.path(self.locked(self.channels(self.shared(self.plain(x))))))


MODELS: dict[str, tuple[Callable[[int | None], nn.Module], tuple[tuple[int, ...], ...]]] = {
    "dropouts": (Drops, ((6, 5, 8),)),
    "fused": (Chain, ((6, 8), (6, 8))),
}
by_model = pytest.mark.parametrize("name", MODELS)
by_seed = pytest.mark.parametrize("seed", [None, 2**64 - 3])


def make(name: str, seed: int | None) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    build, shapes = MODELS[name]
    return build(seed), tuple(torch.randn(shape) for shape in shapes)


# torch.jit


@by_model
@by_seed
def test_traced(name: str, seed: int | None, tmp_path: Path) -> None:
    model, inputs = make(name, seed)
    expected = run(model, *inputs)
    traced = torch.jit.trace(model, inputs, check_trace=False)
    torch.jit.save(traced, tmp_path / "traced.pt")
    for program in (traced, torch.jit.load(tmp_path / "traced.pt")):
        for _ in range(3):  # the second call profiles, the third runs what came of it
            check_equal(run(program, *inputs), expected)
    frozen = torch.jit.freeze(torch.jit.trace(model.eval(), inputs, check_trace=False))
    for one, other in zip(frozen(*inputs), model(*inputs)):
        torch.testing.assert_close(one, other)


def test_operators_in_a_script(tmp_path: Path) -> None:
    def program(x: torch.Tensor, residual: torch.Tensor, p: float, offset: int) -> list[torch.Tensor]:
        key = torch.ops.simdrop.key(x)
        first = torch.ops.simdrop.dropout(x, key, p, [0, 1], offset)
        second = torch.ops.simdrop.chain(first, None, residual, key, p, 2, offset)
        y, h, statistics = torch.ops.simdrop.norm(second, None, residual, None, None, torch.ops.simdrop.key(x), p, 1e-5, True, 0)
        weights, sums = torch.ops.simdrop.softmax_dropout(y, key, p, 0.5, True, 0)
        attended = torch.ops.simdrop.attention(y[None, None], y[None, None], h[None, None], None, key, p, True, 0.3)
        return [weights, attended, torch.ops.simdrop.alpha_dropout(h, key, p), torch.ops.simdrop.gaussian_dropout(h, key, p)]

    inputs = torch.randn(6, 6), torch.randn(6, 6)
    expected = run(lambda x, r: program(x, r, 0.3, 5), *inputs)
    scripted = torch.jit.script(program)
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    buffer.seek(0)
    for script in (scripted, torch.jit.load(buffer)):
        for _ in range(3):
            check_equal(run(lambda x, r, script=script: script(x, r, 0.3, 5), *inputs), expected)


def test_a_frozen_script_still_drops() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(8, 8)
            self.p = 0.5

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.linear(x)
            return torch.ops.simdrop.dropout(x, torch.ops.simdrop.key(x), self.p)

    model, x = Model().eval(), torch.randn(4, 8)
    frozen = torch.jit.freeze(torch.jit.script(model))
    with torch.no_grad():
        for _ in range(3):
            torch.manual_seed(7)
            y = frozen(x)
            torch.manual_seed(7)
            assert torch.equal(y, model(x))
        assert not torch.equal(frozen(x), frozen(x))


def test_modules_are_not_for_scripts() -> None:
    for module in (st.Dropout(), nn.Sequential(nn.Linear(8, 8), st.DropPath(seed=3)), Chain(), st.LSTM(8, 8)):
        with pytest.raises(RuntimeError, match=r"torch.jit.script cannot compile simdrop.torch.(Dropout|DropPath|Bias\w+|LSTM)"):
            torch.jit.script(module)


def test_dropouts_of_pytorch_in_scripts_and_traces() -> None:
    st.enable()
    drops = (nn.Dropout(0.5), nn.AlphaDropout(0.2), nn.Dropout2d(0.3), nn.FeatureAlphaDropout(0.3))
    model, x = nn.Sequential(nn.Linear(8, 8), *drops), torch.randn(4, 3, 5, 8)
    expected = run(model, x)
    check_equal(run(torch.jit.trace(model, x, check_trace=False), x), expected)
    scripted = torch.jit.script(model)
    check_equal(run(scripted, x), expected)
    with torch.no_grad():  # and after profiling, where nothing is differentiated
        for _ in range(4):
            torch.manual_seed(7)
            assert torch.equal(scripted(x), expected[0])
    assert torch.equal(torch.jit.freeze(scripted.eval())(x), model[0](x))


# torch.export


@by_model
@by_seed
def test_exported(name: str, seed: int | None, tmp_path: Path) -> None:
    model, inputs = make(name, seed)
    batch = torch.export.Dim("batch", min=2, max=100)
    program = torch.export.export(model, inputs, dynamic_shapes=tuple({0: batch} for _ in inputs))
    torch.export.save(program, tmp_path / "program.pt2")
    others = tuple(torch.randn(9, *x.shape[1:]) for x in inputs)
    for exported in (program, program.run_decompositions(), torch.export.load(tmp_path / "program.pt2")):
        for each in (inputs, others):
            with torch.no_grad():
                torch.manual_seed(7)
                y = exported.module()(*each)
                torch.manual_seed(7)
                expected = model(*each)
            for one, other in zip(y, expected):
                torch.testing.assert_close(one, other)


def test_programs_follow_the_step_until_they_are_saved(tmp_path: Path) -> None:
    model, x = nn.Sequential(st.Dropout(0.5, seed=3)), torch.ones(64)
    st.set_step(model, 2)
    second = model(x)
    exported, traced = torch.export.export(model, (x,)), torch.jit.trace(model, (x,), check_trace=False)
    torch.export.save(exported, tmp_path / "exported.pt2")
    torch.jit.save(traced, tmp_path / "traced.pt")
    st.set_step(model, 5)
    assert not torch.equal(model(x), second)
    for program in (exported.module(), traced):
        assert torch.equal(program(x), model(x))
    for program in (torch.export.load(tmp_path / "exported.pt2").module(), torch.jit.load(tmp_path / "traced.pt")):
        assert torch.equal(program(x), second)


# torch.fx


@by_model
@by_seed
def test_symbolic_traces(name: str, seed: int | None) -> None:
    model, inputs = make(name, seed)
    traced = torch.fx.symbolic_trace(model)
    check_equal(run(traced, *inputs), run(model, *inputs))
    kept = pickle.loads(pickle.dumps(traced))
    check_equal(run(kept, *inputs), run(model, *inputs))
    again = torch.fx.symbolic_trace(copy.deepcopy(traced))
    check_equal(run(again, *inputs), run(model, *inputs))
    before = run(model, *inputs)
    for each in (model, traced, again):
        st.set_step(each, 5)
    expected = run(model, *inputs)
    assert torch.equal(before[0], expected[0]) == (seed is None)
    check_equal(run(traced, *inputs), expected)
    check_equal(run(again, *inputs), expected)
    if name == "dropouts":  # functions know of no modes
        assert torch.equal(traced.eval()(*inputs), *inputs)


def test_functions_are_nodes() -> None:
    def call(x: torch.Tensor) -> torch.Tensor:
        y = st.dropout(x, 0.5, seed=3, share_axes=1) + st.gaussian_dropout(x, 0.5, mask_shape=(1, 8))
        y = st.bias_activation_dropout_residual(y, residual=x, p=0.5, activation="relu")
        z, h = st.norm_dropout_residual(x, residual=y, p=0.5)
        return st.softmax_dropout(z + h, 0.5, key=torch.ops.simdrop.key(x))

    traced, x = torch.fx.symbolic_trace(call), torch.randn(4, 8)
    check_equal(run(traced, x), run(call, x))
    assert {node.target for node in traced.graph.nodes} >= {st.dropout, st.gaussian_dropout, st.softmax_dropout}


def test_a_recurrent_layer_is_a_node() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.gru = st.LSTM(8, 8, recurrent_dropout=0.5), st.GRU(8, 8, input_dropout=0.5, seed=2)
            self.words = st.EmbeddingDropout(nn.Embedding(9, 8), 0.5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y, states = self.lstm(self.words(x))
            return self.gru(y)[0] + states[0].sum()

    model, x = Model(), torch.randint(9, (5, 3))
    traced = torch.fx.symbolic_trace(model)
    torch.manual_seed(7)
    y = traced(x)
    torch.manual_seed(7)
    assert torch.equal(y, model(x))


def test_one_module_alone_is_traced_through() -> None:
    module, x = st.Dropout(0.5, seed=3), torch.randn(4, 8)
    assert torch.equal(torch.fx.symbolic_trace(module)(x), module(x))
    free = torch.fx.symbolic_trace(st.GaussianDropout(0.5))
    torch.manual_seed(7)
    y = free(x)
    torch.manual_seed(7)
    assert torch.equal(y, st.gaussian_dropout(x, 0.5)) and not torch.equal(free(x), free(x))


def test_other_kinds_of_tensors_see_the_functions() -> None:
    """By ``__torch_function__``, as they see PyTorch's."""
    seen: list[Any] = []

    class Seeing(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func)
            return super().__torch_function__(func, types, args, kwargs)

    x = torch.randn(4, 8)
    for function in (st.dropout, st.gaussian_dropout, st.bias_activation_dropout_residual, st.softmax_dropout):
        y = function(x.as_subclass(Seeing), p=0.5, seed=3)
        assert type(y) is Seeing and torch.equal(y.as_subclass(torch.Tensor), function(x, p=0.5, seed=3))
    y, _ = st.norm_dropout_residual(x, weight=torch.ones(8).as_subclass(Seeing), p=0.5, seed=3)
    assert type(y) is Seeing
    functions = {st.dropout, st.gaussian_dropout, st.bias_activation_dropout_residual, st.softmax_dropout, st.norm_dropout_residual}
    assert functions <= set(seen)


# Dynamic shapes


@by_model
@by_seed
@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.slow)])
def test_dynamic_shapes(name: str, seed: int | None, backend: str) -> None:
    model, inputs = make(name, seed)
    counter = CompileCounterWithBackend(backend)
    compiled, frames = torch.compile(model, backend=counter, fullgraph=True, dynamic=True), 0
    for batch in (6, 3, 11):
        each = [torch.randn(batch, *x.shape[1:]) for x in inputs]
        leaves = [x.clone().requires_grad_() for x in each]
        torch.manual_seed(7)
        y = compiled(*leaves)
        outputs = list(y) if isinstance(y, tuple) else [y]
        found = torch.autograd.grad(sum(part.square().sum() for part in outputs), leaves)
        for one, other in zip((*(part.detach() for part in outputs), *found), run(model, *each)):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
        frames = frames or counter.frame_count
    assert counter.frame_count == frames


def test_arguments_that_are_dynamic() -> None:
    def call(x: torch.Tensor, offset: int, rows: int) -> torch.Tensor:
        y = st.dropout(x, 0.5, seed=3, offset=offset, mask_shape=(rows, 1))
        return st.bias_activation_dropout_residual(y, p=0.5, seed=4, offset=offset)

    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(call, backend=counter, fullgraph=True, dynamic=True)
    for rows, offset in ((6, 5), (7, 300), (20, 2**40)):
        x = torch.randn(rows, 3)
        assert torch.equal(compiled(x, offset, rows), call(x, offset, rows))
    assert counter.frame_count == 1


# Copies


def _modules() -> list[nn.Module]:
    drops, chain = Drops(11), Chain(11)
    recurrent = [st.LSTM(8, 8, 2, recurrent_dropout=0.3, seed=4), st.GRU(8, 8, weight_dropout=0.3, seed=4)]
    return [*drops.children(), *chain.children(), *recurrent, st.EmbeddingDropout(nn.Embedding(9, 8), 0.3, seed=4)]


@pytest.mark.parametrize("module", _modules(), ids=lambda module: type(module).__name__)
def test_copies_and_pickles(module: nn.Module) -> None:
    x = torch.randint(9, (6, 5)) if isinstance(module, st.EmbeddingDropout) else torch.randn(6, 5, 8)
    st.set_step(module, 3)
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    copies = [
        copy.copy(module),
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        torch.load(buffer, weights_only=False),
    ]

    def first(module: nn.Module) -> torch.Tensor:
        y = module(x)
        return y[0] if isinstance(y, tuple) else y

    expected = first(module)
    for other in copies:
        assert type(other) is type(module) and repr(other) == repr(module)
        assert torch.equal(first(other), expected)
    st.set_step(copies[1], 4)
    assert not torch.equal(first(copies[1]), expected) and torch.equal(first(module), expected)
    assert not any(copies[2].load_state_dict(module.state_dict()))  # no key is missing, and none is too many


def test_a_replaced_model_is_copied_and_saved() -> None:
    model = nn.TransformerEncoderLayer(8, 2, 16, 0.3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        st.replace(model, seed=3)
    x = torch.randn(5, 2, 8)
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    for other in (copy.deepcopy(model), torch.load(buffer, weights_only=False)):
        torch.manual_seed(7)
        y = other(x)
        torch.manual_seed(7)
        assert torch.equal(y, model(x))


def test_dropouts_of_pytorch_compile_with_dynamic_shapes() -> None:
    st.enable()
    model = nn.TransformerEncoderLayer(8, 2, 16, 0.3, batch_first=True)
    counter = CompileCounterWithBackend("aot_eager")
    compiled, frames = torch.compile(model, backend=counter, fullgraph=True, dynamic=True), 0
    for batch, length in ((3, 5), (4, 7)):
        x = torch.randn(batch, length, 8)
        torch.manual_seed(7)
        y = compiled(x)
        torch.manual_seed(7)
        torch.testing.assert_close(y, model(x))
        frames = frames or counter.frame_count
    assert counter.frame_count == frames
