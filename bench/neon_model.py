#!/usr/bin/env python3
"""What a model of some Arm processors says about the NEON backend: cycles an element, by llvm-mca. A model's figures, no measurement.

    neon_model.py [--json FILE] [--compiler COMMAND] [--mca COMMAND] [--define NAME=VALUE]...

Compiles bench/neon_model/kernels.c, takes the innermost loop of each function out of the assembly, has the model run it, and weighs
the loops as the library runs them. Next to it stands 32 random bits an element, written in the same way. --define changes a constant
of src/neon/simd.h for a trial. Exit status 1 if the ratio to that is below 1.7 at p = 0.1 or below 3 at p = 0.5; 2 if a program is
missing or the loops are not found.
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

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROCESSORS = ("neoverse-n1", "neoverse-v2", "cortex-a55")
FLAGS = "-std=c17 -O3 -DNDEBUG -fPIC -ffp-contract=off -fno-asynchronous-unwind-tables".split()
TURNS = 200
LANES = 4  # blocks in a vector
BLOCK = 128  # elements
LIMITS = {"0.1": 1.7, "0.5": 3.0}


def fail(message):
    sys.exit(print("neon_model.py: " + message, file=sys.stderr) or 2)


def constant(name, defines):
    """A constant of src/neon/simd.h, unless it is defined anew."""
    if name in defines:
        return int(defines[name])
    return int(re.search(rf"#define {name} (\d+)", (ROOT / "src/neon/simd.h").read_text()).group(1))


def compile_kernels(arguments, defines):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        shutil.copytree(ROOT / "src", folder / "src")
        header = folder / "src/neon/simd.h"
        text = header.read_text()
        for name, value in defines.items():
            text, count = re.subn(rf"(#define {name}) \d+", rf"\1 {value}", text)
            if count != 1:
                fail(f"src/neon/simd.h has no constant {name}")
        header.write_text(text)
        command = [arguments.compiler, *FLAGS, "-I", folder / "src", "-I", ROOT / "include", "-S", ROOT / "bench/neon_model/kernels.c", "-o", "-"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loops_of(assembly):
    """The instructions of the loop that each function consists of: the last that no other surrounds, without what is inside another."""
    loops, function, labels, lines = {}, None, {}, []
    for line in assembly.splitlines():
        label = re.match(r"([\w.$]+):", line)
        if label and not label.group(1).startswith("."):
            function, labels, lines = label.group(1), {}, []
        elif label:
            labels[label.group(1)] = len(lines)
        elif re.match(r"\t[a-z]", line):
            lines.append(line.strip())
            branch = re.match(r"\t(?:b\.?\w*|cbn?z|tbn?z)\t(?:.*[ ,])?(\.L\w+)$", line)
            if branch and branch.group(1) in labels:
                body = lines[labels[branch.group(1)]:]
                vectors = sum(1 for text in body if re.search(r"\b[vq]\d+", text))
                best = loops.get(function)
                if best is None or vectors > best[0]:
                    loops[function] = (vectors, body)
    return {name: body for name, (_, body) in loops.items()}


def cycles(arguments, processor, body):
    """Cycles a turn."""
    text = "\n".join(line for line in body if not re.match(r"(b|bl|ret)\b|b\.|cbn?z|tbn?z", line))
    command = [arguments.mca, "-mtriple=aarch64-linux-gnu", f"-mcpu={processor}", f"-iterations={TURNS}"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    total = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if total is None:
        fail(f"{arguments.mca} does not understand the loop for {processor}: {done.stderr.strip()[:300]}")
    return int(total.group(1)) / TURNS


def on_the_stack(body):
    return sum(1 for line in body if re.match(r"(ld|st)[rp]\s+[qd]\d", line) and "[sp" in line)


def pending_turns(dense, planes):
    """How many turns of `planes` planes each a vector of undecided blocks takes, on average, and the share of such blocks."""

    def undecided(m):  # a block, after m planes
        return 1 - (1 - 2.0**-m) ** BLOCK

    turns, m = 1.0, dense + planes
    while m < 32:
        turns += 1 - (1 - undecided(m) / undecided(dense)) ** LANES
        m += planes
    return turns, undecided(dense)


def figures(arguments, defines, loops, processor):
    run = {name[len("model_"):]: cycles(arguments, processor, body) for name, body in loops.items()}
    dense, in_flight = constant("SIMD_DENSE_PLANES", defines), constant("SIMD_PLANES_IN_FLIGHT", defines)
    few, pending = constant("SIMD_FEW_PLANES_IN_FLIGHT", defines), constant("SIMD_PENDING_PLANES", defines)
    turns, share = pending_turns(dense, pending)
    vector = run["dense_planes"] * dense / in_flight + run["dense_vector"] + share * turns * run["pending_planes"]
    producer = {"0.1": vector / (LANES * BLOCK), "0.5": run["one_plane"] / (few * LANES * BLOCK)}
    words = run["words_mask"] / 32
    consumer = {dtype: run["scale_" + dtype] / 64 for dtype in ("f32", "f64", "f16", "bf16")}
    fused = run["words_f32"] / 32
    return {
        "producer": producer,
        "32 bits an element, mask": words,
        "consumer": consumer,
        "32 bits an element, f32 at once": fused,
        "ratio, mask": {p: words / producer[p] for p in producer},
        "ratio, mask and f32": {p: fused / (producer[p] + consumer["f32"]) for p in producer},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE", help="writes the figures here")
    parser.add_argument("--compiler", default="aarch64-linux-gnu-gcc")
    parser.add_argument("--mca", default="llvm-mca-19")
    parser.add_argument("--define", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    for program in (arguments.compiler, arguments.mca):
        if shutil.which(program) is None:
            fail(f"{program} is missing (Debian: gcc-aarch64-linux-gnu, llvm-19)")
    defines = dict(text.split("=", 1) for text in arguments.define)

    loops = loops_of(compile_kernels(arguments, defines))
    wanted = re.findall(r"^void (model_\w+)\(", (ROOT / "bench/neon_model/kernels.c").read_text(), re.M)
    wanted += ["model_scale_" + dtype for dtype in ("f32", "f64", "f16", "bf16")]
    loops = {name: body for name, body in loops.items() if name in wanted}
    missing = [name for name in wanted if name not in loops]
    if missing:
        fail("no loop was found in " + ", ".join(missing))

    result = {"a model's figures": "cycles an element by llvm-mca; no measurement",
              "vector registers on the stack in the loop": {name[len("model_"):]: on_the_stack(body) for name, body in loops.items()},
              "processors": {processor: figures(arguments, defines, loops, processor) for processor in PROCESSORS}}
    print("| cycles an element, by a model | " + " | ".join(PROCESSORS) + " |")
    print("|---|" + "---:|" * len(PROCESSORS))
    rows = [("producer, p = 0.1", lambda f: f["producer"]["0.1"]), ("producer, p = 0.5", lambda f: f["producer"]["0.5"]),
            ("32 random bits an element", lambda f: f["32 bits an element, mask"]),
            ("consumer, f32", lambda f: f["consumer"]["f32"]), ("consumer, f64", lambda f: f["consumer"]["f64"]),
            ("consumer, f16", lambda f: f["consumer"]["f16"]), ("consumer, bf16", lambda f: f["consumer"]["bf16"]),
            ("32 random bits an element, applied to f32 at once", lambda f: f["32 bits an element, f32 at once"]),
            ("fewer cycles for the mask, p = 0.1", lambda f: f["ratio, mask"]["0.1"]),
            ("fewer cycles for the mask, p = 0.5", lambda f: f["ratio, mask"]["0.5"]),
            ("fewer cycles for mask and f32, p = 0.1", lambda f: f["ratio, mask and f32"]["0.1"]),
            ("fewer cycles for mask and f32, p = 0.5", lambda f: f["ratio, mask and f32"]["0.5"])]
    for title, value in rows:
        values = [value(result["processors"][processor]) for processor in PROCESSORS]
        print(f"| {title} | " + " | ".join(f"{v:.1f}×" if title.startswith("fewer") else f"{v:.3f}" for v in values) + " |")
    if arguments.json:
        temporary = arguments.json + ".part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
            file.write("\n")
        os.replace(temporary, arguments.json)
    low = [f"{processor} at p = {p}" for processor in PROCESSORS for p, limit in LIMITS.items()
           for kind in ("ratio, mask", "ratio, mask and f32") if result["processors"][processor][kind][p] < limit]
    if low:
        print("neon_model.py: the ratio is too low: " + ", ".join(low), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
