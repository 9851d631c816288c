#!/usr/bin/env python3
"""Measures simdrop's fused functions and variants next to PyTorch's: the same expression run eagerly, and compiled by torch.compile.

    sh bench/peers.sh FOLDER --fused --json bench/results/peers.json       makes an environment with PyTorch in FOLDER first
    python3 bench/peers_fused.py --library build/release --only chain-gelu,softmax --shapes 32x1024 --json FILE

One thread, f32. In each round memcpy of the same elements, simdrop (from a C loop) and PyTorch (from a Python loop, as its users call
it) take turns; a figure is the median over the rounds and the range of the middle 80 %, and what is compared is compared round by
round. Before anything is timed, an output of each is looked at: the elements that are kept and dropped, their values by Python's own
functions, and that the next call draws others. torch.compile is called once for each shape, with that shape alone, before the timing.

A row's status is ok, missing (no torch.compile), wrong (an output that is not what the row says, so nothing was timed) or failed (it
raised an error); the reason stands in the row. Exit status 2 if the arguments are bad, PyTorch is not there, simdrop does not run or the
file cannot be written; otherwise 0.
"""

import argparse
import ctypes
import math
import os
import platform
import re
import sys
import tempfile
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "bench"), os.path.join(ROOT, "bench", "peers")]
sys.dont_write_bytecode = True
import adapters  # noqa: E402
import peers  # noqa: E402
import worker  # noqa: E402
from peers import Refused  # noqa: E402

SOFTMAX_SCALE = 0.125
SAMPLE = 1 << 14  # elements of an output that are looked at, from its beginning
ALPHA = 1.7580993408473766
TOLERANCE = 2e-5


class Operation(NamedTuple):
    """What is measured: shapes of rows and columns, PyTorch's expressions by name, and whether torch.compile and gradients are, too."""
    shapes: tuple
    expressions: dict
    compiled: bool
    directions: tuple


BOTH = ((32, 1024), (16384, 1024))
OPERATIONS = {
    "chain": Operation(BOTH, {"eager": lambda t, v: v.residual + t.nn.functional.dropout(v.x + v.bias, v.p)}, True, ("forward",)),
    "chain-gelu": Operation(
        BOTH, {"eager": lambda t, v: v.residual + t.nn.functional.dropout(t.nn.functional.gelu(v.x + v.bias), v.p)}, True,
        ("forward", "forward+backward")),
    "softmax": Operation(
        ((4096, 512),), {"eager": lambda t, v: t.nn.functional.dropout(t.nn.functional.softmax(v.x * SOFTMAX_SCALE, -1), v.p)}, False,
        ("forward", "forward+backward")),
    "gaussian": Operation(
        BOTH, {"normal": lambda t, v: v.x * t.normal(1.0, v.sigma, v.x.shape), "randn_like": lambda t, v: v.x * (1 + v.sigma * t.randn_like(v.x))},
        False, ("forward",)),
    "alpha": Operation(BOTH, {"eager": lambda t, v: t.nn.functional.alpha_dropout(v.x, v.p, True)}, False, ("forward",)),
}


def shape(text):
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise Refused("--shapes: '%s' is no shape such as 32x1024" % text)
    return int(match.group(1)), int(match.group(2))


