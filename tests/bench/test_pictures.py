#!/usr/bin/env python3
"""Tests of bench/pictures.py: test_pictures.py [name of a test ...]

One line a test; the exit status is 1 if one fails, 77 (skipped) if this Python has no matplotlib.

Seen to fail, each by the test in brackets: the date or random names left in the pictures (pictures); a peer that is missing not named
(pictures), a picture without its processor's name (pictures); one bit more for a block (expectation); a picture drawn though its JSON is
not there (absent), or half written (nonsense).
"""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "pictures.py")
NAMES = ("sizes", "peers", "probabilities", "threads")


def spread(value):
    return {"median": value, "p10": 0.9 * value, "p90": 1.1 * value}


def bench_row(kernel, backend, n, p, time, **others):
    return dict({"kernel": kernel, "backend": backend, "dtype": "f32", "n": n, "p": p, "ns_per_element": spread(time),
                 "bytes_per_second": 8e9 / time, "memcpy_ns_per_element": spread(0.1)}, **others)


def made_up():
    """Small results of the form that the benchmarks write."""
    context = {"cpu": "made up", "caches": [{"name": "L1d", "level": 1, "size": 49152}, {"name": "L2", "level": 2, "size": 2 << 20}]}
    sizes = [bench_row("memcpy", "none", n, 0, 0.08) for n in (1024, 65536, 1 << 20)]
    sizes += [bench_row("forward", backend, n, p, time) for backend, time in (("avx512", 0.1), ("highway-avx2", 0.2), ("new", 0.3), ("scalar", 1.5))
              for n in (1024, 65536, 1 << 20) for p in (0.1, 0.5)]
    probabilities = [bench_row("memcpy", "none", 65536, 0, 0.08)]
    probabilities += [bench_row(kernel, "avx512", 65536, p, 0.1 + p * (1 - p)) for kernel in ("forward", "mask-bits") for p in (0.001, 0.1, 0.25, 0.5, 0.9)]
    threads = [bench_row(kernel, backend, n, p, 0.1 / count, threads=count) for kernel, backend, ps in (("memcpy", "none", (0,)), ("forward", "avx2", (0.1, 0.5)))
               for p in ps for n in (65536, 1 << 20) for count in (1, 2, 4)]
    peers = [{"peer": peer, "version": "1", "dtype": "f32", "n": n, "p": p, "threads": count, "direction": "forward", "status": "ok", "reason": "",
              "times_simdrop": spread(times)} for peer, times in (("torch", 30), ("own", 0.8)) for n in (65536, 1 << 20) for p in (0.1, 0.5) for count in (1, 2)]
    peers.append(dict(peers[0], peer="jax", status="missing", reason="No module named 'jax'"))
    openmp = [{"n": n, "p": p, "speed_up": spread(1.5)} for n in (1024, 65536, 1 << 20) for p in (0.1, 0.5)]
    return {"openmp": {"context": {"threads": 3}, "rows": openmp}, "sizes": {"context": context, "benchmarks": sizes}, "probabilities": {"context": context, "benchmarks": probabilities},
            "threads": {"context": context, "benchmarks": threads}, "peers": {"context": context, "rows": peers}}


class PicturesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        for name, results in made_up().items():
            self.write(name, json.dumps(results))

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path("test-%s.json" % name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, "--results", self.folder, "--name", "test", *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, universal_newlines=True, timeout=120, check=False)

    def draw(self, output, *arguments):
        done = self.run_script("--output", self.path(output), *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        pictures = {}
        for name in os.listdir(self.path(output)):
            with open(self.path(output, name), "rb") as file:
                pictures[name] = file.read()
        return pictures

    def test_pictures(self):
        pictures = self.draw("one")
        self.assertEqual(sorted(pictures), sorted(name + ".svg" for name in NAMES))
        for name, said in (("sizes.svg", ("avx512", "new", "memcpy", "L2, 2 MiB", "p = 0.1")), ("peers.svg", ("PyTorch", "own", "JAX: missing", "p = 0.5")),
                           ("probabilities.svg", ("1/2", "entropy", "memcpy")), ("threads.svg", ("4 threads of a pool", "3 threads of OpenMP", "p = 0.5"))):
            text = pictures[name].decode()
            xml.etree.ElementTree.fromstring(text)
            for words in (*said, "(made up)"):
                self.assertIn(words, text, name)
            self.assertNotIn("dc:date", text)
            self.assertNotIn("nan", text.lower().replace("dominant", ""))
        self.assertEqual(pictures, self.draw("two"))

    def test_without_openmp(self):
        os.remove(self.path("test-openmp.json"))
        self.assertNotIn("OpenMP", self.draw("one")["threads.svg"].decode())

    def test_absent(self):
        os.remove(self.path("test-sizes.json"))
        done = self.run_script("--output", self.path("out"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("test-sizes.json is not there; make it with: simdrop bench", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["peers.svg", "probabilities.svg", "threads.svg"])

    def test_nonsense(self):
        for text in ("", "[]", "{}", '{"benchmarks": [{"kernel": "forward"}]}', '{"context": {}, "benchmarks": [], "rows": []}', '{"benchmarks": 1, "rows": 1}'):
            for name in NAMES:
                self.write(name, text)
            done = self.run_script("--output", self.path("out"))
            self.assertEqual(done.returncode, 2, text)
            self.assertEqual(done.stderr.count("pictures.py: "), 4, done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            self.assertEqual(os.listdir(self.path("out")), [])

    def test_few_rows(self):
        """One thread's rows without the field, one panel, one p."""
        found = made_up()
        self.write("peers", json.dumps({"rows": [row for row in found["peers"]["rows"] if (row["n"], row["threads"], row["p"]) == (65536, 1, 0.5)]}))
        self.assertEqual(list(self.draw("few", "peers")), ["peers.svg"])
        self.write("threads", json.dumps(found["sizes"]))
        done = self.run_script("--output", self.path("out"), "threads")
        self.assertEqual(done.returncode, 2)
        self.assertIn("more than one thread", done.stderr)

    def test_commands(self):
        done = self.run_script("--commands")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stdout.splitlines()), 5)
        self.assertEqual(self.run_script("nonsense").returncode, 2)

    def test_expectation(self):
        """The bits of a block against a sum over what may happen."""
        specification = importlib.util.spec_from_file_location("pictures", SCRIPT)
        pictures = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(pictures)
        for p, most in ((0.5, 1), (0.25, 2), (0.375, 3), (0.1, 31), (2.0**-32, 32), (0, 0), (1, 0)):
            self.assertEqual(pictures.planes(p), most)
        for p in (0.5, 0.375, 5 / 64, 0.1):
            for elements in (1, 2, 128):
                # P(decided after exactly j) = P(decided after j) - P(decided after j - 1); the last plane decides all.
                most, done, mean = pictures.planes(p), 0.0, 0.0
                for j in range(1, most + 1):
                    after = 1.0 if j == most else (1 - 0.5**j) ** elements
                    mean += j * (after - done)
                    done = after
                self.assertAlmostEqual(pictures.expected_planes(p, elements), mean, places=12)


def main():
    sys.dont_write_bytecode = True
    if importlib.util.find_spec("matplotlib") is None:
        print("skipped pictures: this Python has no matplotlib (Debian: python3-matplotlib)")
        sys.exit(77)
    names = sys.argv[1:] or unittest.TestLoader().getTestCaseNames(PicturesTest)
    suite = unittest.TestSuite(map(PicturesTest, names))
    sys.exit(not unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
