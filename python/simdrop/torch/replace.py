"""Making a model's dropouts this package's, in place."""

from __future__ import annotations

import sys
from typing import NamedTuple

from torch import nn

from . import modules, recurrent
from .keyed import Keyed

__all__ = ["Replaced", "replace"]

_CLASSES: dict[type[nn.Module], type[nn.Module]] = {
    nn.Dropout: modules.Dropout,
    nn.Dropout1d: modules.Dropout1d,
    nn.Dropout2d: modules.Dropout2d,
    nn.Dropout3d: modules.Dropout3d,
    nn.LSTM: recurrent.LSTM,
    nn.GRU: recurrent.GRU,
}

# Dropouts that are called as functions inside, or for which there is no module here.
_LEFT = (nn.modules.dropout._DropoutNd, nn.MultiheadAttention, nn.RNNBase)


class Replaced(NamedTuple):
    """What `replace` did.

    Attributes
    ----------
    model : torch.nn.Module
        The model, which is the same object.
    swapped : list of (str, str, str)
        Name, class before, class now, in the model's order.
    left : list of (str, str)
        Name and class of what drops, and was left as it is.
    """

    model: nn.Module
    swapped: list[tuple[str, str, str]]
    left: list[tuple[str, str]]

    def __str__(self) -> str:
        """Say it line by line."""
        lines = [f"{name or '(model)'}: {old} -> {new}" for name, old, new in self.swapped]
        lines += [f"{name or '(model)'}: {kind} left as it is; simdrop.torch.enable() reaches it" for name, kind in self.left]
        return "\n".join(lines) if lines else "no dropout found"


def _full_name(kind: type) -> str:
    module = "torch.nn" if kind.__module__.startswith("torch.nn.") else kind.__module__
    module = "simdrop.torch" if module.startswith("simdrop.torch.") else module
    return f"{module}.{kind.__qualname__}"


def _drops(module: nn.Module) -> bool:
    if isinstance(module, nn.RNNBase):
        return module.dropout > 0.0 and module.num_layers > 1
    if isinstance(module, nn.MultiheadAttention):
        return bool(module.dropout > 0.0)
    return True


def replace(model: nn.Module, *, seed: int | None = None, verbose: bool = True) -> Replaced:
    """Make each nn.Dropout, Dropout1d, 2d, 3d, LSTM and GRU of a model this package's.

    Modules change their class and stay the same objects, so that parameters, hooks, names and state dicts are what they were. Only
    these very classes are taken: subclasses of them may mean something else.

    Parameters
    ----------
    model : torch.nn.Module
        May itself be one of these.
    seed : int, optional
        Gives every module of this package in the model this seed and, in the model's order, the streams 0, 1, ...: the masks are a
        function of (seed, module, step) then, and `set_step` is to be called before each step. Without, masks come from PyTorch's
        generator, and modules that have a seed keep it.
    verbose : bool
        Print what was done.

    Returns
    -------
    Replaced
        The model, what was swapped, and what was left.
    """
    swapped, left = [], []
    stream = 0
    for name, module in model.named_modules():
        kind = type(module)
        new = _CLASSES.get(kind)
        if new is not None:
            module.__class__ = new
            assert isinstance(module, Keyed)
            module.set_key(None)
            if isinstance(module, recurrent._Recurrent):
                # What these dropped until now, they drop between layers, for each time step anew.
                module.set_dropouts(variational=False)
            elif isinstance(module, modules.Dropout):
                module.share = None
            swapped.append((name, _full_name(kind), _full_name(new)))
        elif isinstance(module, _LEFT) and not isinstance(module, Keyed) and _drops(module):
            left.append((name, _full_name(kind)))
        if isinstance(module, Keyed) and seed is not None:
            module.set_key(seed, stream)
            stream += 1
    result = Replaced(model, swapped, left)
    if verbose:
        sys.stdout.write(f"{result}\n")
    return result
