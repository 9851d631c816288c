#!/usr/bin/env python3
"""Headers of .npy files as the tool and as NumPy read them: npy_headers.py PROGRAM PYTHON... [--count N] [--seed N]

PROGRAM is npy_headers.c's, each PYTHON has a NumPy and ml_dtypes. The headers are made up: valid ones in all spellings of Python, and
damaged ones. Both must read the same ones, and the same type, byte order, memory order and shape in them; where they do not, DIFFERENCES
says why, and has no reason that never occurs. A line for each PYTHON, that begins with "ok " or "FAILED ".

Seen to fail: an L after a number in version 3; no L behind a hexadecimal number; '>' taken for '<'; Latin-1 not decoded; the first of
two equal keys taken; an octal escape of four digits; a string that goes on in the next line; bytes taken for a string; a sign before
True; (4) taken for a tuple; a name with a byte order; a size with a letter behind it; -0 refused.
"""
import argparse
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings

DATA_SIZE = 1024  # bytes of elements in each file
LIMIT = 1 << 20  # of a header's size, the tool's


# What NumPy makes of a folder of files; runs in a Python that has it.


def describe(dtype, shape, fortran):
    import numpy

    names = {"float16": "f2", "float32": "f4", "float64": "f8", "bfloat16": "bf16", "uint16": "u2", "uint8": "u1",
             "float8_e4m3fn": "f8e4m3fn", "float8_e5m2": "f8e5m2"}
    kind = names.get(dtype.name) if dtype.names is None and dtype.subdtype is None else None
    if dtype in (numpy.dtype("V1"), numpy.dtype("V2")) and dtype.names is None and kind is None:
        kind = "V%d" % dtype.itemsize
    order = {"<": "little", ">": "big", "=": sys.byteorder}.get(dtype.byteorder) if dtype.itemsize > 1 else "little"
    return {"type": kind, "order": order, "fortran": bool(fortran), "shape": list(map(int, shape))}


def header_reader():
    import numpy

    return getattr(numpy.lib.format, "_read_array_header", None) or numpy.lib._format_impl._read_array_header


def read_with_numpy(path):
    """What NumPy reads: the header, and whether it makes an array of it."""
    import numpy

    with open(path, "rb") as file:
        version = numpy.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0), (3, 0)):
            raise ValueError("version")
        shape, fortran, dtype = header_reader()(file, version, max_header_size=LIMIT)
    found = describe(dtype, shape, fortran)
    count = 1
    for length in shape:
        count *= int(length)
    if dtype.hasobject or dtype.itemsize == 0:
        found["type"] = None
    elif count * dtype.itemsize <= DATA_SIZE:
        numpy.load(path, max_header_size=LIMIT)
    else:
        numpy.broadcast_to(numpy.zeros((), dtype), shape)  # the same checks, without the memory
    return found


def in_brackets(path):
    """What NumPy reads in the header if it stands in brackets, in which lines do not count."""
    import numpy

    with open(path, "rb") as file:
        version = numpy.lib.format.read_magic(file)
        width = 2 if version == (1, 0) else 4
        size = int.from_bytes(file.read(width), "little")
        text = b"(" + file.read(size) + b"\n)"
    header = io.BytesIO(len(text).to_bytes(width, "little") + text)
    shape, fortran, dtype = header_reader()(header, version, max_header_size=LIMIT)
    return describe(dtype, shape, fortran)


def print_verdicts(folder, count):
    import numpy
    import ml_dtypes  # noqa: F401, for the names of its types

    warnings.simplefilter("ignore")
    print(json.dumps(numpy.__version__))
    for i in range(count):
        path = os.path.join(folder, "%d.npy" % i)
        try:
            verdict = read_with_numpy(path)
        except Exception as error:  # pylint: disable=broad-except
            verdict = {"refused": "%s: %s" % (type(error).__name__, error)}
            try:
                verdict["in_brackets"] = in_brackets(path)
            except Exception:  # pylint: disable=broad-except
                pass
        print(json.dumps(verdict))


# The headers.


