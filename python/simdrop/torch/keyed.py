"""What the modules have in common: where their keys come from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Proxy

from .functional import _signed
from .functional import key as make_key

__all__ = ["Keyed", "set_step"]

_LOW = (1 << 64) - 1


def mix(word: int) -> int:
    """Scramble 64 bits: the last step of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), a bijection under which 0 is 0."""
    word &= _LOW
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _LOW
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _LOW
    return word ^ (word >> 31)


class Keyed:
    """A module whose masks come from PyTorch's generator, or, if it has a seed, from (seed, stream, step).

    The key of a seeded module at a step is (seed XOR mix(step), stream). It stays the same until `set_step` is told another step:
    a counter of the module's own would go on where checkpointing computes a layer for the second time.

    Attributes
    ----------
    seed : int or None
        None: the generator's turn.
    stream : int
        Which of the masks of a seed; layers of a model have different ones.
    """

    seed: int | None
    stream: int
    _step_key: Tensor | None

    def set_key(self, seed: int | None, stream: int = 0) -> None:
        """Give the module a seed and a stream, at step 0; None takes the seed away."""
        if seed is None:
            if stream != 0:
                raise ValueError("a stream belongs to a seed: without one, keys come from the generator")
            self.seed, self.stream, self._step_key = None, 0, None
            return
        # On the CPU whatever the default device is, and no tensor of inference mode, which could not be written to outside it.
        with torch.inference_mode(False):
            self._step_key = make_key(seed, stream)
        self.seed, self.stream = int(seed), int(stream)

    def set_step(self, step: int) -> None:
        """Go to the masks of a step; nothing happens to a module without a seed."""
        if self._step_key is not None and self.seed is not None:
            # In place: a compiled graph reads the tensor that it saw.
            self._step_key[0] = _signed((self.seed ^ mix(step)) & _LOW)

    def call_key(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Give the key of a forward call."""
        if self._step_key is not None:
            # A copy: what autograd saves must outlive the next step.
            return self._step_key.clone()
        drawn: Tensor = torch.ops.simdrop.key(x, generator=generator)
        return drawn

    def __prepare_scriptable__(self) -> Any:
        """Say to ``torch.jit.script`` what it could not say clearly."""
        raise RuntimeError(
            f"torch.jit.script cannot compile simdrop.torch.{type(self).__name__}, which is Python: use torch.jit.trace or torch.compile, "
            "or call torch.ops.simdrop.dropout(x, torch.ops.simdrop.key(x), p), or torch.nn's module with simdrop.torch.enable()"
        )

    def is_part_of_graph(self, x: Any) -> bool:
        """Whether torch.fx traces a model, by symbols, of which this is a module."""
        return isinstance(x, Proxy) and getattr(x.tracer, "root", self) is not self

    def as_node(self, *inputs: Any) -> Any:
        """Be a node of that graph, as the modules of torch.nn are: what is inside happens when the graph runs."""
        tracer: Any = inputs[0].tracer
        return tracer.create_proxy("call_module", tracer.path_of_module(self), inputs, {})

    def key_repr(self) -> str:
        """Give what `extra_repr` says of the key."""
        return "" if self.seed is None else f", seed={self.seed}, stream={self.stream}"


def set_step(model: nn.Module, step: int) -> nn.Module:
    """Tell the seeded modules of a model which step of training it is.

    Call it before each step: without, every step has the masks of the one before.

    Parameters
    ----------
    model : torch.nn.Module
        Modules without a seed in it stay as they are.
    step : int
        From 0 on.

    Returns
    -------
    torch.nn.Module
        `model`.
    """
    for module in model.modules():
        if isinstance(module, Keyed):
            module.set_step(step)
    return model
