#!/usr/bin/env python3
"""Demands that each fault of simdrop_faulty is caught by the test named for it: run.py PATH_OF_SIMDROP_FAULTY [name ...]

First the same tests must pass without a fault. One line a fault; exit status 1 if one escapes. With --matrix FILE every test runs on
every fault, which takes minutes, and the file tells which of them caught it (docs/conformance.md shows it as a picture).
"""
import argparse
import concurrent.futures
import json
import subprocess
import sys
import time


TIMEOUT = 900  # seconds a run
TESTS = ["S%d" % i for i in range(1, 19) if i != 12] + ["K%d" % i for i in range(1, 21) if i != 2]  # calibration (S12) takes too long


def run(program, fault, options):
    """What simdrop verify found: the tests that failed, and the status."""
    try:
        done = subprocess.run([program, fault, *options, "--json", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"it takes more than {TIMEOUT} s") from None
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.strip())
    found = json.loads(done.stdout)
    failed = {row["test"] for row in found["figures"] + found["exact"] if row["verdict"] == "FAILED"}
    failed |= {"S12" for row in found["calibration"] if row["verdict"] == "FAILED"}
    if (done.returncode == 1) != bool(failed):
        raise RuntimeError(f"exit status {done.returncode}, but {len(failed)} tests failed")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("names", nargs="*", help="only faults whose names contain one of these")
    parser.add_argument("--matrix", metavar="FILE", help="run every test on every fault, and write what caught what")
    parser.add_argument("--long", action="store_true", help="also the fault that only calibration (S12) sees, which takes a minute")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()

    listed = subprocess.run([arguments.program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = [line.split("|") for line in listed.splitlines()]
    faults = [row for row in rows if row[0] != "none" and (arguments.long or arguments.matrix or row[1] != "S12") and (not arguments.names or any(name in row[0] for name in arguments.names))]
    started = time.monotonic()

    def check(row):
        name, test, options, what = row
        try:
            if arguments.matrix:
                tests = ["--p", "0.3,0.5", "--elements", "4Mi", "--test", ",".join(TESTS)]
                caught = run(arguments.program, name, tests + ["--threads", "1"])
                if test not in caught:
                    caught |= run(arguments.program, name, ["--test", test, "--threads", "1", *options.split()])
            else:
                caught = run(arguments.program, name, ["--test", test, "--threads", "1", *options.split()])
        except RuntimeError as error:
            return row, None, str(error)
        return row, caught, None if test in caught else "ESCAPED"

    # Without a fault, every test and set of options that is named below.
    sound = sorted({(test, options) for _, test, options, _ in faults})
    missed = 0
    matrix = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for (row, caught, problem) in pool.map(check, [["none", test, options, ""] for test, options in sound] if not arguments.matrix else []):
            if problem != "ESCAPED":
                print(f"FAILED without a fault: {row[1]} {row[2]}: {problem or 'it fails'}")
                missed += 1
        if not arguments.matrix:
            print(f"Without a fault, {len(sound)} tests named below ran ({time.monotonic() - started:.0f} s).", flush=True)
        for row, caught, problem in pool.map(check, faults):
            name, test, _, what = row
            print(f"{'FAILED' if problem else 'ok'} fault {name:24} {test:4} {problem or 'caught'}: {what}", flush=True)
            missed += problem is not None
            matrix.append({"fault": name, "what": what, "named": test, "caught_by": sorted(caught or [])})
    print(f"{len(faults)} faults: {len(faults) - missed} caught, {missed} not ({time.monotonic() - started:.0f} s).")
    if arguments.matrix:
        with open(arguments.matrix, "w", encoding="utf-8") as file:
            json.dump(matrix, file, indent=1)
            file.write("\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
