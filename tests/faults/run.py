#!/usr/bin/env python3
"""Plants each fault of faults.py in a copy of the source and demands that the test named for it fails.

Each named test must pass without a fault first. The faults are shared out to a few copies of the source (--jobs), each with a
build folder that is kept between faults, so that only what a fault touches is compiled again. Prints one line a fault; exit
status 1 if any fault escapes, does not compile, or no longer finds its text.
"""
import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from faults import FAULTS

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What an emulated machine needs: commands, CMake's options, and what runs its programs; the processor's name comes after it.
COMMANDS = {"": (), "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64-static")}
TOOLCHAINS = {"": (), "aarch64": (f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/cmake/toolchains/aarch64-linux-gnu.cmake", "-DSIMDROP_WITH_OPENMP=OFF",
                                  "-DSIMDROP_BUILD_EXAMPLES=OFF")}
EMULATORS = {"aarch64": ("qemu-aarch64-static", "-cpu")}
# Seconds a test, of a processor and altogether; one that hangs under a fault has caught it.
PROCESSOR_LIMIT, TIMEOUT = 120, 900


def emulator(machine, processor="max"):
    return (*EMULATORS[machine], processor) if machine else ()


def pattern_of(text):
    """A pattern for text in which white space, and a macro's line ends, may be of any kind."""
    return re.compile(r"(?:\s|\\\n)*".join(re.escape(token) for token in re.findall(r"\w+|[^\w\s]", text)))


def plant(source, fault):
    matches = list(pattern_of(fault.old).finditer(source))
    if len(matches) != 1:
        raise LookupError(f"its text occurs {len(matches)} times in {fault.file}")
    begin, end = matches[0].span()
    if re.match(r"\w", fault.old[0]) and re.match(r"\w", source[begin - 1]):
        raise LookupError(f"its text begins inside a word in {fault.file}")
    return source[:begin] + fault.new + source[end:]


