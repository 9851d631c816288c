"""A classifier of digits with and without dropout: what dropout is for, and what it costs.

python examples/python/mlp.py
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import common


class MLP(nn.Module):
    """Two hidden layers, with dropout after each activation."""

    def __init__(self, input_dim: int, hidden_dim: int, num_classes: int, p: float) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(input_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(p=p),
            nn.Linear(hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(p=p),
            nn.Linear(hidden_dim, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def loss(model: nn.Module, images: Tensor, numbers: Tensor) -> Tensor:
    return F.cross_entropy(model(images.flatten(1)), numbers)


def make_step(drops: bool, compiled: bool = False):
    """A training step of the usual size: 784 pixels, 512 hidden units, 64 images."""
    model = MLP(784, 512, 10, p=0.5 if drops else 0.0)
    images, numbers = torch.randn(64, 784), torch.randint(0, 10, (64,))
    return common.training_step(model, lambda: loss(model, images, numbers), compiled)


def main() -> None:
    arguments = common.parse(__file__, "A classifier of digits with and without dropout.")
    if arguments.time:
        common.time_step(arguments.time, make_step, steps=200)
        return

    import simdrop.torch

    simdrop.torch.enable()
    images, numbers, *held_out = common.load_digits(wrong=30)
    batch = common.batches_of(images, numbers)
    steps, every = (40, 10) if arguments.quick else (1500, 25)
    curves = {}
    for p in (0.0, 0.2, 0.5):
        torch.manual_seed(0)
        model = MLP(64, 512, 10, p)
        name = f"dropout {p}" if p else "no dropout"
        curves[name] = common.train(model, loss, batch, (held_out[0], held_out[1]), steps, every)
        right = (model.eval()(held_out[0].flatten(1)).argmax(1) == held_out[1]).float().mean()
        print(f"{name:>28}: {100 * right:.1f} % of the held-out digits are right")
    common.show(curves)
    common.draw(curves, arguments.picture, "MLP")
    if not arguments.quick and not arguments.no_timing:
        common.report_step(__file__)


if __name__ == "__main__":
    main()
