#!/usr/bin/env python3
"""What a call costs from Python: simdrop.dropout in turns with the usual lines of NumPy, for calls of few and of many elements.

    python3 bench/python_calls.py --json bench/results/zen4-python.json
    python3 bench/figures.py                     fills the table of docs/python.md

simdrop must be installed for the Python that runs this. A figure is the median over rounds, in each of which every way is called for about a
millisecond; a ratio is the median of the rounds' ratios. The idiom writes into arrays that are there, as simdrop does with out=:

    rng.random(out=u, dtype=x.dtype); numpy.greater_equal(u, p, out=keep); numpy.multiply(x, keep, out=y); y *= 1 / (1 - p)

and, where a new array is made, y = x * (rng.random(x.shape, x.dtype) >= p) * x.dtype.type(1 / (1 - p)).
"""

from __future__ import annotations

import argparse
import json
import platform

import calls
import numpy as np

import simdrop

SIZES = (1, 1 << 10, 1 << 16, 1 << 20)
PROBABILITIES = (0.1, 0.5)


def ways(n: int, p: float, threads: int):
    """Functions by name; each does one call."""
    x, y, u = (np.ones(n, np.float32) for _ in range(3))
    keep = np.empty(n, bool)
    rng = np.random.default_rng(1)
    factor = np.float32(1 / (1 - p))

    def idiom_out():
        rng.random(out=u, dtype=np.float32)
        np.greater_equal(u, p, out=keep)
        np.multiply(x, keep, out=y)
        np.multiply(y, factor, out=y)

    more = {f"simdrop, {threads} threads, out=": lambda: simdrop.dropout(x, p, seed=1, out=y, threads=threads)} if threads > 1 else {}
    return {
        "simdrop, out=": lambda: simdrop.dropout(x, p, seed=1, out=y),
        **more,
        "simdrop": lambda: simdrop.dropout(x, p, seed=1),
        "NumPy, out=": idiom_out,
        "NumPy": lambda: x * (rng.random(n, np.float32) >= p) * factor,
        "numpy.copyto": lambda: np.copyto(y, x),
    }


def measure(n: int, p: float, rounds: int, threads: int):
    times = calls.take_turns(ways(n, p, threads), rounds, 1000)
    for name, taken in times.items():
        peer = times["NumPy" if name == "simdrop" else "NumPy, out="]
        yield {"way": name, "n": n, "p": p, **calls.against(taken, peer)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="the file to write")
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--threads", type=int, default=1, help="measure calls of so many threads too")
    arguments = parser.parse_args()
    rows = [row for n in SIZES for p in PROBABILITIES for row in measure(n, p, arguments.rounds, arguments.threads)]
    results = {"cpu": calls.processor(), "python": platform.python_version(), "numpy": np.__version__, "simdrop": simdrop.__version__,
               "backend": simdrop.show_config("dicts")["backend"]["current"], "rounds": arguments.rounds, "rows": rows}
    if arguments.json:
        with open(arguments.json, "w", encoding="ascii") as file:
            json.dump(results, file, indent=1)
            file.write("\n")
    for row in rows:
        print(f"{row['way']:26} n {row['n']:8} p {row['p']:.1f} {row['us']:12.3f} us  {row['idiom_over_this']:8.2f} x")


if __name__ == "__main__":
    main()
