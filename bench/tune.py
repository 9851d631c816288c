#!/usr/bin/env python3
"""Measures the tuned constants: builds the library with other values of each, and lets build and alternative take turns in one
process (bench/tune.c). Nothing in the source tree is changed; the alternatives are built in copies.

    python3 bench/tune.py --json bench/results/sapphire-rapids-tuning.json     about ten minutes
    python3 bench/tune.py --only FAR_INTERLEAVE_ELEMENTS,CHUNK_BYTES --short           some constants, with less care

For each case: the alternative's time over that of the value in the source, median and the range of the middle 80 % of the rounds. An
alternative whose output differs by a bit is an error: constants are about time. Exit status 2, with a sentence and no file, if anything
is missing.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

from calls import processor

ROOT = pathlib.Path(__file__).resolve().parents[1]
L2, DRAM = 1 << 16, 1 << 26


class Case(NamedTuple):
    backend: str
    kernel: str
    dtype: str
    n: int
    p: float


class Constant(NamedTuple):
    name: str
    file: str
    values: tuple  # to compare with the one in the source, as C wants them
    cases: tuple


def cases(backends, kernels, sizes, ps):
    return tuple(Case(b, k, "f32", n, p) for b in backends for k in kernels for n in sizes for p in ps)


BOTH = ("avx512", "avx2")
FORWARD_L2 = cases(BOTH, ("forward",), (L2,), (0.1, 0.5))
NON_TEMPORAL = cases(BOTH, ("forward",), (DRAM,), (0.1, 0.5)) + cases(("avx512",), ("apply-bits",), (DRAM,), (0.5,))


def of_backend(backend, planes, few, straggler):
    file = f"src/{backend}/simd.h"
    mask = cases((backend,), ("mask-bits",), (L2,), (0.1,))
    return (Constant("SIMD_PLANES_IN_FLIGHT", file, planes, mask + cases((backend,), ("forward",), (L2,), (0.1,))),
            Constant("SIMD_FEW_PLANES_IN_FLIGHT", file, few, cases((backend,), ("mask-bits", "forward"), (L2,), (0.5,))),
            Constant("SIMD_DENSE_PLANES", file, ("6", "10", "12", "16"), mask + cases((backend,), ("forward",), (L2, DRAM), (0.1,))),
            Constant("SIMD_STRAGGLER_PLANES", file, straggler, mask),
            Constant("SIMD_FEW_BLOCKS", file, ("1", "2", "3", "4", "6"),
                     cases((backend,), ("forward",), (256, 384, 512, 768), (0.1,))))


CONSTANTS = (
    Constant("CHUNK_BYTES", "src/engine/driver.c", ("4096", "8192", "32768"), FORWARD_L2),
    Constant("NON_TEMPORAL_BYTES", "src/engine/store_policy.c", ("((size_t)1 << 20)", "((size_t)8 << 20)", "((size_t)1 << 40)"),
             cases(("avx512",), ("forward",), (1 << 20, 1 << 22, 1 << 23, DRAM), (0.5,))),
    Constant("NON_TEMPORAL_CACHE_EIGHTHS", "src/engine/store_policy.c", ("1", "2", "4", "8"),
             cases(("avx512",), ("forward", "apply-bits"), (1 << 21, 3 << 20, 1 << 22), (0.5,))),
    Constant("LINE_LANES", "src/common/scaled_lines.h", ("4", "16"), NON_TEMPORAL[:4:2]),
    Constant("FAR_INTERLEAVE_ELEMENTS", "src/engine/driver.c", ("128", "256", "1024", "2048"), NON_TEMPORAL[:4:2]),
    Constant("BYTE_CHUNK_ELEMENTS", "src/engine/driver.c", ("4096", "16384"), cases(BOTH, ("mask-bytes",), (L2, DRAM), (0.1, 0.5))),
    Constant("MASK_CHUNK_ELEMENTS", "src/engine/driver.c", ("4096", "8192"), cases(BOTH, ("mask-bits",), (L2, DRAM), (0.1, 0.5))),
    Constant("SIMDROP_INTERLEAVE_ELEMENTS", "src/common/interleave.h", ("64", "128", "512", "2048"), FORWARD_L2),
    Constant("LONG_INTERLEAVE_ELEMENTS", "src/engine/driver.c", ("256", "1024", "8192"),
             tuple(case._replace(dtype="bf16") for case in FORWARD_L2[::2] + NON_TEMPORAL[:4:2])),
    Constant("VECTORS_BETWEEN_STEPS", "src/common/producer_body.h", ("1", "4"), cases(BOTH, ("forward",), (1 << 14, L2), (0.5,))),
    Constant("BATCH_BLOCKS", "src/common/producer_parts.h", ("32",), FORWARD_L2),
) + of_backend("avx512", ("1", "2"), ("1", "2"), ("1", "4")) + of_backend("avx2", ("1", "4"), ("1", "4"), ("1", "4"))


class Refused(Exception):
    """What is wrong, as a sentence."""


def definition_of(constant):
    """Matches the constant's definition, a macro or an enumerator, with its value in group 2."""
    return re.compile(r"(#define %s +|\b%s = )(\([^\n/]*\)|\w+)" % (constant.name, constant.name))