ODD_NUMBERS = ["0N", "N.", "Ne0", "Nj", "-N", "--N", "N__0", "N_", "0x", "0_N", "+True", "N+0j", "Nl", "NLL", "~N", "N*1", "True", "None", "0o8",
               "1_0.5_0e+1_0", "2e", ".5", "1if 1 else 2", "(1,)"]
ODD_VALUES = ["None", "True", "...", "set()", "1.5e-3", "1+2j", "-1 - 2.5j", "b'\\x00'", "2j", "-.5", "''", "'\\U00110000'", "'\\u12'", "10" * 30,
              "+True", "-(-1)", "1 + 2", "1j + 2j", "-None", "{[]}", "{{}: 1}", "{([],)}", "{(1, ()): []}", "{(1, {2}): 3}"]
ODD_SHAPES = ["[4]", "(4)", "()", "(0, %d)" % 2**62, "(%d, 4)" % 2**62, "(%d,)" % 2**61, "(%d,)" % 2**63, "(-1,)", "(2, -3)", "(2**2,)", "(2 2)",
              "(True,)", "(*(1,),)", "(65536, 65536, 65536, 65536)", "(0, %d, %d)" % (2**40, 2**40)]
ODD_DESCRS = ["[('a', '<f4')]", "[]", "('<f4', (2,))", "('<f4', ())", "('<f4', 1)", "b'<f4'", "[('', '<f4')]", "None", "[('a','<f4'),('','|V4')]"]
ODD_TYPES = ["<i4", "<c8", "|O", "<f16", "|b1", "|S4", "<U4", "<M8[s]", "int16", "f3", "u4", "V4", "g", "longdouble", "float128", "void",
             "f1", "<f1", "float8_e4m3", "float8_e5m2fnuz", "V3", "<float32", ">bfloat16", "Float32", "F4", "v2", "H2", "e2", "@f4", "!f4", "<<f4",
             "f 4", "<f04", "f+4", "f\t4", "V\n2", "f4 ", " f4", "f4\0", "f-4", "f4:", "f99999999999999999999", "f4" * 30, "caf\xe9",
             "", "<", "f4,", "single,", "1f4", "()f4", "(2)f4", "float_", "\x0b", ">\x17"]


