#!/usr/bin/env python3
"""What a compiled call costs in JAX: simdrop.jax.dropout in turns with the lines of flax.linen.Dropout, forward, and forward and backward.

    JAX_PLATFORMS=cpu python3 bench/jax_calls.py --json bench/results/zen4-jax.json
    python3 bench/figures.py                     fills the table of docs/jax.md

simdrop, JAX and Flax must be installed for the Python that runs this. Every way is one function under jit that is given its key, and is
waited for; both use the threads of XLA's pool. A figure is the median over rounds, in each of which every way is called for about two
milliseconds; a ratio is the median of the rounds' ratios. "x * 2" is what calling any compiled function costs. Before anything is timed,
outputs are looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import platform

import calls

SIZES = (1 << 10, 1 << 16, 1 << 20)
PROBABILITIES = (0.1, 0.5)
IDIOM = "bernoulli + where"


def ways(n: int, p: float):
    """Functions by name and direction; each does one call."""
    import jax
    import jax.numpy as jnp

    from simdrop.jax import dropout

    def idiom(x, key):
        return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)

    def of_simdrop(x, key):
        return dropout(x, key, p)

    def both(forward):
        def call(x, key, dy):
            y, back = jax.vjp(lambda x: forward(x, key), x)
            return y, back(dy)[0]

        return jax.jit(call)

    x, key = jnp.ones(n), jax.random.key(1)
    functions = {}
    for name, forward in (("simdrop", of_simdrop), (IDIOM, idiom)):
        once, twice = jax.jit(forward), both(forward)
        y, dx = twice(x, key, x)
        share = float((y == 0).mean())
        assert abs(share - p) < 6 * (p * (1 - p) / n) ** 0.5, f"{name} drops {share} for p = {p}"
        assert bool((dx == y).all()), f"{name}: the gradient's mask is another"
        functions[name, "forward"] = lambda once=once: jax.block_until_ready(once(x, key))
        functions[name, "forward + backward"] = lambda twice=twice: jax.block_until_ready(twice(x, key, x))
    double = jax.jit(lambda x, key: x * 2)
    functions["x * 2", "forward"] = lambda: jax.block_until_ready(double(x, key))
    return functions


def measure(n: int, p: float, rounds: int):
    times = calls.take_turns(ways(n, p), rounds, 2000)
    for (way, direction), taken in times.items():
        yield {"way": way, "direction": direction, "n": n, "p": p, **calls.against(taken, times[IDIOM, direction])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="the file to write")
    parser.add_argument("--rounds", type=int, default=31)
    arguments = parser.parse_args()
    import flax
    import jax

    import simdrop

    rows = [row for n in SIZES for p in PROBABILITIES for row in measure(n, p, arguments.rounds)]
    backend = simdrop.show_config("dicts")["backend"]["current"]
    results = {"cpu": calls.processor(), "cpus": os.cpu_count(), "python": platform.python_version(), "jax": jax.__version__,
               "flax": flax.__version__, "simdrop": simdrop.__version__, "backend": backend, "rounds": arguments.rounds, "rows": rows}
    if arguments.json:
        with open(arguments.json, "w", encoding="ascii") as file:
            json.dump(results, file, indent=1)
            file.write("\n")
    for row in rows:
        name = f"{row['way']}, {row['direction']}"
        print(f"{name:38} n {row['n']:8} p {row['p']:.1f} {row['us']:12.1f} us  {row['idiom_over_this']:8.2f} x")


if __name__ == "__main__":
    main()
