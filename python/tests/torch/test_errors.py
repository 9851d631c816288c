"""Bad arguments raise what PyTorch's functions raise, eagerly and compiled, and change nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

import simdrop.torch as st  # noqa: E402

FUNCTIONS = (st.dropout, st.gaussian_dropout, st.bias_activation_dropout_residual, st.norm_dropout_residual, st.softmax_dropout)
DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)
x = torch.ones(2, 3, 4)
TEXTS_ARRIVE = tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 13)
by_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def outcome(call: Callable[[], Any]) -> tuple[type, str]:
    """The exception, and its text without a trace of where it came from."""
    with pytest.raises(Exception) as raised:
        call()
    return raised.type, str(raised.value).split("Exception raised from")[0].split("Error: ", 1)[-1].strip().splitlines()[0]


@pytest.mark.parametrize("p", [-0.1, 1.5, -math.inf, 2])
def test_probabilities_are_those_of_pytorch(p: float) -> None:
    """The same type and the same text, with simdrop on and off."""
    calls = [lambda f=f: f(x, p, True) for f in DROPOUTS]
    calls += [lambda f=f: f(x, p, True) for f in (torch.dropout, torch.alpha_dropout, torch.feature_dropout, torch.feature_alpha_dropout)]
    calls += [lambda f=f: f(x.clone(), p, True) for f in (torch.dropout_, torch.alpha_dropout_, torch.feature_dropout_)]
    calls += [lambda m=m: m(p) for m in (nn.Dropout, st.Dropout, st.DropPath, st.LockedDropout, nn.AlphaDropout)]
    for call in calls:
        st.disable()
        expected = outcome(call)
        st.enable()
        assert outcome(call) == expected
        assert "dropout probability has to be between 0 and 1, but got" in expected[1]


@by_function
def test_of_the_functions(function: Any) -> None:
    for p in (-0.1, 1.5, math.nan):
        with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1, but got"):
            function(x, p=p)
    for p in ("0.5", b"0.5", None, [0.5], 0.5j):
        with pytest.raises(TypeError):
            function(x, p=p)
    for wrong in (None, 3.0, [1.0, 2.0], np.ones(3), "x"):
        with pytest.raises(TypeError, match=f"{function.__name__}\\(\\): argument 'x' must be Tensor, not {type(wrong).__name__}"):
            function(wrong)
    with pytest.raises(ValueError, match="offset is an index"):
        function(x, offset=-1)
    with pytest.raises(TypeError):
        function(x, offset=1.5)
    assert torch.equal(function(x, seed=1, offset=np.int64(3))[0], function(x, seed=1, offset=3)[0])
    with pytest.raises(TypeError, match="a key is a Tensor, not tuple"):
        function(x, key=(1, 2))
    with pytest.raises(ValueError, match="int64"):
        function(x, key=torch.zeros(3, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"generator must be a torch.Generator, not int"):
        function(x, generator=7)
    with pytest.raises(TypeError):
        function(x, seed=1.5)
    with pytest.raises(ValueError, match="64 bits"):
        function(x, seed=2**64)
    for kind in (torch.int64, torch.complex64, torch.bool):
        with pytest.raises(RuntimeError):
            function(x.to(kind), seed=1)


def test_of_axes() -> None:
    for axis in (3, -4):
        with pytest.raises(IndexError, match=f"axis {axis} of share_axes is out of range"):
            st.dropout(x, share_axes=axis)
    one = torch.ones(())
    assert torch.equal(st.dropout(one, seed=1, share_axes=-1), st.dropout(one, seed=1))
    assert torch.equal(st.dropout(one, seed=1, share_axes=0), st.dropout(one, seed=1))
    for axis in (1, -2):
        with pytest.raises(IndexError):
            st.dropout(one, share_axes=axis)
    with pytest.raises(TypeError):
        st.dropout(x, share_axes=0.5)
    for shape in ((2, 3, 5), (1, 2, 3, 4), (-1, 3, 4), (0, 3, 4)):
        with pytest.raises(ValueError, match="does not broadcast"):
            st.dropout(x, mask_shape=shape)
    for name, tensor in (("bias", [1.0]), ("residual", 3), ("residual", np.ones(3))):
        with pytest.raises(TypeError, match=f"argument '{name}' must be Tensor"):
            st.bias_activation_dropout_residual(x, **{name: tensor})


def test_nothing_is_drawn_and_nothing_written() -> None:
    st.enable()
    state = torch.get_rng_state()
    wide = torch.ones(1).expand(4)
    locked = torch.ones(5)
    with torch.inference_mode():
        made = torch.ones(5)
    calls = [lambda f=f: f(x, p=1.5) for f in FUNCTIONS] + [lambda f=f: f(x, 1.5) for f in DROPOUTS]
    calls += [lambda: torch.dropout(x, 1.5, True), lambda: torch.dropout_(locked, -1, True), lambda: st.dropout(locked, 2, inplace=True)]
    for call in calls:
        with pytest.raises((ValueError, RuntimeError)):
            call()
    assert torch.equal(torch.get_rng_state(), state)
    with torch.no_grad():
        for tensor in (wide, made):
            with pytest.raises(RuntimeError):
                F.dropout(tensor, 0.5, inplace=True)
            assert torch.equal(tensor, torch.ones_like(tensor))
    leaf = torch.ones(5, requires_grad=True)
    for function in (F.dropout, st.dropout):
        with pytest.raises(RuntimeError, match="leaf Variable" if TEXTS_ARRIVE or function is st.dropout else None):
            function(leaf, 0.5, inplace=True)
    assert torch.equal(leaf, torch.ones(5)) and torch.equal(locked, torch.ones(5))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fullgraph", [False, True])
def test_compiled(fullgraph: bool) -> None:
    """What the compiler finds by itself is a RuntimeError of its own, and names what it found, here as without simdrop."""
    st.enable()
    calls: dict[Callable[[torch.Tensor], Any], type] = {
        lambda x: F.dropout(x, 1.5): ValueError,
        lambda x: torch.dropout(x, 1.5, True): RuntimeError,
        lambda x: st.dropout(x, -0.5): ValueError,
        lambda x: st.softmax_dropout(x, 0.5, offset=-1): ValueError,
        lambda x: st.dropout(x, share_axes=5): IndexError,
        lambda x: st.dropout([x]): TypeError,
    }
    for call, kind in calls.items():
        expected = outcome(lambda call=call: call(x))
        assert expected[0] is kind
        compiled = torch.compile(call, backend="aot_eager", fullgraph=fullgraph)
        with pytest.raises(Exception) as raised:
            compiled(x)
        assert raised.type is kind or issubclass(raised.type, RuntimeError), raised
        assert expected[1][:40] in str(raised.value), raised
