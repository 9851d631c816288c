#!/usr/bin/env python3
"""Time of scaled_dot_product_attention with dropout: PyTorch's, simdrop's, and without dropout.

    PYTHONPATH=<where simdrop is> python3 bench/torch_attention.py [--threads 1 2] [--json FILE]

The three take turns in one process: PyTorch's own with p = 0 (which is fused), simdrop with p = 0.1, and, fewer times, PyTorch's own with
p = 0.1. Medians, and their ratios to p = 0. On a machine that others use, --clock processor takes the processor's time in place of the
wall's.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable

import calls
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

import simdrop.torch

SHAPES = ((8, 8, 256, 64), (2, 8, 1024, 64))
PROBABILITY = 0.1


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def milliseconds(function: Callable[[], object], clock: Callable[[], float]) -> float:
    """How long one call takes."""
    begin = clock()
    function()
    return (clock() - begin) * 1e3


def make_call(tensors: list[Tensor], d_out: Tensor, p: float, is_causal: bool, is_backward: bool) -> Callable[[], object]:
    """A function of one forward pass, or of both passes."""

    def forward() -> Tensor:
        with torch.no_grad():
            return scaled_dot_product_attention(*tensors, dropout_p=p, is_causal=is_causal)

    def both() -> tuple[Tensor, ...]:
        return torch.autograd.grad(scaled_dot_product_attention(*tensors, dropout_p=p, is_causal=is_causal), tensors, d_out)

    return both if is_backward else forward


def measure(
    shape: tuple[int, ...], dtype: torch.dtype, is_causal: bool, is_backward: bool, rounds: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Medians of what takes turns, in ms."""
    tensors = [torch.randn(shape, dtype=dtype, requires_grad=True) for _ in range(3)]
    d_out = torch.randn(shape, dtype=dtype)
    without = make_call(tensors, d_out, 0.0, is_causal, is_backward)
    with_dropout = make_call(tensors, d_out, PROBABILITY, is_causal, is_backward)
    times: dict[str, list[float]] = {"p = 0": [], "simdrop": [], "pytorch": []}
    simdrop.torch.enable()
    without(), with_dropout()
    for _ in range(rounds):
        times["p = 0"].append(milliseconds(without, clock))
        times["simdrop"].append(milliseconds(with_dropout, clock))
    assert "attention" in simdrop.torch.report(reset=True).direct
    simdrop.torch.disable()
    with_dropout()
    times["pytorch"] = [milliseconds(with_dropout, clock) for _ in range(max(2, rounds // 4))]
    return {name: statistics.median(t) for name, t in times.items()}


def main() -> None:
    """Measure all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--json", help="write the figures to this file; those that it has of other cases stay")
    options = parser.parse_args()

    rows = []
    print("| threads | type | shape | masks | pass | p = 0, ms | simdrop, ms | ratio | PyTorch, ms | ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for threads in options.threads:
        torch.set_num_threads(threads)
        for dtype in options.dtypes:
            for shape in SHAPES:
                for is_causal in (False, True):
                    for is_backward in (False, True):
                        found = measure(shape, getattr(torch, dtype), is_causal, is_backward, options.rounds, CLOCKS[options.clock])
                        row = {
                            "threads": threads,
                            "clock": options.clock,
                            "dtype": dtype,
                            "shape": list(shape),
                            "mask": "causal" if is_causal else "none",
                            "pass": "forward + backward" if is_backward else "forward",
                            "milliseconds": found,
                            "simdrop to p = 0": found["simdrop"] / found["p = 0"],
                            "pytorch to p = 0": found["pytorch"] / found["p = 0"],
                        }
                        rows.append(row)
                        names = f"| {threads} | {dtype} | {shape} | {row['mask']} | {row['pass']} "
                        ours = f"| {found['p = 0']:.1f} | {found['simdrop']:.1f} | {row['simdrop to p = 0']:.2f} "
                        print(f"{names}{ours}| {found['pytorch']:.1f} | {row['pytorch to p = 0']:.1f} |", flush=True)
    if options.json is None:
        return
    try:
        with open(options.json, encoding="utf-8") as file:
            before = json.load(file)["results"]
    except FileNotFoundError:
        before = []
    keys = ("threads", "clock", "dtype", "shape", "mask", "pass")
    measured = {json.dumps([row[name] for name in keys]) for row in rows}
    results = [row for row in before if json.dumps([row[name] for name in keys]) not in measured] + rows
    context = {"executable": "bench/torch_attention.py", "cpu": calls.processor(), "python": platform.python_version(), "torch": torch.__version__}
    document = {"context": context, "p": PROBABILITY, "results": results}
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
