#!/usr/bin/env python3
"""Tests of bench/count_instructions.py: test_count_instructions.py FOLDER_OF_LIBSIMDROP [name of a test ...]

One line a test; the exit status is 1 if one fails, 77 (skipped) without valgrind.

Seen to fail, each by the test in brackets: the kernels of the mask in no part (parts); a backend that is not there passed over (refusals).
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "count_instructions.py")
LIBRARY = ""  # set by main


class CountTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.json = os.path.join(folder.name, "rows.json")

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=120, check=False)

    def test_parts(self):
        """Without optimisation, functions that are inlined otherwise are in no part."""
        done = self.run_script(LIBRARY, "--backend", "scalar", "--n", "1", "--p", "0.5,0", "--json", self.json)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.json, encoding="utf-8") as file:
            drawn, kept = json.load(file)["rows"]
        self.assertGreater(min(drawn["parts"][part] for part in drawn["parts"] if part != "others"), 0, drawn)
        self.assertLess(drawn["parts"]["others"], 0.5 * drawn["instructions"], drawn)
        self.assertEqual(kept["parts"]["planes"], 0, kept)
        self.assertLess(kept["instructions"], drawn["instructions"])
        self.assertLess(drawn["instructions"], 5000)  # of one call, and not of a program
        self.assertAlmostEqual(sum(drawn["parts"].values()), drawn["instructions"], delta=1e-6)

    def test_refusals(self):
        for said, *arguments in (("libsimdrop.so", "/none"), ("no-such-backend", LIBRARY, "--backend", "no-such-backend", "--n", "1", "--p", "0.5"),
                                 ("none/rows.json", LIBRARY, "--json", "/none/rows.json")):
            done = self.run_script(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(said, done.stderr)
            self.assertNotIn("Traceback", done.stderr)


def main():
    global LIBRARY
    if len(sys.argv) < 2:
        sys.exit("usage: test_count_instructions.py FOLDER_OF_LIBSIMDROP [name of a test ...]")
    LIBRARY = os.path.abspath(sys.argv[1])
    if shutil.which("valgrind") is None:
        print("skipped count_instructions: valgrind is not installed")
        sys.exit(77)
    names = sys.argv[2:] or unittest.TestLoader().getTestCaseNames(CountTest)
    suite = unittest.TestSuite(map(CountTest, names))
    sys.exit(not unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
