#!/usr/bin/env python3
"""Tests of bench/compare_commands.sh: test_commands.py PATH_OF_SIMDROP [name of a test ...]

One line a test; the exit status is 1 if one fails, 77 (skipped) without hyperfine.

Seen to fail, each by the test in brackets: the comparison of the outputs left out (other_output); free space not looked at (too_large).
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "compare_commands.sh")
TOOL = ""  # set by main


class CommandsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.results = os.path.join(self.folder, "results")

    def run_script(self, *arguments, tool=None):
        return subprocess.run(["sh", SCRIPT, "--tool", tool or TOOL, "--folder", self.results, "--runs", "2", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=120, check=False, env=dict(os.environ, TMPDIR=self.folder))

    def refused(self, said, *arguments, **options):
        done = self.run_script(*arguments, **options)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(said, done.stderr)
        self.assertEqual([name for name in os.listdir(self.results)] if os.path.isdir(self.results) else [], [])
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("tmp.")], [])

    def test_small(self):
        done = self.run_script("--size", "600Ki", "--dtypes", "bf16,f64,f16", "--backends", "scalar", "--threads", "1,2")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(self.results, "commands-types.json"), encoding="utf-8") as file:
            found = json.load(file)
        self.assertEqual([row["command"] for row in found["results"]],
                         ["simdrop apply --dtype %s --backend scalar --threads %d" % (dtype, threads) for dtype in ("bf16", "f64", "f16") for threads in (1, 2)])
        for row in found["results"]:
            self.assertEqual((row["exit_codes"], len(row["times"])), ([0, 0], 2))
        self.assertNotIn(self.folder, json.dumps(found))
        with open(os.path.join(self.results, "commands-types.md"), encoding="utf-8") as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], "| type | backend | 1 thread, ms | 2 threads, ms |")
        self.assertEqual(len(lines), 5)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("tmp.")], [])

    def test_other_output(self):
        """A program whose second thread changes a byte."""
        tool = os.path.join(self.folder, "tool")
        with open(tool, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n'%s' \"$@\" || exit\ncase \"$*\" in *'--threads 2'*) printf X | dd of=\"$3\" bs=1 seek=1000 conv=notrunc 2> /dev/null ;; esac\n" % TOOL)
        os.chmod(tool, stat.S_IRWXU)
        self.refused("the output of scalar with 2 threads differs", "--size", "64Ki", "--backends", "scalar", "--dtypes", "f32", tool=tool)

    def test_too_large(self):
        self.refused("MiB are free", "--size", "999999Gi")

    def test_refusals(self):
        for said, *arguments in (("--size", "--size", "1G"), ("--size", "--size", "12"), ("--size", "--size", "0"), ("--runs", "--runs", "1"), ("f8", "--dtypes", "f8"),
                                 ("--threads", "--threads", "0"), ("nonsense", "--backends", "nonsense"), ("--nonsense", "--nonsense", "1"), ("value", "--size")):
            self.refused(said, *arguments)
        self.refused("no-such-tool", tool="/none/no-such-tool")


def main():
    global TOOL
    if len(sys.argv) < 2:
        sys.exit("usage: test_commands.py PATH_OF_SIMDROP [name of a test ...]")
    TOOL = os.path.abspath(sys.argv[1])
    if shutil.which("hyperfine") is None:
        print("skipped commands: hyperfine is not installed")
        sys.exit(77)
    names = sys.argv[2:] or unittest.TestLoader().getTestCaseNames(CommandsTest)
    suite = unittest.TestSuite(map(CommandsTest, names))
    sys.exit(not unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
