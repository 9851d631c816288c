#!/usr/bin/env python3
"""What models of some Arm processors say about the NEON backend: cycles an element, by llvm-mca. A model's figures, no measurement.

    neon_model.py [--json FILE] [--alternatives FILE] [--define NAME=VALUE]...

Cross-compiles the library and bench/neon_model/program.c, runs the program in qemu one instruction at a time, and has llvm-mca model
the very instructions that were executed: loops run as often as they do, branches go where they went, and what the compiler keeps on the
stack is in. Each call is traced with few and with many elements; the difference is what an element takes. Next to it stands 32
random bits an element in the same vocabulary (bench/neon_model/words_per_element.c), with as many vectors side by side as suit the
processor best.

--json writes the figures (bench/results/neon-model.json). --alternatives also tries other values of the constants of src/neon/simd.h, in some
minutes, and writes what they would take (bench/results/neon-model-alternatives.json). bench/figures.py makes the tables of
docs/measurements.md from the two. --define sets a constant for a trial.

Exit status 1 if 32 random bits an element take less than 1.7 times the cycles at p = 0.1, or less than 3 times at p = 0.5; 2 if a
program is missing or fails.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROCESSORS = ["neoverse-n1", "neoverse-v2", "cortex-a55"]
DTYPES = ["f32", "f64", "f16", "bf16"]
LIMITS = {"0.1": 1.7, "0.5": 3.0}
PACKAGES = {"cmake": "cmake", "ninja": "ninja-build", "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
            "qemu-aarch64-static": "qemu-user-static", "llvm-mca-19": "llvm-19", "llvm-objdump-19": "llvm-19"}
ALTERNATIVES = {"SIMD_PLANES_IN_FLIGHT": [1, 2, 4], "SIMD_FEW_PLANES_IN_FLIGHT": [2, 4, 8], "SIMD_STRAGGLER_PLANES": [1, 2, 4],
                "SIMD_DENSE_PLANES": [6, 8, 10, 12], "SIMD_FEW_BLOCKS": [0, 1, 2, 3, 4]}
BRANCH = r"(b|bl|b\.\w+|br|blr|ret|cbn?z|tbn?z)\b"


def fail(message):
    print("neon_model.py: " + message, file=sys.stderr)
    sys.exit(2)


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        fail("%s failed:\n%s" % (" ".join(command[:2]), (done.stdout + done.stderr)[-2000:]))
    return done.stdout


class Program:
    """The program, in a copy of the source whose constants can be changed."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("src", "include", "cmake", "bench"):
            shutil.copytree(os.path.join(ROOT, name), os.path.join(folder, name), ignore=shutil.ignore_patterns("results"))
        shutil.copy(os.path.join(ROOT, "CMakeLists.txt"), folder)
        self.header = os.path.join(folder, "src", "neon", "simd.h")
        with open(self.header, encoding="utf-8") as file:
            self.original = file.read()
        run(["cmake", "-S", folder, "-B", os.path.join(folder, "build"), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
             "--toolchain", os.path.join(folder, "cmake", "toolchains", "aarch64-linux-gnu.cmake")] +
            ["-DSIMDROP_%s=OFF" % option for option in ("BUILD_SHARED", "BUILD_TOOL", "BUILD_TESTS", "BUILD_EXAMPLES", "INSTALL",
                                                        "WITH_OPENMP", "WITH_HIGHWAY")])

    def value(self, name):
        return int(re.search(r"#define %s (\d+)" % name, self.original).group(1))

    def traces(self, constants):
        """[(name, p, elements, instructions)], or None where the constants do not go together."""
        text = self.original
        for name, value in constants.items():
            text, count = re.subn(r"(#define %s) \d+" % name, r"\1 %d" % value, text)
            if count != 1:
                fail("src/neon/simd.h has no constant %s" % name)
        with open(self.header, "w", encoding="utf-8") as file:
            file.write(text)
        build, program = os.path.join(self.folder, "build"), os.path.join(self.folder, "program")
        done = subprocess.run(["cmake", "--build", build, "-j", "2"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            if "static assertion failed" in done.stdout:
                return None
            fail("the library does not compile:\n" + done.stdout[-2000:])
        bench = os.path.join(self.folder, "bench", "neon_model")
        run(["aarch64-linux-gnu-gcc", "-std=c17", "-O3", "-DNDEBUG", "-ffp-contract=off", "-static", "-DSIMDROP_STATIC",
             "-I" + os.path.join(self.folder, "include"), "-I" + os.path.join(self.folder, "src"), "-o", program,
             os.path.join(bench, "program.c"), os.path.join(bench, "words_per_element.c"), os.path.join(build, "libsimdrop.a")])
        return self.trace(program)

    def trace(self, program):
        one_at_a_time = "-one-insn-per-tb" if "one-insn-per-tb" in run(["qemu-aarch64-static", "-h"]) else "-singlestep"
        log = os.path.join(self.folder, "log")
        announced = run(["qemu-aarch64-static", one_at_a_time, "-d", "exec,nochain", "-D", log, program]).split("\n")[:-1]
        text = instructions_of(program)
        traces, addresses = [], None
        with open(log, encoding="utf-8") as file:
            for line in file:
                _, address, symbol = re.match(r"Trace \d+: \S+ \[(\w+)/(\w+)/.*\] ?(.*)", line).groups()
                if symbol == "neon_model_begin":
                    addresses = []
                elif symbol == "neon_model_end":
                    if addresses is not None:
                        traces.append(addresses)
                    addresses = None
                elif addresses is not None:
                    addresses.append(int(address, 16))
        if len(traces) != len(announced):
            fail("%d calls were traced, and %d announced" % (len(traces), len(announced)))
        result = []
        for line, addresses in zip(announced, traces):
            name, p, elements = line.split()
            for here, there in zip(addresses, addresses[1:]):
                if there != here + 4 and not re.match(BRANCH, text[here]):
                    fail("the trace of %s has a hole at %x" % (line, here))
            result.append((name, p, int(elements), [text[address] for address in addresses[1:-1]]))  # without the marks' branches
        return result


def instructions_of(program):
    """Address -> instruction, as llvm-mca reads it: where a branch leads is of no matter to it."""
    text = {}
    for line in run(["llvm-objdump-19", "-d", "--no-show-raw-insn", program]).splitlines():
        match = re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line)
        if match:
            instruction = re.sub(r"\s*(//.*|<.*>)", "", match.group(2))
            if re.match(BRANCH + r"|adrp?\b", instruction):
                instruction = re.sub(r"0x[0-9a-f]+$", "elsewhere", instruction)
            text[int(match.group(1), 16)] = instruction
    return text


def model(processor, instructions):
    """Cycles of the instructions one after the other."""
    command = ["llvm-mca-19", "-mtriple=aarch64-linux-gnu", "-mcpu=" + processor, "-iterations=1", "-instruction-info=0",
               "-resource-pressure=0"]
    done = subprocess.run(command, input="\n".join(instructions) + "\n", capture_output=True, text=True, check=False)
    cycles = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if done.returncode != 0 or cycles is None:
        fail("llvm-mca-19 has no model of %s, or does not read an instruction:\n%s" % (processor, done.stderr[:1000]))
    return int(cycles.group(1))


def on_the_stack(instructions):
    return sum(1 for text in instructions if re.match(r"(ld|st)[rp]\s+[qd]\d+,.*\[(sp|x29)\b", text))


def by_name(traces):
    calls = {}
    for name, p, elements, instructions in traces:
        calls.setdefault((name, p), []).append((elements, instructions))
    return calls


def figures(pool, calls, wanted):
    """{processor: {name: {p: cycles an element}}}, of short calls {elements: cycles a call, on average}; {name: {p: accesses to the
    stack}} a thousand elements."""
    jobs = {(processor, key, i): pool.submit(model, processor, instructions) for key, sizes in calls.items() if wanted(key[0])
            for i, (_, instructions) in enumerate(sizes) for processor in PROCESSORS}
    cycles, stack = {processor: {} for processor in PROCESSORS}, {}
    for (name, p), sizes in calls.items():
        if not wanted(name):
            continue
        for processor in PROCESSORS:
            found = {}
            for i, (elements, _) in enumerate(sizes):
                found.setdefault(elements, []).append(jobs[processor, (name, p), i].result())
            found = {elements: sum(each) / len(each) for elements, each in found.items()}
            if name == "short":
                cycles[processor][name] = {elements: round(mean) for elements, mean in found.items()}
            else:
                few, many = sorted(found)
                cycles[processor].setdefault(name, {})[p] = round((found[many] - found[few]) / (many - few), 4)
        if name != "short":
            (few, less), (many, more) = sorted(sizes, key=lambda size: size[0])
            stack.setdefault(name, {})[p] = round(1000 * (on_the_stack(more) - on_the_stack(less)) / (many - few), 1)
    return cycles, stack


def summary(cycles):
    """For each processor what the table shows."""
    result = {}
    for processor, found in cycles.items():
        words = {kind: min((found["words-%s-%d" % (kind, k)]["0.1"], k) for k in range(1, 5)) for kind in ("mask", "forward")}
        result[processor] = {
            "producer": found["producer"],
            "consumer": {dtype: found[dtype]["0.1"] for dtype in DTYPES},
            "forward_f32": found["forward"],
            "short_forward_f32_cycles_a_call": found["short"],
            "words_mask": words["mask"][0], "words_mask_vectors_in_flight": words["mask"][1],
            "words_forward_f32": words["forward"][0], "words_forward_f32_vectors_in_flight": words["forward"][1],
            "ratio_mask": {p: round(words["mask"][0] / found["producer"][p], 2) for p in LIMITS},
            "ratio_forward_f32": {p: round(words["forward"][0] / found["forward"][p], 2) for p in LIMITS},
        }
    return result


def alternatives(pool, program, constants):
    """[{constant, value, chosen, cycles, stack}]: each constant by itself, the others as they are."""
    result = []
    for name, values in ALTERNATIVES.items():
        for value in values:
            traces = program.traces({**constants, name: value})
            if traces is None:
                continue
            cycles, stack = figures(pool, by_name(traces), lambda name: name in ("producer", "short"))
            result.append({"constant": name, "value": value, "chosen": value == constants.get(name, program.value(name)),
                           "producer": {processor: cycles[processor]["producer"] for processor in PROCESSORS},
                           "short_forward_f32_cycles_a_call": {processor: cycles[processor]["short"] for processor in PROCESSORS},
                           "stack_accesses_a_thousand_elements": stack["producer"]})
            short = "  ".join("/".join("%d" % cycles[processor]["short"][n] for n in (128, 256, 384, 512)) for processor in PROCESSORS)
            print("%s%-26s %d  p = 0.1: %s  p = 0.5: %s  stack %5.1f %5.1f  short %s" % (
                "*" if result[-1]["chosen"] else " ", name, value,
                " ".join("%.3f" % cycles[processor]["producer"]["0.1"] for processor in PROCESSORS),
                " ".join("%.4f" % cycles[processor]["producer"]["0.5"] for processor in PROCESSORS),
                stack["producer"]["0.1"], stack["producer"]["0.5"], short), flush=True)
    return result


def write_json(path, report):
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    os.replace(path + ".part", path)


def show(result):
    print("cycles an element, by a model     " + "".join("%13s" % processor for processor in PROCESSORS))
    rows = [("producer, p = " + p, "%.3f", lambda f, p=p: f["producer"][p]) for p in LIMITS]
    rows += [("32 random bits an element, mask", "%.3f", lambda f: f["words_mask"])]
    rows += [("consumer, " + dtype, "%.3f", lambda f, dtype=dtype: f["consumer"][dtype]) for dtype in DTYPES]
    rows += [("forward, f32, p = " + p, "%.3f", lambda f, p=p: f["forward_f32"][p]) for p in LIMITS]
    rows += [("32 random bits an element, f32", "%.3f", lambda f: f["words_forward_f32"])]
    rows += [("times fewer, mask, p = " + p, "%.2f", lambda f, p=p: f["ratio_mask"][p]) for p in LIMITS]
    rows += [("times fewer, f32, p = " + p, "%.2f", lambda f, p=p: f["ratio_forward_f32"][p]) for p in LIMITS]
    for title, form, value in rows:
        print("%-34s" % title + "".join("%13s" % (form % value(result[processor])) for processor in PROCESSORS))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--alternatives", metavar="FILE")
    parser.add_argument("--define", action="append", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    constants = {}
    for definition in arguments.define:
        if not re.fullmatch(r"\w+=\d+", definition):
            fail("'%s' is not NAME=VALUE" % definition)
        constants[definition.split("=")[0]] = int(definition.split("=")[1])
    missing = [name for name in PACKAGES if shutil.which(name) is None]
    if missing:
        fail("%s is missing (Debian's package %s)" % (missing[0], PACKAGES[missing[0]]))

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        program = Program(folder)
        traces = program.traces(constants)
        if traces is None:
            fail("these constants do not go together")
        cycles, stack = figures(pool, by_name(traces), lambda name: True)
        result = summary(cycles)
        show(result)
        print("vector loads and stores of the stack, a thousand elements: " +
              ", ".join("%s %s %g" % (name, p, count) for name in ("producer", "forward", *DTYPES) for p, count in stack[name].items()))
        report = {"about": "llvm-mca's models of processors; no measurement", "unit": "cycles an element",
                  "compiler": run(["aarch64-linux-gnu-gcc", "--version"]).splitlines()[0],
                  "model": re.search(r"LLVM version \S+", run(["llvm-mca-19", "--version"])).group(0),
                  "processors": result, "stack_accesses_a_thousand_elements": stack}
        if arguments.alternatives:
            write_json(arguments.alternatives, {**{key: report[key] for key in ("about", "unit", "compiler", "model")},
                                                "processors": PROCESSORS, "alternatives": alternatives(pool, program, constants)})
    if arguments.json:
        write_json(arguments.json, report)
    low = ["%s at p = %s (%s)" % (processor, p, kind) for processor in PROCESSORS for p, limit in LIMITS.items()
           for kind in ("ratio_mask", "ratio_forward_f32") if result[processor][kind][p] < limit]
    if low:
        print("neon_model.py: 32 random bits an element take too few times the cycles: " + ", ".join(low), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
