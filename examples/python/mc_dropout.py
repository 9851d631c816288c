"""Monte Carlo dropout: a classifier of digits says how sure it is, and is less so of digits that are turned.

It is an approximation, and the picture shows its limit, too: of digits that lie on their side, the network is sure again, and wrong.

python examples/python/mc_dropout.py
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import common
import simdrop.torch as st


def make_network(p: float = 0.5) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Dropout(p), nn.Linear(256, 256), nn.ReLU(), nn.Dropout(p), nn.Linear(256, 10)
    )


def loss(model: nn.Module, images: Tensor, numbers: Tensor) -> Tensor:
    return F.cross_entropy(model(images), numbers)


def turn(images: Tensor, degrees: float) -> Tensor:
    """Turn images about their middle."""
    angle = math.radians(degrees)
    matrix = torch.tensor([[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]])
    grid = F.affine_grid(matrix.expand(len(images), 2, 3), [len(images), 1, 8, 8], align_corners=False)
    return F.grid_sample(images.unsqueeze(1), grid, align_corners=False).squeeze(1)


def make_step(drops: bool):
    """One pass of Monte Carlo dropout on 1024 images, here in place of a training step."""
    model = make_network(0.5 if drops else 0.0)
    images = torch.randn(1024, 64)

    def step() -> None:
        with st.dropout_active(model), torch.no_grad():
            model(images)

    return step


def main() -> None:
    arguments = common.parse(__file__, "Uncertainty of turned digits by Monte Carlo dropout.")
    if arguments.time:
        common.time_step(arguments.time, make_step)
        return

    st.enable()
    images, numbers, *held_out = common.load_digits()
    batch = common.batches_of(images, numbers)

    torch.manual_seed(0)
    model = make_network()
    steps, every = (40, 20) if arguments.quick else (1500, 50)
    curve = common.train(model, loss, batch, (held_out[0], held_out[1]), steps, every)
    common.show({"dropout 0.5": curve})

    # Those that stay what they are when they are turned, or turn into others, are left out.
    chosen = (held_out[1] == 2) | (held_out[1] == 3) | (held_out[1] == 4) | (held_out[1] == 5) | (held_out[1] == 7)
    digits, truth = held_out[0][chosen], held_out[1][chosen]
    angles = list(range(0, 91, 30 if arguments.quick else 5))
    right, spread, doubt, plain = [], [], [], []
    for angle in angles:
        turned = turn(digits, angle)
        mean, std = st.mc_dropout(model, turned, passes=10 if arguments.quick else 50, seed=3, transform=lambda y: y.softmax(-1))
        said = mean.argmax(-1)
        right.append((said == truth).float().mean().item())
        spread.append(std.gather(1, said.unsqueeze(1)).mean().item())
        doubt.append(-(mean * mean.clamp_min(1e-9).log()).sum(-1).mean().item())
        with torch.no_grad():
            plain.append(1 - model.eval()(turned).softmax(-1).amax(-1).mean().item())
        print(f"turned by {angle:3}: {100 * right[-1]:5.1f} % right, standard deviation {spread[-1]:.3f}, entropy {doubt[-1]:.3f} nats")

    fig, axes = common.figure(2)
    axes[0].plot(angles, right)
    axes[0].set_title("share of turned digits that are right")
    axes[1].plot(angles, spread, label="standard deviation over passes")
    axes[1].plot(angles, doubt, label="entropy of the mean, nats")
    axes[1].plot(angles, plain, label="1 - probability, without dropout", linestyle="--")
    axes[1].set_title("how unsure the network is")
    axes[1].set_ylim(0, 1.1)  # which leaves room for what the lines are
    axes[1].legend(loc="upper right")
    for axis in axes:
        axis.set_xlabel("degrees")
        axis.grid(alpha=0.3)
    common.save(fig, arguments.picture)
    if not arguments.quick and not arguments.no_timing:
        print("Of Monte Carlo passes in evaluation:")
        common.report_step(__file__)


if __name__ == "__main__":
    main()
