"""What the examples share: arguments, data, pictures, and how much of a training step is dropout."""

from __future__ import annotations

import argparse
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

# Of one run: (step, training loss, validation loss), as often as they were taken.
Curve = list[tuple[int, float, float]]

CASES = ("pytorch", "simdrop", "none")


def parse(file: str, description: str) -> argparse.Namespace:
    """Read the arguments that all examples have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--picture", type=pathlib.Path, default=pathlib.Path(pathlib.Path(file).stem + ".svg"), help="where it is written")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it runs, and no timing")
    parser.add_argument("--no-timing", action="store_true", help="do not measure a training step")
    parser.add_argument("--time", choices=CASES, help=argparse.SUPPRESS)
    return parser.parse_args()


def load_digits(wrong: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give scikit-learn's digits, 8 x 8 pixels from 0 to 1: 300 images to learn from and their numbers, and the 1497 others.

    So few, because a network can learn them by heart, which is what dropout is against; and if asked for, with so many of the 300
    numbers wrong, as they are where people or programs have labelled images.
    """
    from sklearn.datasets import load_digits as load

    digits = load()
    images = torch.tensor(digits.images, dtype=torch.float32) / 16.0
    numbers = torch.tensor(digits.target, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(images), generator=generator)
    images, numbers = images[order], numbers[order]
    numbers[:wrong] = (numbers[:wrong] + torch.randint(1, 10, (wrong,), generator=generator)) % 10
    return images[:300], numbers[:300], images[300:], numbers[300:]


def batches_of(images: Tensor, numbers: Tensor) -> Callable[[torch.Generator], tuple[Tensor, Tensor]]:
    """Give a function that draws 64 of the images, with their numbers."""

    def batch(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(0, len(images), (64,), generator=generator)
        return images[chosen], numbers[chosen]

    return batch


def training_step(model: torch.nn.Module, loss: Callable[[], Tensor], compiled: bool = False) -> Callable[[], None]:
    """Give a function that does one step of gradient descent."""
    if compiled:
        model.compile()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


class Text:
    """Prose that every Python ships, pydoc's topics, as numbers: 15 000 characters to learn from, and the 10 000 that follow.

    So few, again, because a network can learn them by heart.
    """

    def __init__(self) -> None:
        from pydoc_data.topics import topics

        text = "\n".join(topics[name] for name in sorted(topics))[25_000:50_000]
        self.characters = sorted(set(text))
        numbers = torch.tensor([self.characters.index(c) for c in text])
        self.training, self.validation = numbers[:15_000], numbers[15_000:]

    def batch(self, length: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Give `count` pieces of the training text, and what follows each of their characters."""
        starts = torch.randint(0, len(self.training) - length, (count,), generator=generator)
        places = starts.unsqueeze(1) + torch.arange(length + 1)
        pieces = self.training[places]
        return pieces[:, :-1], pieces[:, 1:]

    def all_validation(self, length: int) -> tuple[Tensor, Tensor]:
        """Give the other text in pieces, and what follows each of their characters."""
        count = (len(self.validation) - 1) // length
        return (
            self.validation[: count * length].view(count, length),
            self.validation[1 : count * length + 1].view(count, length),
        )


def train(
    model: torch.nn.Module,
    loss: Callable[[torch.nn.Module, Tensor, Tensor], Tensor],
    batch: Callable[[torch.Generator], tuple[Tensor, Tensor]],
    held_out: tuple[Tensor, Tensor],
    steps: int,
    every: int,
    learning_rate: float = 1e-3,
) -> Curve:
    """Train with Adam; as often as asked, note the mean training loss since, with dropout on, and the validation loss, with it off."""
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(2)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    curve: Curve = []
    losses = []
    for step in range(1, steps + 1):
        value = loss(model, *batch(generator))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
        if step % every == 0:
            model.eval()
            with torch.no_grad():
                validation = loss(model, *held_out).item()
            model.train()
            curve.append((step, statistics.fmean(losses), validation))
            losses.clear()
    return curve


def show(curves: dict[str, Curve]) -> None:
    """Print the first, the best and the last losses of each run."""
    for name, curve in curves.items():
        best = min(curve, key=lambda point: point[2])
        print(
            f"{name:>28}: training loss {curve[0][1]:.3f} -> {curve[-1][1]:.3f}, validation loss {curve[0][2]:.3f} -> {curve[-1][2]:.3f}"
            f" (best {best[2]:.3f}, at step {best[0]})"
        )


def figure(columns: int = 1) -> tuple[object, list]:
    """Give a figure of matplotlib and its axes, with text that stays text."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "simdrop", "font.size": 9})
    fig, axes = pyplot.subplots(1, columns, figsize=(4.2 * columns, 3.2), squeeze=False, layout="constrained")
    return fig, list(axes[0])


def save(fig, path: pathlib.Path) -> None:
    """Write a picture, the same bytes for the same numbers."""
    fig.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    print(f"wrote {path}")


def draw(curves: dict[str, Curve], path: pathlib.Path, title: str) -> None:
    """Draw training and validation losses side by side."""
    fig, axes = figure(2)
    for k, name in enumerate(("training loss", "validation loss")):
        for label, curve in curves.items():
            axes[k].plot([point[0] for point in curve], [point[k + 1] for point in curve], label=label)
        axes[k].set_xlabel("step")
        axes[k].set_title(f"{title}: {name}")
        axes[k].grid(alpha=0.3)
    axes[1].legend()
    save(fig, path)


def time_step(case: str, make_step: Callable[[bool], Callable[[], None]], steps: int = 60) -> None:
    """Print the median milliseconds of a step, in this process: of one case alone, since PyTorch keeps what it has resolved."""
    torch.manual_seed(0)
    if case == "simdrop":
        import simdrop.torch

        simdrop.torch.enable()
    step = make_step(case != "none")
    for _ in range(5):
        step()
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(1000 * statistics.median(times))


def report_step(file: str) -> None:
    """Say how much of a training step is dropout: PyTorch's, simdrop's, and none, in processes of their own that take turns."""
    times: dict[str, list[float]] = {case: [] for case in CASES}
    for _ in range(3):
        for case in CASES:
            output = subprocess.run([sys.executable, file, "--time", case], check=True, capture_output=True, text=True).stdout
            times[case].append(float(output))
    pytorch, simdrop, none = (statistics.median(times[case]) for case in CASES)
    print(
        f"a training step: {pytorch:.2f} ms with PyTorch's dropout, {simdrop:.2f} ms with simdrop's, {none:.2f} ms with p = 0;"
        f" dropout is {100 * (pytorch - none) / pytorch:.0f} % of it, and {100 * (simdrop - none) / simdrop:.0f} % with simdrop"
    )
