#!/usr/bin/env python3
"""Tests of bench/tune.py, bench/tune.c and bench/figures.py: test_tune.py. No test of a time."""
import contextlib
import importlib.util
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Builds of a library that keeps every element but number WRONG.
LIBRARY = """
#include <simdrop/simdrop.h>
#include <string.h>
simdrop_status simdrop_backend_select(const char *name) { return strcmp(name, "avx2") == 0 ? SIMDROP_OK : SIMDROP_ERROR_NULL_POINTER; }
simdrop_status simdrop_mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits) {
  memset(bits, 0xff, n / 8);
  if (WRONG < n) bits[WRONG / 8] ^= 1 << WRONG % 8;
  return mask->p == 0.75 ? SIMDROP_ERROR_NULL_POINTER : SIMDROP_OK;
}
simdrop_status simdrop_apply_bits(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  memcpy(y, x, 4 * n);
  if (WRONG < n) memset((char *)y + 4 * WRONG, 0, 4);
  return SIMDROP_OK;
}
simdrop_status simdrop_forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits) {
  return simdrop_apply_bits(mask->p, dtype, n, bits, x, y);
}
#if WRONG != 9000  // a build that has them not
simdrop_status simdrop_chain_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_matrix *matrix,
                                     const simdrop_chain *chain, const void *x, void *y, uint8_t *bits) {
  return simdrop_apply_bits(mask->p, dtype, matrix->rows * matrix->columns, bits, x, y);
}
simdrop_status simdrop_gaussian_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y) {
  return simdrop_apply_bits(mask->p, dtype, n, NULL, x, y);
}
simdrop_status simdrop_forward_bytes(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bytes) {
  memset(bytes, 1, n);
  if (WRONG < n) bytes[WRONG] = 0;
  return simdrop_apply_bits(mask->p, dtype, n, NULL, x, y);
}
#endif
simdrop_status simdrop_backward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx) {
  return simdrop_apply_bits(mask->p, dtype, n, NULL, dy, dx);
}
simdrop_status simdrop_mask_bytes(const simdrop_mask *mask, size_t n, uint8_t *bytes) {
  memset(bytes, 1, n);
  if (WRONG < n) bytes[WRONG] = 0;
  return mask->p == 0.75 ? SIMDROP_ERROR_NULL_POINTER : SIMDROP_OK;
}
"""


sys.path.insert(0, str(ROOT / "bench"))  # where these programs find one another


def load(name):
    specification = importlib.util.spec_from_file_location(name, ROOT / "bench" / (name + ".py"))
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


class TuneTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        compiler = [os.environ.get("CC", "cc"), "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-I", ROOT / "include", "-I", ROOT / "src"]
        subprocess.run([*compiler, ROOT / "bench" / "tune.c", "-o", cls.path / "tune", "-ldl"], check=True)
        (cls.path / "library.c").write_text(LIBRARY)
        for wrong in "1000", "9", "9000":  # the first and the last keep all of a thousand
            subprocess.run([*compiler, "-shared", "-fPIC", "-DWRONG=" + wrong, cls.path / "library.c", "-o", cls.path / (wrong + ".so")], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def tune(self, first, second, *arguments, status=0):
        done = subprocess.run([self.path / "tune", self.path / first, self.path / second, *arguments], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_turns(self):
        for kernel in "forward", "forward-bits", "backward", "apply-bits", "mask-bits", "mask-bytes":
            figures = [float(word) for word in self.tune("1000.so", "9000.so", "avx2", kernel, "f32", "1000", "0.5", "3").split()]
            self.assertEqual(len(figures), 5)
            self.assertTrue(0 < figures[1] <= figures[0] <= figures[2] and min(figures[3:]) > 0, figures)
        self.tune("1000.so", "1000.so", "avx2", "forward-bytes", "f32", "1000", "0.5", "3")

    def test_different_outputs(self):
        for kernel in "forward", "forward-bits", "forward-bytes", "backward", "apply-bits", "mask-bits", "mask-bytes", "chain", "chain-gelu", "gaussian":
            for pair in ("1000.so", "9.so"), ("9.so", "1000.so"):
                self.assertIn("differ", self.tune(*pair, "avx2", kernel, "f32", "1000", "0.5", "3", status=1))

    def test_refusals(self):
        self.assertIn("backend", self.tune("1000.so", "1000.so", "scalar", "forward", "f32", "1000", "0.5", "3", status=2))
        self.assertIn("argument", self.tune("1000.so", "1000.so", "avx2", "forward", "f8", "1000", "0.5", "3", status=2))
        self.assertIn("call fails", self.tune("1000.so", "1000.so", "avx2", "mask-bits", "f32", "1000", "0.75", "3", status=2))
        self.assertIn("without simdrop_forward_bytes", self.tune("1000.so", "9000.so", "avx2", "forward-bytes", "f32", "1000", "0.5", "3", status=2))
        self.assertIn("without simdrop_chain_forward", self.tune("1000.so", "9000.so", "avx2", "chain", "f32", "1000", "0.5", "3", status=2))
        self.assertIn("without simdrop_softmax_forward", self.tune("1000.so", "1000.so", "avx2", "softmax", "f32", "1000", "0.5", "3", status=2))
        self.assertIn("nothing.so", self.tune("nothing.so", "1000.so", "avx2", "forward", "f32", "1000", "0.5", "3", status=2))

    def test_compare_builds(self):
        for builds in ("nothing.so", "1000.so"), ("1000.so", "nothing.so"):
            done = subprocess.run([sys.executable, ROOT / "bench" / "compare_builds.py", *(self.path / build for build in builds)],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertIn("compare_builds.py: ", done.stderr)
        done = subprocess.run([sys.executable, ROOT / "bench" / "compare_builds.py", *[self.path / "1000.so"] * 2, "--json", self.path / "none" / "x.json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("none/x.json cannot be written", done.stderr)
        cost = load("compare_builds").cost
        row = {"old_ns": 200.0, "ratio": {"median": 1.01}}
        self.assertAlmostEqual(cost(dict(row, n=128)), 2)
        self.assertAlmostEqual(cost(dict(row, n=65536)), 1)

    def test_constants(self):
        """Each constant is defined once where the list says, and can be given another value."""
        tune = load("tune")
        for constant in tune.CONSTANTS:
            text = (ROOT / constant.file).read_text()
            value = tune.value_of(constant, text)
            changed = tune.definition_of(constant).sub(lambda match: match.group(1) + "(12345)", text)
            self.assertEqual(tune.value_of(constant, changed), "(12345)", constant.name)
            self.assertNotEqual(value, "(12345)")
            self.assertTrue(set(constant.values) - {value}, constant.name)

    def test_unknown_constant(self):
        done = subprocess.run([sys.executable, ROOT / "bench" / "tune.py", "--only", "NOTHING", "--json", self.path / "t.json"],
                              stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no constant NOTHING", done.stderr)
        self.assertFalse((self.path / "t.json").exists())


class FiguresTest(unittest.TestCase):
    ROWS = {("forward", "avx2", "f32", 65536, 0.1): {"ratio_to_memcpy": {"median": 1.234}, "ns_per_element": {"median": 0.5}, "share_of_limit": 0.876}}

    def test_in_a_line(self):
        page = "It takes <!-- figure: ratio forward avx2 f32 64Ki 0.1 -->9<!-- end --> and <!-- figure: share forward avx2 f32 64Ki 0.1 --><!-- end -->."
        filled = load("figures").filled(page, self.ROWS)
        self.assertIn("-->1.23<!-- end --> and", filled)
        self.assertIn("-->0.88<!-- end -->.", filled)

    def test_fused(self):
        spread = {"median": 2.0, "p10": 1.5, "p90": 2.5}
        bench = {"kernel": "chain", "backend": "avx2", "dtype": "f32", "n": 65536, "p": 0.1, "ns_per_element": spread, "ratio_to_quickest": spread, "ratio_to_dropout": None}
        peer = {"operation": "softmax", "way": "eager", "direction": "forward", "rows": 4096, "columns": 512, "p": 0.1}
        timed = dict(peer, status="ok", ns_per_element=spread, simdrop_ns_per_element=spread, times_simdrop=spread)
        figures = load("figures")
        with tempfile.TemporaryDirectory() as folder:
            figures.FOLDER = folder
            page = "".join("<!-- figures: %s -->\n\n<!-- end of figures -->" % name for name in ("fused", "fused_peers"))
            for name, content in (("zen4-fused.json", {"benchmarks": [bench]}), ("zen4-fused-peers.json", {"rows": [timed, dict(peer, status="failed", reason="planted")]})):
                (pathlib.Path(folder) / name).write_text(json.dumps(content))
            filled = figures.filled(page + "<!-- figure: fused softmax eager forward 4096x512 --><!-- end -->", {})
        self.assertIn("| chain | avx2 | 2.000 (2.00) | - | - | - |", filled)
        self.assertIn("| softmax | eager | forward | 4096x512 | 0.1 | 2.00 | 2.000 | 2.0 [1.5, 2.5] |", filled)
        self.assertIn("| 0.1 | planted | - | - |", filled)
        self.assertTrue(filled.endswith("-->2.0<!-- end -->"))

    def test_torch(self):
        """Which of two processes a ratio is of, which is the aim and when it is missed."""
        sizes = 1, 1 << 16, 1 << 20
        both = {"%s %d %s" % (way, n, p): 0.0 for way in ("forward", "both") for n in sizes for p in (0.1, 0.5)}
        steps = {"mlp": 2.16, "mlp p=0": 2.0, "transformer-512": 3.0, "transformer-512 p=0": 2.0}
        results = [{"part": part, "threads": 1, "state": state, "times": times} for part, state, times in (
            ("calls", "off", {name: 180.0 for name in both}), ("calls", "on", {name: 10.0 for name in both}),
            ("eager", "off", {name: 2 * value for name, value in steps.items()}), ("eager", "on", steps),
            ("compiled", "off", {name: 4 * value for name, value in steps.items()}), ("compiled", "on", steps),
            ("fresh", "on", {"clone": 100.0, "forward 0.1": 110.0, "forward 0.5": 111.0}))]
        attention = [{"pass": "forward", "simdrop to p = 0": ratio, "pytorch to p = 0": 9 * ratio} for ratio in (0.5, 1.25)]
        figures = load("figures")
        with tempfile.TemporaryDirectory() as folder:
            figures.FOLDER = folder
            for name, rows in ("zen4-torch.json", results), ("zen4-attention.json", attention):
                (pathlib.Path(folder) / name).write_text(json.dumps({"results": rows}))
            page = "".join("<!-- figures: torch_%s -->\n\n<!-- end of figures -->\n" % name for name in ("calls", "steps", "goals"))
            filled = figures.filled(page + "<!-- figure: attention simdrop forward most --><!-- end -->", {})
        self.assertIn("| 1 | 64 Ki, 0.1 | 180 | 10.0 | 18.0 | 180 | 10.0 | 18.0 |", filled)
        self.assertIn("| `torch.compile` | 1 | 8.64 | 2.16 | 4.00 | 1.08 | 1.08 |", filled)
        self.assertIn("forward, 64 Ki, p = 0.1 | >= 18 | 18.0 |", filled)
        self.assertIn("forward, 64 Ki, p = 0.5 | >= 45 | 18.0 (missed) |", filled)
        self.assertIn("p = 0.5, eager | <= 1.08 | 1.08 |", filled)
        self.assertIn("p = 0.1, eager | <= 1.08 | 1.50 (missed) |", filled)
        self.assertIn("new tensor, p = 0.1 | <= 1.1 | 1.10 |", filled)
        self.assertIn("new tensor, p = 0.5 | <= 1.1 | 1.11 (missed) |", filled)
        self.assertTrue(filled.endswith("-->1.25<!-- end -->"))

    def test_missing(self):
        for words in "ratio forward avx2 f64 64Ki 0.1", "speed forward avx2 f32 64Ki 0.1", "ratio", "times nobody 1 f32 64Ki 0.1", "fused chain nobody forward 32x1024":
            with self.assertRaises(SystemExit) as raised, contextlib.redirect_stderr(io.StringIO()):
                load("figures").filled("<!-- figure: %s --><!-- end -->" % words, self.ROWS)
            self.assertIn(words, str(raised.exception))


if __name__ == "__main__":
    unittest.main(verbosity=2)