def value_of(constant, text):
    found = definition_of(constant).findall(text)
    if len(found) != 1:
        raise Refused(f"{constant.name} is defined {len(found)} times in {constant.file}")
    return found[0][1]


def run(command, what):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["no message"]
        raise Refused(f"{what}: {([line for line in lines if ' error: ' in line] or lines[-1:])[0].strip()}")
    return done.stdout


def build_library(source, folder):
    """The shared library, in a build folder that is kept between alternatives."""
    if not (folder / "CMakeCache.txt").exists():
        run(["cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DSIMDROP_BUILD_STATIC=OFF", "-DSIMDROP_BUILD_TESTS=OFF",
             "-DSIMDROP_BUILD_TOOL=OFF", "-DSIMDROP_BUILD_EXAMPLES=OFF", "-DSIMDROP_WITH_HIGHWAY=OFF", "-DSIMDROP_WITH_OPENMP=OFF",
             "-DSIMDROP_INSTALL=OFF", "-DSIMDROP_WERROR=OFF"], "the library cannot be configured")
    run(["cmake", "--build", folder, "-j", os.cpu_count() or 1], "the library does not build")
    return folder / "libsimdrop.so"


def compile_program(folder):
    """bench/tune.c, which takes the turns."""
    program = folder / "tune"
    run([os.environ.get("CC", "cc"), "-O2", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-I", ROOT / "include", "-I", ROOT / "src",
         ROOT / "bench" / "tune.c", "-o", program, "-ldl"], "bench/tune.c does not compile")
    return program


def check_output(name):
    """Before anything is measured: whether the figures can be written."""
    if name is not None and not os.access(pathlib.Path(name).resolve().parent, os.W_OK):
        raise Refused(f"{name} cannot be written")


def write_rows(name, executable, rows):
    """The figures as JSON, in one step."""
    text = json.dumps({"context": {"executable": executable, "cpu": processor(), "num_cpus": os.cpu_count()}, "rows": rows}, indent=1)
    part = name + ".part"
    with open(part, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.replace(part, name)


def run_main(main):
    """Ends the program with what main says; with status 2 and a sentence if something is missing."""
    try:
        main()
    except (Refused, OSError) as error:
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        sys.exit(2)


def measure(program, chosen, alternative, case, rounds):
    line = run([program, chosen, alternative, case.backend, case.kernel, case.dtype, case.n, case.p, rounds], "bench/tune.c")
    median, low, high, first, second = map(float, line.split())
    return {"ratio": {"median": median, "p10": low, "p90": high}, "chosen_ns_per_element": first, "ns_per_element": second}


def alternatives_of(constant, folder, chosen, program, rounds):
    """The rows of a constant. A value that does not compile, because something else depends on it, is a row that says so."""
    path = folder / "source" / constant.file
    text = path.read_text()
    now = value_of(constant, text)
    for value in constant.values:
        if value == now:
            continue
        base = {"constant": constant.name, "file": constant.file, "chosen": now, "value": value}
        path.write_text(definition_of(constant).sub(lambda match, value=value: match.group(1) + value, text))
        try:
            library = build_library(folder / "source", folder / "build")
        except Refused as reason:
            yield dict(base, reason=str(reason).replace(f"{folder / 'source'}/", ""))
            continue
        finally:
            path.write_text(text)
        for case in constant.cases:
            yield dict(base, **case._asdict(), **measure(program, chosen, library, case, rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--only", metavar="NAMES", help="these constants, with commas between")
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    arguments = parser.parse_args()
    names = {constant.name for constant in CONSTANTS}
    wanted = set(arguments.only.split(",")) if arguments.only else names
    if wanted - names:
        raise Refused(f"there is no constant {', '.join(sorted(wanted - names))}; there are {', '.join(sorted(names))}")
    check_output(arguments.json)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copytree(ROOT, folder / "source", ignore=lambda path, files: [f for f in files if f in (".git", "docs") or f.startswith("build")])
        program = compile_program(folder)
        chosen = shutil.copy(build_library(folder / "source", folder / "build"), folder / "chosen.so")
        for constant in CONSTANTS:
            if constant.name not in wanted:
                continue
            for row in alternatives_of(constant, folder, chosen, program, 5 if arguments.short else 31):
                rows.append(row)
                where = "{backend} {kernel} {n} p {p:g}: {0[median]:.3f} [{0[p10]:.3f}, {0[p90]:.3f}]".format(row["ratio"], **row) if "ratio" in row else row["reason"]
                print(f"{row['constant']} = {row['value']} (for {row['chosen']}) {where}", flush=True)
    if arguments.json:
        write_rows(arguments.json, "bench/tune.py", rows)


if __name__ == "__main__":
    run_main(main)
