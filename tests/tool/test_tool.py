#!/usr/bin/env python3
"""Tests of the command-line tool, but for where its files are (test_files.py): test_tool.py PATH_OF_SIMDROP [name of a test ...]

One line a test; the exit status is 1 if one fails. Only the standard library is needed; with NumPy installed, arrays
also go through its own reader and writer.

Seen to fail, each by the test in brackets: --tile without its first index, rows and columns of the whole swapped (layout_tile);
the first index left out of the check of the largest one, a tile beyond the matrix (layout_bad_options); channels last taken as
first, backward without the layout (layout_channels); Fortran order ignored, elements counted for decisions (layout_mask_shape);
an axis outside of a piece that does not move the mask's index, decisions counted in every piece (layout_pieces), the same without
a layout (apply_blocks); an empty array walked (layout_without_elements); a piece never taken (apply_threads) or taken twice
(layout_threads); threads counted that could not be started (apply_too_many_threads);
the ratio to the plain loop taken from another turn, the share upside down, the limit's bytes counted once, multiplications of an
element told for the call, no plain loop for f16, apply-bits taken for a kernel that draws, numbers that are off by 1e-7 (bench); a
call never cut, names without the threads (bench_threads); commas not quoted (bench_layouts); a header before every line, the table
before CSV on standard output (bench_csv); the way through memory not selected, one that was not named, its unknown name let pass, the
beginning of a name taken for it, a column that nobody asked for, names of rows that are alike (bench_memory); pages given before the
time, masks of a few KiB and calls in place measured, small outputs not refused (bench_fresh); kernels tried with p = 0, names that
are longer than their column, moments' sums counted as elements (bench); a copy that is no rewriting told for one, no
contest (bench); the way told that is not the current one, an unknown name taken for known (info_memory); too few threads not refused (bench_too_many_threads); UTF-8 escaped, DEL
escaped, forms of UTF-8 that are too long or above U+10FFFF, surrogates (json_text); U+009B on the terminal, variables and files' names as they are (sentence_text); --elements 0 and
--threads 0 taken for the defaults (verify_refusals); elements
not turned back, or turned wrongly, '>' not looked at (apply_byte_orders); bfloat16 taken for float16 (apply_types); raw bytes
taken for e4m3fn, its NaN for a number in the means (apply_float8); a mask shape with
fewer axes counted from the left, None taken for 1 (layout_mask_shape), None in such a one, 2^64 - 1 taken for None (layout_bad_options).
"""
import fnmatch
import array
import codecs
import csv
import io
import itertools
import json
import math
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy
except ImportError:
    numpy = None

TOOL = ""  # set by main
DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
MACHINE = os.environ.get("SIMDROP_TEST_BYTE_ORDER", sys.byteorder)  # of the processor that runs the tool
BLOCK = 4 << 20  # bytes that apply takes at a time
CHUNK = 1 << 18  # elements that mask draws at a time


def turned(data, size):
    """Elements in the other byte order."""
    return b"".join(data[i : i + size][::-1] for i in range(0, len(data), size))


def native(data, size):
    """Little-endian elements in the machine's byte order."""
    return data if MACHINE == "little" else turned(data, size)


def run(*arguments, **options):
    words = [a if isinstance(a, bytes) else str(a) for a in arguments]
    return subprocess.run([TOOL, *words], capture_output=True, timeout=120, **options)


def header_text(descr, shape, fortran=False):
    return "{'descr': %r, 'fortran_order': %r, 'shape': %r, }" % (descr, fortran, shape)


def npy(text, data, version=(1, 0), length=None):
    """A .npy file with this header text and these bytes of data; length lies about the header's."""
    width = 2 if version[0] == 1 else 4
    raw = text.encode("utf-8" if version[0] == 3 else "latin-1")
    raw += b" " * (-(8 + width + len(raw) + 1) % 64) + b"\n"
    return (b"\x93NUMPY" + bytes(version) + (len(raw) if length is None else length).to_bytes(width, "little") + raw + data)


def to_float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def to_bfloat16(value):
    bits = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def to_float8(value, fraction_bits, bias, limit):
    """The nearest 8-bit float: the limit beyond the range."""
    sign, magnitude = (0x80 if math.copysign(1, value) < 0 else 0), abs(value)
    if math.isnan(value):
        return sign | 0x7F
    exponent = max(math.frexp(magnitude)[1] - 1, 1 - bias) if magnitude < math.inf else 999
    if magnitude == 0:
        return sign
    if exponent == 999:
        return sign | limit
    units = round(math.ldexp(magnitude, fraction_bits - exponent))  # Python's round is to even
    return sign | min(units + ((exponent + bias - 1) << fraction_bits), limit)


def from_float8(bits, fraction_bits, bias, limit):
    magnitude, sign = bits & 0x7F, -1.0 if bits & 0x80 else 1.0
    if magnitude > limit:
        return math.copysign(math.nan, sign)
    if magnitude == limit == 0x7C:
        return sign * math.inf
    exponent, fraction = magnitude >> fraction_bits, magnitude & ((1 << fraction_bits) - 1)
    return sign * math.ldexp(fraction + ((exponent > 0) << fraction_bits), max(exponent, 1) - bias - fraction_bits)


PLAIN = "memcpy,copy,philox-32bit,forward,forward-bits,forward-bytes,forward-in-place,backward,apply-bits,mask-bits,mask-bytes"
ADDING = {"chain", "chain-gelu", "gelu-backward", "norm", "norm-backward", "softmax-backward", "softmax-backward-statistics", "concrete-backward"}
REWRITING = {"tile", "tile-numbered", "tile-bits", "moments"}
FUSED = ADDING | REWRITING | {"chain-backward", "softmax", "alpha", "gaussian", "concrete", "dropconnect", "dropblock"}
NUMBERS = {"gaussian", "concrete", "concrete-backward"}  # of 32 bits

# With the tool of another compiler or a sanitizer: fewer of the cases that the benchmark measures, each of which takes its time.
IS_QUICK = os.environ.get("SIMDROP_TEST_EFFORT") == "quick"

E4M3FN, E5M2 = (3, 7, 0x7E), (2, 15, 0x7C)


class Type:
    """An element type: how it is stored, and the rounding of x * s."""

    def __init__(self, name, descr, size, pack, unpack):
        self.name, self.descr, self.size, self.pack, self.unpack = name, descr, size, pack, unpack
        self.options = ["--dtype", name] if descr in ("<u2", "<V1") else []

    def encode(self, values):
        return b"".join(map(self.pack, values))

    def dropout(self, data, kept, p):
        scale = 2.0**32 / (2**32 - round(p * 2**32))
        if self.name != "f64":
            scale = to_float32(scale)
        out = []
        for i, keep in enumerate(kept):
            x = self.unpack(data[i * self.size : (i + 1) * self.size])
            product = x * scale if self.name == "f64" else to_float32(x * scale)
            out.append(self.pack(product) if keep else bytes(self.size))
        return b"".join(out)


TYPES = [
    Type("f16", "<f2", 2, lambda v: struct.pack("<e", v), lambda b: struct.unpack("<e", b)[0]),
    Type("f32", "<f4", 4, lambda v: struct.pack("<f", v), lambda b: struct.unpack("<f", b)[0]),
    Type("f64", "<f8", 8, lambda v: struct.pack("<d", v), lambda b: struct.unpack("<d", b)[0]),
    Type("bf16", "<u2", 2, lambda v: struct.pack("<H", to_bfloat16(v)), lambda b: struct.unpack("<f", b"\0\0" + b)[0]),
    Type("f8e4m3fn", "<V1", 1, lambda v: bytes([to_float8(v, *E4M3FN)]), lambda b: from_float8(b[0], *E4M3FN)),
    Type("f8e5m2", "<f1", 1, lambda v: bytes([to_float8(v, *E5M2)]), lambda b: from_float8(b[0], *E5M2)),
]
F32 = TYPES[1]


def values(n):
    return [math.sin(i + 1) * (1 + i % 7) for i in range(n)]


def places(shape, fortran):
    """The places of an array, in the order of its file."""
    if fortran:
        return (place[::-1] for place in itertools.product(*map(range, shape[::-1])))
    return itertools.product(*map(range, shape))


def broadcast_index(mask_shape):
    def index(place):
        i = 0
        for at, extent in zip(place, mask_shape):
            i = i * extent + (at if extent > 1 else 0)
        return i
    return index


def channel_index(order, spatial, shape):
    batched = len(shape) == spatial + 2
    axis = batched if order == "first" else len(shape) - 1
    return lambda place: (place[0] * shape[axis] if batched else 0) + place[axis]


def tile_index(shape, rows, columns, row, column):
    def index(place):
        i = 0
        for at, extent in zip(place[:-2], shape):
            i = i * extent + at
        return (i * rows + row + place[-2]) * columns + column + place[-1]
    return index