def parse(arguments):
    parser = argparse.ArgumentParser(prog="peers_fused.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--only", metavar="LIST", default=",".join(OPERATIONS), help="some of %s (default: all)" % ", ".join(OPERATIONS))
    parser.add_argument("--shapes", metavar="LIST", help="rows x columns in place of each operation's own, such as 32x1024,16384x1024")
    parser.add_argument("--p", metavar="LIST", default="0.1", help="probabilities of dropping (default 0.1)")
    parser.add_argument("--library", metavar="FOLDER", default=os.path.join(ROOT, "build", "release"),
                        help="where libsimdrop.so is (default: build/release)")
    parser.add_argument("--json", metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--cc", metavar="COMMAND", default=os.environ.get("CC", "cc"), help="the C compiler (default $CC, or cc)")
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    options = parser.parse_args(arguments)
    options.only = peers.items(options.only, str)
    for name in options.only:
        if name not in OPERATIONS:
            raise Refused("--only: there is no '%s'; there are %s" % (name, ", ".join(OPERATIONS)))
    options.p = peers.items(options.p, peers.probability)
    options.shapes = peers.items(options.shapes, shape) if options.shapes else None
    options.cc = options.cc.split()
    if options.json and not os.access(os.path.dirname(os.path.abspath(options.json)), os.W_OK):
        raise Refused("--json: '%s' is in a folder that cannot be written to" % options.json)
    return options


class FusedArrays(ctypes.Structure):
    """fused_arrays of fused.c."""
    _fields_ = [("rows", ctypes.c_size_t), ("columns", ctypes.c_size_t), ("p", ctypes.c_double), ("scale", ctypes.c_double)] + [
        (name, ctypes.c_void_p) for name in ("x", "bias", "residual", "y", "dy", "dx", "bias_gradient", "probabilities")]


class FusedCase(worker.Case):
    """An operation, shape, p and direction, with arrays for it."""

    def __init__(self, shim, name, rows, columns, p, direction):
        super().__init__(shim, "f32", rows * columns, p, direction)
        self.name, self.rows, self.columns = name, rows, columns
        self.residual = self.allocate(True)
        # A quarter of what x is, so that no sum is near 0, where a kept element would pass for a dropped one.
        self.bias = self.allocate(True)
        floats = self.floats(self.bias, columns)
        for column in range(columns):
            floats[column] *= 0.25
        keeps = name == "softmax" and direction != "forward"
        self.fused = FusedArrays(rows, columns, p, SOFTMAX_SCALE, self.x, self.bias, self.residual, self.y, self.dy, self.dx,
                                 self.allocate(False), self.allocate(False) if keeps else None)
        self.sigma = math.sqrt(p / (1 - p))

    @staticmethod
    def floats(address, count):
        return (ctypes.c_float * count).from_address(address)

    def simdrop(self, calls):
        return self.shim.fused_run(self.name.encode(), ctypes.byref(self.fused), calls)


def close(found, expected):
    return abs(found - expected) <= TOLERANCE * max(1.0, abs(expected))


def rate_complaint(dropped, p):
    rate, most = sum(dropped) / len(dropped), 6 * math.sqrt(p * (1 - p) / len(dropped))
    return None if abs(rate - p) <= most else "%.4f of the elements are dropped in place of %.4f" % (rate, p)


def sampled(case, address):
    return case.floats(address, case.n)[:min(case.n, max(SAMPLE // case.columns, 1) * case.columns)]


def branches(case):
    """Of each sampled element: its value if it is kept, if it is dropped, and the derivative if it is kept."""
    x, scale = sampled(case, case.x), 1 / (1 - case.p)
    if case.name == "alpha":
        a = 1 / math.sqrt((ALPHA * ALPHA * case.p + 1) * (1 - case.p))
        b = ALPHA * a * case.p
        return [(value * a + b, b - ALPHA * a, a) for value in x]
    if case.name == "softmax":
        rows = [x[i:i + case.columns] for i in range(0, len(x), case.columns)]
        sums = [sum(math.exp(value * SOFTMAX_SCALE) for value in row) for row in rows]
        return [(math.exp(value * SOFTMAX_SCALE) / total * scale, 0.0, None) for row, total in zip(rows, sums) for value in row]
    bias, residual = case.floats(case.bias, case.columns), sampled(case, case.residual)
    found = []
    for i, value in enumerate(x):
        t = value + bias[i % case.columns]
        gelu = case.name == "chain-gelu"
        phi = 0.5 * math.erfc(-t / math.sqrt(2))
        activation, derivative = (t * phi, phi + t * math.exp(-0.5 * t * t) / math.sqrt(2 * math.pi)) if gelu else (t, 1.0)
        found.append((residual[i] + activation * scale, residual[i], derivative * scale))
    return found


def gaussian_complaint(case, y):
    """The noise's mean and variance, to six standard deviations."""
    z = [(value / x - 1) / case.sigma for value, x in zip(y, sampled(case, case.x))]
    mean, n = sum(z) / len(z), len(z)
    variance = sum((value - mean) ** 2 for value in z) / n
    if abs(mean) <= 6 / math.sqrt(n) and abs(variance - 1) <= 6 * math.sqrt(2 / n):
        return None
    return "the noise has mean %.4f and variance %.4f in place of 0 and 1" % (mean, variance)


def softmax_gradient(case, kept):
    """By the formula, from the probabilities and the decisions of the output."""
    dy, scale, columns = sampled(case, case.dy), 1 / (1 - case.p), case.columns
    probabilities = [value / scale for value, _, _ in branches(case)]
    expected = []
    for i in range(0, len(dy), columns):
        g = [dy[k] * scale if kept[k] else 0.0 for k in range(i, i + columns)]
        dot = sum(value * probability for value, probability in zip(g, probabilities[i:i + columns]))
        expected += [probability * (value - dot) * SOFTMAX_SCALE for value, probability in zip(g, probabilities[i:i + columns])]
    return expected


def output_complaint(case, y_address, dx_address):
    """What is wrong with an output, and a gradient if there is one; and what was kept, or the noise."""
    y = sampled(case, y_address)
    if case.name == "gaussian":
        return gaussian_complaint(case, y), y
    expected = branches(case)
    kept = [close(value, if_kept) for value, (if_kept, _, _) in zip(y, expected)]
    for i, value in enumerate(y):
        if not kept[i] and not close(value, expected[i][1]):
            return "element %d is %.7g in place of %.7g or %.7g" % (i, value, expected[i][0], expected[i][1]), kept
    complaint = rate_complaint([not keep for keep in kept], case.p)
    if complaint or case.dy is None:
        return complaint, kept
    dx, dy = sampled(case, dx_address), sampled(case, case.dy)
    gradient = (softmax_gradient(case, kept) if case.name == "softmax" else
                [dy[i] * expected[i][2] if kept[i] else 0.0 for i in range(len(dy))])
    for i, value in enumerate(dx):
        if not close(value, gradient[i]):
            return "gradient %d is %.7g in place of %.7g" % (i, value, gradient[i]), kept
    return None, kept


def complaint_of(case, call):
    """Looks at two calls; call returns the addresses of an output and of a gradient."""
    wrong, first = output_complaint(case, *call())
    if wrong is None:
        wrong, second = output_complaint(case, *call())
    return wrong or ("two calls draw the same" if first == second else None)


class Expression(adapters.Peer):
    """PyTorch's expression for a case, run eagerly or compiled."""
    uses_openmp = True

    def __init__(self, torch, expression, compiled, case):
        super().__init__({"threads": 1})
        self.torch, self.p, self.sigma = torch, case.p, case.sigma

        def tensor(address, *dims):
            return torch.frombuffer(adapters.bytes_at(address, 4 * math.prod(dims)), dtype=torch.float32).view(*dims)

        self.x, self.residual = tensor(case.x, case.rows, case.columns), tensor(case.residual, case.rows, case.columns)
        self.bias = tensor(case.bias, case.columns)
        self.with_gradient = case.dy is not None
        if self.with_gradient:
            self.gradient = tensor(case.dy, case.rows, case.columns)
            self.x.requires_grad_(True)
            self.bias.requires_grad_(True)
        if not compiled:
            self.function = lambda: expression(torch, self)
        elif not hasattr(torch, "compile"):
            raise adapters.Missing("this PyTorch has no torch.compile")
        else:
            function = torch.compile(lambda x, bias, residual: expression(torch, Operands(x, bias, residual, case.p, case.sigma)), dynamic=False)
            self.function = lambda: function(self.x, self.bias, self.residual)

    def call(self):
        if not self.with_gradient:
            return self.function()
        self.x.grad = self.bias.grad = None
        y = self.function()
        y.backward(self.gradient)
        return y

    def addresses(self, output):
        self.held = output  # until it has been looked at
        return [output.data_ptr(), self.x.grad.data_ptr() if self.with_gradient else None]


class Operands(NamedTuple):
    x: object
    bias: object
    residual: object
    p: float
    sigma: float


def measure(torch, shim, options, row, expression):
    """Fills the row in."""
    case = FusedCase(shim, row["operation"], row["rows"], row["columns"], row["p"], row["direction"])
    try:
        def simdrop_call():
            if case.simdrop(1) < 0:
                raise RuntimeError("simdrop refuses the case")
            return case.y, case.dx

        peer = Expression(torch, expression, row["way"] == "compiled", case)
        reason = complaint_of(case, simdrop_call)
        reason = "simdrop: " + reason if reason else complaint_of(case, lambda: peer.addresses(peer.call()))
        if reason:
            row.update(status="wrong", reason=reason)
        else:
            row.update(worker.measure(case, peer, peers.EFFORTS[options.short], worker.choose_processors(1)), status="ok", reason="")
    except adapters.Missing as error:
        row.update(status="missing", reason=worker.plain(error))
    except Exception as error:  # whatever PyTorch raises, the next case may do
        row.update(status="failed", reason="%s: %s" % (type(error).__name__, worker.plain(error)))
    finally:
        peer = None
        case.close()


def rows_of(options):
    for name in options.only:
        operation = OPERATIONS[name]
        ways = dict(operation.expressions, **({"compiled": operation.expressions["eager"]} if operation.compiled else {}))
        for direction in operation.directions:
            for rows, columns in options.shapes or operation.shapes:
                for p in options.p:
                    for way, expression in ways.items():
                        yield {"operation": name, "way": way, "direction": direction, "rows": rows, "columns": columns, "p": p}, expression


HEADING = "%-11s %-10s %-16s %12s %6s %9s %15s %9s %9s %9s %15s" % (
    "operation", "PyTorch", "direction", "shape", "p", "ns/elem", "10-90 %", "memcpy", "simdrop", "x simdrop", "10-90 %")


def print_row(row):
    key = "%-11s %-10s %-16s %12s %6g " % (row["operation"], row["way"], row["direction"], "%d x %d" % (row["rows"], row["columns"]), row["p"])
    if row["status"] != "ok":
        print(key + row["status"] + ": " + row["reason"], flush=True)
        return
    time, times = row["ns_per_element"], row["times_simdrop"]
    print(key + "%9.4f %15s %9.4f %9.4f %9.2f %15s" % (
        time["median"], "%.4f-%.4f" % (time["p10"], time["p90"]), row["memcpy_ns_per_element"]["median"], row["simdrop_ns_per_element"]["median"],
        times["median"], "%.2f-%.2f" % (times["p10"], times["p90"])), flush=True)


def load_shim(options, folder):
    path = peers.build_shim(options, folder, 1, "fused.c")
    try:
        shim = worker.load_shim({"shim": path, "threads": 1})
    except OSError as error:
        raise Refused("libsimdrop.so does not run: %s" % worker.plain(error)) from error
    shim.fused_run.restype = ctypes.c_double
    shim.fused_run.argtypes = [ctypes.c_char_p, ctypes.POINTER(FusedArrays), ctypes.c_uint64]
    return shim


def import_torch(folder):
    """With one thread, and compiling into a folder of this run's: what another left behind may be broken."""
    worker.bind(worker.choose_processors(1))
    os.environ.update(OMP_NUM_THREADS="1", TORCHINDUCTOR_CACHE_DIR=os.path.join(folder, "compiled"))
    try:
        import torch
    except ImportError as error:
        raise Refused("this Python has no PyTorch: %s" % worker.plain(error)) from error
    torch.set_num_threads(1)
    return torch


def run(arguments):
    options = parse(arguments)
    with tempfile.TemporaryDirectory(prefix="simdrop-peers-") as folder:
        shim = load_shim(options, folder)
        torch = import_torch(folder)
        context = {"executable": "bench/peers_fused.py", "cpu": peers.processor(), "num_cpus": os.cpu_count(), "compiler": peers.compiler(options),
                   "python": platform.python_version(), "peers": {"torch": torch.__version__},
                   "simdrop": {"version": shim.shim_version().decode(), "backend": shim.shim_backend().decode()}}
        print("Medians over rounds in which memcpy, simdrop and PyTorch take turns; x simdrop is PyTorch's time over simdrop's.")
        print(HEADING)
        rows = []
        for row, expression in rows_of(options):
            measure(torch, shim, options, row, expression)
            print_row(row)
            rows.append(row)
    if options.json:
        peers.write_json(options.json, {"context": context, "rows": rows})


if __name__ == "__main__":
    sys.exit(peers.command("peers_fused.py", run))
