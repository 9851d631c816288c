#!/usr/bin/env python3
"""Tests of bench/peers_fused.py: test_peers_fused.py FOLDER_OF_LIBSIMDROP [name of a test ...]

One line a test; the exit status is 1 if one fails. PyTorch need not be installed: a made-up one with planted mistakes stands for it.

Seen to fail, each by the test in brackets: elements, gradients, the rate or the noise not looked at, draws of two calls not compared
(mistakes); an error of one case that ends the run, a torch.compile that is not there taken for one that is (compiled); the eager
expression timed as compiled (compiled); a file written although the run was refused (refusals).
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "peers_fused.py")
LIBRARY = ""  # set by main

# A library named torch, of which the script uses this much, with a place for each mistake.
TORCH = """
import ctypes, math, random
__version__ = "planted"
float32 = "f32"
generator = random.Random(1)
def set_num_threads(threads): pass
class Tensor:
    def __init__(self, values, shape, derivative=None, leaf=None):
        self.values, self.shape, self.derivative, self.leaf = (ctypes.c_float * len(values))(*values), shape, derivative, leaf
        self.grad = None
    def requires_grad_(self, wanted): self.leaf, self.derivative = self, [1.0] * len(self.values)
    def data_ptr(self): return ctypes.addressof(self.values)
    def view(self, *shape): return Tensor(self.values, shape)
    def each(self, function, derivative):  # of a value and its place
        old = self.derivative
        return Tensor([function(v, i) for i, v in enumerate(self.values)], self.shape,
                      old and [old[i] * derivative(v, i) for i, v in enumerate(self.values)], self.leaf)
    def __add__(self, other):
        n = len(other.values)
        return self.each(lambda v, i: v + other.values[i %% n], lambda v, i: 1) if self.leaf or not other.leaf else other + self
    def __mul__(self, other):
        return self.each(lambda v, i: v * (other.values[i] if isinstance(other, Tensor) else other), lambda v, i: 1)
    def __rmul__(self, factor): return self * factor
    def __radd__(self, term): return self.each(lambda v, i: v + term, lambda v, i: 1)
    def backward(self, gradient):
        self.leaf.grad = Tensor([g * d for g, d in zip(gradient.values, self.derivative)], self.shape)