class Copy:
    """One copy of the source, and a build folder for each machine."""

    def __init__(self, folder, arguments):
        self.source = folder / "source"
        self.folder = folder
        self.arguments = arguments
        shutil.copytree(ROOT, self.source, ignore=lambda path, names: [n for n in names if n == ".git" or n.startswith("build")])
        self.options = {}

    def build(self, machine):
        return self.folder / ("build-" + machine if machine else "build")

    def configure(self, machine, options):
        if options == self.options.get(machine):
            return
        # -Og: gcc compiles a backend in less than half of the time that -O1 takes.
        command = ["cmake", "-S", self.source, "-B", self.build(machine), *TOOLCHAINS[machine], "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-Og", "-DCMAKE_CXX_FLAGS_RELEASE=-Og",
                   "-DSIMDROP_BUILD_SHARED=OFF", "-DSIMDROP_BUILD_TOOL=OFF", "-DSIMDROP_INSTALL=OFF", "-DSIMDROP_WERROR=OFF", *options, *self.arguments.cmake]
        if shutil.which("ninja"):
            command[1:1] = ["-G", "Ninja"]
        run_or_raise(command, self.arguments.log)
        self.options[machine] = options

    def compile(self, machine, executables):
        run_or_raise(["cmake", "--build", self.build(machine), "--target", *sorted(executables)], self.arguments.log)

    def run_script(self, fault):
        """True if the script says that its test passes, False if not, None if it leaves it out."""
        command = ["sh", self.source / "tests" / fault.script(), self.folder / "script", *fault.arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        with open(self.arguments.log, "a", encoding="utf-8") as file:
            file.write(done.stdout)
        lines = done.stdout.splitlines()
        title = fault.test.split(":", 1)[1]
        return True if f"ok {title}" in lines else False if f"FAILED {title}" in lines else None

    def run(self, fault):
        """True if the fault's test passes."""
        if fault.script():
            passed = self.run_script(fault)
            if passed is None:
                raise LookupError(f"the script says nothing of {fault.test}")
            return passed
        executable, test = fault.test.split(":")
        environment = dict(os.environ, SIMDROP_TEST_EFFORT=fault.effort)
        environment.pop("SIMDROP_BACKEND", None)
        try:
            done = subprocess.run(["sh", "-c", f'ulimit -t {PROCESSOR_LIMIT}; exec "$0" "$@"', *emulator(fault.machine(), fault.processor),
                                   self.build(fault.machine()) / "tests" / f"test_{executable}", test], env=environment, timeout=TIMEOUT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        except subprocess.TimeoutExpired:
            return False
        if done.returncode == 2 and b"no test is called" in done.stdout:
            raise LookupError(f"there is no test {fault.test}")
        return done.returncode == 0

    def check(self, fault):
        """What became of the fault: None if it was caught."""
        path = self.source / fault.file
        original = path.read_text()
        try:
            if not fault.script():
                self.configure(fault.machine(), fault.cmake())
            path.write_text(plant(original, fault))
            if fault.script():
                return "ESCAPED" if self.run(fault) else None
            self.compile(fault.machine(), {"test_" + fault.test.split(":")[0]})
            # Threads meet by chance: what escapes gets two chances more.
            return "ESCAPED" if all(self.run(fault) for _ in range(3)) else None
        finally:
            path.write_text(original)


def run_or_raise(command, log):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    with open(log, "a", encoding="utf-8") as file:
        file.write(done.stdout)
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if "error" in line.lower()]
        raise RuntimeError("does not compile: " + (errors or done.stdout.splitlines()[-1:])[0].strip())


def skipped_backends(copy, machine):
    """Backends that do not run here, by what a test says of them."""
    done = subprocess.run([*emulator(machine), copy.build(machine) / "tests" / "test_golden_digest", "library"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return dict(re.findall(r"^([\w-]+) skipped: (.*)$", done.stdout, re.MULTILINE))


def check_scripts(copy, faults):
    """What becomes of the scripts' tests without a fault: the names of those that fail, and why others are left out."""
    passed = {}
    for fault in faults:
        if fault.needs == "avx512" and "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").split():
            passed[fault.test] = None
        elif fault.test not in passed:
            passed[fault.test] = copy.run_script(fault)
    return sorted(test for test in passed if passed[test] is False), {test for test in passed if passed[test] is None}


def check_baseline(copy, machine, options, faults):
    """The names of tests that fail without a fault, on a machine with these CMake options."""
    copy.configure(machine, options)
    copy.compile(machine, {"test_" + fault.test.split(":")[0] for fault in faults} | {"test_golden_digest"})
    chosen = {(fault.test, fault.effort, fault.processor): fault for fault in faults}
    with concurrent.futures.ThreadPoolExecutor(max(1, copy.arguments.jobs)) as pool:
        passed = pool.map(copy.run, chosen.values())
    return sorted({test for (test, _, _), has_passed in zip(chosen, passed) if not has_passed})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only the faults whose names contain one of these")
    parser.add_argument("--jobs", type=int, default=2, help="copies of the source that work side by side (default 2)")
    parser.add_argument("--quick", action="store_true", help="leave out what takes long to build or run: Highway's backends, emulated machines, scripts")
    parser.add_argument("--part", default="0/1", metavar="K/N", help="every N-th fault alone, from number K mod N on; the texts of all are looked for")
    parser.add_argument("--list", action="store_true", help="print the table of faults and tests, and stop")
    parser.add_argument("--cmake", action="append", default=[], metavar="OPTION", help="passed on to CMake, e.g. -DCMAKE_C_COMPILER=clang")
    arguments = parser.parse_args()

    faults = [f for f in FAULTS if not arguments.names or any(name in f.name for name in arguments.names)]
    if arguments.quick:
        faults = [fault for fault in faults if not fault.machine() and not fault.script() and not fault.needs.startswith("highway-")]
    if len({fault.name for fault in FAULTS}) != len(FAULTS):
        sys.exit("two faults have the same name")
    part, parts = map(int, arguments.part.split("/"))
    faults = faults[part % parts::parts]
    if arguments.list:
        for fault in faults:
            print(f"{fault.name:50} {fault.file:30} {fault.test}")
        return 0

    started = time.monotonic()
    lost = 0
    for fault in FAULTS:
        try:
            plant((ROOT / fault.file).read_text(encoding="utf-8"), fault)
        except LookupError as error:
            print(f"FAILED fault {fault.name}: {error}")
            lost += 1
    if lost:
        return 1
    with tempfile.TemporaryDirectory(prefix="simdrop-faults-") as folder:
        folder = pathlib.Path(folder)
        os.environ["CCACHE_BASEDIR"] = str(folder)  # what one copy has compiled is not compiled by the others, if ccache is there
        arguments.log = folder / "log"
        copies = [Copy(folder / str(i), arguments) for i in range(max(1, arguments.jobs))]
        skipped = {}
        failing, left_out = check_scripts(copies[0], [fault for fault in faults if fault.script()])
        if failing:
            print("These tests fail without any fault: " + ", ".join(failing))
            return 1
        builds = sorted({(fault.machine(), fault.cmake()) for fault in faults if not fault.script()})
        for machine, options in builds:
            if not all(shutil.which(command) for command in COMMANDS[machine]):
                continue
            failing = check_baseline(copies[0], machine, options, [f for f in faults if not f.script() and (f.machine(), f.cmake()) == (machine, options)])
            if failing:
                print("These tests fail without any fault: " + ", ".join(failing))
                return 1
            skipped[machine, options] = skipped_backends(copies[0], machine)
        print(f"Without a fault, all tests named below pass ({time.monotonic() - started:.0f} s).", flush=True)

        waiting = queue.SimpleQueue()
        # Those that configure anew come last, so that each copy does it once.
        for fault in sorted(faults, key=lambda fault: (fault.machine(), fault.cmake())):
            waiting.put(fault)
        counts = {"caught": 0, "skipped": 0, "failed": 0}
        lock = threading.Lock()

        def work(copy):
            while True:
                try:
                    fault = waiting.get_nowait()
                except queue.Empty:
                    return
                backends = skipped.get((fault.machine(), fault.cmake()))
                missing = backends.get(fault.needs) if backends is not None else "for a processor that cannot be emulated here"
                if fault.script():
                    missing = "left out here" if fault.test in left_out else None
                if missing is not None:
                    outcome, kind = f"skipped: {fault.script() or fault.needs} is {missing}", "skipped"
                else:
                    begun = time.monotonic()
                    try:
                        problem = copy.check(fault)
                    except (LookupError, RuntimeError) as error:
                        problem = f"FAILED: {error}"
                    outcome, kind = (problem, "failed") if problem else ("caught", "caught")
                    outcome += f" ({time.monotonic() - begun:.1f} s)"
                with lock:
                    counts[kind] += 1
                    mark = {"caught": "ok", "skipped": "skipped", "failed": "FAILED"}[kind]
                    print(f"{mark} fault {fault.name:50} {fault.test:48} {outcome}", flush=True)

        threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    print(f"{len(faults)} faults: {counts['caught']} caught, {counts['skipped']} skipped, {counts['failed']} not caught "
          f"({time.monotonic() - started:.0f} s).")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
