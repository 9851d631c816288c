"""A small convolutional network on digits: dropout of single pixels, of whole channels, and none.

python examples/python/dropout2d.py
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import common

KINDS = {"no dropout": None, "nn.Dropout(0.5)": nn.Dropout, "nn.Dropout2d(0.5)": nn.Dropout2d}


def make_network(kind: type[nn.Module] | None, channels: int = 32, p: float = 0.3) -> nn.Module:
    """Two convolutions, each followed by dropout."""

    def drop() -> nn.Module:
        return nn.Identity() if kind is None else kind(p)

    return nn.Sequential(
        nn.Unflatten(1, (1, -1)),
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        drop(),
        nn.Conv2d(channels, 2 * channels, 3, padding=1),
        nn.ReLU(),
        drop(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * channels * 16, 10),
    )


def loss(model: nn.Module, images: Tensor, numbers: Tensor) -> Tensor:
    return F.cross_entropy(model(images), numbers)


def make_step(drops: bool):
    """A training step on 64 images, with dropout of single pixels, which costs PyTorch the most."""
    model = make_network(nn.Dropout if drops else None)
    images, numbers = torch.randn(64, 8, 8), torch.randint(0, 10, (64,))
    return common.training_step(model, lambda: loss(model, images, numbers))


def main() -> None:
    arguments = common.parse(__file__, "A convolutional network with and without dropout of channels.")
    if arguments.time:
        common.time_step(arguments.time, make_step)
        return

    import simdrop.torch

    simdrop.torch.enable()
    images, numbers, *held_out = common.load_digits(wrong=60)
    batch = common.batches_of(images, numbers)
    steps, every = (20, 10) if arguments.quick else (1000, 25)
    curves = {}
    for name, kind in KINDS.items():
        torch.manual_seed(0)
        model = make_network(kind, p=0.5)
        curves[name] = common.train(model, loss, batch, (held_out[0], held_out[1]), steps, every)
        with torch.no_grad():
            right = (model.eval()(held_out[0]).argmax(1) == held_out[1]).float().mean()
        print(f"{name:>28}: {100 * right:.1f} % of the held-out digits are right")
    common.show(curves)
    common.draw(curves, arguments.picture, "CNN")
    if not arguments.quick and not arguments.no_timing:
        common.report_step(__file__)


if __name__ == "__main__":
    main()
