"""Three layers of LSTM that learn to write, by characters: dropout between layers, and in recurrent connections.

    python examples/python/lstm.py

The text is what Python's own help says. PyTorch's LSTM drops between layers, each time step anew; simdrop.torch.LSTM also drops inputs,
states and outputs, by the same mask at every time step (Gal and Ghahramani, NIPS 2016), or single recurrent weights (Merity et al.,
ICLR 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import common
import simdrop.torch as st

LENGTH = 32


class Writer(nn.Module):
    """Says which character is next."""

    def __init__(self, characters: int, lstm: nn.LSTM) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, lstm.input_size)
        self.lstm = lstm
        self.linear = nn.Linear(lstm.hidden_size, characters)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.lstm(self.embedding(x))[0])


def loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def initialize(lstm: nn.LSTM) -> None:
    """Begin as Keras does, which learns sooner than PyTorch's way: orthogonal recurrent weights, Glorot's input weights, open gates."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
        for weights in parameter.detach().chunk(4):
            if name.startswith("weight_ih"):
                nn.init.xavier_uniform_(weights)
            elif name.startswith("weight_hh"):
                nn.init.orthogonal_(weights)
        if name.startswith("bias_ih"):
            nn.init.ones_(parameter.detach()[lstm.hidden_size : 2 * lstm.hidden_size])


def make_lstms() -> dict[str, nn.LSTM]:
    """The same layers, with more and more dropout."""
    shape = {"input_size": 64, "hidden_size": 128, "num_layers": 3, "batch_first": True}
    return {
        "no dropout": nn.LSTM(**shape),
        "between layers": nn.LSTM(dropout=0.2, **shape),
        "and recurrent weights": st.LSTM(dropout=0.2, weight_dropout=0.3, output_dropout=0.2, **shape),
        "and recurrent states": st.LSTM(dropout=0.2, recurrent_dropout=0.2, output_dropout=0.2, **shape),
    }


def make_step(drops: bool):
    """A training step of the seed's size: 128 inputs, 256 hidden units, three layers, 32 sequences of 50."""
    model = nn.LSTM(input_size=128, hidden_size=256, num_layers=3, dropout=0.2 if drops else 0.0, batch_first=True)
    x = torch.randn(32, 50, 128)
    return common.training_step(model, lambda: model(x)[0].square().mean())


def main() -> None:
    arguments = common.parse(__file__, "Three layers of LSTM with dropout in different places.")
    if arguments.time:
        common.time_step(arguments.time, make_step, steps=12)
        return

    st.enable()
    text = common.Text()
    steps, every = (4, 2) if arguments.quick else (400, 25)
    curves = {}
    for name, lstm in make_lstms().items():
        torch.manual_seed(0)
        initialize(lstm)
        model = Writer(len(text.characters), lstm)
        curves[name] = common.train(
            model, loss, lambda g: text.batch(LENGTH, 32, g), text.all_validation(LENGTH), steps, every, learning_rate=1e-2
        )
    common.show(curves)
    common.draw(curves, arguments.picture, "LSTM")
    if not arguments.quick and not arguments.no_timing:
        common.report_step(__file__)


if __name__ == "__main__":
    main()
