"""Memory: of the results alone, and none that stays after many calls."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch.profiler import ProfilerActivity, profile  # noqa: E402

import simdrop.torch as st  # noqa: E402

SIZE = 1 << 20  # elements, of 4 bytes


def allocated(call: Callable[[], Any]) -> tuple[int, Any]:
    """The most that PyTorch's allocator had given out at a time during a call, beyond what it had before, and what the call gave."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        result = call()
    now = most = 0
    for event in sorted((e for e in record.profiler.kineto_results.events() if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most, result


def calls() -> dict[str, tuple[Callable[[torch.Tensor], Any], float]]:
    """What is called, and how many times the input's memory it may have at its peak: the results, and what is kept for gradients."""
    key = st.key(3)
    bias, residual = torch.ones(1024), torch.ones(1024, 1024)
    return {
        "operator": (lambda x: torch.ops.simdrop.dropout(x, key, 0.1), 1),
        "operator, shared": (lambda x: torch.ops.simdrop.dropout(x, key, 0.1, [0, 1]), 1),
        "gaussian_dropout": (lambda x: st.gaussian_dropout(x, 0.1), 1),
        "F.dropout": (lambda x: F.dropout(x, 0.1), 1),
        "F.dropout, in place": (lambda x: F.dropout(x, 0.1, inplace=True), 0),
        "F.dropout, transposed": (lambda x: F.dropout(x.t(), 0.1), 1),
        "F.alpha_dropout": (lambda x: F.alpha_dropout(x, 0.1, True), 1),
        "F.dropout2d": (lambda x: F.dropout2d(x.view(32, 32, 32, 32), 0.1), 1),
        "chain": (lambda x: st.bias_activation_dropout_residual(x, bias, residual, 0.1, "gelu"), 1),
        "norm": (lambda x: st.norm_dropout_residual(x, bias, residual, p=0.1), 2),
        "softmax": (lambda x: st.softmax_dropout(x, 0.1), 1),
    }


@pytest.mark.parametrize("name", calls())
@pytest.mark.parametrize("grad", [False, True], ids=["no_grad", "no_input_requires_grad"])
def test_the_peak_is_the_results(name: str, grad: bool) -> None:
    st.enable()
    call, results = calls()[name]
    x = torch.ones(1024, 1024)
    with torch.set_grad_enabled(grad):
        call(x)
        peak, y = allocated(lambda: call(x))
    assert results * 4 * SIZE <= peak <= results * 4 * SIZE + (64 << 10), peak


def test_the_peak_with_gradients() -> None:
    """A byte an element is kept by F.dropout, nothing by the operators; and the backward pass makes the gradient alone."""
    st.enable()
    key = st.key(3)
    kept = {
        lambda x: F.dropout(x, 0.1): 1,
        lambda x: torch.ops.simdrop.dropout(x, key, 0.1): 0,
        lambda x: st.bias_activation_dropout_residual(x, p=0.1, activation="gelu"): 0,
        lambda x: st.softmax_dropout(x, 0.1): 0,
    }
    dy = torch.ones(1024, 1024)
    for call, bytes_kept in kept.items():
        x = torch.ones(1024, 1024, requires_grad=True)
        forward, y = allocated(lambda call=call, x=x: call(x))
        assert forward <= (4 + bytes_kept) * SIZE + (64 << 10)
        backward, (dx,) = allocated(lambda x=x, y=y: torch.autograd.grad(y, x, dy))
        assert backward <= 4 * SIZE + (64 << 10)


PROGRAM = """
import gc, pathlib, resource, sys
import torch, torch.nn.functional as F
import simdrop.torch as st
st.enable()
torch.set_num_threads(1)
x, key, weight = torch.randn(4, 8), st.key(1), torch.ones(8, requires_grad=True)
leaf = x.clone().requires_grad_()
large = torch.ones(1 << 15)
large_leaf = large.clone().requires_grad_()
q = torch.randn(1, 2, 4, 8)
layer, module = st.NormDropoutResidual(8, 0.3), st.LockedDropout(0.3, seed=3)
good = [
    lambda: F.dropout(x, 0.3),
    lambda: F.dropout(large, 0.3),
    lambda: F.dropout(large_leaf, 0.3),
    lambda: F.dropout(leaf, 0.3),
    lambda: F.dropout(x.t(), 0.3),
    lambda: F.dropout(x, 0.3, inplace=True),
    lambda: F.dropout(leaf, 0.3).sum().backward(),
    lambda: F.dropout1d(x[None], 0.3),
    lambda: F.alpha_dropout(leaf, 0.3, True),
    lambda: F.feature_alpha_dropout(x, 0.3, True),
    lambda: F.scaled_dot_product_attention(q, q, q, dropout_p=0.3),
    lambda: torch.ops.simdrop.dropout(leaf, key, 0.3, [0, 1], 5),
    lambda: st.dropout(x, 0.3, seed=2, mask_shape=(4, 1)),
    lambda: st.bias_activation_dropout_residual(leaf, weight, x, 0.3, "gelu").sum().backward(),
    lambda: layer(leaf, x)[0].sum().backward(),
    lambda: st.softmax_dropout(leaf, 0.3),
    lambda: module(x[None]),
]
bad = [
    lambda: torch.dropout(x, 2.0, True),
    lambda: torch.dropout_(torch.ones(1).expand(3), 0.5, True),
    lambda: torch.ops.simdrop.dropout(x, key[:1], 0.3),
    lambda: torch.ops.simdrop.dropout(x, key, 0.3, [1]),
    lambda: st.dropout(x.long(), 0.3),
]
def calls(n):
    for turn in range(n):
        for call in good: call()
        for call in bad if turn % 100 == 0 else ():  # errors of PyTorch take milliseconds
            try: call()
            except (RuntimeError, ValueError): continue
            raise AssertionError("not refused")
        leaf.grad = weight.grad = None
def resident():
    gc.collect()
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
n = int(sys.argv[1])
seen, objects = [], []
for _ in range(4):
    calls(n)
    seen.append(resident())
    objects.append(len(gc.get_objects()))
print(n * 4 * len(good), min(b - a for a, b in zip(seen, seen[1:])), min(b - a for a, b in zip(objects, objects[1:])))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from Linux's /proc")
@pytest.mark.parametrize("rounds", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_nothing_stays_of_many_calls(rounds: int) -> None:
    """10^5 calls with 2000 rounds, in four parts: what is kept grows in each, and caches are full after the first ones."""
    environment = dict(os.environ, MALLOC_ARENA_MAX="1")
    result = subprocess.run([sys.executable, "-c", PROGRAM, str(rounds)], capture_output=True, text=True, env=environment, check=False)
    assert result.returncode == 0, result.stderr
    count, grown, objects = map(int, result.stdout.split())
    assert count == 68 * rounds
    assert grown < 16 << 10 and objects <= 0, result.stdout