class Writer:
    """Writes Python's literals in random spellings. wild is the chance of one that is wrong, or that few programs would write."""

    def __init__(self, generator, version):
        self.random, self.version = generator, version
        self.wild = generator.choice((0, 0, 0.02, 0.1))

    def chance(self, p):
        return self.random.random() < p

    def pick(self, *choices):
        return self.random.choice(choices)

    def space(self):
        if not self.chance(0.3 + self.wild):
            return ""
        # Newer Pythons do not see that a bare carriage return ends a line when they look for an L.
        return self.pick(" ", "  ", "\t", "\n", "\r\n", "\r" if self.version == 3 else "\n", "\f", "# it's {\n", "\\\n",
                         " # caf\xe9\n ", "\v" if self.chance(self.wild) else " ")

    def character(self, c, quote, binary):
        forms = ["\\x%02x" % ord(c), "\\%o" % ord(c), "\\%03o" % ord(c)]
        if not binary:
            forms += ["\\u%04X" % ord(c), "\\U%08x" % ord(c)]
        if self.chance(self.wild):
            if self.chance(0.3) and not binary and c in "fs":
                return "\\N{LATIN SMALL LETTER %s}" % c.upper()
            forms = ["\\x%x" % ord(c), "\\" + c, "\\\n" + c, "\\\r\n" + c, "\\u12", "\\U00110000", "\\777", "\\0041", c + "\n", "\\" + quote]
        if c in quote + "\\\n" or self.chance(0.03 + self.wild):
            return self.pick(*forms)
        return c

    def piece(self, text):
        quote = self.pick("'", "'", '"', "'''", '"""')
        prefix = self.pick("", "", "", "u", "r", "U", "R")
        if self.chance(self.wild):
            prefix = self.pick("b", "B", "br", "Rb", "f", "ur", "bb", "L")
        binary = "b" in prefix.lower()
        if "r" in prefix.lower():
            return prefix + quote + text + quote
        return prefix + quote + "".join(self.character(c, quote[0], binary) for c in text) + quote

    def string(self, text):
        if self.chance(0.1 + self.wild):
            cut = self.random.randrange(len(text) + 1)
            return self.piece(text[:cut]) + self.space() + self.piece(text[cut:])
        return self.bracketed(self.piece(text))

    def bracketed(self, text):
        return "(" + self.space() + text + self.space() + ")" if self.chance(0.04) else text

    def integer(self, n):
        forms = ["%d" % n] * 12 + ["0x%x" % n, "0X%X" % n, "0o%o" % n, bin(n), "0x_%x" % n, "+%d" % n, "{:_}".format(n), "+ %d" % n]
        if n == 0:
            forms += ["00", "0_0", "-0", "- 0x0"]
        if self.chance(self.wild):
            forms = [form.replace("N", "%d" % n) for form in ODD_NUMBERS] + ["%d" % (n + 2**63), "-%d" % (n + 1)]
        text = self.pick(*forms)
        if self.chance(0.1 if self.version < 3 else self.wild):
            text += self.pick("L", "L", "L", " L", "L L", " \\\nL", " # no\nL")
        return self.bracketed(text)

    def sequence(self, items, brackets="()"):
        text = (self.space() + ",").join(self.space() + item for item in items) + self.space()
        if (len(items) == 1 and brackets == "()" and not self.chance(self.wild)) or (items and self.chance(0.3)):
            text += ","
        return brackets[0] + text + self.space() + brackets[1]

    def anything(self, depth=0):
        """Any literal, to stand where it is thrown away or refused."""
        if depth < 3 and self.chance(0.4):
            items = [self.anything(depth + 1) for _ in range(self.random.randrange(3))]
            brackets = self.pick("()", "[]", "{}")
            if brackets == "{}" and self.chance(0.5):
                items = [item + ":" + self.anything(depth + 1) for item in items]
            return self.sequence(items, brackets)
        return self.pick(self.integer(7), self.string("x"), *ODD_VALUES)

    def shape(self):
        if self.chance(self.wild):
            return self.pick(self.anything(), self.integer(4), *ODD_SHAPES)
        if self.chance(0.01):
            return "(" + "1," * self.pick(31, 32, 33, 63, 64, 65) + ")"
        lengths = [self.pick(0, 1, 2, 3, 4, 5) for _ in range(self.random.randrange(4))]
        if self.chance(0.05):
            lengths.append(self.pick(2**16, 2**31, 2**32, 2**40))
        return self.bracketed(self.sequence([self.integer(length) for length in lengths]))

    def descr(self):
        if self.chance(0.9 - self.wild):
            code = self.pick("f2", "f4", "f8", "f4", "f8", "u2", "V2", "u1", "V1", "e", "f", "d", "H", "B")
            return self.string(self.pick("<", ">", "=", "|", "") + code if self.chance(0.85) else
                               self.pick("float16", "float32", "float64", "bfloat16", "half", "single", "double", "float", "uint16", "ushort",
                                         "float8_e4m3fn", "float8_e5m2", "uint8", "ubyte"))
        if self.chance(0.3):
            return self.pick(self.anything(), *ODD_DESCRS)
        return self.string(self.pick(*ODD_TYPES))

    def pairs(self):
        fortran = self.pick("True", "False", "False")
        if self.chance(self.wild):
            fortran = self.pick("0", "1", "None", "'False'", "true", "Falsely", "False or True", "not False", self.anything())
        pairs = [("descr", self.descr()), ("fortran_order", self.bracketed(fortran)), ("shape", self.shape())]
        if self.chance(0.5):
            self.random.shuffle(pairs)
        if self.chance(self.wild):
            del pairs[self.random.randrange(len(pairs))]
        if self.chance(0.1 + self.wild):
            key = self.pick("descr", "shape", "fortran_order")
            pairs.insert(self.random.randrange(len(pairs) + 1), (key, self.pick(self.anything(), self.shape(), self.descr())))
        pairs = [(self.string(key), value) for key, value in pairs]
        if self.chance(self.wild):
            key = self.pick("'extra'", "b'descr'", "1", "[]", "('shape',)", self.anything())
            pairs.insert(self.random.randrange(len(pairs) + 1), (key, self.anything()))
        return pairs

    def header(self):
        items = [key + self.space() + ":" + self.space() + value for key, value in self.pairs()]
        if self.chance(0.3 * self.wild):
            items = [self.anything()] * self.random.randrange(3)
        text = self.sequence(items, self.pick("()", "[]") if self.chance(0.3 * self.wild) else "{}")
        before = self.space() if self.chance(0.1) else ""
        after = ""
        if self.chance(0.1 * (self.wild > 0)):
            after = self.pick(self.space(), ",", ";", " x", "\\", "\\\n", "\\\n\n", "  # c", "\n  # c\n  ", "{}")
        return before + self.bracketed(text) + after

    def damaged(self, text):
        """One or a few edits of its characters."""
        for _ in range(self.pick(1, 1, 1, 2, 3)):
            at = self.random.randrange(len(text) + 1)
            kind = self.random.randrange(5)
            new = self.pick(*"'\"\\{}[]():,.-+_#0123456789abfxnuLTN \t\n\r\f\v\0\x7f\x80\xa0\xe9\xff<>|=")
            if kind == 0:
                text = text[:at] + new + text[at:]
            elif kind == 1:
                text = text[:at] + text[at + 1 :]
            elif kind == 2:
                text = text[:at] + new + text[at + 1 :]
            elif kind == 3:
                end = at + self.random.randrange(20)
                text = text[:at] + text[at:end] * 2 + text[end:]
            else:
                text = text[:at] + text[at + self.random.randrange(8) :]
        return text


