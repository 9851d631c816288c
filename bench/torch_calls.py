#!/usr/bin/env python3
"""PyTorch's dropout with simdrop on and off: calls, and a training step of a transformer block.

    bench/torch_calls.py [--json FILE] [--threads 1,2] [--parts calls,eager,compiled]

Each case runs in processes of its own, off and on in turns, since what is compiled or overridden in one would be felt in the other. Times
are medians over the rounds of the best of several repetitions; --clock cpu takes the processor's time, for one thread on a machine that has other
work. Prints a table in Markdown.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import calls

SIZES = (1, 1 << 10, 1 << 16, 1 << 20)
PROBABILITIES = (0.1, 0.5)
STATES = ("off", "on", "p=0")
clock = time.perf_counter


def best(call: Callable[[], object], seconds: float = 0.01, repetitions: int = 25) -> float:
    """Seconds a call, the best of some short repetitions: what else runs on the machine disturbs some of them, not all."""
    call()
    begin = clock()
    call()
    count = max(1, int(seconds / max(clock() - begin, 1e-6)))
    times = []
    for _ in range(repetitions):
        begin = clock()
        for _ in range(count):
            call()
        times.append((clock() - begin) / count)
    return min(times)


def measure_calls(state: str) -> dict[str, float]:
    import torch
    import torch.nn.functional as F

    times = {}
    for n in SIZES:
        x, dy = torch.randn(n), torch.randn(n)
        leaf = x.clone().requires_grad_()
        for p in PROBABILITIES:
            times[f"forward {n} {p}"] = best(functools.partial(F.dropout, x, p)) * 1e6
            times[f"both {n} {p}"] = best(lambda leaf=leaf, p=p, dy=dy: F.dropout(leaf, p).backward(dy)) * 1e6
    return times


def make_block(p: float) -> Any:
    """A transformer's block: d = 256, 8 heads; pre-norm, dropout on attention and on both branches."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self, d: int, heads: int) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
            self.attention = nn.MultiheadAttention(d, heads, dropout=p, batch_first=True)
            self.feed = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Dropout(p), nn.Linear(4 * d, d))
            self.drop = nn.Dropout(p)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            normed = self.norm1(x)
            x = x + self.drop(self.attention(normed, normed, normed, need_weights=False)[0])
            return x + self.drop(self.feed(self.norm2(x)))

    return Block(256, 8)


def measure_block(state: str, compiled: bool) -> dict[str, float]:
    import torch

    torch.manual_seed(0)
    block = make_block(0.0 if state == "p=0" else 0.1)
    x, target = torch.randn(8, 128, 256), torch.randn(8, 128, 256)
    optimizer = torch.optim.SGD(block.parameters(), lr=1e-3)
    model = torch.compile(block) if compiled else block

    def step() -> None:
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x), target).backward()
        optimizer.step()

    for _ in range(3):
        step()
    return {"step": best(step, 0.05, 25) * 1e3}


def run_child(part: str, state: str, threads: int) -> None:
    import torch

    global clock
    clock = time.process_time if os.environ.get("SIMDROP_BENCH_CLOCK") == "cpu" else time.perf_counter
    torch.set_num_threads(threads)
    if state == "on":
        import simdrop.torch

        simdrop.torch.enable()
    times = measure_calls(state) if part == "calls" else measure_block(state, part == "compiled")
    print(json.dumps(times))


def run_process(part: str, state: str, threads: int) -> dict[str, float]:
    cache = os.path.join(tempfile.gettempdir(), "simdrop-bench")
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TORCHINDUCTOR_CACHE_DIR=cache)
    command = [sys.executable, __file__, "--child", part, state, str(threads)]
    if part == "compiled":  # not in the measured time: the compiler
        subprocess.run(command, env=environment, check=True, capture_output=True)
    lock = os.environ.get("SIMDROP_BENCH_LOCK")
    command = ["flock", lock, *command] if lock else command
    result = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    times: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return times


def print_tables(results: list[dict[str, Any]]) -> None:
    def find(part: str, threads: int, state: str) -> dict[str, float] | None:
        return next((r["times"] for r in results if (r["part"], r["threads"], r["state"]) == (part, threads, state)), None)

    for threads in sorted({r["threads"] for r in results}):
        off, on = find("calls", threads, "off"), find("calls", threads, "on")
        if off and on:
            print(f"\n| us, {threads} thread(s) | forward, off | on | ratio | forward + backward, off | on | ratio |")
            print("|---|---|---|---|---|---|---|")
            for n in SIZES:
                for p in PROBABILITIES:
                    cells = [(off[f"{what} {n} {p}"], on[f"{what} {n} {p}"]) for what in ("forward", "both")]
                    print(f"| {n}, p = {p} | " + " | ".join(f"{a:.1f} | {b:.1f} | {a / b:.1f}" for a, b in cells) + " |")
        for part in ("eager", "compiled"):
            times = [find(part, threads, state) for state in STATES]
            if all(times):
                a, b, c = (t["step"] for t in times if t)
                ratios = f"off/on {a / b:.2f}, on/p=0 {b / c:.2f}"
                print(f"\n{part} step, {threads} thread(s), ms: off {a:.1f}, on {b:.1f}, p = 0 {c:.1f}; {ratios}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures there")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--parts", default="calls,eager,compiled")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(options.child[0], options.child[1], int(options.child[2]))
        return

    import torch

    os.environ["SIMDROP_BENCH_CLOCK"] = options.clock
    results: list[dict[str, Any]] = []
    for threads in map(int, options.threads.split(",")):
        for part in options.parts.split(","):
            states = STATES[:2] if part == "calls" else STATES
            rounds: dict[str, list[dict[str, float]]] = {state: [] for state in states}
            for _ in range(options.rounds):
                for state in states:
                    rounds[state].append(run_process(part, state, threads))
            for state, runs in rounds.items():
                times = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
                results.append({"part": part, "threads": threads, "state": state, "times": times})
            if options.json:
                header = {"processor": calls.processor(), "torch": torch.__version__, "clock": options.clock, "unit": "calls: us, steps: ms"}
                options.json.write_text(json.dumps({**header, "results": results}, indent=1) + "\n")
    print_tables(results)


if __name__ == "__main__":
    main()