class ToolCase(unittest.TestCase):
    """What all tests of the tool share."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="simdrop-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def write(self, name, data):
        with open(name, "wb") as file:
            file.write(data)
        return name

    def read(self, name):
        with open(name, "rb") as file:
            return file.read()

    def write_array(self, name, kind=F32, n=1000, shape=None, **options):
        data = kind.encode(values(n))
        self.write(name, npy(header_text(kind.descr, (n,) if shape is None else shape, **options), data))
        return data

    def succeeds(self, *arguments, **options):
        done = run(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout

    def refused(self, *arguments, mentions="", prints=False, **options):
        """Exit status 2, one sentence, and the folder as it was before."""
        before = {name: os.lstat(name).st_mtime_ns for name in os.listdir(".")}
        done = run(*arguments, **options)
        told = done.stderr.decode("utf-8", "replace")
        self.assertEqual(done.returncode, 2, (arguments, told))
        self.assertRegex(told, r"\Asimdrop: [^\n]+\n\Z", arguments)
        self.assertIn(mentions, told, arguments)
        if not prints:
            self.assertEqual(done.stdout, b"", arguments)
        self.assertEqual({name: os.lstat(name).st_mtime_ns for name in os.listdir(".")}, before, arguments)

    def mask_bytes(self, n, p, seed=0, stream=0, offset=0, *more):
        return self.succeeds("mask", "--p", p, "--seed", seed, "--stream", stream, "--offset", offset, "--count", n,
                             "--format", "bytes", *more)

    def backends(self):
        return [b["name"] for b in json.loads(self.succeeds("info", "--json"))["backends"] if b["supported"]]


class ToolTest(ToolCase):
    # The command line

    def test_help_and_version(self):
        self.assertRegex(self.succeeds("--version"), rb"\Asimdrop \d+\.\d+\.\d+\n\Z")
        usage = self.succeeds("--help").decode()
        self.assertEqual(self.succeeds("help").decode(), usage)
        self.assertIn("\n  verify ", usage)
        for command in ("info", "mask", "apply", "bench") + (("verify",) if "verify  left out" not in usage else ()):
            self.assertIn("\n  %s " % command, usage)
            text = self.succeeds(command, "--help").decode()
            self.assertEqual(self.succeeds("help", command).decode(), text)
            self.assertTrue(text.startswith("usage: simdrop %s" % command))
            for option in ("--backend LIST" if command == "bench" else "--backend NAME", "--help"):
                self.assertIn(option, text)

    def test_bad_arguments(self):
        mask = ("mask", "--p", "0.5", "--count", "8")
        for arguments, mentions in [
            ((), "no command"), (("nonsense",), "'nonsense'"), (("help", "nonsense"), "'nonsense'"),
            (("--version", "x"), "'x'"), (("help", "mask", "x"), "'x'"),
            (("info", "--nonsense"), "'--nonsense'"), (("info", "-j"), "'-j'"), (("info", "x"), "'x'"), (("info", "--json=1"), "--json"),
            (("mask", "--count", "8"), "--p"), (("mask", "--p", "0.5"), "--count"), ((*mask, "x"), "'x'"), ((*mask, "--seed"), "--seed"),
            ((*mask, "--output", "--format", "hex"), "--output"), ((*mask, "--output="), "--output"), ((*mask, "--format", "octal"), "'octal'"),
            (("apply", "--p", "0.5"), "IN.npy"), (("apply", "a", "--p", "0.5"), "OUT.npy"), (("apply", "a", "b"), "--p"),
            (("apply", "a", "b", "c", "--p", "0.5"), "'c'"), (("apply", "a", "b", "--p", "0.5", "--dtype", "f8"), "'f8'"),
            (("bench", "--kernel", "nonsense"), "nonsense"), (("bench", "--kernel", ""), "--kernel"), (("bench", "--n", "0"), "--n"),
            (("bench", "--n", "8,,8"), "--n"), (("bench", "--p", "0.1,"), "--p"), (("bench", "--n", "1Ti,8"), "memory"),
            (("bench", "--kernel", "philox-32bit", "--dtype", "f16"), "f32 and f64"),
            (("bench", "--threads", "0"), "--threads takes numbers from 1 to 1024"), (("bench", "--threads", "2,1025"), "from 1 to 1024"),
            (("bench", "--threads", "two"), "--threads"), (("bench", "--threads", ""), "--threads"), (("bench", "--threads", "1,"), "--threads"),
            (("bench", "--threads"), "--threads"), (("bench", "--layout", "dense", "--threads", "1,2"), "--layout measures one thread only"),
            (("bench", "--n", "8,None"), "--n takes"),
            (("bench", "--csv"), "--csv"), (("bench", "--csv="), "--csv"), (("bench", "--csv", "-", "--json", "-"), "--json and --csv are both -"),
            (("bench", "--csv", "x", "--json", "./x"), "--json and --csv are both ./x"),
        ]:
            self.refused(*arguments, mentions=mentions, prints=mentions == "memory")
        for p in ("-0.1", "1.1", "nan", "inf", "0x1p-1", "", " 0.5", "0.5 ", "0.5x", "0,5", "1e", "--5", ".", "1.0000001", "1e400"):
            self.refused("mask", "--p=" + p, "--count", "8", mentions="--p")
        for number in ("-1", "+1", "", " 1", "1 ", "1x", "1.0", "1e3", "0x", "0xg", "18446744073709551616", "0x10000000000000000",
                       "99999999999999999999999", "1Ki"):
            for option in ("--seed", "--stream", "--offset"):
                self.refused(*mask, option + "=" + number, mentions=option)
        for size in ("-1", "", "1K", "1ki", "1KiB", "Ki", "16777216Ti", "18446744073709551616", "0x", "1 Ki"):
            self.refused("mask", "--p", "0.5", "--count=" + size, mentions="--count")

    def test_number_spellings(self):
        plain = self.succeeds("mask", "--p", "0.25", "--count", "65536", "--seed", "18446744073709551615")
        for arguments in [("--p=0.25", "--count=64Ki", "--seed=0xffffffffffffffff"), ("--p", "25e-2", "--count", "0x10000", "--seed", "0XFFFFFFFFFFFFFFFF"),
                          ("--p", ".25", "--count", "065536", "--seed", "1", "--seed", "18446744073709551615")]:
            self.assertEqual(self.succeeds("mask", *arguments), plain)

    def test_backends(self):
        names = self.backends()
        self.assertIn("scalar", names)
        self.write_array("in.npy")
        for command in [("mask", "--p", "0.3", "--count", "999"), ("apply", "in.npy", "-", "--p", "0.3")]:
            outputs = {run(*command, "--backend", name).stdout for name in names}
            self.assertEqual(len(outputs), 1, command)
            self.assertNotEqual(outputs, {b""})
        for command in [("info",), ("mask", "--p", "0.3", "--count", "9"), ("apply", "in.npy", "out.npy", "--p", "0.3"), ("bench",)]:
            self.refused(*command, "--backend", "nonsense", mentions="scalar")

    # info

    def test_info(self):
        environment = dict(os.environ)
        environment.pop("SIMDROP_BACKEND", None)
        info = json.loads(self.succeeds("info", "--json", env=environment))
        chosen = [b for b in info["backends"] if b["chosen"]]
        self.assertEqual([b["name"] for b in chosen], [info["backend"]])
        self.assertTrue(chosen[0]["supported"] and chosen[0]["compiled"])
        self.assertEqual(info["backend"], self.backends()[0])
        self.assertEqual("simdrop " + info["version"], self.succeeds("--version").decode().strip())
        text = self.succeeds("info", env=environment).decode()
        for word in [info["cpu"], info["version"], "runs here", "compiled in"] + [b["name"] for b in info["backends"]]:
            self.assertIn(word, text)
        self.assertIn("SIMDROP_BACKEND=nonsense", self.succeeds("info", env=dict(environment, SIMDROP_BACKEND="nonsense")).decode())
        named = json.loads(self.succeeds("info", "--json", env=dict(environment, SIMDROP_BACKEND="scalar")))
        self.assertEqual((named["backend"], named["reason"]), ("scalar", "SIMDROP_BACKEND names it"))
        forced = json.loads(self.succeeds("info", "--json", "--backend", "scalar", env=environment))
        self.assertEqual((forced["backend"], forced["reason"]), ("scalar", "--backend names it"))

    def test_info_f64_functions(self):
        info = json.loads(self.succeeds("info", "--json"))
        text = self.succeeds("info").decode()
        sets = {"avx512f", "avx2", "purecfma", "advsimd"}
        if info["sleef"] is None:
            self.assertIsNone(info["f64_functions"])
            self.assertIn("\ndoubles   built without SLEEF", text)
        elif info["f64_functions"] is None:
            self.assertIn("\ndoubles   SLEEF %s, which needs a fused multiply-add" % info["sleef"], text)
        else:
            self.assertIn(info["f64_functions"], sets)
            self.assertRegex(info["sleef"], r"^[0-9]+\.[0-9]+(\.[0-9]+)?$")
            self.assertIn("\ndoubles   GELU, SiLU and softmax of f64 by SLEEF %s, %s\n" % (info["sleef"], info["f64_functions"]), text)

    def test_info_memory(self):
        environment = dict(os.environ)
        environment.pop("SIMDROP_MEMORY", None)
        for given, name, reason in ((None, "learned", "the default"), ("pages-2", "pages-2", "SIMDROP_MEMORY names it"), ("learned", "learned", "SIMDROP_MEMORY names it"),
                                    ("nonsense", "learned", "the default; SIMDROP_MEMORY=nonsense is unknown"), ("", "learned", "the default")):
            env = environment if given is None else dict(environment, SIMDROP_MEMORY=given)
            info = json.loads(self.succeeds("info", "--json", env=env))
            self.assertEqual((info["memory"], info["memory_reason"]), (name, reason))
            self.assertIn("\nmemory    %s: %s\n" % (name, reason), self.succeeds("info", env=env).decode())

    def test_json_text(self):
        """UTF-8 goes through as it is, other bytes as the characters of their numbers."""
        def described(name):
            done = run("info", "--json", env={b"SIMDROP_BACKEND": name})
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            return json.loads(done.stdout.decode("utf-8"))["reason"], done.stdout

        codecs.register_error("by number", lambda error: (error.object[error.start : error.end].decode("latin-1"), error.end))
        characters = "caf\u00e9 \u65e5\u672c \x7f \x80 \u07ff \u0800 \ud7ff \ue000 \ufffd \uffff \u2028 \U00010000 \U0001f600 \U0010ffff"
        names = [characters.encode(), b'"\\/', bytes(range(1, 128)), b"caf\xe9", b"\xff\xfe", b"\x80\xbf", b"\xc0\xaf \xc1\xbf", b"\xe0\x80\x80 \xe0\x9f\xbf",
                 b"\xed\xa0\x80 \xed\xbf\xbf", b"\xf0\x80\x80\x80 \xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xc3", b"\xe2\x82",
                 b"\xf0\x9f\x98", b"\xe2\x82x\xc3\xa9", b"\xc3\xc3\xa9"]
        generator = random.Random(7)
        pool = b"a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc2\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5"
        names += [bytes(generator.choices(pool, k=400)) for _ in range(50)]
        for name in names:
            expected = name.decode("utf-8", "by number")
            self.assertEqual(described(name)[0], "the best that runs here; SIMDROP_BACKEND=%s is unknown or cannot run here" % expected, name)
        self.assertIn("caf\u00e9 \x7f".encode(), described("caf\u00e9 \x7f".encode())[1])
        for length in range(400, 420):  # cut somewhere within a character
            described(b"x" * length + "\U0001f600".encode() * 30)

    def test_sentence_text(self):
        """No control character reaches the terminal, in whatever form; names in UTF-8 do."""
        for name, expected in [("caf\u00e9".encode(), "caf\u00e9".encode()), (b"a\x1b[31m\x7f\n", b"a?[31m??"), ("a\u0085\u009b31m\u00a0".encode(), "a??31m\u00a0".encode()),
                               (b"a\x9b31m \xe9", b"a?31m \xe9"), (b"\xc2\xc2\x9b", b"\xc2?")]:
            done = run("apply", name, "out.npy", "--p", "0.5")
            self.assertEqual((done.returncode, done.stderr), (2, b"simdrop: cannot read " + expected + b": No such file or directory\n"))
            text = run("info", env={b"SIMDROP_BACKEND": name, b"SIMDROP_MEMORY": name}).stdout
            for variable in (b"SIMDROP_BACKEND", b"SIMDROP_MEMORY"):
                self.assertIn(variable + b"=" + expected + b" is unknown", text)
        with open(b"x\x1b[31m.npy", "wb") as file:
            file.write(npy(header_text("<f4", (4,)), bytes(16)))
        self.assertIn(b"apply    x?[31m.npy to y?.npy, forward\n", run("apply", b"x\x1b[31m.npy", b"y\x9b.npy", "--p", "0.5").stdout)

    # mask

    def test_mask_golden(self):
        count = 0
        with open(os.path.join(DATA, "mask_golden.txt")) as file:
            for line in file:
                if line.startswith("#"):
                    continue
                p, seed, stream, offset, n, _, _, expected = line.split()
                within = min(int(n), 2**64 - int(offset, 0))  # the tool's indices end at 2^64
                drawn = self.succeeds("mask", "--p", p, "--seed", seed, "--stream", stream, "--offset", offset, "--count", within,
                                      "--format", "hex").decode()
                self.assertTrue(within == int(n) or within % 8 == 0)  # so that the expected digits can be cut
                self.assertEqual(drawn, expected[: (within + 7) // 8 * 2] + "\n", line[:60])
                count += 1
        self.assertGreater(count, 5)

    def test_mask_formats(self):
        for n in (0, 1, 7, 8, 9, 1000, CHUNK + 13):
            arguments = ("mask", "--p", "0.3", "--seed", "7", "--count", n)
            bits = self.succeeds(*arguments)
            self.assertEqual(self.succeeds(*arguments, "--format", "bits"), bits)
            self.assertEqual(self.succeeds(*arguments, "--format=hex").decode(), bits.hex() + "\n")
            drawn = self.succeeds(*arguments, "--format", "bytes")
            self.assertEqual(drawn, bytes(bits[i // 8] >> i % 8 & 1 for i in range(n)))
            self.assertEqual(len(bits), (n + 7) // 8)

    def test_mask_chunks(self):
        n, offset = 3 * CHUNK + 77, 2**63 - 5
        whole = self.mask_bytes(n, 0.3, 1, 2, offset)
        cuts = [0, 1, 1000, CHUNK - 3, CHUNK + 1, 2 * CHUNK + 500, n]
        self.assertEqual(b"".join(self.mask_bytes(b - a, 0.3, 1, 2, offset + a) for a, b in zip(cuts, cuts[1:])), whole)
        self.assertAlmostEqual(sum(whole) / n, 0.7, delta=0.01)

    def test_mask_index_limit(self):
        arguments = ("mask", "--p", "0.5", "--offset", 2**64 - 16)
        self.assertEqual(len(self.succeeds(*arguments, "--count", "16")), 2)
        self.refused(*arguments, "--count", "17", mentions="2^64")
        self.assertEqual(self.succeeds("mask", "--p", "0.5", "--offset", 2**64 - 1, "--count", "0"), b"")

    def test_mask_output(self):
        expected = self.succeeds("mask", "--p", "0.5", "--count", "1000")
        self.assertEqual(self.succeeds("mask", "--p", "0.5", "--count", "1000", "--output", "m.bin"), b"")
        self.assertEqual((self.read("m.bin"), os.listdir(".")), (expected, ["m.bin"]))
        self.assertEqual(self.succeeds("mask", "--p", "0.5", "--count", "1000", "--output", "-"), expected)
        self.assertEqual(self.succeeds("mask", "--p", "0.5", "--count", "1000", "--output", "/dev/stdout"), expected)
        os.mkdir("folder")
        for name in ("folder", "none/m.bin", "m.bin/x", "x" * 300):
            self.refused("mask", "--p", "0.5", "--count", "8", "--output", name, mentions=name)

    # apply: what it computes

    def test_apply_types(self):
        n, p = 1001, 0.3
        kept = self.mask_bytes(n, p, 5, 6, 7)
        for kind in TYPES:
            data = kind.encode(values(n))
            expected = kind.dropout(data, kept, p)
            for version in ((1, 0), (2, 0), (3, 0)):
                for fortran in (False, True):
                    source = npy(header_text(kind.descr, (7, 143), fortran), data, version)
                    self.write("in.npy", source)
                    report = self.succeeds("apply", "in.npy", "out.npy", "--p", p, "--seed", 5, "--stream", 6, "--offset", 7, *kind.options).decode()
                    self.assertEqual(self.read("out.npy"), source[: len(source) - len(data)] + expected, (kind.name, version, fortran))
                    self.assertIn("%s, %s order" % (kind.name, "Fortran" if fortran else "C"), report)
                    self.assertIn("(7, 143), 1001 elements", report)
        data, expected = (bf16 := TYPES[3]).encode(values(n)), bf16.dropout(bf16.encode(values(n)), kept, p)
        by_name = [native(text, 2) for text in (data, expected)]
        for options in [], ["--dtype", "bf16"]:
            self.write("in.npy", npy(header_text("bfloat16", (n,)), by_name[0]))
            self.succeeds("apply", "in.npy", "out.npy", "--p", p, "--seed", 5, "--stream", 6, "--offset", 7, *options)
            self.assertEqual(self.read("out.npy")[-len(data) :], by_name[1])
        for descr, options in [("<V2", ["--dtype", "bf16"]), ("|V2", ["--dtype=bf16"]), ("<u2", ["--dtype", "bf16"])]:
            self.write("in.npy", npy(header_text(descr, (n,)), data))
            self.succeeds("apply", "in.npy", "out.npy", "--p", p, "--seed", 5, "--stream", 6, "--offset", 7, *options)
            self.assertEqual(self.read("out.npy")[-len(data) :], expected)

    def test_apply_float8(self):
        """In every way that 8-bit floats are stored, all their values; what a file does not say has to be said."""
        kept = bytes([1]) * 256
        data = bytes(range(256))
        self.write("all.bits", b"\xff" * 32)
        for kind in TYPES[4:]:
            expected, option = kind.dropout(data, kept, 0.3), ["--dtype", kind.name]
            name = {"f8e4m3fn": "float8_e4m3fn", "f8e5m2": "float8_e5m2"}[kind.name]
            known = [name, "<f1", "|f1"] if kind.name == "f8e5m2" else [name]
            for descr in known + ["<V1", "|V1", ">V1", "V1", "|u1", "uint8", "B"]:
                source = npy(header_text(descr, (16, 16)), data)
                self.write("in.npy", source)
                for options in ([], option) if descr in known else (option,):
                    report = self.succeeds("apply", "in.npy", "out.npy", "--backward", "--bits", "all.bits", "--p", "0.3", *options).decode()
                    self.assertEqual(self.read("out.npy"), source[:-256] + expected, (kind.name, descr))
                    self.assertIn("dtype    %s, C order" % kind.name, report)
                    self.assertRegex(report, r"mean     in .* \(without %s NaN, %s infinite\)" % (("2", "0") if kind.name == "f8e4m3fn" else ("6", "2")))
                if descr not in known:
                    self.refused("apply", "in.npy", "no.npy", "--p", "0.5", mentions="add --dtype f8e4m3fn or --dtype f8e5m2")
                    self.refused("apply", "in.npy", "no.npy", "--p", "0.5", "--dtype", "bf16", mentions="it holds bytes, not bf16")
                else:
                    other = "f8e4m3fn" if kind.name == "f8e5m2" else "f8e5m2"
                    self.refused("apply", "in.npy", "no.npy", "--p", "0.5", "--dtype", other, mentions="it holds %s, not %s" % (kind.name, other))
        self.write("in.npy", npy(header_text("<u2", (128,)), data))
        self.refused("apply", "in.npy", "no.npy", "--p", "0.5", "--dtype", "f8e5m2", mentions="it holds uint16, not f8e5m2")

    def test_apply_is_mask_times_x(self):
        for backend in self.backends():
            data = self.write_array("in.npy", n=3000)
            kept = self.mask_bytes(3000, 0.5, 9, 0, 0, "--backend", backend)
            self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--seed", "9", "--backend", backend)
            self.assertEqual(self.read("out.npy")[-12000:], F32.dropout(data, kept, 0.5))

    def test_apply_blocks(self):
        for kind in TYPES:
            n = 2 * BLOCK // kind.size + 12345
            self.write("in.npy", npy(header_text(kind.descr, (n,)), kind.pack(1.0) * n))
            self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--seed", "3", "--offset", "11", "--bits", "m.bin", *kind.options)
            kept = self.mask_bytes(n, 0.5, 3, 0, 11)
            two, zero = kind.pack(2.0), bytes(kind.size)
            self.assertEqual(self.read("out.npy")[-n * kind.size :], b"".join(two if k else zero for k in kept), kind.name)
            self.assertEqual(self.read("m.bin"), self.succeeds("mask", "--p", "0.5", "--seed", "3", "--offset", "11", "--count", n))
            self.succeeds("apply", "in.npy", "back.npy", "--p", "0.5", "--backward", "--bits", "m.bin", *kind.options)
            self.assertEqual(self.read("back.npy"), self.read("out.npy"))

    def test_apply_shapes(self):
        for shape, n in [((), 1), ((0,), 0), ((3, 0, 5), 0), ((0, 2**62, 2**62), 0), ((1,) * 64, 1), ((1,), 1), ((2, 3, 4), 24)]:
            data = self.write_array("in.npy", n=n, shape=shape)
            report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0.25").decode()
            source, result = self.read("in.npy"), self.read("out.npy")
            self.assertEqual(result[: len(source) - len(data)], source[: len(source) - len(data)])
            self.assertEqual(result[len(source) - len(data) :], F32.dropout(data, self.mask_bytes(n, 0.25), 0.25))
            self.assertIn("%s, %d element%s\n" % (str(shape), n, "" if n == 1 else "s"), report)

    def test_apply_threads(self):
        for kind in TYPES:
            n = BLOCK // kind.size + 100003
            self.write("in.npy", npy(header_text(kind.descr, (n,)), kind.encode(values(101)) * (n // 101 + 1))[: 128 + n * kind.size])
            draw = ("--p", "0.3", "--seed", "5", "--offset", "77", *kind.options)
            for more in (["--bits", "m.bin"], ["--backward"], ["--backward", "--bits", "m.bin"]):
                results = set()
                for threads in (1, 2, 3, 7):
                    report = self.succeeds("apply", "in.npy", "out.npy", *draw, *more, "--threads", threads).decode()
                    kept = [line for line in report.split("\n") if line.startswith("kept")]
                    results.add((self.read("out.npy"), self.read("m.bin"), *kept))
                    self.assertEqual("\nthreads  %d\n" % threads in report, threads > 1)
                self.assertEqual(len(results), 1, (kind.name, more))
        for threads in ("0", "1025", "18446744073709551615", "-1", "two", ""):
            self.refused("apply", "in.npy", "out.npy", *draw, "--threads=" + threads, mentions="--threads")

    def test_apply_too_many_threads(self):
        def limit_memory():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))

        if run("--version", preexec_fn=limit_memory).returncode != 0:
            self.skipTest("a sanitizer needs more address space than this test leaves")
        self.write_array("in.npy", n=BLOCK // 4)
        self.succeeds("apply", "in.npy", "one.npy", "--p", "0.5")
        report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--threads", 1024, preexec_fn=limit_memory).decode()
        self.assertRegex(report, r"\nthreads  \d+ of the 1024 asked for")
        self.assertEqual(self.read("out.npy"), self.read("one.npy"))

    def test_apply_header_spellings(self):
        data = F32.encode(values(6))
        expected = F32.dropout(data, self.mask_bytes(6, 0.5), 0.5)
        for text in ['{"descr":"<f4","fortran_order":False,"shape":(2,3)}', "{'shape': (2, 3,), 'descr': '<f4', 'fortran_order': True}",
                     "  { 'shape' :( 6 , ) , 'fortran_order'\t:\tFalse,'descr' : '<f4' , }  ", "\n{'descr': u'<f4', # C\r\n'fortran_order': (False), 'shape': (0x6,)}",
                     "({r'descr': '<' \"f\" \\\n '4', 'fortran_\\x6frder': False, '''shape''': (+0b1_10,)})", "{'descr': '<f', 'fortran_order': False, 'shape': (6L, 1L)}",
                     "{'descr': 1, 'shape': [2 + 3j, {4: None}, {...}, b'\\xff'], 'descr': '<f 4', 'fortran_order': False, 'shape': (6,)}"]:
            self.write("in.npy", npy(text, data))
            self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5")
            self.assertEqual(self.read("out.npy"), self.read("in.npy")[:-24] + expected, text)

    def test_apply_byte_orders(self):
        """Big-endian arrays give what little-endian ones give, each element turned round; without an order it is the machine's."""
        n = 7 * 11 * 13
        for kind in TYPES:
            for fortran, more in itertools.product((False, True), ([], ["--bits", "m.bin"], ["--backward"], ["--mask-shape", "7,1,13"])):
                options = ("--p", "0.3", "--seed", 5, "--offset", 3, *kind.options, *more)
                little = npy(header_text(kind.descr, (7, 11, 13), fortran), kind.encode(values(n)))
                header, data = little[: -n * kind.size], little[-n * kind.size :]
                self.write("little.npy", little)
                self.succeeds("apply", "little.npy", "little.npy", *options)
                expected = self.read("little.npy")[-n * kind.size :]
                big = header.replace(b"'<", b"'>")
                self.write("big.npy", big + turned(data, kind.size))
                report = self.succeeds("apply", "big.npy", "big.npy", *options).decode()
                self.assertEqual(self.read("big.npy"), big + turned(expected, kind.size), (kind.name, fortran, more))
                self.assertIn("\ndtype    %s, %s%s order\n" % (kind.name, "big-endian, " if kind.size > 1 else "", "Fortran" if fortran else "C"), report)
        data = F32.encode(values(n))
        expected = F32.dropout(data, self.mask_bytes(n, 0.3), 0.3)
        for descr in ("=f4", "|f4", "f4", "f", "float32", "single"):
            self.write("in.npy", npy(header_text(descr, (n,)), native(data, 4)))
            self.succeeds("apply", "in.npy", "out.npy", "--p", "0.3")
            self.assertEqual(self.read("out.npy")[-4 * n :], native(expected, 4), descr)

    def test_apply_backward_and_bits(self):
        self.write_array("in.npy", n=1003)
        draw = ("--p", "0.3", "--seed", "4", "--offset", "3")
        self.succeeds("apply", "in.npy", "out.npy", *draw, "--bits", "m.bin")
        self.assertEqual(self.read("m.bin"), self.succeeds("mask", *draw, "--count", "1003"))
        self.succeeds("apply", "in.npy", "plain.npy", *draw)
        self.succeeds("apply", "in.npy", "drawn.npy", *draw, "--backward")
        self.succeeds("apply", "in.npy", "stored.npy", "--p", "0.3", "--backward", "--bits", "m.bin")
        for name in ("plain.npy", "drawn.npy", "stored.npy"):
            self.assertEqual(self.read(name), self.read("out.npy"), name)
        reports = [self.succeeds("apply", "in.npy", "x.npy", *draw, *more).decode() for more in ([], ["--backward"], ["--backward", "--bits", "m.bin"])]
        self.assertEqual(len({line for report in reports for line in report.split("\n") if line.startswith("kept")}), 1)
        self.write("m.bin", b"\xff" * 125 + b"\x07")  # another mask: it alone decides
        self.assertIn("kept     1003 of 1003", self.succeeds("apply", "in.npy", "all.npy", "--p", "0", "--backward", "--bits", "m.bin").decode())
        self.assertEqual(self.read("all.npy"), self.read("in.npy"))
        for size in (0, 125, 127):
            self.write("m.bin", bytes(size))
            self.refused("apply", "in.npy", "y.npy", *draw, "--backward", "--bits", "m.bin", mentions="m.bin")
        self.refused("apply", "in.npy", "y.npy", *draw, "--backward", "--bits", "none.bin", mentions="none.bin")

    def test_apply_report(self):
        data = F32.encode([1.0, 2.0, math.nan, -math.inf, 3.0, 4.0])
        self.write("in.npy", npy(header_text("<f4", (6,)), data))
        report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0").decode()
        for words in ("kept     6 of 6: share 1.000000000, expected 1.000000000", "in 2.5 (without 1 NaN, 1 infinite), out 2.5", "p 0, seed 0"):
            self.assertIn(words, report)
        self.assertRegex(report, r"\nkernel +[\d.]+ s\ntotal +[\d.]+ s with reading")  # too small for a speed
        self.assertIn("kept     0 of 6", self.succeeds("apply", "in.npy", "out.npy", "--p", "1").decode())
        for shape, mean in [((0, 3), "in none, out none\n"), ((1 << 18,), "in 0, out 0\n")]:
            self.write("in.npy", npy(header_text("<f4", shape), bytes(4 * math.prod(shape))))
            report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0").decode()
            self.assertIn(mean, report)
        self.assertRegex(report, r"\nkernel +[\d.]+ s, [\d.]+ GB/s\ntotal +[\d.]+ s, [\d.]+ GB/s with reading")
        for kind in TYPES:
            n = 5000
            self.write("in.npy", npy(header_text(kind.descr, (n,)), kind.pack(-1.5) * (n // 2) + kind.pack(2.0**-14) * (n // 2)))
            report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0", *kind.options).decode()
            mean = (kind.unpack(kind.pack(2.0**-14)) - 1.5) / 2
            self.assertIn("in %.9g, out %.9g\n" % (mean, mean), report, kind.name)

    def test_numpy(self):
        if numpy is None:
            self.skipTest("NumPy is not installed")
        for dtype in ("<f2", "<f4", "<f8", ">f2", ">f4", ">f8"):
            for order in "CF":
                x = numpy.asarray(numpy.random.default_rng(1).standard_normal((5, 6, 7)), dtype=dtype, order=order)
                numpy.save("in.npy", x)
                self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "m.bin")
                y = numpy.load("out.npy")
                kept = numpy.unpackbits(numpy.fromfile("m.bin", numpy.uint8), bitorder="little")[: x.size].reshape(x.shape, order=order)
                self.assertEqual((y.dtype, y.shape, y.flags.f_contiguous), (x.dtype, x.shape, x.flags.f_contiguous))
                self.assertTrue(numpy.array_equal(y, numpy.where(kept, 2 * x, 0)))
        for x in (numpy.float32(3), numpy.zeros((0, 4), numpy.float64)):
            numpy.save("in.npy", x)
            self.succeeds("apply", "in.npy", "out.npy", "--p", "0")
            self.assertTrue(numpy.array_equal(numpy.load("out.npy"), x))
        for x in (numpy.zeros(3, "<i4"), numpy.zeros(3, "c16"), numpy.zeros(3, [("a", "<f4")]), numpy.array([None])):
            numpy.save("in.npy", x, allow_pickle=True)
            self.refused("apply", "in.npy", "y.npy", "--p", "0.5", mentions="in.npy")

    # apply: layouts, against a loop over the places of the array

    def decisions_of(self, indices, p, offset):
        """The mask at these indices, drawn in runs: {index: kept}."""
        kept, run_begin = {}, None
        ordered = sorted(set(indices))
        for i, following in zip(ordered, ordered[1:] + [None]):
            run_begin = i if run_begin is None else run_begin
            if following != i + 1:
                kept.update(zip(range(run_begin, i + 1), self.mask_bytes(i + 1 - run_begin, p, 5, 6, offset + run_begin)))
                run_begin = None
        return kept

    def check_layout(self, options, shape, index, kind=F32, fortran=False, offset=0, ones=False, more=()):
        p, n, told = 0.3, math.prod(shape), (options, shape, kind.name, fortran)
        data = kind.pack(1.0) * n if ones else kind.encode(values(n))
        source = npy(header_text(kind.descr, shape, fortran), data)
        self.write("in.npy", source)
        indices = [index(place) for place in places(shape, fortran)]
        decisions = self.decisions_of(indices, p, offset)
        if ones:
            products = [bytes(kind.size), kind.dropout(kind.pack(1.0), [1], p)]
            expected = b"".join([products[decisions[i]] for i in indices])
        else:
            expected = kind.dropout(data, [decisions[i] for i in indices], p)
        report = self.succeeds("apply", "in.npy", "out.npy", "--p", p, "--seed", 5, "--stream", 6, "--offset", offset, *options.split(),
                               *kind.options, *more).decode()
        self.assertTrue(self.read("out.npy") == source[: len(source) - len(data)] + expected, told)
        self.assertIn("\nlayout   " + options, report)
        kept, drawn, q = sum(decisions.values()), len(decisions), (2**32 - round(p * 2**32)) / 2**32
        self.assertIn("\nkept     %d of %d decision%s, %d element%s each: share %.9f, expected %.9f (%+.2f standard deviations)\n" % (
            kept, drawn, "s" * (drawn != 1), n // drawn, "s" * (n != drawn), kept / drawn, q,
            (kept - drawn * q) / math.sqrt(drawn * q * (1 - q))), report, told)

    def check_orders(self, *arguments, **options):
        for fortran in (False, True):
            self.check_layout(*arguments, fortran=fortran, **options)

    def test_layout_mask_shape(self):
        shape = (4, 6, 5, 3)
        for mask_shape in itertools.product(*((1, extent) for extent in shape)):
            self.check_orders("--mask-shape " + ",".join(map(str, mask_shape)), shape, broadcast_index(mask_shape), offset=2**40 + 3)
        # As Keras writes them: None for the tensor's extent, and fewer axes than the tensor, which broadcast from the right.
        for given, mask_shape in [("None,1,5,None", (4, 1, 5, 3)), ("None,None,None,None", shape), ("1,None,1,1", (1, 6, 1, 1)), ("3", (1, 1, 1, 3)), ("5,1", (1, 1, 5, 1)),
                                  ("6,5,3", (1, 6, 5, 3)), ("1,1,3", (1, 1, 1, 3)), ("1", (1, 1, 1, 1))]:
            self.check_orders("--mask-shape " + given, shape, broadcast_index(mask_shape), offset=9)
        for kind in TYPES:
            self.check_orders("--mask-shape 16,64,1", (16, 64, 7), broadcast_index((16, 64, 1)), kind)
            self.check_orders("--mask-shape 7,1,64", (7, 16, 64), broadcast_index((7, 1, 64)), kind, more=["--backward"])
        self.check_layout("--mask-shape 1", (1,), broadcast_index((1,)))
        self.check_orders("--mask-shape 1,2,1,2,1,2,1,2", (2,) * 8, broadcast_index((1, 2) * 4))

    def test_layout_channels(self):
        for order, spatial in itertools.product(("first", "last"), (1, 2, 3)):
            for shape in ((3, 4, 5, 6, 7)[: spatial + 2], (5, 3, 4, 2)[: spatial + 1]):
                self.check_orders("--channels %s --spatial %d" % (order, spatial), shape, channel_index(order, spatial, shape), offset=99)
        for kind in TYPES:
            self.check_orders("--channels last --spatial 2", (3, 5, 7, 11), channel_index("last", 2, (3, 5, 7, 11)), kind, more=["--backward"])

    def test_layout_tile(self):
        for shape, rows, columns, row, column, offset in [
            ((5, 9), 5, 9, 0, 0, 0), ((5, 9), 20, 30, 7, 11, 0), ((2, 3, 5, 9), 8, 12, 3, 3, 1000), ((3, 4, 5), 4, 1000, 0, 995, 0),
            ((1, 1), 4, 4, 3, 3, 0), ((4, 6), 2**40, 2**23, 2**40 - 4, 2**23 - 6, 0), ((4, 6), 2**32, 2**31, 2**32 - 4, 2**31 - 6, 2**63),
        ]:
            options = "--tile %d:%d,%d:%d --of %dx%d" % (row, row + shape[-2], column, column + shape[-1], rows, columns)
            self.check_orders(options, shape, tile_index(shape, rows, columns, row, column), offset=offset)
        for kind in TYPES:
            shape = (2, 33, 65)
            self.check_orders("--tile 31:64,60:125 --of 64x130", shape, tile_index(shape, 64, 130, 31, 60), kind, more=["--backward"])

    def test_layout_tiles_make_the_whole(self):
        rows, columns = 12, 20
        data = self.write_array("in.npy", n=rows * columns, shape=(rows, columns))
        self.succeeds("apply", "in.npy", "whole.npy", "--p", "0.5", "--offset", "9")
        whole, row_size = self.read("whole.npy")[-len(data) :], 4 * columns
        for r0, r1, c0, c1 in [(0, 7, 0, 20), (7, 12, 0, 13), (7, 12, 13, 20)]:
            def cut(array):
                return b"".join(array[r * row_size + 4 * c0 : r * row_size + 4 * c1] for r in range(r0, r1))
            self.write("tile.npy", npy(header_text("<f4", (r1 - r0, c1 - c0)), cut(data)))
            self.succeeds("apply", "tile.npy", "tile.npy", "--p", "0.5", "--offset", "9", "--tile", "%d:%d,%#x:%d" % (r0, r1, c0, c1), "--of", "12x20")
            self.assertEqual(self.read("tile.npy")[-len(cut(data)) :], cut(whole))

    def test_layout_pieces(self):
        f16, _, f64 = TYPES[:3]
        most = BLOCK // 8
        for options, shape, index, fortran in [
            ("--mask-shape 1,400003", (3, 400003), broadcast_index((1, 400003)), False),  # whole rows; only the first has new decisions
            ("--mask-shape 2,1", (2, most + 9), broadcast_index((2, 1)), False),  # rows are cut, and share their decision
            ("--mask-shape %d,1" % (most + 9), (most + 9, 2), broadcast_index((most + 9, 1)), True),
            ("--mask-shape 3,1,7,1", (3, 5000, 7, 11), broadcast_index((3, 1, 7, 1)), False),
            ("--channels last --spatial 2", (2, 300, 400, 5), channel_index("last", 2, (2, 300, 400, 5)), False),
            ("--tile 1:4,90:200093 --of 9x200100", (2, 3, 200003), tile_index((2, 3, 200003), 9, 200100, 1, 90), False),
            ("--tile 1:4,90:200093 --of 9x200100", (2, 3, 200003), tile_index((2, 3, 200003), 9, 200100, 1, 90), True),
        ]:
            self.check_layout(options, shape, index, f64, fortran, ones=True)
        self.check_layout("--mask-shape 1,3", (4 * most + 1, 3), broadcast_index((1, 3)), f16, ones=True)

    def test_layout_threads(self):
        shape = (3, 400, 501, 2)
        for options in ("--mask-shape 3,1,501,1", "--channels first --spatial 2", "--channels last --spatial 2", "--tile 9:510,0:2 --of 600x3"):
            for fortran in (False, True):
                self.write("in.npy", npy(header_text("<f4", shape, fortran), F32.encode(values(501)) * (3 * 400 * 2)))
                results = set()
                for threads in (1, 2, 3, 7):
                    report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0.3", *options.split(), "--threads", threads).decode()
                    results.add((self.read("out.npy"), *[line for line in report.split("\n") if line.startswith("kept")]))
                self.assertEqual(len(results), 1, (options, fortran))

    def test_layout_without_elements(self):
        for shape, options in [((0, 3), "--mask-shape 1,3"), ((3, 0), "--mask-shape 3,0"), ((0, 2**60, 2**60), "--channels first --spatial 2"),
                               ((4, 0), "--tile 0:4,7:7 --of 8x8"), ((0, 2, 2), "--tile 0:2,0:2 --of 18446744073709551615x2")]:
            self.write("in.npy", npy(header_text("<f4", shape), b""))
            report = self.succeeds("apply", "in.npy", "out.npy", "--p", "0.3", "--offset", 2**64 - 1, *options.split()).decode()
            self.assertIn("kept     0 of 0 decisions, 0 elements each, expected 0.", report)
            self.assertEqual(self.read("out.npy"), self.read("in.npy"))

    def test_layout_shares_everything_or_nothing(self):
        self.write_array("in.npy", n=600, shape=(20, 30))
        for p, kept in (("0", 20), ("1", 0)):
            report = self.succeeds("apply", "in.npy", "out.npy", "--p", p, "--mask-shape", "20,1").decode()
            self.assertIn("\nkept     %d of 20 decisions, 30 elements each: share %.9f, expected %.9f\n" % (kept, kept / 20, 1 - int(p)), report)

    # apply: what it refuses

    def test_apply_hostile_files(self):
        four = bytes(16)
        good = header_text("<f4", (4,))
        cases = {
            "magic": b"", "not a .npy": b"PK\x03\x04" + bytes(100), "not a .npy file": b"\x93NUMPZ\x01\x00" + bytes(100), "within its header": b"\x93NUMPY\x01",
            "version 4.0": npy(good, four, (4, 0)), "version 1.1": npy(good, four, (1, 1)), "version 0.0": npy(good, four, (0, 0)),
            "ends within": npy(good, b"", length=65535), "header of 4294967295": npy(good, four, (2, 0), length=2**32 - 1),
            "header of 1048577": npy(good, four, (3, 0), length=2**20 + 1), "ends within its header": npy(good, four, (2, 0), length=2**20),
            "takes 16 bytes, and there are 15": npy(good, four[1:]), "there are 0": npy(good, b""), "is too long": npy(good, four + b"\0"),
            "Python objects": npy(header_text("|O", (4,)), four),
            "structured": npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", four),
            "'<i4'": npy(header_text("<i4", (4,)), four), "'<c8'": npy(header_text("<c8", (2,)), four), "'<f16'": npy(header_text("<f16", (1,)), four),
            "''": npy(header_text("", (4,)), four), "--dtype bf16": npy(header_text("<u2", (8,)), four),
            "negative": npy(header_text("<f4", (-4,)), four), "more elements": npy(header_text("<f4", (2**62,)), four),
            "than a file": npy(header_text("<f4", (2**31, 2**31, 4)), four), "past 2^63": npy(header_text("<f4", (2**64 + 4,)), four),
            "more than 64": npy(header_text("<f4", (1,) * 65), four), "not a tuple": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4)}", four),
            "is not a tuple": npy("{'descr': '<f4', 'fortran_order': False, 'shape': [4]}", four),
            "whole numbers": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4.0,)}", four),
            "there is something": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2 2)}", four),
            "no literal": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", four),
            "add --dtype f8e4m3fn": npy(header_text("|V1", (16,)), four), "'float8_e4m3fnuz'": npy(header_text("float8_e4m3fnuz", (16,)), four),
            "'f5'": npy(header_text("f5", (4,)), four),
            "'<float32'": npy(header_text("<float32", (4,)), four), "shape is a number": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4)}", four),
            "are arrays themselves": npy("{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (2,)}", four),
            "descr is not a string": npy("{'descr': b'<f4', 'fortran_order': False, 'shape': (4,)}", four),
            "number runs": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4L,)}", four, (3, 0)),
            "begins with 0": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (04,)}", four),
            "too few digits": npy("{'de\\x7': '<f4'}", four), "simdrop does not look up": npy("{'de\\N{LATIN SMALL LETTER S}cr': '<f4'}", four),
            "it is no UTF-8": npy("{'\xe9': 1}", four, (3, 0)).replace(b"\xc3", b"\xff"), "zero byte": npy("\0" * 100, four),
            "nested too deeply": npy("{" * 100000, four, (2, 0)), "too soon": npy("{'descr': '<f4', 'shape': (" + "(" * 99, four),
            "key other": npy("{'" + "x" * 500000 + "': 1}", four, (2, 0)),
            "lacks": npy("{'descr': '<f4', 'shape': (4,)}", four), "other than": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'x': 1}", four),
            "text behind it": npy(good + " x", four), "neither True": npy("{'descr': '<f4', 'fortran_order': 0, 'shape': (4,)}", four),
            "nor False": npy("{'descr': '<f4', 'fortran_order': None, 'shape': (4,)}", four), "within a string": npy("{'descr': '<f4", four),
            "not the dictionary": npy("", four), "is not the dictionary": npy("{'descr' '<f4'}", four), "the dictionary of": npy("{'descr': '<f4' 'shape': (4,)}", four),
            "?": npy("{'descr': '\x1b[31m<f4', 'fortran_order': False, 'shape': (4,)}", four),
        }
        for mentions, content in cases.items():
            self.write("in.npy", content)
            self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "m.bin", mentions=mentions)
            piped = run("apply", "-", "out.npy", "--p", "0.5", input=content)
            self.assertEqual((piped.returncode, piped.stderr[:9], piped.stderr.count(b"\n"), os.listdir(".")), (2, b"simdrop: ", 1, ["in.npy"]), mentions)

    def test_apply_bad_names(self):
        self.write_array("in.npy")
        os.mkdir("folder")
        os.symlink("loop", "loop")
        for names, mentions in [(("none.npy", "out.npy"), "none.npy"), (("folder", "out.npy"), "directory"), (("in.npy", "folder"), "directory"),
                                (("in.npy", "none/out.npy"), "none/out.npy"), (("in.npy", "loop"), "loop"), (("in.npy", "in.npy/x"), "in.npy/x"),
                                (("bad\nname\x1b", "out.npy"), "bad?name?"), (("in.npy", ""), "cannot write")]:
            self.refused("apply", *names, "--p", "0.5", mentions=mentions)
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "./out.npy", mentions="--bits")
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "in.npy", mentions="--bits")
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--bits", "folder", mentions="directory")
        self.refused("apply", "in.npy", "-", "--p", "0.5", "--bits", "/dev/stdout", mentions="--bits")
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--dtype", "bf16", mentions="--dtype")
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--dtype", "f64", mentions="f32")
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--offset", 2**64 - 999, mentions="2^64")
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--dtype", "f32", "--offset", 2**64 - 1000)
        if os.geteuid() != 0:  # root may read and write anything
            os.chmod("out.npy", 0o444)
            self.refused("apply", "in.npy", "out.npy", "--p", "0.5", mentions="out.npy")
            os.chmod("in.npy", 0)
            self.refused("apply", "in.npy", "new.npy", "--p", "0.5", mentions="in.npy")

    def test_layout_bad_options(self):
        self.write_array("in.npy", n=120, shape=(4, 5, 6))
        for options, mentions in [
            ("--channels first", "--channels needs --spatial"), ("--spatial 2", "--spatial needs --channels"),
            ("--tile 0:5,0:6", "--tile needs --of"), ("--of 5x6", "--of needs --tile"),
            ("--mask-shape 4,5,6 --channels first --spatial 1", "--mask-shape and --channels cannot"),
            ("--mask-shape 4,5,6 --tile 0:5,0:6 --of 5x6", "--mask-shape and --tile cannot"),
            ("--channels last --spatial 1 --tile 0:5,0:6 --of 5x6", "--channels and --tile cannot"),
            ("--tile 5:0,0:6 --of 5x6", "behind its end"), ("--tile 0:5,6:0 --of 5x6", "behind its end"),
            ("--tile 0:5,0:6 --of 4x6", "beyond the matrix"), ("--tile 0:5,0:6 --of 5x5", "beyond the matrix"),
            ("--tile 0:5,0:5 --of 9x9", "5 x 6, and --tile is 5 x 5"), ("--tile 0:6,0:5 --of 9x9", "5 x 6, and --tile is 6 x 5"),
            ("--tile 0:5,0:6 --of 18446744073709551615x6", "2^64 - 1 elements"), ("--tile 0:5,0:6 --of 9223372036854775808x6", "2^64 - 1 elements"),
            ("--mask-shape 4,5", "axis 1 has length 5"), ("--mask-shape 4", "axis 2 has length 6"), ("--mask-shape 4,5,6,1", "3 axes"),
            ("--mask-shape None,6", "it has 3 axes, and --mask-shape None,6, with None in it, has to name them all"), ("--mask-shape None", "name them all"),
            ("--mask-shape None,None,None,None", "is for 4 to 8"), ("--mask-shape none,5,6", "or None with commas"), ("--mask-shape None,5,Non", "or None"),
            ("--mask-shape 4,5,18446744073709551615", "or None"), ("--mask-shape None,4,6", "axis 1 has length 5"), ("--mask-shape 4,5,5", "axis 2 has length 6"),
            ("--mask-shape 2,5,6", "axis 0 has length 4"), ("--mask-shape 0,5,6", "not 0"), ("--channels first --spatial 3", "is for 4 to 5"),
            ("--mask-shape 4,,6", "--mask-shape"), ("--mask-shape=", "--mask-shape"), ("--mask-shape 4,5,-6", "--mask-shape"), ("--mask-shape 4x5x6", "--mask-shape"),
            ("--channels middle --spatial 1", "--channels"), ("--channels first --spatial 0", "--spatial"), ("--channels first --spatial 4", "--spatial"),
            ("--mask-shape 4,5,6 --offset 18446744073709551497", "2^64 - 1"), ("--mask-shape 1,5,1 --offset 18446744073709551612", "2^64 - 1"),
            ("--tile 1:6,0:6 --of 8x6 --offset 18446744073709551611", "2^64 - 1"), ("--tile 1:6,1:7 --of 9x7 --offset 18446744073709551600", "2^64 - 1"),
            ("--mask-shape 4,5,6 --bits m.bin", "--bits"), ("--channels first --spatial 1 --bits m.bin --backward", "--bits"),
        ]:
            self.refused("apply", "in.npy", "out.npy", "--p", "0.5", *options.split(), mentions=mentions)
        for tile in ("", "0:5", "0:5,", "0:5,0", "0:5,0:", "0:5,0:6,", "0:5,0:6x", "0-5,0-6", "-1:5,0:6", "0:5;0:6", "0: 5,0:6", "0:18446744073709551616,0:6"):
            self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--tile=" + tile, "--of", "5x6", mentions="--tile takes two ranges")
        for size in ("", "5", "5x", "x6", "5x6x", "5x6x7", "5X6", "5,6", "-5x6", "0x5x6", "5x0x6", "18446744073709551616x6", " 5x6"):
            self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--tile", "0:5,0:6", "--of=" + size, mentions="--of takes two")
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--mask-shape", "4,5,6", "--offset", 2**64 - 120)
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--mask-shape", "1,5,1", "--offset", 2**64 - 5)
        self.succeeds("apply", "in.npy", "out.npy", "--p", "0.5", "--tile", "1:6,0:6", "--of", "8x6", "--offset", 2**64 - 4 * 48 + 12)
        self.refused("apply", "in.npy", "out.npy", "--p", "0.5", "--tile", "1:6,0:6", "--of", "8x6", "--offset", 2**64 - 4 * 48 + 13, mentions="2^64 - 1")
        self.write_array("in.npy", n=4, shape=(2, 2))  # far behind the first element of the whole: the sum would wrap
        self.refused("apply", "in.npy", "y.npy", "--p", "0.5", "--tile", "90:92,0:2", "--of", "92x2", "--offset", 2**64 - 100, mentions="largest index")
        self.write_array("in.npy", n=1, shape=(1,) * 9)
        self.refused("apply", "in.npy", "y.npy", "--p", "0.5", "--mask-shape", ",".join("1" * 9), mentions="1 to 8")
        self.refused("apply", "in.npy", "y.npy", "--p", "0.5", "--tile", "0:1,0:1", "--of", "1x1", mentions="2 to 8")
        for shape, n, axes in (((), 1, "0 axes"), ((3,), 3, "1 axis,")):
            self.write_array("in.npy", n=n, shape=shape)
            for options in ("--mask-shape 1,1", "--channels last --spatial 1", "--tile 0:1,0:3 --of 1x3"):
                self.refused("apply", "in.npy", "y.npy", "--p", "0.5", *options.split(), mentions=axes)

    # bench

    def test_bench_layouts(self):
        names = self.backends()[:1] if IS_QUICK else self.backends()
        table = self.succeeds("bench", "--short", "--backend", ",".join(names), "--layout", "all", "--n", "3Ki,50Ki", "--p", "0.5", "--json", "b.json").decode()
        rows = json.loads(self.read("b.json"))["benchmarks"]
        layouts = {r["layout"] for r in rows}
        self.assertGreaterEqual(len(layouts), 19)
        self.assertEqual(len(rows), len({(r["layout"], r["backend"], r["n"]) for r in rows}))
        # Layouts of which not one sample fits are left out; of 50 Ki elements one does, whatever the layout.
        self.assertEqual({(r["layout"], r["backend"]) for r in rows if r["n"] == 51200}, {(name, b) for name in layouts for b in names})
        self.assertNotIn("dense", {r["layout"] for r in rows if r["n"] == 3072})
        self.assertIn("tile-64", {r["layout"] for r in rows if r["n"] == 3072})
        for row in rows:
            self.assertLessEqual(row["elements"], row["n"])
            self.assertIn(row["reference"], ("scale", "forward", "row memcpy"))
            for key in ("ns_per_element", "reference_ns_per_element", "ratio_to_reference"):
                self.assertGreater(row[key]["p10"], 0)
                self.assertLessEqual(row[key]["p10"], row[key]["median"])
                self.assertLessEqual(row[key]["median"], row[key]["p90"])
            self.assertAlmostEqual(row["real_time"] / row["elements"] / row["ns_per_element"]["median"], 1, places=6)
            self.assertIn("  %s  " % row["layout"], table)
        header, *lines = csv.reader(io.StringIO(self.succeeds("bench", "--short", "--layout", "dense,drop-path", "--n", "3Ki,50Ki", "--p", "0.5", "--csv", "-").decode()))
        self.assertEqual({line[header.index("shape")] for line in lines}, {"dense (N, 64, 8, 8)", "drop-path (N, 4096)"})
        self.refused("bench", "--layout", "dense", "--kernel", "forward", mentions="--kernel and --layout exclude each other")
        self.refused("bench", "--layout", "dense", "--dtype", "f16", mentions="--layout measures f32 and f64 only")
        self.refused("bench", "--layout", "oblong", mentions="oblong")

    def test_bench(self):
        names = self.backends()
        two = [name for name in self.backends() if name in ("scalar", self.backends()[0])]
        self.succeeds("bench", "--short", "--backend", ",".join(reversed(two)), "--kernel", "forward", "--n", "128", "--p", "0.1", "--json", "two.json")
        self.assertEqual([row["backend"] for row in json.loads(self.read("two.json"))["benchmarks"] if row["backend"] != "none"], two)
        self.refused("bench", "--backend", "scalar,nonsense", mentions="nonsense")
        self.refused("bench", "--backend", "scalar,", mentions="no backend ''")
        self.succeeds("bench", "--short", "--backend", "all", "--kernel", "forward", "--n", "128", "--p", "0.1", "--json", "all.json")
        found = [r["backend"] for r in json.loads(self.read("all.json"))["benchmarks"] if r["backend"] != "none"]
        self.assertEqual(found, names)
        names = names[:1]
        table = self.succeeds("bench", "--short", "--kernel", "all", "--n", "128,3Ki", "--p", "0.1", "--dtype", "f32,bf16", "--json", "b.json").decode()
        result = json.loads(self.read("b.json"))
        for key in ("executable", "library_version", "cpu", "num_cpus", "caches", "compiler", "flags"):
            self.assertIn(key, result["context"])
        rows = result["benchmarks"]
        self.assertEqual({(r["memory"], r["output"]) for r in rows if r["backend"] != "none"},
                         {(json.loads(self.succeeds("info", "--json"))["memory"], "touched")})
        library = {"forward", "forward-bits", "forward-bytes", "forward-in-place", "backward", "apply-bits", "mask-bits", "mask-bytes"} | FUSED
        expected = {(k, b, t, n) for k in library for b in names for t in ("f32", "bf16") for n in (128, 3072)}
        expected |= {(k, "none", t, n) for k in ("memcpy", "copy") for t in ("f32", "bf16") for n in (128, 3072)} | {("philox-32bit", "none", "f32", n) for n in (128, 3072)}
        self.assertEqual({(r["kernel"], r["backend"], r["dtype"], r["n"]) for r in rows}, expected)
        self.assertEqual(len(rows), len(expected))
        moved = {"forward": 8, "forward-bits": 8.125, "forward-bytes": 9, "apply-bits": 8.125, "mask-bits": 0.125, "mask-bytes": 1, "memcpy": 8, "copy": 8,
                 "chain": 12, "chain-gelu": 12, "chain-backward": 8, "gelu-backward": 12, "norm": 12, "norm-backward": 12, "softmax": 8, "softmax-backward": 12, "softmax-backward-statistics": 12,
                 "tile": 8, "alpha": 8, "gaussian": 8, "concrete": 8, "concrete-backward": 12, "dropconnect": 4, "dropblock": 8.25, "moments": 20}
        wide = {"concrete": 4, "concrete-backward": 6, "dropconnect": 2, "dropblock": 4.25, "moments": 18}  # of bf16, moments' sums are floats
        for row in rows:
            self.assertEqual((row["time_unit"], row["rounds"] >= 11, row["threads"], row["pieces"]), ("ns", True, 1, 1))
            self.assertGreater(row["real_time"], 0)
            self.assertGreater(row["cpu_time"], 0)
            self.assertAlmostEqual(row["real_time"] / row["n"] / row["ns_per_element"]["median"], 1, places=6)
            self.assertGreaterEqual(row["iterations"], row["rounds"])
            if row["dtype"] == "f32" and row["kernel"] in moved:
                self.assertAlmostEqual(row["bytes_per_second"] / row["items_per_second"] / moved[row["kernel"]], 1, places=6)
            if row["dtype"] == "bf16" and row["kernel"] in wide:
                self.assertAlmostEqual(row["bytes_per_second"] / row["items_per_second"] / wide[row["kernel"]], 1, places=6)
            self.assertIn("  %s  " % row["kernel"], table)
            self.check_bench_row(row)
        self.assertEqual(table.count("ns/call"), 2)
        self.assertEqual(table.count("\n  kernel" + 23 * " " + "backend  "), 4)  # behind the longest name
        # Under each table what the copies took: of the tensor, in place, of the mask's bits and its bytes.
        copied = ["512 B", "16 B", "128 B", "12 KiB", "384 B", "3 KiB", "256 B", "16 B", "128 B", "6 KiB", "384 B", "3 KiB"]
        tensors = sorted(size for size in copied if size in ("512 B", "12 KiB", "256 B", "6 KiB"))
        found = re.findall(r"\n  copying (.+): \S+ is the quickest \(ns/elem: memcpy \d", table)
        self.assertEqual(sorted(found), sorted(copied))
        self.assertEqual(sorted(re.findall(r"\n  rewriting (.+): pages-\S+ is the quickest \(ns/elem: pages-1 \d", table)), tensors)
        self.assertEqual(sorted(re.findall(r"\n  adding (.+): \S+ is the quickest \(ns/elem: cached \d", table)), tensors)

    def test_bench_fused(self):
        """Whole rows, the type and the p that there are, and what two arrays are compared with; none of it without being asked."""
        table = self.succeeds("bench", "--short", "--kernel", "forward,chain,chain-backward,tile,gaussian,concrete,dropblock", "--n", "3000", "--p", "0.5,1", "--dtype", "f32,f8e5m2", "--json", "b.json").decode()
        rows = {row["kernel"]: row for row in json.loads(self.read("b.json"))["benchmarks"] if (row["dtype"], row["p"]) == ("f32", 0.5)}
        self.assertEqual({name: row["n"] for name, row in rows.items()}, {"forward": 3000, "chain": 2048, "chain-backward": 2048, "tile": 2048, "gaussian": 3000, "concrete": 3000, "dropblock": 2048})
        self.assertEqual(len(json.loads(self.read("b.json"))["benchmarks"]), 18)
        self.assertEqual(re.findall(r"\n  (\S+) +left out: there is none for this type(?=\n)", table), ["chain", "chain-backward", "gaussian", "concrete"])
        self.assertEqual(re.findall(r"\n  (\S+) +left out: there is none for this p(?=\n)", table), ["gaussian", "concrete"])
        self.assertRegex(table, r"x scale +10-90 % +x dropout +10-90 % +limit\n")
        self.assertLess(table.index("\n  adding 8 KiB: "), table.index("\n  rewriting 8 KiB: "))
        for row in rows.values():
            self.check_bench_row(row)
        help_text = self.succeeds("bench", "--help").decode()
        for name in FUSED:
            self.assertRegex(help_text, r"[ ,]%s[, ]" % name)
        default = self.succeeds("bench", "--n", "16", "--p", "0.5", "--json", "-")
        self.assertEqual({row["kernel"] for row in json.loads(default)["benchmarks"]} & FUSED, set())
        self.refused("bench", "--kernel", "chain,chain-gelu", "--dtype", "f8e4m3fn,f8e5m2", "--json", "refused.json", mentions="no such kernels for these types")

    def test_bench_memory(self):
        """Every way that is named, in the library's order, for each backend."""
        names = [name for name in self.backends() if name in ("scalar", self.backends()[0])]
        options = ("bench", "--short", "--kernel", "memcpy,forward", "--n", "300Ki", "--p", "0.5")
        table = self.succeeds(*options, "--backend", ",".join(names), "--memory", "pages-2,learned", "--json", "b.json", "--csv", "b.csv").decode()
        rows = json.loads(self.read("b.json"))["benchmarks"]
        self.assertEqual([(r["kernel"], r["backend"], r["memory"]) for r in rows],
                         [("memcpy", "none", "none")] + [("forward", b, m) for b in names for m in ("learned", "pages-2")])
        self.assertEqual(rows[2]["name"], "forward/%s/f32/n:307200/p:0.5/memory:pages-2" % names[0])
        self.assertEqual([line["memory"] for line in csv.DictReader(io.StringIO(self.read("b.csv").decode()))], [row["memory"] for row in rows])
        self.assertRegex(table, r"\n  kernel +backend +memory +p ")
        self.assertRegex(table, r"\n  memcpy +- +- +- +\d")
        for name in names:
            for memory in ("learned", "pages-2"):
                self.assertRegex(table, r"\n  forward +%s +%s +0\.5 +\d" % (name, memory))
        self.assertEqual([r["memory"] for r in json.loads(self.succeeds(*options, "--memory", "all", "--json", "-"))["benchmarks"]],
                         ["none", "learned", "cached", "pages-1", "pages-1-prefetch", "pages-2", "pages-4", "pages-8"])
        plain = json.loads(self.succeeds(*options, "--json", "-", env=dict(os.environ, SIMDROP_MEMORY="pages-4")))["benchmarks"]
        self.assertEqual([(r["memory"], r["name"].count("memory")) for r in plain], [("none", 0), ("pages-4", 0)])
        self.assertNotIn("memory  ", self.succeeds(*options).decode())
        layouts = self.succeeds("bench", "--short", "--layout", "dense", "--n", "50Ki", "--p", "0.5", "--memory", "cached,pages-1", "--json", "b.json").decode()
        self.assertEqual([r["memory"] for r in json.loads(self.read("b.json"))["benchmarks"]], ["cached", "pages-1"])
        self.assertRegex(layouts, r"\n  layout +backend +memory +p ")
        self.assertRegex(layouts, r"\n  dense +\S+ +pages-1 +0\.5 +\d")
        for wrong, mentions in (("nonsense", "'nonsense'; those there are: learned, cached, pages-1,"), ("cached,", "memory ''"), ("", "--memory"), ("pages", "'pages'")):
            self.refused("bench", "--memory", wrong, "--json", "refused.json", "--csv", "refused.csv", mentions=mentions)

    def test_bench_fresh(self):
        table = self.succeeds("bench", "--short", "--fresh", "--kernel", PLAIN + ",chain,tile,dropconnect,dropblock,moments", "--n", "64Ki,520Ki", "--p", "0.5", "--dtype", "f32,bf16", "--json", "b.json", "--csv", "b.csv").decode()
        rows = json.loads(self.read("b.json"))["benchmarks"]
        measured = {(r["kernel"], r["dtype"], r["n"]) for r in rows}
        tensors = {"memcpy", "copy", "forward", "forward-bits", "forward-bytes", "backward", "apply-bits"} | {"chain", "dropblock"}
        expected = {(k, t, n) for k in tensors | {"mask-bytes"} for t in ("f32", "bf16") for n in (65536, 532480)}
        expected |= {("philox-32bit", "f32", n) for n in (65536, 532480)} | {("mask-bits", t, 532480) for t in ("f32", "bf16")}
        self.assertEqual(measured, expected)
        self.assertEqual({(r["output"], r["name"].endswith("/fresh")) for r in rows}, {("fresh", True)})
        self.assertEqual({line["output"] for line in csv.DictReader(io.StringIO(self.read("b.csv").decode()))}, {"fresh"})
        for row in rows:
            self.check_bench_row(row)
        self.assertIn("\nEvery call, those of memcpy and the plain loop too, writes to memory that nobody has touched before.\n", table)
        self.assertEqual(table.count("\n  forward-in-place  left out: it has no output of its own\n"), 4)
        self.assertEqual(table.count("\n  mask-bits         left out: it writes fewer than 64 KiB\n"), 2)
        self.assertEqual(table.count("\n  dropconnect       left out: it writes an element for each row\n"), 4)
        self.assertEqual(table.count("\n  moments           left out: it has no output of its own\n"), 4)
        # Each call has the system give it its pages, 256 KiB of them.
        options = ("bench", "--short", "--kernel", "memcpy", "--n", "64Ki", "--json", "-")
        for more in ((), ("--fresh",)):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
            row = json.loads(self.succeeds(*options, *more))["benchmarks"][0]
            pages = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before
            self.assertEqual(pages >= row["iterations"] * 2**18 // resource.getpagesize(), bool(more))
        for options, mentions in ((("--n", "64Ki,8Ki"), "8192 elements of f32"), (("--n", "64Ki,32Ki", "--dtype", "f32,f16,f8e5m2"), "32768 elements of f8e5m2"),
                                  (("--kernel", "forward-in-place"), "forward-in-place has none"), (("--layout", "dense"), "--layout and --fresh exclude each other")):
            self.refused("bench", "--fresh", *options, "--json", "refused.json", mentions=mentions)

    def check_spread(self, spread):
        self.assertEqual(set(spread), {"median", "p10", "p90"})
        self.assertTrue(0 < spread["p10"] <= spread["median"] <= spread["p90"], spread)

    def check_bench_row(self, row):
        """What a row of a kernel is compared with, and its limit, from the definitions."""
        self.check_spread(row["ns_per_element"])
        fused, adds = row["kernel"] in FUSED, row["kernel"] in ADDING
        in_place = row["kernel"] == "forward-in-place" or row["kernel"] in REWRITING
        references = ["memcpy", "quickest"] + ["scale"] * (not row["kernel"].startswith("mask-")) + ["dropout"] * fused
        for reference in references:
            self.check_spread(row["%s_ns_per_element" % reference])
            self.check_spread(row["ratio_to_%s" % reference])
        for reference in {"scale", "dropout"} - set(references):
            self.assertIsNone(row["%s_ns_per_element" % reference])
            self.assertIsNone(row["ratio_to_%s" % reference])
        self.assertEqual(row["cycles_per_element"] is None, row["instructions_per_element"] is None)
        draws = row["backend"] != "none" and row["kernel"] not in ("apply-bits", "moments")
        if row["limit"] is None:  # SVE
            self.assertTrue(draws and row["limit_reason"] and row["limit_ns_per_element"] is None and row["share_of_limit"] is None)
            return
        self.assertIsNone(row["limit_reason"])
        self.assertIn(row["limit"], {"memcpy", "copy", "multiplications", "scale in place", "rewriting", "addition"})
        ways = {"pages-1", "pages-1-prefetch", "pages-2", "pages-4", "pages-8"} | (set() if in_place else {"cached", "pages-1-ends"} if adds else {"memcpy", "cached", "pages-1-ends"})
        self.assertIn(row["limit_copy"], ways | ({"populated"} if row["output"] == "fresh" else set()))
        self.assertFalse(row["limit"] == "copy" and row["limit_copy"] == "memcpy")
        self.assertEqual(in_place and row["limit"] != "multiplications", row["limit"] in ("scale in place", "rewriting"))
        self.assertEqual(adds and row["limit"] != "multiplications", row["limit"] == "addition")
        if row["limit"] == "addition":
            self.assertEqual(row["limit_ns_per_element"], row["quickest_ns_per_element"]["median"])
        self.assertGreater(row["limit_ns_per_element"], 0)
        self.assertAlmostEqual(row["limit_ns_per_element"] / row["ns_per_element"]["median"] / row["share_of_limit"], 1, places=9)
        bound = 0  # of the multiplications
        if draws:
            planes = self.planes_of_blocks(row) if row["kernel"] == "dropblock" else 32 if row["kernel"] in NUMBERS else self.expected_planes(round(row["p"] * 2**32))
            lanes = {"avx512": 8, "avx3": 8, "avx2": 4, "scalar": 1}.get(row["backend"].replace("highway-", ""), 2)
            self.assertAlmostEqual(row["expected_planes"], planes, places=9)
            self.assertEqual(row["multiplication_lanes"], lanes)
            self.assertGreater(row["multiplications_per_ns"], 0)
            bound = planes * 14 / 128 / lanes / row["multiplications_per_ns"]
        else:
            self.assertIsNone(row["expected_planes"])
            self.assertNotEqual(row["limit"], "multiplications")
        if row["limit"] == "memcpy":
            size = {"f32": 4, "f64": 8, "f16": 2, "bf16": 2, "f8e4m3fn": 1, "f8e5m2": 1}[row["dtype"]]
            copied = {"mask-bits": (row["n"] + 7) // 8, "mask-bytes": row["n"]}.get(row["kernel"], size * row["n"])
            moved = row["bytes_per_second"] / row["items_per_second"] * row["n"]
            self.assertAlmostEqual(row["limit_ns_per_element"] / row["memcpy_ns_per_element"]["median"] * 2 * copied / moved, 1, places=9)
        if row["limit"] == "multiplications":
            self.assertAlmostEqual(row["limit_ns_per_element"] / bound, 1, places=9)
        self.assertGreaterEqual(row["limit_ns_per_element"] * (1 + 1e-9), bound)

    def planes_of_blocks(self, row):
        """Images of 32 x 32, or one of 1 x n, with blocks of 7 x 7, or 1 x 7: what is drawn is where a block can begin."""
        n = min(row["n"], 1024)
        places, block = (26 * 26, 49) if n == 1024 else (max(n - 6, 1), min(n, 7))
        return self.expected_planes(round(min(row["p"] * n / (block * places), 1) * 2**32)) * places / n

    def expected_planes(self, threshold):
        if threshold in (0, 2**32):
            return 0
        planes = 32 - ((threshold & -threshold).bit_length() - 1)
        return sum(1 - (1 - 2.0**-j) ** 128 for j in range(planes))

    def test_bench_help(self):
        text = self.succeeds("bench", "--help").decode()
        for word in ("--threads LIST", "--csv FILE", "--memory LIST", "--fresh", "limit is the larger of two measured times", "calls too small for that stay whole"):
            self.assertIn(word, text)

    def test_bench_title(self):
        table = self.succeeds("bench", "--short", "--n", "1Ki", "--p", "0.5", "--kernel", "forward").decode()
        self.assertRegex(table, r"\nHardware counters: (none \(.+\)\.|cycles and instructions an element are in JSON and CSV, for one thread\.)\n")
        self.assertRegex(table, r"\n  kernel +backend +p +ns/elem +10-90 % +GB/s +x memcpy +10-90 % +x scale +10-90 % +ns/call +limit\n")
        self.assertRegex(table, r"\n  forward .* \d+ % [a-z ]+\n")

    def test_bench_threads(self):
        # The library cuts calls of 64 Ki elements and more.
        wanted = "memcpy,philox-32bit,forward,mask-bits" if IS_QUICK else PLAIN + ",chain,tile"
        table = self.succeeds("bench", "--short", "--kernel", wanted, "--n", "4Ki,160Ki", "--p", "0.1", "--dtype", "f32,bf16", "--threads", "1,2,5", "--json", "b.json").decode()
        rows = json.loads(self.read("b.json"))["benchmarks"]
        kernels = {row["kernel"] for row in rows}
        self.assertEqual(len(kernels), 4 if IS_QUICK else 13)
        expected = {(k, t, n, threads) for k in kernels for t in ("f32", "bf16") for n in (4096, 163840) for threads in (1, 2, 5)}
        expected -= {("philox-32bit", "bf16", n, threads) for n in (4096, 163840) for threads in (1, 2, 5)}
        self.assertEqual({(r["kernel"], r["dtype"], r["n"], r["threads"]) for r in rows}, expected)
        self.assertEqual((len(rows), len({row["name"] for row in rows})), (len(expected), len(expected)))
        for row in rows:
            self.assertEqual(row["pieces"], min(row["threads"], 5) if row["n"] == 163840 else 1)
            self.assertEqual(row["name"].endswith("/threads:%d" % row["threads"]), row["threads"] > 1)
            self.check_bench_row(row)
            if row["threads"] > 1:
                self.assertEqual((row["cycles_per_element"], row["instructions_per_element"]), (None, None))
        rates = {row["pieces"]: row["multiplications_per_ns"] for row in rows if row["kernel"] == "forward" and row["limit"] is not None}
        for pieces, rate in rates.items():
            self.assertAlmostEqual(rate / rates[1], min(pieces, json.loads(self.read("b.json"))["context"]["num_cpus"]), places=9)
        self.assertEqual(table.count("1 thread\n"), 4)
        self.assertEqual(table.count(", 2 threads\n"), 2)
        self.assertEqual(table.count(", 2 threads, but the library does not cut calls of this size\n"), 2)
        few = self.succeeds("bench", "--short", "--kernel", "forward", "--n", "64Ki", "--p", "0.5", "--threads", "5").decode()
        self.assertIn(", 5 threads, calls cut into 2 pieces\n", few)

    def test_bench_too_many_threads(self):
        def limit_memory():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))

        if run("--version", preexec_fn=limit_memory).returncode != 0:
            self.skipTest("a sanitizer needs more address space than this test leaves")
        self.refused("bench", "--short", "--n", "64Ki", "--threads", "1024", "--csv", "b.csv", mentions="1024 threads", prints=True,
                     preexec_fn=limit_memory)

    def test_bench_csv(self):
        options = ("bench", "--short", "--kernel", "memcpy,forward,mask-bits", "--n", "300,80Ki", "--p", "0.1,1", "--dtype", "f16", "--threads", "1,2")
        self.succeeds(*options, "--json", "b.json", "--csv", "b.csv")
        rows = json.loads(self.read("b.json"))["benchmarks"]
        text = self.read("b.csv").decode("ascii")
        self.assertEqual(text.count("\n"), len(rows) + 1)
        lines = list(csv.DictReader(io.StringIO(text), strict=True))
        self.assertEqual(len(lines), len(rows))
        for row, line in zip(rows, lines):
            columns = []
            for key, value in row.items():
                spread = key.endswith("_ns_per_element") or key.startswith("ratio_") or key == "ns_per_element"
                if spread and key != "limit_ns_per_element":
                    columns += [(key, value and value["median"]), (key + "_p10", value and value["p10"]), (key + "_p90", value and value["p90"])]
                else:
                    columns.append((key, value))
            self.assertEqual(list(line), [key for key, _ in columns])
            for key, value in columns:
                self.assertEqual(line[key] if value is None or isinstance(value, str) else type(value)(line[key]), "" if value is None else value, key)
        # On standard output it stands alone, and so does the JSON, as verify's does.
        few = ("bench", "--short", "--kernel", "memcpy,forward", "--n", "300", "--p", "0.1,1", "--dtype", "f16")
        header, *lines = csv.reader(io.StringIO(self.succeeds(*few, "--csv", "-").decode()))
        self.assertEqual((len(lines), {len(line) for line in lines}), (3, {len(header)}))
        self.assertEqual(len(json.loads(self.succeeds(*few, "--json", "-"))["benchmarks"]), 3)
        mixed = self.succeeds(*few, "--json", "-", "--csv", "c.csv")
        self.assertEqual(len(json.loads(mixed)["benchmarks"]), len(list(csv.DictReader(io.StringIO(self.read("c.csv").decode())))))

    # verify

    def verify(self, *arguments, status=0, **options):
        """The JSON of simdrop verify, or None where the tool is built without the command."""
        done = run("verify", *arguments, "--json", "-", **options)
        if b"built without" in done.stderr:
            self.assertEqual(done.returncode, 2)
            self.skipTest("the tool is built without verify")
        self.assertEqual((done.returncode, done.stderr), (status, b""), arguments)
        return json.loads(done.stdout)

    def failed(self, found):
        return {row["test"] for row in found["figures"] + found["exact"] + found["calibration"] if row["verdict"] == "FAILED"}

    def test_verify_backends(self):
        names = self.backends()
        found = self.verify("--elements", "64Ki", "--p", "0.1,0.5")
        self.assertTrue(found["context"]["passed"])
        self.assertEqual({row["backend"] for row in found["figures"]}, set(names))
        self.assertEqual({row["test"] for row in found["exact"]}, {"K1"} | {"K%d" % i for i in range(3, 21)})
        forms = {"mask", "forward", "backward", "channels", "channels-backward", "chain", "chain-backward", "softmax", "alpha", "gaussian"}
        self.assertEqual({row["form"] for row in found["figures"]}, forms)
        self.assertEqual({row["test"] for row in found["figures"]}, {"S%d" % i for i in range(1, 19)} - {"S12"})
        self.assertEqual(found["context"]["comparisons"], len(found["figures"]))
        self.assertAlmostEqual(found["context"]["level"] * len(found["figures"]), 1e-6, places=11)
        # Equal bits make equal figures, whatever the backend and the number of threads.
        keys = ("test", "form", "p", "statistic", "p_value", "n")
        per_backend = {json.dumps([[row.get(key) for key in keys] for row in found["figures"] if row["backend"] == name]) for name in names}
        self.assertEqual(len(per_backend), 1)
        again = self.verify("--elements", "64Ki", "--p", "0.1,0.5", "--threads", "1", "--backend", names[0])
        self.assertEqual([row["p_value"] for row in again["figures"] if "p_value" in row],
                         [row["p_value"] for row in found["figures"] if "p_value" in row and row["backend"] == names[0]])
        other = self.verify("--elements", "64Ki", "--p", "0.1", "--seed", "2", "--backend", "scalar", "--test", "S1")
        self.assertNotEqual(other["figures"][0]["statistic"], found["figures"][0]["statistic"])

    def test_verify_table(self):
        self.verify("--elements", "1Ki", "--test", "K9")
        table = self.succeeds("verify", "--backend", "scalar", "--elements", "256Ki", "--p", "0.3", "--json", "v.json").decode()
        for word in ("K10", "K20", "S11", "S18", "p-value", "would have seen", "verify: ok: "):
            self.assertIn(word, table)
        self.assertEqual(len([line for line in table.splitlines() if line.startswith("verify:")]), 1)
        every = self.succeeds("verify", "--backend", "scalar", "--elements", "256Ki", "--p", "0.3", "--all").decode()
        figures = json.loads(self.read("v.json"))["figures"]
        self.assertEqual(len([line for line in every.splitlines() if line.startswith("S")]), len(figures))

    def test_verify_statistics(self):
        """S1, S6, S7, S8 of a known sequence against the formulas, by plain counting."""
        for n in 16384, 32768:  # few and many coincidences
            with self.subTest(n=n):
                self.check_statistics(n, 0.25)

    def check_statistics(self, n, p):
        bits = [int(b) for b in self.mask_bytes(n, p, 77)]
        packed = bytes(sum(bits[8 * i + k] << k for k in range(8)) for i in range(n // 8))
        figures = {row["test"]: row for row in self.verify("--from", "-", "--p", p, input=packed)["figures"]}
        q, kept, v = 1 - p, sum(bits), p * (1 - p)
        self.assertAlmostEqual(figures["S1"]["statistic"], (kept - n * q) / math.sqrt(n * v), places=9)
        # The normal tail is near the exact one.
        self.assertAlmostEqual(figures["S1"]["p_value"], math.erfc(abs(figures["S1"]["statistic"]) / math.sqrt(2)), delta=0.03)
        lag = int(figures["S6"]["where"].split()[1])
        rare = [1 - b for b in bits]
        if n * p * p >= 1600:
            covariance = sum((rare[i] - p) * (rare[i + lag] - p) for i in range(n - lag))
            expected = covariance / (v * math.sqrt(n - lag))
        else:
            pairs = [i for i in range(n) if i % (2 * lag) >= lag]
            both = sum(rare[i] & rare[i - lag] for i in pairs)
            expected = (both - len(pairs) * p * p) / math.sqrt(len(pairs) * p * p * (1 - p * p))
        self.assertAlmostEqual(figures["S6"]["statistic"], expected, places=9)
        m = int(figures["S7"]["where"].split()[-1])
        squares = sum((sum(bits[i:i + m]) - m * q)**2 for i in range(0, n, m))
        fourth = m * v * (1 + 3 * (m - 2) * v)
        self.assertAlmostEqual(figures["S7"]["statistic"], (squares - n * v) / math.sqrt(n / m * (fourth - (m * v)**2)), places=9)
        changes = sum(bits[i] != bits[i + 1] for i in range(n - 1))
        variance = 2 * v * (1 - 2 * v) * (n - 1) + 2 * (v - 4 * v * v) * (n - 2)
        self.assertAlmostEqual(figures["S8"]["statistic"], (changes - 2 * v * (n - 1)) / math.sqrt(variance), places=9)

    def test_verify_fused(self):
        """Each fused kernel and variant has figures of its own, and calibration is of what the forms have."""
        found = self.verify("--elements", "1Mi", "--p", "0.3", "--form", "chain,chain-backward,softmax,alpha,gaussian", "--backend", "scalar")
        expected = {("S13", "chain"), ("S13", "chain-backward"), ("S13", "softmax"), ("S18", "alpha")} | {("S%d" % i, "gaussian") for i in range(14, 18)}
        self.assertEqual({(row["test"], row["form"]) for row in found["figures"]}, expected)
        self.assertEqual({row["verdict"] for row in found["figures"]}, {"ok"})
        self.assertEqual({row["n"] for row in found["figures"] if row["form"] == "gaussian"}, {1 << 20})

    def test_verify_from(self):
        good = self.succeeds("mask", "--p", "0.1", "--count", "4Mi", "--seed", "5")
        self.write("good.bits", good)
        self.assertEqual(self.failed(self.verify("--from", "good.bits", "--p", "0.1")), set())
        self.assertEqual(self.failed(self.verify("--from", "-", "--p", "0.1", input=good)), set())
        self.assertIn("S1", self.failed(self.verify("--from", "good.bits", "--p", "0.11", status=1)))
        self.assertIn("S9", self.failed(self.verify("--from", "-", "--p", "0.1", status=1, input=good[:1 << 18] * 2)))
        # Four neighbours that share one decision.
        repeated = bytes((b & 1) * 15 | (b >> 1 & 1) * 240 for b in good)
        self.assertLessEqual({"S4", "S5", "S6", "S7", "S8"}, self.failed(self.verify("--from", "-", "--p", "0.1", status=1, input=repeated)))
        # Exactly a quarter dropped of every 32: as regular as no chance is.
        regular = bytes([0b01110111]) * (1 << 16)
        self.assertIn("S7", self.failed(self.verify("--from", "-", "--p", "0.25", status=1, input=regular)))
        limited = self.verify("--from", "good.bits", "--p", "0.1", "--elements", "1Mi")
        self.assertEqual({row["n"] for row in limited["figures"] if row["test"] == "S1"}, {1 << 20})

    def test_verify_refusals(self):
        self.verify("--elements", "1Ki", "--test", "K9")
        self.write("short.bits", b"abc")
        self.refused("verify", "--from", "short.bits", "--p", "0.1", "--json", "v.json", mentions="short.bits is too short")
        self.refused("verify", "--from", "nothing.bits", "--p", "0.1", mentions="nothing.bits")
        self.refused("verify", "--from", ".", "--p", "0.1", mentions="directory")
        self.refused("verify", "--from", "short.bits", mentions="--p")
        self.refused("verify", "--from", "short.bits", "--p", "0.1,0.2", mentions="one --p")
        self.refused("verify", "--from", "short.bits", "--p", "0.1", "--backend", "scalar", mentions="--from excludes")
        self.refused("verify", "--from", "short.bits", "--p", "0.1", "--long", mentions="--from excludes")
        self.refused("verify", "--p", "0", mentions="--p")
        self.refused("verify", "--p", "1", mentions="--p")
        self.refused("verify", "--p", "1e-11", mentions="rounds to 0")
        self.refused("verify", "--test", "S10", "--form", "forward", mentions="no such tests in such a form")
        self.refused("verify", "--test", "S1,S11", "--form", "gaussian,chain", mentions="no such tests in such a form")
        self.refused("verify", "--test", "S14", "--form", "mask,chain", mentions="no such tests in such a form")
        self.refused("verify", "--test", "S2", "--elements", "1Ki", "--p", "0.001", mentions="nothing was tested")
        self.refused("verify", "--test", "S19", mentions="S19")
        self.refused("verify", "--form", "rows", mentions="rows")
        self.refused("verify", "--backend", "nonsense", mentions="nonsense")
        for elements in ("0", "100", "2Ti", str(2**64 - 1)):
            self.refused("verify", "--elements", elements, mentions="--elements")
        for threads in ("0", "5000"):
            self.refused("verify", "--threads", threads, mentions="--threads takes a number from 1 to 1024, not " + threads)
        self.refused("verify", "--from", "short.bits", "--p", "0.1", "--test", "K1", mentions="--from takes")
        self.refused("verify", "--elements", "1Ki", "--test", "K9", "--json", "no/where.json", mentions="no/where.json")

    def test_verify_long(self):
        """Long mode with few elements: a fresh seed, the time beforehand, calibration."""
        self.verify("--elements", "1Ki", "--test", "K9")
        out = self.succeeds("verify", "--long", "--elements", "64Ki", "--p", "0.5", "--backend", self.backends()[0], "--form", "mask", "--test", "S1,S4,S6")
        again = self.succeeds("verify", "--long", "--elements", "64Ki", "--p", "0.5", "--backend", self.backends()[0], "--form", "mask", "--test", "S1,S4,S6")
        self.assertRegex(out.decode(), r"\ASeed \d+\.\nThis takes about \d+ minutes? on \d+ threads?\.\n")
        self.assertNotEqual(out.splitlines()[0], again.splitlines()[0])

    def test_verify_long_small(self):
        """However few its elements are, a long run leaves no test out whose p allows it, and says what it says beside the JSON."""
        if IS_QUICK:
            self.skipTest("a thousand calibrations take long: test_verify_long has the same code run")
        self.verify("--elements", "1Ki", "--test", "K9")
        done = run("verify", "--long", "--elements", "64Ki", "--p", "0.5,0.5", "--backend", self.backends()[0],
                   "--form", "mask,forward,backward,channels,channels-backward", "--json", "-")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stderr.decode(), r"\ASeed \d+\.\nThis takes about \d+ minutes? on \d+ threads?\.\n\Z")
        found = json.loads(done.stdout)
        self.assertEqual({row["test"] for row in found["figures"]}, {"S%d" % i for i in range(1, 12)})
        self.assertEqual([row for row in found["figures"] if row["verdict"] == "too few"], [])
        self.assertEqual([row["test"] for row in found["calibration"]], ["S%d" % i for i in range(1, 9)])
        self.assertEqual({len(row["p_values"]) for row in found["calibration"]}, {1000})

    def test_verify_from_mixed(self):
        """Of a list of tests those run that bits alone can answer, and the others are named."""
        self.verify("--elements", "1Ki", "--test", "K9")
        self.write("half.bits", os.urandom(1 << 16))
        done = run("verify", "--from", "half.bits", "--p", "0.5", "--test", "S1,S3,K1", "--json", "-")
        self.assertEqual(done.returncode, 0)
        self.assertEqual({row["test"] for row in json.loads(done.stdout)["figures"]}, {"S1"})
        self.assertRegex(done.stderr.decode(), r"left out: S3 K1\.")


def main(case):
    global TOOL
    if len(sys.argv) < 2:
        sys.exit("usage: %s PATH_OF_SIMDROP [name of a test, with * for any part; after a !, those that are left out ...]" % os.path.basename(sys.argv[0]))
    TOOL = os.path.abspath(sys.argv[1])
    wanted = [name for name in sys.argv[2:] if not name.startswith("!")] or ["*"]
    unwanted = [name[1:] for name in sys.argv[2:] if name.startswith("!")]
    every = unittest.TestLoader().getTestCaseNames(case)
    lost = [pattern for pattern in wanted + unwanted if not fnmatch.filter(every, pattern)]
    if lost:
        sys.exit("there is no test " + ", ".join(lost))
    names = [name for name in every if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted)
             and not any(fnmatch.fnmatchcase(name, pattern) for pattern in unwanted)]
    suite = unittest.TestSuite(map(case, names))
    sys.exit(not unittest.TextTestRunner(sys.stdout, verbosity=2).run(suite).wasSuccessful())


if __name__ == "__main__":
    main(ToolTest)
