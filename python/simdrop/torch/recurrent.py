"""LSTM and GRU with dropout of inputs, states, weights and outputs, the same at every time step or not.

They are torch.nn's with more arguments: the same parameters under the same names, and the same numbers where nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from .functional import check_probability
from .keyed import Keyed
from .modules import multiply
from .packed import original_rows

__all__ = ["GRU", "LSTM"]

States = tuple[Tensor, ...]


class _Masks:
    """The masks of one forward call: they lie one after the other in the index space of one key.

    `steps` and `batch` are those of the padded sequences, and packed ones get the decisions that they would have there.
    """

    def __init__(self, key: Tensor, steps: int, batch: int, packed: PackedSequence | None) -> None:
        self.key = key
        self.steps = steps
        self.batch = batch
        self.offset = 0
        self.packed = packed
        if packed is not None:
            self.rows = original_rows(packed)
            times = torch.arange(steps, device="cpu").repeat_interleave(packed.batch_sizes)
            self.padded_rows = times * batch + self.rows

    def draw(self, x: Tensor, p: float, strides: list[int] | None, count: int) -> Tensor:
        """Apply dropout whose mask has `count` decisions."""
        y: Tensor = torch.ops.simdrop.dropout(x, self.key, p, strides, self.offset)
        self.offset += count
        return y

    def weights(self, x: Tensor, p: float) -> Tensor:
        """Drop single weights."""
        return self.draw(x, p, None, x.numel()) if p > 0.0 else x

    def inputs(self, x: Tensor, p: float, variational: bool, gates: int = 1) -> Tensor:
        """Drop features of (rows, features); with several gates, give (gates, rows, features), each with a mask of its own."""
        features = x.shape[-1]
        if p == 0.0:
            return x if gates == 1 else x.expand(gates, *x.shape)
        one = self.batch * features * (1 if variational else self.steps)
        if self.packed is None:
            whole = x.view(self.steps, self.batch, features)
            strides = [0 if variational else self.batch * features, features, 1]
            if gates == 1:
                return self.draw(whole, p, strides, one).view_as(x)
            whole = whole.expand(gates, *whole.shape)
            return self.draw(whole, p, [one, *strides], gates * one).reshape(gates, *x.shape)
        rows = self.rows if variational else self.padded_rows
        noise = self.draw(x.new_ones(gates, one // features, features), p, None, gates * one)[:, rows]
        return multiply(x, noise[0] if gates == 1 else noise)

    def states(self, like: Tensor, width: int, p: float, variational: bool, gates: int = 1) -> Callable[[int, int], Tensor]:
        """Give a function of (step, sequences) that gives what states are multiplied by: (sequences, width), or with a gate before."""
        shape = (1 if variational else self.steps, gates, self.batch, width)
        count = shape[0] * gates * self.batch * width
        noise = self.draw(like.new_ones(shape), p, None, count)
        if self.packed is not None and self.packed.sorted_indices is not None:
            noise = noise.index_select(2, self.packed.sorted_indices)
        if gates == 1:
            noise = noise.squeeze(1)

        def at(step: int, sequences: int) -> Tensor:
            here = noise[0 if variational else step]
            return here if sequences == self.batch else here[..., :sequences, :]

        return at


class _Recurrent(Keyed):
    """What LSTM and GRU have in common: everything but a step."""

    gates: int
    input_dropout: float
    recurrent_dropout: float
    output_dropout: float
    weight_dropout: float
    variational: bool
    recurrent: str
    separate_gates: bool

    def set_dropouts(
        self,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        variational: bool = True,
        recurrent: str = "state",
        separate_gates: bool = False,
    ) -> None:
        """Check and take the probabilities."""
        if recurrent not in ("state", "update"):
            raise ValueError(f"recurrent is 'state' or 'update', not {recurrent!r}")
        self.input_dropout = check_probability(input_dropout)
        self.recurrent_dropout = check_probability(recurrent_dropout)
        self.output_dropout = check_probability(output_dropout)
        self.weight_dropout = check_probability(weight_dropout)
        self.variational = variational
        self.recurrent = recurrent
        self.separate_gates = separate_gates

    # What nn.RNNBase has.
    training: bool
    dropout: float
    num_layers: int
    hidden_size: int
    proj_size: int
    bidirectional: bool
    batch_first: bool
    bias: bool
    check_input: Callable[[Tensor, Tensor | None], None]

    def drops(self) -> bool:
        """Whether anything is dropped in training."""
        between = self.dropout if self.num_layers > 1 else 0.0
        return any((between, self.input_dropout, self.recurrent_dropout, self.output_dropout, self.weight_dropout))

    def extra_repr(self) -> str:
        """Say what the module was made with, beyond what is usual."""
        text = super().extra_repr()  # type: ignore[misc]
        for name in ("input_dropout", "recurrent_dropout", "output_dropout", "weight_dropout"):
            if getattr(self, name):
                text += f", {name}={getattr(self, name)}"
        if not self.variational:
            text += ", variational=False"
        if self.recurrent != "state":
            text += f", recurrent={self.recurrent!r}"
        if self.separate_gates:
            text += ", separate_gates=True"
        return str(text + self.key_repr())

    def run_step(self, inputs: Tensor, states: States, hidden: Callable[[Tensor], Tensor], update: Tensor | None) -> States:
        """Go on by one time step."""
        raise NotImplementedError

    def run_fused(self, x: Tensor, batch_sizes: Tensor | None, states: States, weights: list[Tensor]) -> tuple[Tensor, ...]:
        """Let PyTorch compute one layer, with both of its directions."""
        raise NotImplementedError

    def layer_weights(self, layer: int, reverse: bool) -> list[Tensor]:
        """Give W_ih, W_hh, and if there are, b_ih, b_hh, and W_hr."""
        suffix = f"_l{layer}{'_reverse' if reverse else ''}"
        names = ["weight_ih", "weight_hh"] + (["bias_ih", "bias_hh"] if self.bias else [])
        if self.proj_size > 0:
            names.append("weight_hr")
        return [getattr(self, name + suffix) for name in names]

    def run_direction(
        self, x: Tensor, sizes: list[int], states: States, weights: list[Tensor], masks: _Masks, p: float, reverse: bool
    ) -> tuple[Tensor, States]:
        """Walk one layer in one direction, step by step, over rows that lie time by time."""
        separate = self.separate_gates
        gates = self.gates if separate else 1
        w_ih, w_hh = weights[0], weights[1]
        biases = weights[2:4] if self.bias else [None, None]
        w_hr = weights[-1] if self.proj_size > 0 else None
        x = masks.inputs(x, p, self.variational, gates)
        inputs = self.project(x, w_ih, biases[0])

        noise = None
        if self.recurrent_dropout > 0.0:
            width = states[0].shape[-1] if self.recurrent == "state" else self.hidden_size
            many = gates if self.recurrent == "state" else 1
            noise = masks.states(states[0], width, self.recurrent_dropout, self.variational, many)

        starts = [0]
        for size in sizes:
            starts.append(starts[-1] + size)
        order = range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes))
        begin = states
        alive = sizes[-1] if reverse else sizes[0]
        states = tuple(state[:alive] for state in begin)
        ended: list[States] = []
        outputs: list[Tensor] = []
        for step in order:
            size = sizes[step]
            if size < alive:
                ended.append(tuple(state[size:] for state in states))
                states = tuple(state[:size] for state in states)
            elif size > alive:
                states = tuple(torch.cat((state, first[alive:size])) for state, first in zip(states, begin, strict=True))
            alive = size
            here = None if noise is None else noise(step, size)

            def hidden(h: Tensor, here: Tensor | None = here) -> Tensor:
                if here is not None and self.recurrent == "state":
                    h = h * here
                elif separate:
                    h = h.expand(gates, *h.shape)
                return self.project(h, w_hh, biases[1])

            update = here if self.recurrent == "update" else None
            part = inputs[:, starts[step] : starts[step + 1]]
            states = self.run_step(part, states, hidden, update)
            if w_hr is not None:
                states = (functional.linear(states[0], w_hr), *states[1:])
            outputs.append(states[0])
        if ended:
            parts = [states, *reversed(ended)]
            states = tuple(torch.cat([part[k] for part in parts]) for k in range(len(states)))
        if reverse:
            outputs.reverse()
        return torch.cat(outputs), states

    def project(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Give (gates, rows, hidden): x, or each gate's own x, by the gates' weights."""
        if x.dim() == 2:
            flat = functional.linear(x, weight, bias)
            return flat.view(x.shape[0], self.gates, flat.shape[1] // self.gates).transpose(0, 1)
        each = weight.view(self.gates, -1, weight.shape[1]).transpose(1, 2)
        if bias is None:
            return torch.bmm(x, each)
        return torch.baddbmm(bias.view(self.gates, 1, -1), x, each)

    def run_layers(self, input: Tensor | PackedSequence, states: States | None) -> tuple[Tensor | PackedSequence, States]:
        """Run everything, with dropout."""
        packed = input if isinstance(input, PackedSequence) else None
        time = 1 if self.batch_first else 0
        unbatched = packed is None and input.dim() == 2  # type: ignore[union-attr]
        if packed is not None:
            x = packed.data
            self.check_input(x, packed.batch_sizes)
            sizes = packed.batch_sizes.tolist()
            steps, batch = len(sizes), sizes[0]
        else:
            whole: Tensor = input  # type: ignore[assignment]
            if whole.dim() not in (2, 3):
                raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got {whole.dim()}D instead")
            if unbatched:
                whole = whole.unsqueeze(1 - time)
            if time == 1:
                whole = whole.transpose(0, 1)
            self.check_input(whole, None)
            steps, batch = whole.shape[0], whole.shape[1]
            sizes = [batch] * steps
            x = whole.reshape(steps * batch, whole.shape[2])
        if steps == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        directions = 2 if self.bidirectional else 1
        begin = self.begin(x, states, batch, packed, unbatched)
        masks = _Masks(self.call_key(x), steps, batch, packed)

        ends: list[States] = []
        for layer in range(self.num_layers):
            p = self.input_dropout if layer == 0 else self.dropout
            x, end = self.run_layer(layer, x, sizes, [part[layer * directions : (layer + 1) * directions] for part in begin], masks, p)
            ends.extend(end)
        x = masks.inputs(x, self.output_dropout, self.variational)
        final = tuple(torch.stack([end[k] for end in ends]) for k in range(len(begin)))
        if packed is not None:
            if packed.unsorted_indices is not None:
                final = tuple(part.index_select(1, packed.unsorted_indices) for part in final)
            return packed._replace(data=x), final
        y = x.view(steps, batch, x.shape[-1])
        if time == 1:
            y = y.transpose(0, 1)
        if unbatched:
            y = y.squeeze(1 - time)
            final = tuple(part.squeeze(1) for part in final)
        return y, final

    def run_layer(
        self, layer: int, x: Tensor, sizes: list[int], begin: list[Tensor], masks: _Masks, p: float
    ) -> tuple[Tensor, list[States]]:
        """Run one layer: its output, and the last states of each direction."""
        reverses = (False, True) if self.bidirectional else (False,)
        weights = []
        for reverse in reverses:
            each = self.layer_weights(layer, reverse)
            each[1] = masks.weights(each[1], self.weight_dropout)
            weights.append(each)
        gates_differ = self.separate_gates and p > 0.0
        if self.recurrent_dropout == 0.0 and not gates_differ:
            x = masks.inputs(x, p, self.variational)
            flat = [weight for each in weights for weight in each]
            batch_sizes = None if masks.packed is None else masks.packed.batch_sizes
            if batch_sizes is None:
                x = x.view(masks.steps, masks.batch, x.shape[-1])
            y, *last = self.run_fused(x, batch_sizes, tuple(begin), flat)
            return y.flatten(0, -2), [tuple(part[k] for part in last) for k in range(len(reverses))]
        if not self.separate_gates:
            # Both directions read the same input.
            x = masks.inputs(x, p, self.variational)
            p = 0.0
        outputs, ends = [], []
        for k, reverse in enumerate(reverses):
            y, end = self.run_direction(x, sizes, tuple(part[k] for part in begin), weights[k], masks, p, reverse)
            outputs.append(y)
            ends.append(end)
        return (torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0]), ends

    def begin(self, x: Tensor, states: States | None, batch: int, packed: PackedSequence | None, unbatched: bool) -> list[Tensor]:
        """Give the first states, in the order of sorted sequences."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        widths = [self.proj_size or self.hidden_size, self.hidden_size][: len(self.state_names)]
        if states is None:
            return [x.new_zeros(count, batch, width) for width in widths]
        if len(states) != len(self.state_names):
            raise RuntimeError("lstm expects two hidden states")
        begin = []
        for name, state, width in zip(self.state_names, states, widths, strict=True):
            expected = (count, width) if unbatched else (count, batch, width)
            if tuple(state.shape) != expected:
                raise RuntimeError(f"Expected {name} size {expected}, got {list(state.shape)}")
            if unbatched:
                state = state.unsqueeze(1)
            if packed is not None and packed.sorted_indices is not None:
                state = state.index_select(1, packed.sorted_indices)
            begin.append(state)
        return begin

    state_names: tuple[str, ...] = ()


_ARGUMENTS = """
    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, bidirectional{projection}, device, dtype
        As of torch.nn.{name}.
    dropout : float
        Between layers, as of torch.nn.{name}.
    input_dropout : float
        Of the first layer's input.
    recurrent_dropout : float
        Of what goes round inside each layer: see `recurrent`.
    output_dropout : float
        Of the last layer's output; the last states are not touched.
    weight_dropout : float
        Of single weights of W_hh, drawn once a call: the DropConnect of AWD-LSTM (Merity et al., ICLR 2018).
    variational : bool
        True: a sequence has the same mask at every time step, where weights are not concerned (Gal and Ghahramani, NIPS 2016;
        Keras' ``dropout`` and ``recurrent_dropout``). False: each time step has its own, as torch.nn.{name}'s dropout has.
    recurrent : {{"state", "update"}}
        What `recurrent_dropout` drops: the state h where it is multiplied by W_hh, or the candidate values, so that nothing that is
        remembered is lost (Semeniuta, Severyn, Barth, COLING 2016).
    separate_gates : bool
        Each gate has masks of its own of the first layer's input, the layers' inputs and the state: Gal's untied weights, and Keras'
        layers with a recurrent dropout.
    seed, stream : int, optional
        With a seed, masks are a function of (seed, stream, step): see `set_step`. Without, keys come from PyTorch's generator.

    Notes
    -----
    Packed sequences get the masks that they would have if they were padded. Layers without a recurrent dropout run in PyTorch's own
    kernels; with one, step by step in Python.
"""


class LSTM(_Recurrent, nn.LSTM):
    __doc__ = "torch.nn.LSTM with more kinds of dropout.\n" + _ARGUMENTS.format(name="LSTM", projection=", proj_size")

    gates = 4
    state_names = ("hidden[0]", "hidden[1]")

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        variational: bool = True,
        recurrent: str = "state",
        separate_gates: bool = False,
        seed: int | None = None,
        stream: int = 0,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device=device, dtype=dtype
        )
        self.set_dropouts(input_dropout, recurrent_dropout, output_dropout, weight_dropout, variational, recurrent, separate_gates)
        self.set_key(seed, stream)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run the layers: as torch.nn.LSTM."""
        if self.is_part_of_graph(input):
            return self.as_node(input, hx)
        if not self.training or not self.drops():
            return super().forward(input, hx)
        return self.run_layers(input, hx)

    def run_step(self, inputs: Tensor, states: States, hidden: Callable[[Tensor], Tensor], update: Tensor | None) -> States:
        """Go on by one time step."""
        h, c = states
        i, f, g, o = (inputs + hidden(h)).unbind(0)
        g = torch.tanh(g)
        if update is not None:
            g = g * update
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * g
        return torch.sigmoid(o) * torch.tanh(c), c

    def run_fused(self, x: Tensor, batch_sizes: Tensor | None, states: States, weights: list[Tensor]) -> tuple[Tensor, ...]:
        """Let PyTorch compute one layer, with both of its directions."""
        if batch_sizes is None:
            return torch._VF.lstm(x, states, weights, self.bias, 1, 0.0, True, self.bidirectional, False)
        return torch._VF.lstm(x, batch_sizes, states, weights, self.bias, 1, 0.0, True, self.bidirectional)


class GRU(_Recurrent, nn.GRU):
    __doc__ = "torch.nn.GRU with more kinds of dropout.\n" + _ARGUMENTS.format(name="GRU", projection="")

    gates = 3
    state_names = ("hidden",)

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
        *,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        variational: bool = True,
        recurrent: str = "state",
        separate_gates: bool = False,
        seed: int | None = None,
        stream: int = 0,
    ) -> None:
        super().__init__(input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device=device, dtype=dtype)
        self.set_dropouts(input_dropout, recurrent_dropout, output_dropout, weight_dropout, variational, recurrent, separate_gates)
        self.set_key(seed, stream)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Run the layers: as torch.nn.GRU."""
        if self.is_part_of_graph(input):
            return self.as_node(input, hx)
        if not self.training or not self.drops():
            return super().forward(input, hx)
        output, states = self.run_layers(input, None if hx is None else (hx,))
        return output, states[0]

    def run_step(self, inputs: Tensor, states: States, hidden: Callable[[Tensor], Tensor], update: Tensor | None) -> States:
        """Go on by one time step."""
        (h,) = states
        x_r, x_z, x_n = inputs.unbind(0)
        h_r, h_z, h_n = hidden(h).unbind(0)
        n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        if update is not None:
            n = n * update
        z = torch.sigmoid(x_z + h_z)
        return ((1.0 - z) * n + z * h,)

    def run_fused(self, x: Tensor, batch_sizes: Tensor | None, states: States, weights: list[Tensor]) -> tuple[Tensor, ...]:
        """Let PyTorch compute one layer, with both of its directions."""
        if batch_sizes is None:
            return torch._VF.gru(x, states[0], weights, self.bias, 1, 0.0, True, self.bidirectional, False)
        return torch._VF.gru(x, batch_sizes, states[0], weights, self.bias, 1, 0.0, True, self.bidirectional)
