#!/usr/bin/env python3
"""Two builds of the library, in turns: how long the second takes, in terms of the first, for every kernel, type and size.

    bench/compare_builds.py OLD.so NEW.so [--json FILE] [--backends LIST] [--kernels LIST] [--processes N] [--rounds N]

Each case runs in a few processes of its own (bench/tune.c): where the arrays of one happen to lie can be worth a tenth. In each,
the two builds take turns on the same arrays: the first, the second, the second, the first, ... Outputs are compared first; builds
that differ in a byte are an error. A short call is one of at most 4096 elements: there the difference in ns counts, for the
others the ratio. Prints every case, then the worst.
"""
import argparse
import os
import pathlib
import statistics
import tempfile

from tune import Case, check_output, compile_program, measure, run_main, write_rows

KERNELS = ("forward", "forward-bits", "forward-in-place", "backward", "apply-bits")  # forward-bytes is not in every build
MASKS = ("mask-bits", "mask-bytes")
DTYPES = ("f32", "f64", "f16", "bf16")
SIZES = (1, 128, 2048, 65536, 1 << 20, 1 << 25)
PROBABILITIES = (0.1, 0.5)
SHORT = 4096  # elements


def cases(backends, kernels):
    for backend in backends:
        for kernel in kernels:
            for dtype in ("f32",) if kernel in MASKS else DTYPES:
                for n in SIZES:
                    for p in PROBABILITIES:
                        yield Case(backend, kernel, dtype, n, p)


def compare(program, old, new, case, rounds, processes=1):
    """The median over the processes of their medians, and the least and most of these."""
    found = [measure(program, old, new, case, rounds) for _ in range(processes)]
    ratios = [one["ratio"]["median"] for one in found]
    return dict(case._asdict(), ratio={"median": statistics.median(ratios), "least": min(ratios), "most": max(ratios)},
                old_ns=statistics.median(one["chosen_ns_per_element"] for one in found) * case.n,
                new_ns=statistics.median(one["ns_per_element"] for one in found) * case.n)


def cost(row):
    """What the new build costs more, in the unit that counts: ns for short calls, percent for the others."""
    return row["old_ns"] * (row["ratio"]["median"] - 1) if row["n"] <= SHORT else 100 * (row["ratio"]["median"] - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--backends", default="avx512,avx2", help="with commas between (default avx512,avx2)")
    parser.add_argument("--kernels", default=",".join(KERNELS + MASKS), help="with commas between (default %(default)s); forward-bytes too, if both builds have it")
    parser.add_argument("--processes", type=int, default=5, help="processes a case (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each build in a process (default %(default)s)")
    arguments = parser.parse_args()
    check_output(arguments.json)
    backends = arguments.backends.split(",")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        program = compile_program(pathlib.Path(folder))
        for backend in backends:  # one that is not there is found before anything is measured
            compare(program, os.path.abspath(arguments.old), os.path.abspath(arguments.new), Case(backend, "forward", "f32", 1, 0.5), 1)
        for case in cases(backends, arguments.kernels.split(",")):
            row = compare(program, os.path.abspath(arguments.old), os.path.abspath(arguments.new), case, arguments.rounds, arguments.processes)
            rows.append(row)
            print("{backend} {kernel} {dtype} {n} p {p:g}: {0[median]:.3f} [{0[least]:.3f}, {0[most]:.3f}], {old_ns:.1f} -> {new_ns:.1f} ns"
                  .format(row["ratio"], **row), flush=True)
    for name, unit, chosen in (("short calls", "ns", [row for row in rows if row["n"] <= SHORT]), ("others", "%", [row for row in rows if row["n"] > SHORT])):
        worst = max(chosen, key=cost)
        print("{name}: median {median:+.1f} {unit}, worst {worst:+.1f} {unit} ({backend} {kernel} {dtype} {n} p {p:g})".format(
            name=name, unit=unit, median=sorted(map(cost, chosen))[len(chosen) // 2], worst=cost(worst), **worst))
    if arguments.json:
        write_rows(arguments.json, "bench/compare_builds.py", rows)


if __name__ == "__main__":
    run_main(main)
