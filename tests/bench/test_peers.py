#!/usr/bin/env python3
"""Tests of bench/peers.py: test_peers.py FOLDER_OF_LIBSIMDROP [name of a test ...]

One line a test; the exit status is 1 if one fails. No peer needs to be installed: dropouts in C with planted mistakes stand for them.

Seen to fail, each by the test in brackets: the rate not looked at, the scale not looked at, masks not compared (wrong_outputs); a
gradient's mask not compared with the output's (gradient); two masks asked for where one element has hardly two (short_calls); a missing peer's rows left out (missing); the case after a crash not measured
(crash); a file written although the run was refused (refusals).
"""
import json
import os
import stat
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench", "peers.py")
LIBRARY = ""  # set by main
PEERS = ["random123", "torch", "native-dropout", "numpy", "onednn", "onnxruntime", "mkl-philox", "mkl-mcg31", "jax", "tensorflow", "libxsmm"]

# A dropout by a xorshift generator, with a place for each mistake.
DROPOUT = """
#include "peer.h"
#include <stdlib.h>
static peer_case c;
static uint64_t state = 1;
const char *peer_version(void) { return "planted"; }
const char *peer_open(const peer_case *new_case) {
  c = *new_case;
  %(open)s
  return NULL;
}
int peer_run(uint64_t calls) {
  while (calls-- > 0) {
    %(call)s
    for (size_t k = 0; k < c.n; ++k) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      c.y[k] = (double)(state >> 11) * 0x1p-53 < %(p)s ? 0 : (float)(c.x[k] * %(scale)s);
    }
  }
  return 0;
}
const float *peer_output(void) { return c.y; }
void peer_close(void) {}
"""

# A library named torch, of which the worker uses this much.
TORCH = """
import ctypes
import random
__version__ = "planted"
float32, bfloat16 = "f32", "bf16"
generator = random.Random(1)
def set_num_threads(threads): pass
class Tensor:
    def __init__(self, values): self.values = values
    def requires_grad_(self, wanted): pass
    def data_ptr(self): return ctypes.addressof(self.values)
    def backward(self, gradient):
        mask = %(mask)s
        self.x.grad = Tensor((ctypes.c_float * len(mask))(*[g * m for g, m in zip(gradient.values, mask)]))
def frombuffer(buffer, dtype):
    return Tensor((ctypes.c_float * (len(buffer) // 4)).from_address(ctypes.addressof(buffer)))
def draw(n, p): return [0 if generator.random() < p else 1 / (1 - p) for _ in range(n)]
def dropout(x, p, training):
    mask = draw(len(x.values), p)
    y = Tensor((ctypes.c_float * len(mask))(*[v * m for v, m in zip(x.values, mask)]))
    y.x, y.mask, y.p = x, mask, p
    return y
class nn:
    class functional:
        dropout = staticmethod(dropout)
"""


class PeersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, executable=False):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        if executable:
            os.chmod(self.path(name), stat.S_IRWXU)
        return self.path(name)

    def planted(self, name, open="", call="", p="c.p", scale="1 / (1 - c.p)"):
        return self.write(name + ".c", DROPOUT % {"open": open, "call": call, "p": p, "scale": scale})

    def run_script(self, *arguments, **environment):
        return subprocess.run([sys.executable, SCRIPT, "--library", LIBRARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              universal_newlines=True, timeout=300, check=False, env=dict(os.environ, **environment))

    def rows(self, *arguments, **environment):
        """The rows of a run that succeeds, from the JSON, after a look at the table."""
        done = self.run_script("--short", "--threads", "1", "--json", self.path("rows.json"), *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("rows.json"), encoding="utf-8") as file:
            found = json.load(file)
        self.assertEqual(found["context"]["simdrop"]["version"].count("."), 2)
        for row in found["rows"]:
            self.assertIn(row["peer"], done.stdout)
            self.assertLessEqual({"peer", "version", "dtype", "n", "p", "threads", "direction", "status", "reason"}, set(row))
            if row["status"] != "ok":
                self.assertIn("%s: %s" % (row["status"], row["reason"]), done.stdout)
                self.assertNotIn("/", row["reason"].replace("NumPy/", ""))  # no folder of this machine
        return found["rows"]

    def test_list(self):
        done = self.run_script("--list")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], PEERS)
        done = self.run_script("--list", "--peers", "mkl,torch")
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["mkl-philox", "mkl-mcg31", "torch"])
        self.assertIn("forward+backward", done.stdout.splitlines()[2])

    def test_figures(self):
        rows = self.rows("--own", self.planted("planted"), "--peers", "planted", "--n", "64Ki,4099", "--p", "0.1,0.5")
        self.assertEqual([(row["n"], row["p"]) for row in rows], [(65536, 0.1), (65536, 0.5), (4099, 0.1), (4099, 0.5)])
        for row in rows:
            self.assertEqual((row["status"], row["version"], row["dtype"], row["direction"]), ("ok", "planted", "f32", "forward"), row)
            self.assertGreaterEqual(row["rounds"], 3)
            for key in ("ns_per_element", "memcpy_ns_per_element", "simdrop_ns_per_element", "ratio_to_memcpy", "times_simdrop"):
                self.assertTrue(0 < row[key]["p10"] <= row[key]["median"] <= row[key]["p90"], (key, row))

    def test_short_calls(self):
        """Of one element, two masks are the same more often than not; a backend of simdrop's by its name."""
        rows = self.rows("--own", self.planted("planted"), "--own", self.planted("same", call="state = 1;"),
                         "--short-calls", "--n", "1,3", "--p", "0.1", "--backend", "scalar", "--peers", "planted,same")
        self.assertEqual([(row["peer"], row["backend"], row["n"], row["status"]) for row in rows],
                         [("planted", "scalar", 1, "ok"), ("planted", "scalar", 3, "ok"), ("same", "scalar", 1, "wrong"), ("same", "scalar", 3, "wrong")])
        self.assertIn("all calls have the same mask", rows[2]["reason"])

    def test_threads(self):
        if (os.cpu_count() or 1) < 2 or not os.path.exists(os.path.join(LIBRARY, "libsimdrop_openmp.so")):
            self.skipTest("one processor, or no libsimdrop_openmp.so")
        rows = self.rows("--own", self.planted("planted"), "--peers", "planted,numpy", "--n", "128Ki", "--p", "0.1", "--threads", "2")
        self.assertEqual([(row["threads"], row["status"]) for row in rows], [(2, "ok"), (2, "missing")])
        self.assertIn("one thread", rows[1]["reason"])

    def test_wrong_outputs(self):
        mistakes = {"few": {"p": "0.9 * c.p"}, "unscaled": {"scale": "1"}, "inverse": {"p": "1 - c.p"}, "none": {"p": "-1"},
                    "same": {"call": "state = 1;"}, "nan": {"scale": "(0. / 0.)"}}
        options = [option for name, mistake in mistakes.items() for option in ("--own", self.planted(name, **mistake))]
        rows = self.rows("--peers", ",".join(mistakes), "--n", "64Ki", "--p", "0.3", *options)
        self.assertEqual([row["peer"] for row in rows], list(mistakes))
        for row in rows:
            self.assertEqual(row["status"], "wrong", row)
            self.assertNotIn("ns_per_element", row)
        reasons = {row["peer"]: row["reason"] for row in rows}
        self.assertRegex(reasons["few"], r"0\.2[67]\d\d of the elements are zero in place of 0\.3000")
        self.assertIn("1.42857", reasons["unscaled"])
        self.assertIn("0.7", reasons["inverse"])
        self.assertIn("same mask", reasons["same"])

    def test_gradient(self):
        """With a made-up torch: forward and backward, and a gradient with another mask."""
        for name, mask, statuses in (("right", "self.mask", ["ok", "ok"]), ("other", "draw(len(self.mask), self.p)", ["ok", "wrong"])):
            os.mkdir(self.path(name))
            self.write(os.path.join(name, "torch.py"), TORCH % {"mask": mask})
            python = self.write("python-" + name, "#!/bin/sh\nPYTHONPATH='%s' exec '%s' \"$@\"\n" % (self.path(name), sys.executable), True)
            rows = self.rows("--peers", "torch", "--dtype", "f32", "--n", "2Ki", "--p", "0.5", "--python", "torch=" + python)
            self.assertEqual([row["direction"] for row in rows], ["forward", "forward+backward"])
            self.assertEqual([row["status"] for row in rows], statuses, rows)
        self.assertIn("mask", rows[1]["reason"])

    def test_missing(self):
        # -S: no site-packages, whatever is installed on this machine.
        python = self.write("python", "#!/bin/sh\nexec '%s' -S -E \"$@\"\n" % sys.executable, True)
        os.mkdir(self.path("empty"))
        rows = self.rows("--peers", "jax,libxsmm,onednn,mkl", "--n", "4Ki", "--p", "0.1", "--dtype", "f32", "--python", "jax=" + python,
                         LIBXSMM_ROOT=self.path("empty"), ONEDNN_ROOT=self.path("empty"), MKL_ROOT=self.path("empty"))
        self.assertEqual([row["peer"] for row in rows], ["jax", "libxsmm", "onednn", "mkl-philox", "mkl-mcg31"])
        self.assertEqual({row["status"] for row in rows}, {"missing"})
        self.assertIn("No module named", rows[0]["reason"])
        self.assertIn("libxsmm.so", rows[1]["reason"])
        rows = self.rows("--own", self.write("unwritten.c", "#include <no_such_header.h>\n"), "--peers", "unwritten", "--n", "4Ki", "--p", "0.1")
        self.assertEqual(rows[0]["status"], "missing")
        self.assertIn("no_such_header.h", rows[0]["reason"])
        rows = self.rows("--own", self.planted("picky", open='if (c.n % 2 != 0) return "n is odd";'), "--peers", "picky", "--n", "4099,4Ki", "--p", "0.1")
        self.assertEqual([(row["status"], row["reason"]) for row in rows], [("missing", "n is odd"), ("ok", "")])

    def test_crash(self):
        """Only the case that a peer dies of is lost, and no other peer."""
        rows = self.rows("--own", self.planted("dying", call="if (c.p == 0.2) abort();"), "--own", self.planted("planted"),
                         "--own", self.planted("failing", call="if (c.p == 0.1) return 7;"), "--own", self.planted("leaving", open="exit(3);"),
                         "--peers", "dying,leaving,failing,planted", "--n", "4Ki", "--p", "0.1,0.2,0.3")
        statuses = {}
        for row in rows:
            statuses.setdefault(row["peer"], []).append(row["status"])
        self.assertEqual(statuses, {"dying": ["ok", "failed", "ok"], "leaving": ["failed"] * 3, "failing": ["failed", "ok", "ok"], "planted": ["ok"] * 3})
        reasons = {row["peer"]: row["reason"] for row in rows if row["status"] == "failed"}
        self.assertIn("SIGABRT", reasons["dying"])
        self.assertIn("status 3", reasons["leaving"])
        self.assertIn("7", reasons["failing"])

    def test_timeout(self):
        rows = self.rows("--own", self.planted("endless", call="if (c.p == 0.2) for (volatile int i = 0;; ++i) {}"), "--peers", "endless",
                         "--n", "4Ki", "--p", "0.1,0.2", "--timeout", "5")
        self.assertEqual([row["status"] for row in rows], ["ok", "failed"])
        self.assertIn("5 seconds", rows[1]["reason"])

    def test_refusals(self):
        self.write("not_a_folder", "")
        for arguments, said in (
                (["--n", "0"], "--n"), (["--n", "4K"], "4K"), (["--p", "0"], "--p"), (["--p", "1"], "--p"), (["--p", "nan"], "--p"),
                (["--threads", "0"], "--threads"), (["--threads", "100000"], "--threads"), (["--dtype", "f64"], "f64"),
                (["--peers", "tensorflw"], "tensorflw"), (["--python", "torch"], "--python"), (["--python", "torch=/none/python"], "/none/python"),
                (["--own", self.path("none.c")], "none.c"), (["--library", self.folder], "libsimdrop.so"),
                (["--backend", "no-such-backend"], "no-such-backend"), (["--cc", "no-such-compiler"], "no-such-compiler"), (["--json", self.path("none/rows.json")], "none/rows.json"),
                (["--nonsense"], "--nonsense")):
            done = self.run_script("--peers", "numpy", "--json", self.path("refused.json"), *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(said, done.stderr)
            self.assertNotIn("Traceback", done.stderr)
            self.assertFalse(os.path.exists(self.path("refused.json")))


def main():
    global LIBRARY
    if len(sys.argv) < 2:
        sys.exit("usage: test_peers.py FOLDER_OF_LIBSIMDROP [name of a test ...]")
    LIBRARY = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or unittest.TestLoader().getTestCaseNames(PeersTest)
    suite = unittest.TestSuite(map(PeersTest, names))
    sys.exit(not unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main()
