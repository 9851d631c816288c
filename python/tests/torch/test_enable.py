"""What goes through simdrop while it is on, and how programs see it."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

import simdrop.torch as st  # noqa: E402

pytestmark = pytest.mark.usefixtures("on")

# Before PyTorch 2.13, its own errors pass through kernels in C without their texts.
TEXTS_ARRIVE = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)


def keyed(x: torch.Tensor, p: float, seed: int = 7) -> torch.Tensor:
    """What dropout of x must be after torch.manual_seed(seed)."""
    torch.manual_seed(seed)
    return torch.ops.simdrop.dropout(x, torch.ops.simdrop.key(x), p)


def calls() -> int:
    return sum(st.report().direct.values())


# Where dropouts are


def test_functions_and_modules() -> None:
    x = torch.randn(4, 6, 5)
    for function in (lambda x: F.dropout(x, 0.3), lambda x: torch.dropout(x, 0.3, True), nn.Dropout(0.3)):
        torch.manual_seed(7)
        assert torch.equal(function(x), keyed(x, 0.3))
    assert st.report().direct == {"dropout": 3}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: (nn.LSTM(8, 8, 3, dropout=0.5), (torch.randn(5, 2, 8),)), 2),
        (lambda: (nn.GRU(8, 8, 2, dropout=0.5, bidirectional=True), (torch.randn(5, 2, 8),)), 1),
        (lambda: (nn.RNN(8, 8, 2, dropout=0.5), (torch.randn(5, 2, 8),)), 1),
        (lambda: (nn.MultiheadAttention(8, 2, dropout=0.5), (torch.randn(5, 2, 8),) * 3), 1),
        (lambda: (nn.TransformerEncoderLayer(8, 2, 16, 0.5), (torch.randn(5, 2, 8),)), 4),
        (lambda: (nn.TransformerDecoderLayer(8, 2, 16, 0.5), (torch.randn(5, 2, 8), torch.randn(6, 2, 8))), 6),
        (lambda: (nn.Dropout2d(0.5), (torch.randn(2, 3, 4, 4),)), 1),
        (lambda: (nn.AlphaDropout(0.5), (torch.randn(2, 3),)), 1),
    ],
    ids=["LSTM", "GRU", "RNN", "MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer", "Dropout2d", "AlphaDropout"],
)
def test_layers(make: Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]], expected: int) -> None:
    module, inputs = make()
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        output = module(*inputs)
        results.append(output[0] if isinstance(output, tuple) else output)
    assert torch.equal(*results)
    assert calls() == 2 * expected
    assert st.report().pytorch == {} and st.report().operators == 0
    st.report(reset=True)
    module.eval()(*inputs)
    assert calls() == 0


def test_scaled_dot_product_attention() -> None:
    q = torch.randn(2, 2, 6, 4, requires_grad=True)
    F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).sum().backward()
    with torch.no_grad():
        F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
    assert calls() == 2


# What calls give


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("mode", ["grad", "no_grad", "inference", "in_place", "in_place_no_grad", "in_place_inference"])
def test_every_mode_gives_the_same(dtype: torch.dtype, mode: str) -> None:
    x = torch.randn(37, 50).to(dtype)
    expected = keyed(x, 0.4)
    torch.manual_seed(7)
    if mode == "grad":
        leaf = x.clone().requires_grad_()
        y = F.dropout(leaf, 0.4)
        y.sum().backward()
        torch.testing.assert_close(leaf.grad, torch.where(y == 0, 0.0, 1 / 0.6).to(dtype))
    elif mode == "in_place":
        leaf = x.clone().requires_grad_()
        y = F.dropout(leaf * 1, 0.4, inplace=True)
        y.sum().backward()
        torch.testing.assert_close(leaf.grad, torch.where(y == 0, 0.0, 1 / 0.6).to(dtype))
    else:
        with torch.inference_mode() if mode.endswith("inference") else torch.no_grad():
            z = x.clone()
            y = F.dropout(z, 0.4, inplace=mode.startswith("in_place"))
            assert (y is z) == mode.startswith("in_place")
    assert torch.equal(y, expected)
    assert calls() == 1


def test_in_place_is_noticed_by_autograd() -> None:
    weight = torch.randn(5, requires_grad=True)
    with torch.no_grad():
        x = torch.randn(5)
    y = (weight * x).sum()
    with torch.no_grad():
        F.dropout(x, 0.5, inplace=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    with pytest.raises(RuntimeError, match="leaf Variable" if TEXTS_ARRIVE else None):
        F.dropout(weight, 0.5, inplace=True)
    with pytest.raises(RuntimeError):
        F.dropout(torch.randn(3, 1).expand(3, 4), 0.5, inplace=True)


def test_arguments_come_back_where_nothing_is_to_do() -> None:
    x = torch.randn(5, requires_grad=True)
    assert F.dropout(x, 0.5, training=False) is x
    assert F.dropout(x, 0.0) is x
    empty = torch.ones(0, 3)
    assert F.dropout(empty, 0.5) is empty
    assert calls() == 0
    assert torch.equal(F.dropout(x, 1.0), torch.zeros(5))


def test_probabilities_that_are_none() -> None:
    x = torch.randn(5)
    for p in (-0.1, 1.1, math.nan):
        for function in (torch.dropout, torch.alpha_dropout, torch.feature_dropout, torch.feature_alpha_dropout):
            with pytest.raises(RuntimeError, match="dropout probability has to be between 0 and 1"):
                function(x.view(5, 1), p, True)


@pytest.mark.parametrize("order", ["channels_last", "transposed", "sliced", "expanded"])
def test_strides_are_kept_and_masks_do_not_depend_on_them(order: str) -> None:
    x = torch.randn(2, 3, 4, 6)
    moved = {
        "channels_last": lambda: x.to(memory_format=torch.channels_last),
        "transposed": lambda: x.transpose(1, 3).contiguous().transpose(1, 3),
        "sliced": lambda: torch.stack([x, x], -1)[..., 0],
        "expanded": lambda: x[:, :1].expand(2, 3, 4, 6),
    }[order]()
    for requires_grad in (False, True):
        leaf = moved.detach().requires_grad_(requires_grad)
        torch.manual_seed(7)
        y = F.dropout(leaf, 0.5)
        assert torch.equal(y, keyed(moved.contiguous(), 0.5))
        assert y.stride() == torch.empty_like(moved).stride()
    for gradient in (torch.ones_like(y), torch.ones(()).expand_as(y), torch.ones(2, 6, 4, 3).transpose(1, 3)):
        (dx,) = torch.autograd.grad(y, leaf, gradient, retain_graph=True)
        assert torch.equal(dx, torch.where(y == 0, 0.0, 2.0))
    st_report = st.report()
    assert st_report.pytorch == {}


def test_gradients_of_any_order() -> None:
    x = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)

    def call(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(7)
        return F.dropout(x, 0.4)

    assert torch.autograd.gradcheck(call, x, check_batched_grad=True, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(call, x)
    y = F.dropout(x, 0.5)
    first, second = (torch.autograd.grad(y.sum(), x, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)


def test_gradient_is_that_of_the_operator() -> None:
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        x, dy = torch.randn(1000, dtype=dtype, requires_grad=True), torch.randn(1000, dtype=dtype)
        torch.manual_seed(7)
        F.dropout(x, 0.1).backward(dy)
        assert torch.equal(x.grad, keyed(dy, 0.1))


def test_gradient_of_probabilities_between_two() -> None:
    """PyTorch hands 1 / (1 - p) over, of which p does not come back exactly; it is rounded at odd multiples of 2^-33."""
    dy = torch.ones(64, dtype=torch.float64)
    for k in (*range(40), *(2**j + i for j in range(8, 32) for i in range(-3, 3))):
        p = (k + 0.5) / 2**32
        x = torch.ones(64, dtype=torch.float64, requires_grad=True)
        torch.manual_seed(7)
        F.dropout(x, p).backward(dy)
        assert torch.equal(x.grad, keyed(dy, p)), p


@pytest.mark.parametrize("kind", ["complex64", "int64", "bool", "sparse_coo"])
def test_what_pytorch_refuses_or_does_is_left_to_it(kind: str) -> None:
    x = torch.ones(4, 4).to_sparse() if kind == "sparse_coo" else torch.ones(4, 4, dtype=getattr(torch, kind))

    def outcome() -> tuple[str, object]:
        torch.manual_seed(0)
        try:
            y = F.dropout(x, 0.5)
            return "result", y.to_dense().tolist()
        except RuntimeError as error:
            return "error", str(error).split("Error: ", 1)[-1].splitlines()[0] if TEXTS_ARRIVE else ""

    st.disable()
    without = outcome()
    st.enable()
    assert outcome() == without
    assert st.report().pytorch == {kind: 1}


def test_feature_dropouts_share_a_decision_for_each_channel() -> None:
    x = torch.rand(6, 10, 3, 4) + 1
    for function in (F.dropout2d, F.feature_alpha_dropout):
        y = function(x, 0.5, True)
        dropped = (y == 0) if function is F.dropout2d else (y == y.amin())
        assert torch.equal(dropped, dropped[:, :, :1, :1].expand_as(dropped))
        assert 10 < int(dropped[:, :, 0, 0].sum()) < 50
    with pytest.raises(RuntimeError, match="at least 2 dimensions"):
        torch.feature_dropout(torch.ones(3), 0.5, True)


def test_channels_can_be_left_out() -> None:
    with st.enabled(channels=False):
        st.report(reset=True)
        F.dropout2d(torch.ones(2, 3, 4, 4))
        assert calls() == 0
        F.dropout(torch.ones(3))
        assert calls() == 1
    F.dropout2d(torch.ones(2, 3, 4, 4))
    assert st.report().direct == {"dropout": 1, "feature_dropout": 1}


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = torch.randn(400, 500, requires_grad=True)
    y = F.alpha_dropout(x, 0.2, True)
    assert abs(y.mean().item()) < 0.02 and abs(y.std().item() - 1) < 0.02
    y.sum().backward()
    assert set(x.grad.unique().tolist()) == {0.0, x.grad.max().item()}


# How random numbers go


def test_generator_state_rules() -> None:
    x = torch.randn(100)
    state = torch.get_rng_state()
    first = F.dropout(x)
    torch.set_rng_state(state)
    assert torch.equal(F.dropout(x), first)
    torch.set_rng_state(state)
    with torch.random.fork_rng():
        F.dropout(x)
    assert torch.equal(F.dropout(x), first)
    torch.set_rng_state(state)
    torch.empty(2, dtype=torch.int64).random_()
    after = torch.get_rng_state()
    torch.set_rng_state(state)
    F.dropout(x)
    assert torch.equal(torch.get_rng_state(), after)


def test_threads_do_not_matter() -> None:
    x = torch.randn(500, 1000, requires_grad=True)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            torch.manual_seed(7)
            y = F.dropout(x, 0.1)
            results.append((y, *torch.autograd.grad(y.square().sum(), x)))
    finally:
        torch.set_num_threads(threads)
    assert all(map(torch.equal, *results))


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoint_draws_the_same_mask(reentrant: bool) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.Linear(8, 8), nn.AlphaDropout(0.3))
    x = torch.randn(4, 8, requires_grad=True)
    torch.manual_seed(7)
    (expected,) = torch.autograd.grad(model(x).square().sum(), x)
    torch.manual_seed(7)
    checkpoint(model, x, use_reentrant=reentrant).square().sum().backward()
    assert torch.equal(x.grad, expected)


def test_checkpoint_that_ends_with_a_dropout() -> None:
    """What the recomputation is cut short by would have to pass through the kernels."""
    x = torch.randn(4, 8, requires_grad=True)
    torch.manual_seed(7)
    y = checkpoint(nn.Dropout(0.5), x, use_reentrant=False)
    y.square().sum().backward()
    assert torch.equal(x.grad, keyed(2 * y.detach(), 0.5))


def test_autocast_and_copies() -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(torch.randn(4, 8))
    assert y.dtype is torch.bfloat16 and calls() == 1
    copy.deepcopy(model)(torch.randn(4, 8))
    assert calls() == 2


@pytest.mark.filterwarnings("ignore")
def test_jit() -> None:
    x = torch.randn(50, requires_grad=True)
    expected = keyed(x, 0.5)
    for compiled in (torch.jit.script(nn.Dropout(0.5)), torch.jit.trace(nn.Dropout(0.5), x, check_trace=False)):
        torch.manual_seed(7)
        assert torch.equal(compiled(x), expected)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_nothing_is_kept() -> None:
    """Neither by calls nor by errors: of 400 tensors of 1 MiB each that were kept, some would be seen."""
    import resource

    x = torch.randn(512, 512)
    key = torch.tensor([1, 2])

    def run() -> None:
        leaf = x.clone().requires_grad_()
        F.dropout(leaf, 0.5).sum().backward()
        F.dropout(leaf * 1, 0.5, inplace=True)
        F.dropout1d(leaf.unsqueeze(0))
        F.alpha_dropout(leaf, 0.5, True)
        torch.ops.simdrop.dropout(x.clone(), key, 0.5, [0, 1])
        for arguments in ((2.0,), (0.5, [1])):
            with pytest.raises(RuntimeError):
                torch.ops.simdrop.dropout(x.clone(), key, *arguments)
        with pytest.raises(RuntimeError):
            torch.ops.simdrop.dropout(x.clone(), key[:1], 0.5)
        with pytest.raises(RuntimeError):
            torch.dropout(x.clone(), 2.0, True)

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    for _ in range(10):
        run()
    before = resident()
    for _ in range(100):
        run()
    assert resident() - before < 30 << 20


# Switching


def test_switching_is_complete_and_undone() -> None:
    x = torch.randn(1000)
    st.disable()
    torch.manual_seed(7)
    original = F.dropout(x)
    assert not st.is_enabled()
    for _ in range(3):
        with st.enabled():
            assert st.is_enabled()
            torch.manual_seed(7)
            assert torch.equal(F.dropout(x), keyed(x, 0.5))
        torch.manual_seed(7)
        assert torch.equal(F.dropout(x), original)
    st.enable()
    st.enable()
    st.disable()
    torch.manual_seed(7)
    assert torch.equal(F.dropout(x), original)


def test_enable_refuses_where_a_hook_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    st.disable()
    monkeypatch.delattr("torch.autograd.forward_ad.exit_dual_level")
    with pytest.raises(RuntimeError, match="cannot be enabled.*exit_dual_level"):
        st.enable()
    assert not st.is_enabled()


def test_a_script_is_run_with_it_on(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import sys, torch, simdrop.torch\n"
        "assert __name__ == '__main__' and sys.argv[1:] == ['--flag', '3'] and simdrop.torch.is_enabled()\n"
        "torch.nn.functional.dropout(torch.ones(3))\n"
    )
    command = [sys.executable, "-m", "simdrop.torch", "--report", str(script), "--flag", "3"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "by simdrop: dropout 1" in result.stderr
    assert "Overriding a previously registered kernel" not in result.stderr