def frombuffer(buffer, dtype):
    return Tensor((ctypes.c_float * (len(buffer) // 4)).from_buffer_copy(buffer), None)
def decisions(n, p):
    generator.seed(%(seed)s)
    return [generator.random() >= %(rate)s for _ in range(n)]
def normals(shape):
    return [generator.gauss(0, %(sigma)s) for _ in range(math.prod(shape))]
def normal(mean, sigma, shape): return Tensor([mean + sigma * z for z in normals(shape)], shape)
def randn_like(x): return Tensor(normals(x.shape), x.shape)
def dropout(x, p):
    kept = decisions(len(x.values), p)
    other = decisions(len(x.values), p) if %(other_gradient)s else kept
    return x.each(lambda v, i: v / (1 - p) * kept[i], lambda v, i: other[i] / (1 - p))
def phi(t): return 0.5 * math.erfc(-t / math.sqrt(2))
def gelu(x):
    return x.each(lambda v, i: v * phi(v) * %(gelu)s, lambda v, i: phi(v) + v * math.exp(-v * v / 2) / math.sqrt(2 * math.pi))
def softmax(x, axis):
    n = x.shape[-1]
    e = [math.exp(v) for v in x.values]
    sums = [sum(e[i:i + n]) for i in range(0, len(e), n)]
    return x.each(lambda v, i: e[i] / sums[i // n], None)
def alpha_dropout(x, p, training):
    a = 1 / math.sqrt((1.7580993408473766 ** 2 * p + 1) * (1 - p))
    kept, b = decisions(len(x.values), p), 1.7580993408473766 * a * p
    return x.each(lambda v, i: v * a + b if kept[i] else b - 1.7580993408473766 * a, None)
class nn:
    class functional: pass
for function in (dropout, gelu, softmax, alpha_dropout): setattr(nn.functional, function.__name__, staticmethod(function))
%(compile)s
"""
RIGHT = {"seed": "generator.random()", "rate": "p", "sigma": "1", "other_gradient": "False", "gelu": "1", "compile": ""}


class FusedPeersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_script(self, *arguments, mistake=None):
        if mistake is not None:
            with open(self.path("torch.py"), "w", encoding="utf-8") as file:
                file.write(TORCH % dict(RIGHT, **mistake))
        return subprocess.run([sys.executable, SCRIPT, "--library", LIBRARY, "--short", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=300, check=False, env=dict(os.environ, PYTHONPATH=self.folder))

    def rows(self, *arguments, **mistake):
        done = self.run_script("--json", self.path("rows.json"), *arguments, mistake=mistake)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("rows.json"), encoding="utf-8") as file:
            found = json.load(file)
        self.assertEqual(found["context"]["peers"], {"torch": "planted"})
        self.assertEqual(found["context"]["simdrop"]["version"].count("."), 2)
        for row in found["rows"]:
            self.assertIn("%s: %s" % (row["status"], row["reason"]) if row["status"] != "ok" else row["operation"], done.stdout)
            for key in ("ns_per_element", "simdrop_ns_per_element", "memcpy_ns_per_element", "times_simdrop"):
                self.assertEqual(key in row, row["status"] == "ok")
                if key in row:
                    self.assertTrue(0 < row[key]["p10"] <= row[key]["median"] <= row[key]["p90"], row)
        return found["rows"]

    def test_figures(self):
        rows = self.rows("--shapes", "9x64,1x512", "--p", "0.3", "--only", "chain,chain-gelu,gaussian,alpha", compile="def compile(function, dynamic): return function")
        expected = [(name, way, direction) for name, directions, ways in (
            ("chain", ("forward",), ("eager", "compiled")), ("chain-gelu", ("forward", "forward+backward"), ("eager", "compiled")),
            ("gaussian", ("forward",), ("normal", "randn_like")), ("alpha", ("forward",), ("eager",))) for direction in directions for _ in range(2) for way in ways]
        self.assertEqual([(row["operation"], row["way"], row["direction"]) for row in rows], expected)
        self.assertEqual({row["status"] for row in rows}, {"ok"}, rows)
        self.assertEqual([(row["rows"], row["columns"]) for row in rows[:4]], [(9, 64)] * 2 + [(1, 512)] * 2)

    def test_softmax(self):
        rows = self.rows("--only", "softmax", "--shapes", "8x64", "--p", "0.3")
        self.assertEqual([(row["direction"], row["status"]) for row in rows], [("forward", "ok"), ("forward+backward", "failed")])  # a gradient that it has not

    def test_mistakes(self):
        for only, mistake, reason in (
                ("chain", {"rate": "0.8 * p"}, r"of the elements are dropped in place of 0.5000"), ("chain", {"seed": "7"}, "two calls draw the same"),
                ("chain-gelu", {"gelu": "1.001"}, r"element \d+ is \S+ in place of"), ("chain-gelu", {"other_gradient": "True"}, r"gradient \d+ is \S+ in place of"),
                ("gaussian", {"sigma": "1.2"}, r"the noise has mean \S+ and variance 1\.[345]")):
            rows = self.rows("--only", only, "--shapes", "16x128", "--p", "0.5", **mistake)
            row = rows[-1] if "other_gradient" not in mistake else next(row for row in rows if row["direction"] != "forward")
            if only.startswith("chain"):
                row = next(other for other in rows if other["way"] == "eager" and other["direction"] == row["direction"])
            self.assertEqual(row["status"], "wrong", row)
            self.assertRegex(row["reason"], reason)

    def test_compiled(self):
        """What cannot be compiled is a row that says so, and others go on; what is compiled is what is run."""
        for compile, status, reason in (("", "missing", "no torch.compile"), ("def compile(function, dynamic): raise ValueError('planted')", "failed", "ValueError: planted"),
                                        ("def compile(function, dynamic): return lambda x, bias, residual: function(x, bias, bias)", "wrong", "element")):
            rows = self.rows("--only", "chain,alpha", "--shapes", "2x64", compile=compile)
            self.assertEqual([row["status"] for row in rows], ["ok", status, "ok"])
            self.assertIn(reason, rows[1]["reason"])

    def test_refusals(self):
        for arguments, said in ((["--only", "chains"], "chains"), (["--shapes", "32"], "32"), (["--shapes", "0x4"], "0x4"), (["--p", "1"], "--p"),
                                (["--library", self.folder], "libsimdrop.so"), (["--cc", "no-such-compiler"], "no-such-compiler"),
                                (["--json", self.path("none/rows.json")], "none/rows.json"), (["--nonsense"], "--nonsense")):
            done = self.run_script("--json", self.path("refused.json"), *arguments, mistake={})
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(said, done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            self.assertFalse(os.path.exists(self.path("refused.json")))
        with open(self.path("torch.py"), "w", encoding="utf-8") as file:
            file.write("raise ImportError('planted')\n")
        done = self.run_script("--only", "chain")
        self.assertEqual((done.returncode, done.stderr), (2, "peers_fused.py: this Python has no PyTorch: planted\n"))


def main():
    global LIBRARY
    if len(sys.argv) < 2:
        sys.exit("usage: test_peers_fused.py FOLDER_OF_LIBSIMDROP [name of a test ...]")
    LIBRARY = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or unittest.TestLoader().getTestCaseNames(FusedPeersTest)
    suite = unittest.TestSuite(map(FusedPeersTest, names))
    sys.exit(not unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
