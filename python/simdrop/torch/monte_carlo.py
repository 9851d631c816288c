"""Monte Carlo dropout: what a model says when its dropouts stay on (Gal and Ghahramani, ICML 2016)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .keyed import Keyed, set_step

__all__ = ["MonteCarlo", "dropout_active", "mc_dropout"]

# Modules that do nothing else in training mode but drop. The encoder and decoder layers drop nothing themselves, but in
# evaluation take a way through one fused call that leaves the dropouts inside them out.
_DROPPING = (
    nn.modules.dropout._DropoutNd,
    Keyed,
    nn.RNNBase,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)


class MonteCarlo(NamedTuple):
    """Mean and standard deviation over the passes."""

    mean: Tensor
    std: Tensor


@contextlib.contextmanager
def dropout_active(model: nn.Module, also: type[nn.Module] | Iterable[type[nn.Module]] = ()) -> Iterator[nn.Module]:
    """Put a model into evaluation mode, but for its dropouts; afterwards every module is in the mode that it was in.

    Parameters
    ----------
    model : torch.nn.Module
        Dropout is left on in nn.Dropout and its relatives, this package's modules, nn.LSTM, GRU and RNN, nn.MultiheadAttention and
        the layers of nn.Transformer. Normalisations use their running statistics.
    also : type or iterable of types
        Modules of your own that call dropout as a function, with ``self.training``: they are put into training mode, but not what is
        inside them.

    Yields
    ------
    torch.nn.Module
        `model`.
    """
    dropping = _DROPPING + ((also,) if isinstance(also, type) else tuple(also))
    modes = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in modes:
            module.training = isinstance(module, dropping)
        yield model
    finally:
        for module, mode in modes:
            module.training = mode


@torch.no_grad()
def mc_dropout(
    model: nn.Module,
    x: Any,
    passes: int = 20,
    seed: int | None = None,
    *,
    transform: Callable[[Any], Tensor] | None = None,
    also: type[nn.Module] | Iterable[type[nn.Module]] = (),
) -> MonteCarlo:
    """Run a model many times with its dropouts on, and give the mean and the standard deviation of what it says.

    Parameters
    ----------
    model : torch.nn.Module
        Its modes are what they were, afterwards.
    x : Tensor or tuple
        The input; a tuple is given as several arguments.
    passes : int
        How many times: at least 2.
    seed : int, optional
        The same seed gives the same numbers, and leaves PyTorch's generator as it was. None: the generator goes on.
    transform : callable, optional
        What is made of each output before it is averaged: softmax, of logits; or which tensor it is, of several.
    also
        As of `dropout_active`.

    Returns
    -------
    MonteCarlo
        (mean, std), each of the output's shape; std has ``passes - 1`` below.

    Notes
    -----
    Modules with a seed of their own go through as many steps, and are at step 0 afterwards.
    """
    if passes < 2:
        raise ValueError(f"a standard deviation needs at least 2 passes, not {passes}")
    arguments = x if isinstance(x, tuple) else (x,)
    with contextlib.ExitStack() as stack:
        stack.enter_context(dropout_active(model, also))
        if seed is not None:
            # The CPU's generator alone: those of accelerators are not asked.
            stack.callback(torch.set_rng_state, torch.get_rng_state())
            torch.default_generator.manual_seed(seed)
        stack.callback(set_step, model, 0)
        mean = squares = None
        for step in range(passes):
            set_step(model, step)
            output = model(*arguments)
            y = output if transform is None else transform(output)
            if not isinstance(y, Tensor):
                raise TypeError(f"the model gives a {type(y).__name__}: say by transform= which tensor of it is meant")
            if not y.is_floating_point():
                raise TypeError(f"{y.dtype} has no mean: give numbers, by transform= if need be")
            # Welford's way, so that one output is held at a time; 16-bit types in float.
            y = y.to(torch.promote_types(y.dtype, torch.float32))
            if mean is None or squares is None:
                mean, squares = y.clone(), torch.zeros_like(y)
                continue
            away = y - mean
            mean += away / (step + 1)
            squares += away * (y - mean)
    assert mean is not None and squares is not None
    return MonteCarlo(mean, (squares / (passes - 1)).sqrt())
