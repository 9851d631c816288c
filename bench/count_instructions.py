#!/usr/bin/env python3
"""Counts the instructions of a short call, part by part, by valgrind's callgrind.

    bench/count_instructions.py FOLDER [--json FILE] [--backend NAME] [--n LIST] [--p LIST]

FOLDER has libsimdrop.so, with its symbols. A program calls simdrop_forward on f32 CALLS times and twice as often, each time with another
stream; the difference over CALLS is what a call takes, function by function. Prints them, and sums them up by what they are for. Exit
status 2, with a sentence and no file, if something is missing: valgrind, or a backend that it cannot run (it has no AVX-512).
"""
import argparse
import os
import pathlib
import re
import tempfile

from tune import ROOT, Refused, check_output, run, run_main, write_rows

CALLS = 2000
# In the order of a call: what a function's name tells of what it is for.
PARTS = (("checks", r"simdrop_(forward|dtype_size|store_for|check_\w+)"),
         ("dispatch", r"simdrop_(run|drive|current_kernels|scale_kernels_of)|drive_\w+|decide\w*"),
         ("generator", r"simdrop_(generate|reader_\w+)|draw_\w+"),
         ("planes", r"simdrop_\w+_mask_blocks|mask_\w+|finish_\w+|make_\w+|begin_\w+"),
         ("apply", r"simdrop_\w+_scale_f32|(simd_)?scale_\w+|__mem(cpy|move)\w*"))


def compile_program(folder, library):
    program = folder / "count_instructions"
    run([os.environ.get("CC", "cc"), "-O2", "-std=c11", "-I", ROOT / "include", ROOT / "bench" / "count_instructions.c", "-o", program,
         "-L", library, "-lsimdrop", f"-Wl,-rpath,{library}"], "bench/count_instructions.c does not compile")
    return program


def counted(program, folder, backend, n, p, calls):
    """Instructions of each function."""
    output = folder / "callgrind.out"
    run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", program, backend, n, p, calls], f"{backend} under valgrind")
    lines = run(["callgrind_annotate", "--threshold=100", output], "callgrind_annotate").splitlines()
    found = {}
    for line in lines:
        match = re.match(r"\s*([\d,]+) \([^)]*\)\s+\S*?:([\w.]+)", line)
        if match:
            name = match.group(2).split(".")[0]
            found[name] = found.get(name, 0) + int(match.group(1).replace(",", ""))
    return found


def part_of(function):
    return next((part for part, pattern in PARTS if re.fullmatch(pattern, function)), "others")


def count(program, folder, backend, n, p):
    once, twice = (counted(program, folder, backend, n, p, calls) for calls in (CALLS, 2 * CALLS))
    functions = {name: (total - once.get(name, 0)) / CALLS for name, total in twice.items() if total - once.get(name, 0) >= CALLS / 10}
    functions.pop("main", None)
    parts = {part: 0.0 for part, _ in PARTS + (("others", ""),)}
    for name, instructions in functions.items():
        parts[part_of(name)] += instructions
    return {"backend": backend, "n": n, "p": p, "functions": functions, "parts": parts, "instructions": sum(functions.values())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", metavar="FOLDER")
    parser.add_argument("--json", metavar="FILE", help="write the figures")
    parser.add_argument("--backend", default="avx2", help="default: avx2")
    parser.add_argument("--n", default="1,100,128,256", help="elements, with commas between (default %(default)s)")
    parser.add_argument("--p", default="0.1,0.5", help="with commas between (default %(default)s)")
    arguments = parser.parse_args()
    check_output(arguments.json)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder, library = pathlib.Path(name), pathlib.Path(arguments.library).resolve()
        if not (library / "libsimdrop.so").exists():
            raise Refused(f"libsimdrop.so is not in {arguments.library}")
        program = compile_program(folder, library)
        for p in arguments.p.split(","):
            for n in arguments.n.split(","):
                row = count(program, folder, arguments.backend, int(n), float(p))
                rows.append(row)
                print("%s, %d elements, p = %g: %.0f instructions: " % (row["backend"], row["n"], row["p"], row["instructions"]) +
                      ", ".join("%s %.0f" % item for item in row["parts"].items()))
                print("  " + ", ".join("%s %.1f" % item for item in sorted(row["functions"].items(), key=lambda item: -item[1])), flush=True)
    if arguments.json:
        write_rows(arguments.json, "bench/count_instructions.py", rows)


if __name__ == "__main__":
    run_main(main)