def make_file(generator):
    """The bytes of a file, and its header's text."""
    version = generator.choice((1, 1, 2, 3))
    writer = Writer(generator, version)
    text = writer.header()
    if writer.chance(0.35):
        text = writer.damaged(text)
    raw = text.encode("utf-8" if version == 3 else "latin-1")
    if version == 3 and writer.chance(0.02):
        raw = raw.replace(b"f", generator.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf")), 1)
    width = 2 if version == 1 else 4
    if writer.chance(0.7):
        raw += b" " * (-(8 + width + len(raw) + 1) % 64) + b"\n"
    size = len(raw)
    if writer.chance(0.01):
        size = generator.choice((0, size // 2, size - 1, size + 3, 2 ** (8 * width) - 1))
    magic = b"\x93NUMPY" if not writer.chance(0.005) else generator.choice((b"\x93NUMPZ", b"\x93NUMP", b"", b"PK\3\4zi"))
    numbers = bytes((version, 0)) if not writer.chance(0.005) else bytes((generator.randrange(5), generator.randrange(2)))
    return magic + numbers + size.to_bytes(width, "little") + raw + bytes(DATA_SIZE), text


# The comparison.

# Why the two may differ: a name, the reason, and whether it is so, by NumPy's verdict n and the tool's line t.
NUMPY_READS = {
    "other types": ("the tool is for floating-point numbers", lambda n, t: n["type"] is None),
    "negative lengths": ("NumPy takes as many elements as there are, whatever the number",
                         lambda n, t: min(n["shape"], default=0) < 0 and "negative length" in t),
    "names of characters": ("\\N{...} takes Unicode's tables", lambda n, t: "does not look up" in t),
    "type numbers": ("a control character is NumPy's own number of a type", lambda n, t: re.search(r"dtype '[<>=|]?\?'", t)),
    "lists of types": ("notation of structured arrays", lambda n, t: "()f4'" in t or "arrays themselves" in t),
    "old spellings": ("NumPy 2 has dropped these", lambda n, t: n["version"] == 1 and re.search(r"dtype '([<>=|]?1.*|.*,|float_)'", t)),
}
TOOL_READS = {
    "no elements": ("an array without elements may have axes of any length",
                    lambda n, t: re.search("too big|array of size 0", n["refused"]) and re.search(r"[( ]0[,)]", t)),
    "many axes": ("NumPy 1 has at most 32", lambda n, t: n["version"] == 1 and "maximum supported dimension" in n["refused"] and t.count(",") >= 32),
    "f1": ("numpy.save writes it for float8_e5m2, and numpy.load does not know it",
           lambda n, t: re.search("valid dtype descriptor|data type .* not understood", n["refused"]) and t.startswith("read f8e5m2 ")),
    "lines": ("space at the begin and the end may be of any kind, as within brackets",
              lambda n, t: re.match("ValueError: Cannot parse header|TokenError", n["refused"]) and "in_brackets" in n and agree(n["in_brackets"], t)),
}


def agree(numpy, line):
    """Whether NumPy's verdict is that of the tool's line "read TYPE ORDER ORDER SHAPE"."""
    kind, order, fortran, shape = line.split(" ", 4)[1:]
    # Raw bytes have no byte order for NumPy.
    return (numpy["type"], numpy["order"] or order, "F" if numpy["fortran"] else "C", str(tuple(numpy["shape"]))) == (kind, order, fortran, shape)


def compare(numpy, line):
    """The name of the reason why the two differ, "read" or "refused" if they do not, None if there is no reason."""
    tool_reads, numpy_reads = line.startswith("read "), "refused" not in numpy
    if tool_reads and numpy_reads:
        return "read" if agree(numpy, line) else None
    if not tool_reads and not numpy_reads:
        return "refused"
    reasons = NUMPY_READS if numpy_reads else TOOL_READS
    return next((name for name, (_, holds) in reasons.items() if holds(numpy, line)), None)


def tool_lines(program, folder, count):
    """A line for each header: what was read, or the sentence."""
    done = subprocess.run([program, folder, str(count)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    lines, sentence = [], None
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("simdrop: "):
            assert sentence is None, line
            sentence = line
        else:
            assert (line == "refused") == (sentence is not None), (line, sentence)
            lines.append(sentence or line)
            sentence = None
    assert len(lines) == count, (len(lines), count)
    return lines


def check(python, folder, lines, texts):
    """Compares with one NumPy; prints a line, and all that has no reason."""
    done = subprocess.run([python, __file__, "--verdicts", folder, str(len(lines))], stdout=subprocess.PIPE, check=True)
    version, *verdicts = map(json.loads, done.stdout.splitlines())
    counts, unexplained = {}, 0
    for i, (verdict, line) in enumerate(zip(verdicts, lines)):
        verdict["version"] = int(version.split(".", maxsplit=1)[0])
        reason = compare(verdict, line)
        counts[reason] = counts.get(reason, 0) + 1
        if reason is None:
            unexplained += 1
            if unexplained <= 20:
                print("%r\n  NumPy %s: %s\n  tool: %s" % (texts[i][:300], version, verdict, line))
    needed = {"read", "refused", *NUMPY_READS, *TOOL_READS} - (set() if version.startswith("1.") else {"old spellings", "many axes"})
    for name in sorted(needed - set(counts)):
        print("no header was %s" % name)
    good = unexplained == 0 and needed <= set(counts) and counts["read"] > len(lines) // 4
    told = ", ".join("%d %s" % (n, name) for name, n in sorted(counts.items(), key=str))
    print("%s headers as NumPy %s reads them: %s" % ("ok" if good else "FAILED", version, told))
    return good


def main():
    if sys.argv[1:2] == ["--verdicts"]:
        print_verdicts(sys.argv[2], int(sys.argv[3]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("python", nargs="+")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    generator = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="simdrop-headers-") as folder:
        texts = []
        for i in range(arguments.count):
            data, text = make_file(generator)
            texts.append(text)
            with open(os.path.join(folder, "%d.npy" % i), "wb") as file:
                file.write(data)
        lines = tool_lines(arguments.program, folder, arguments.count)
        return 0 if all([check(python, folder, lines, texts) for python in arguments.python]) else 1


if __name__ == "__main__":
    sys.exit(main())
