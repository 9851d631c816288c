#!/usr/bin/env python3
"""PyTorch's dropout with simdrop on and off: calls, tensors that are new, and training steps of the examples' models.

    bench/torch_calls.py [--json FILE] [--threads 1,2] [--parts calls,fresh,eager,compiled] [--steps mlp,...]
    python3 bench/figures.py        fills the tables of docs/pytorch.md and docs/pytorch-modules.md

Off and on are processes of their own, which take turns, since what is compiled or overridden in one would be felt in the other. In a
process, what is compared takes turns: directions and probabilities; an output of 64 Mi elements that was never touched and clone(); a step
and the same with p = 0. These two change places from round to round, since of two equal programs in a process the one that was made second
is quicker by up to 2 %, by its place in memory and by the guards of compiled code. Times are medians over the rounds of the best of several
repetitions.
"""

from __future__ import annotations

import argparse
import functools
import importlib
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

EXAMPLES = pathlib.Path(__file__).resolve().parents[1] / "examples" / "python"
SIZES = (1, 1 << 10, 1 << 16, 1 << 20)
FRESH = 1 << 26
PROBABILITIES = (0.1, 0.5)
STATES = ("off", "on")
# Steps by the names that they have in the JSON: the example that makes them, what it is given, and whether they are measured compiled too,
# and with more than one thread.
STEPS: dict[str, tuple[str, dict[str, int], bool]] = {
    "mlp": ("mlp", {}, True),
    "transformer": ("transformer", {}, True),
    "transformer-512": ("transformer", {"d_model": 512, "length": 256, "batch": 4}, True),
    "dropout2d": ("dropout2d", {}, False),
    "lstm": ("lstm", {}, False),
    "mc_dropout": ("mc_dropout", {}, False),
}


def best_in_turns(
    functions: dict[str, Callable[[], object]], turn: float = 0.01, repetitions: int = 25, budget: float = 60
) -> dict[str, float]:
    """Seconds a call, the best of some short repetitions: what else runs on the machine disturbs some of them, not all."""
    counts = {}
    for name, call in functions.items():
        call()
        begin = time.perf_counter()
        call()
        counts[name] = max(1, int(turn / max(time.perf_counter() - begin, 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    begin = time.perf_counter()
    for done in range(repetitions):
        if done >= 5 and time.perf_counter() - begin > budget:
            break
        for name, call in functions.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                call()
            times[name].append((time.perf_counter() - start) / counts[name])
    return {name: min(taken) for name, taken in times.items()}


def measure_calls() -> dict[str, float]:
    """Microseconds of F.dropout, and of it and its gradient."""
    import torch
    import torch.nn.functional as F

    times = {}
    for n in SIZES:
        x, dy = torch.randn(n), torch.randn(n)
        leaf = x.clone().requires_grad_()
        functions: dict[str, Callable[[], object]] = {}
        for p in PROBABILITIES:
            functions[f"forward {n} {p}"] = functools.partial(F.dropout, x, p)
            functions[f"both {n} {p}"] = lambda leaf=leaf, p=p, dy=dy: F.dropout(leaf, p).backward(dy)
        times.update({name: 1e6 * seconds for name, seconds in best_in_turns(functions).items()})
    return times


def measure_fresh() -> dict[str, float]:
    """Milliseconds of outputs that the system has yet to give pages to."""
    import torch
    import torch.nn.functional as F

    x = torch.randn(FRESH)
    functions: dict[str, Callable[[], object]] = {"clone": x.clone}
    functions.update({f"forward {p}": functools.partial(F.dropout, x, p) for p in PROBABILITIES})
    return {name: 1e3 * seconds for name, seconds in best_in_turns(functions, repetitions=7).items()}


def measure_steps(compiled: bool, threads: int, first: bool, chosen: list[str]) -> dict[str, float]:
    """Milliseconds of training steps, with dropout and with p = 0; whether the former is made first."""
    import torch

    sys.path.insert(0, str(EXAMPLES))
    times = {}
    for name, (example, sizes, is_compiled) in STEPS.items():
        if name not in chosen or (not is_compiled and (compiled or threads > 1)):
            continue
        make_step = importlib.import_module(example).make_step
        if compiled:
            sizes = {**sizes, "compiled": True}
        functions = {}
        for drops in (first, not first):
            torch.manual_seed(0)
            functions[name if drops else name + " p=0"] = make_step(drops, **sizes)
        times.update({key: 1e3 * seconds for key, seconds in best_in_turns(functions, 0.05, 15, budget=3).items()})
    return times


def run_child(part: str, state: str, threads: int, done: int, steps: list[str]) -> None:
    import torch

    torch.set_num_threads(threads)
    if state == "on":
        import simdrop.torch

        simdrop.torch.enable()
    if part == "calls":
        times = measure_calls()
    elif part == "fresh":
        times = measure_fresh()
    else:
        times = measure_steps(part == "compiled", threads, done % 2 == 0, steps)
    print(json.dumps(times))


def run_process(part: str, state: str, threads: int, done: int, steps: str) -> dict[str, float]:
    """One child. SIMDROP_BENCH_LOCK names a file whose lock a measurement holds, for machines on which other work gives way to that."""
    cache = os.path.join(tempfile.gettempdir(), "simdrop-bench")
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads), TORCHINDUCTOR_CACHE_DIR=cache)
    command = [sys.executable, __file__, "--child", part, state, str(threads), str(done), "--steps", steps]
    if part == "compiled" and done == 0:  # not in the measured time: the compiler
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    lock = os.environ.get("SIMDROP_BENCH_LOCK")
    command = ["flock", lock, *command] if lock else command
    result = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    times: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=pathlib.Path, help="write the figures to this file; those that it has of other parts stay")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--parts", default="calls,fresh,eager,compiled")
    parser.add_argument("--steps", default=",".join(STEPS), help="which training steps; those that FILE has of others stay")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        run_child(options.child[0], options.child[1], int(options.child[2]), int(options.child[3]), options.steps.split(","))
        return

    import torch

    document: dict[str, Any] = {"results": []}
    if options.json and options.json.exists():
        document = json.loads(options.json.read_text())
    document.update({"processor": calls.processor(), "torch": torch.__version__, "unit": "calls: us, all others: ms"})
    for part in options.parts.split(","):
        for threads in map(int, options.threads.split(",")):
            rounds: dict[str, list[dict[str, float]]] = {state: [] for state in STATES}
            for done in range(options.rounds):
                for state in STATES:
                    rounds[state].append(run_process(part, state, threads, done, options.steps))
            for state, runs in rounds.items():
                times = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
                key = {"part": part, "threads": threads, "state": state}
                others = [row for row in document["results"] if {name: row[name] for name in key} != key]
                before = next((row["times"] for row in document["results"] if row not in others), {})
                document["results"] = [*others, {**key, "times": {**before, **times}}]
                for name, value in times.items():
                    print(f"{part:8} {threads} thread(s) {state:4} {name:22} {value:12.3f} {'us' if part == 'calls' else 'ms'}", flush=True)
            if options.json:
                options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
