#!/usr/bin/env python3
"""Measures simdrop next to its peers: the dropouts of other libraries, each called as its users would call it.

    python3 bench/peers.py --library build/release --json bench/results/peers.json
    python3 bench/peers.py --peers torch,numpy --n 1Mi --p 0.2 --threads 1 --python torch=venv/bin/python
    sh bench/peers.sh FOLDER --json FILE       makes a Python environment for each peer in FOLDER first
    sh bench/peers.sh FOLDER --short-calls --json FILE      calls of up to 4096 elements, AVX-512 and AVX2 next to PyTorch's kernel

Each peer runs in a process of its own, bound to as many processors as threads. In it, rounds of three turns on arrays of the same size:
memcpy of the same bytes (by as many threads), simdrop_forward (with more than one thread simdrop_parallel_forward on OpenMP's threads;
with a gradient simdrop_backward too; --backend names those that take turns with the peer), and the peer. A figure is the median over the
rounds and the range of the middle 80 %; what is compared is compared round by round. simdrop and memcpy are called from a C loop, peers in Python from a Python loop, with the arrays that
their interface makes: that is what their users have. Before it is timed, a peer's output is looked at: about p of it zero, the rest
x / (1 - p), and another mask in the next call.

A row's status is ok; missing (the peer, or this case of it, is not there); wrong (its output is no dropout of p, so it was not timed);
or failed (it raised an error or crashed). The reason stands in the row. Exit status 2 if the arguments are bad, simdrop does not run,
or the file cannot be written; otherwise 0.

Peers are found by Python (torch, which native-dropout is of, numpy, onnxruntime with onnx, jax, tensorflow); by the compiler (random123;
RANDOM123_ROOT may name its folder); below the Python's own folder, where pip puts mkl and onednn with onednn-devel, or below MKL_ROOT and ONEDNN_ROOT; libxsmm below
LIBXSMM_ROOT. --python gives a peer a Python of its own.
"""

import argparse
import itertools
import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "bench", "peers")
sys.path.insert(0, FOLDER)
sys.dont_write_bytecode = True
import adapters  # noqa: E402  (it imports no peer)
from calls import processor  # noqa: E402

SUFFIXES = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
DTYPES = ("f32", "bf16")
EFFORTS = {False: {"rounds": 21, "rounds_long": 9, "round_seconds": 2e-3, "seconds": 0.2},
           True: {"rounds": 7, "rounds_long": 3, "round_seconds": 1e-3, "seconds": 0.02}}
# What --short-calls stands for.
SHORT_CALLS = ["--peers", "native-dropout", "--backend", "avx512,avx2", "--dtype", "f32", "--threads", "1", "--n",
               "1,2,4,8,16,32,64,100,128,200,256,384,512,1000,1024,2Ki,3000,4Ki"]
DESCRIPTIONS = {
    "random123": "Random123 in a loop: Philox4x32-10, four elements a call, compiled with -O3 -march=native",
    "torch": "PyTorch: torch.nn.functional.dropout(x, p, training=True), and y.backward(g)",
    "native-dropout": "PyTorch's kernel alone: torch.native_dropout(x, p, True), which writes the mask as bytes too",
    "numpy": "NumPy: a uniform number an element, compared, multiplied, without new arrays",
    "onednn": "oneDNN: the dropout attribute on an eltwise primitive",
    "onnxruntime": "ONNX Runtime: a model of one Dropout node in training mode, CPU provider, bound arrays",
    "mkl-philox": "Intel MKL: viRngBernoulli with Philox4x32-10 by blocks, then a loop that multiplies",
    "mkl-mcg31": "Intel MKL: the same with its fastest generator, MCG31",
    "jax": "JAX: jax.random.bernoulli and where, compiled, with the key split in each call, as flax.linen.Dropout",
    "tensorflow": "TensorFlow: tf.nn.dropout in a tf.function",
    "libxsmm": "libxsmm: its dropout kernel for tiles of 16384 elements",
}


class Refused(Exception):
    """What ends the run with a sentence and exit status 2."""


def size(text):
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi|)", text)
    if not match or int(match.group(1)) == 0:
        raise Refused("--n: '%s' is no number of elements such as 65536, 64Ki or 64Mi" % text)
    return int(match.group(1)) * SUFFIXES[match.group(2)]


def probability(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise Refused("--p: '%s' is no probability between 0 and 1" % text)
    return value


def thread_count(text):
    if not text.isdigit() or not 1 <= int(text) <= (os.cpu_count() or 1):
        raise Refused("--threads: '%s' is no number from 1 to %d, as many as there are processors" % (text, os.cpu_count() or 1))
    return int(text)


def items(text, one):
    return list(dict.fromkeys(one(item) for item in text.split(",")))


def selected(text, own):
    """The peers of a list; `mkl` names both of MKL's."""
    names = []
    for item in text.split(","):
        found = [name for name in list(DESCRIPTIONS) + own if item in (name, name.split("-")[0])]
        if not found:
            raise Refused("--peers: there is no peer '%s'; --list names them" % item)
        names += found
    return list(dict.fromkeys(names))


def parse(arguments):
    parser = argparse.ArgumentParser(prog="peers.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("--peers", metavar="LIST", help="some of the peers, with commas between (default: all)")
    parser.add_argument("--list", action="store_true", help="name the peers and end")
    parser.add_argument("--library", metavar="FOLDER", default=os.path.join(ROOT, "build", "release"),
                        help="where libsimdrop.so is (default: build/release)")
    parser.add_argument("--n", metavar="LIST", default="64Ki,64Mi", help="numbers of elements (default 64Ki,64Mi)")
    parser.add_argument("--p", metavar="LIST", default="0.1,0.5", help="probabilities of dropping (default 0.1,0.5)")
    parser.add_argument("--dtype", metavar="LIST", default="f32,bf16", help="f32, bf16 (where the peer has it) or both (default)")
    parser.add_argument("--threads", metavar="LIST", help="numbers of threads (default 1,2 if there are two processors)")
    parser.add_argument("--backend", metavar="LIST", help="simdrop's backends, one after the other (default: the one that it chooses)")
    parser.add_argument("--short-calls", action="store_true", help="the same as " + " ".join(SHORT_CALLS))
    parser.add_argument("--json", metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--python", metavar="PEER=PYTHON", action="append", default=[], help="run this peer by this Python")
    parser.add_argument("--own", metavar="FILE.c", action="append", default=[], help="a dropout of your own, with the functions of bench/peers/peer.h")
    parser.add_argument("--cc", metavar="COMMAND", default=os.environ.get("CC", "cc"), help="the C compiler (default $CC, or cc)")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=3600, help="for one peer and number of threads (default 3600)")
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    options = parser.parse_args(arguments)
    if options.short_calls:
        options = parser.parse_args(SHORT_CALLS + arguments)
    options.backend = items(options.backend, str) if options.backend else [None]
    for path in options.own:
        if not os.path.isfile(path):
            raise Refused("--own: there is no file '%s'" % path)
    options.own = {os.path.splitext(os.path.basename(path))[0]: os.path.abspath(path) for path in options.own}
    for name in options.own:
        if name in DESCRIPTIONS:
            raise Refused("--own: there is a peer named '%s' already" % name)
    own = list(options.own)
    options.peers = selected(options.peers, own) if options.peers else list(DESCRIPTIONS) + own
    options.n, options.p = items(options.n, size), items(options.p, probability)
    for dtype in options.dtype.split(","):
        if dtype not in DTYPES:
            raise Refused("--dtype: '%s' is neither f32 nor bf16" % dtype)
    options.dtype = items(options.dtype, str)
    options.threads = items(options.threads or ("1,2" if (os.cpu_count() or 1) > 1 else "1"), thread_count)
    interpreters = {}
    for item in options.python:
        name, equals, interpreter = item.partition("=")
        if not equals:
            raise Refused("--python: '%s' is not of the form PEER=PYTHON" % item)
        if shutil.which(interpreter) is None:
            raise Refused("--python: '%s' is no program" % interpreter)
        for peer in selected(name, own):
            interpreters[peer] = interpreter
    options.python = interpreters
    options.cc = shlex.split(options.cc)
    if options.json and not os.access(os.path.dirname(os.path.abspath(options.json)), os.W_OK):
        raise Refused("--json: '%s' is in a folder that cannot be written to" % options.json)
    return options


def build_shim(options, folder, threads, source="shim.c"):
    """The C part, with the executor on OpenMP's threads if there are more than one."""
    library = os.path.abspath(options.library)
    needed = ["libsimdrop.so"] + (["libsimdrop_openmp.so"] if threads > 1 else [])
    for name in needed:
        if not os.path.exists(os.path.join(library, name)):
            raise Refused("%s is not in '%s'; build simdrop, or name the folder with --library" % (name, options.library))
    output = os.path.join(folder, "shim.so")
    command = options.cc + ["-std=gnu11", "-O2", "-fPIC", "-shared", "-I", os.path.join(ROOT, "include"), os.path.join(FOLDER, source),
                            "-o", output, "-L", library, "-lsimdrop", "-lm", "-Wl,-rpath," + library]
    if threads > 1:
        command += ["-DSHIM_THREADS", "-lsimdrop_openmp"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False)
    except OSError as error:
        raise Refused("the C compiler '%s' does not run: %s" % (options.cc[0], error.strerror)) from error
    if done.returncode != 0:
        raise Refused("the C compiler does not make bench/peers/%s:\n%s" % (source, done.stdout.strip()))
    return output


def cases_of(options, peer):
    peer_class = adapters.PEERS.get(peer, adapters.Native)
    return [{"dtype": dtype, "n": n, "p": p, "direction": direction} for direction in peer_class.directions
            for dtype in options.dtype if dtype in peer_class.dtypes for n in options.n for p in options.p]


def environment(threads, backend):
    """Idle threads of one runtime must not spin through another one's turn: under a millisecond, which still bridges two calls. The
    threads of OpenMP have a processor each."""
    variables = dict(os.environ, OMP_NUM_THREADS=str(threads), GOMP_SPINCOUNT="20000", KMP_BLOCKTIME="1", OMP_DYNAMIC="false")
    if threads > 1:
        variables.update(OMP_PROC_BIND="true")
    if backend is not None:
        variables.update(SIMDROP_BACKEND=backend)
    variables.pop("PYTHONPATH", None)
    return variables


def death(process, seconds):
    if process is None:
        return "it took longer than %g seconds" % seconds
    if process < 0:
        return "it died of %s" % signal.Signals(-process).name
    return "its process ended with status %d" % process


def run_peer(options, peer, threads, backend, show):
    """The rows of one peer with so many threads beside one backend of simdrop, and what else its process found."""
    cases = cases_of(options, peer)
    rows, found = [], {}

    def add(row):
        rows.append(dict({"peer": peer, "version": found.get("version", ""), "threads": threads, "backend": found.get("backend", "")}, **row))
        show(rows[-1])

    remaining = cases
    while remaining:
        with tempfile.TemporaryDirectory(prefix="simdrop-peers-") as folder:
            request = {"peer": peer, "source": options.own.get(peer), "threads": threads, "backend": backend, "cases": remaining, "effort": EFFORTS[options.short],
                       "shim": build_shim(options, folder, threads), "folder": folder, "cc": options.cc}
            lines = start(options, peer, request, folder)
        begun, measured, ended = None, 0, False
        for line in lines:
            if line.get("status") == "begun":
                begun = {key: line[key] for key in ("dtype", "n", "p", "direction")}
            elif "n" in line:
                add(line)
                begun, measured = None, measured + 1
            elif line.get("status") == "missing":
                for case in remaining:
                    add(dict(case, **line))
                return rows, found
            elif line.get("status") in ("ended", "died"):
                ended = line["status"] == "ended"
                reason = line.get("reason", "")
            else:
                found.update(line)
        if ended:
            break
        if "backend" not in found:
            raise Refused("libsimdrop.so does not run: %s" % reason)
        if begun is None:  # before the first case, or between two: nothing more is to be had
            for case in remaining[measured:]:
                add(dict(case, status="failed", reason=reason))
            break
        # The case that it died of is lost; the ones after it are tried in another process.
        add(dict(begun, status="failed", reason=reason))
        remaining = remaining[measured + 1:]
    return rows, found


def start(options, peer, request, folder):
    """Runs the worker, and reads what it wrote."""
    request_path, rows_path = os.path.join(folder, "request.json"), os.path.join(folder, "rows.jsonl")
    with open(request_path, "w", encoding="utf-8") as file:
        json.dump(request, file)
    command = [options.python.get(peer, sys.executable), os.path.join(FOLDER, "worker.py"), request_path, rows_path]
    messages = os.path.join(folder, "messages.txt")
    with open(messages, "w", encoding="utf-8") as log:
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(request["threads"], request["backend"]), check=False,
                                    timeout=options.timeout).returncode
        except subprocess.TimeoutExpired:
            status = None
    lines = []
    if os.path.exists(rows_path):
        with open(rows_path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.endswith("\n")]
    if not lines or lines[-1].get("status") not in ("ended",):
        if not lines or lines[-1].get("status") != "missing":
            with open(messages, encoding="utf-8", errors="replace") as file:
                said = file.read().strip().splitlines()
            reason = death(status, options.timeout)
            if status is not None and status > 0 and said:
                reason += ": " + re.sub(r"(?<![\w.])(?:/[^\s:;,'\"()]+)+/", "", said[-1])[:200]
            lines.append({"status": "died", "reason": reason})
    return lines


def compiler(options):
    done = subprocess.run(options.cc + ["--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True, check=False)
    return (done.stdout.splitlines() or ["unknown"])[0]


def scaled(n):
    for suffix, factor in (("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)):
        if n % factor == 0:
            return "%d %s" % (n // factor, suffix)
    return str(n)


HEADING = "%-14s %-8s %-5s %-16s %7s %8s %6s %9s %15s %9s %9s %9s %15s" % (
    "peer", "backend", "type", "direction", "threads", "n", "p", "ns/elem", "10-90 %", "x memcpy", "simdrop", "x simdrop", "10-90 %")


def print_row(row):
    key = "%-14s %-8s %-5s %-16s %7d %8s %6g " % (row["peer"], row["backend"], row["dtype"], row["direction"], row["threads"], scaled(row["n"]), row["p"])
    if row["status"] != "ok":
        print(key + row["status"] + ": " + row["reason"], flush=True)
        return
    time, times = row["ns_per_element"], row["times_simdrop"]
    print(key + "%9.4f %15s %9.2f %9.4f %9.2f %15s" % (
        time["median"], "%.4f-%.4f" % (time["p10"], time["p90"]), row["ratio_to_memcpy"]["median"], row["simdrop_ns_per_element"]["median"],
        times["median"], "%.2f-%.2f" % (times["p10"], times["p90"])), flush=True)


def write_json(path, results):
    """All or nothing: to another file first, which then takes the name."""
    folder, name = os.path.split(os.path.abspath(path))
    temporary = os.path.join(folder, ".%s.%d" % (name, os.getpid()))
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
            file.write("\n")
        os.replace(temporary, path)
    except OSError as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise Refused("'%s' cannot be written: %s" % (path, error.strerror)) from error


def run(arguments):
    options = parse(arguments)
    if options.list:
        for peer in options.peers:
            peer_class = adapters.PEERS.get(peer, adapters.Native)
            print("%-14s %s; %s; %s" % (peer, DESCRIPTIONS.get(peer, "your own"), ", ".join(peer_class.dtypes), ", ".join(peer_class.directions)))
        return
    with tempfile.TemporaryDirectory(prefix="simdrop-peers-") as folder:  # before minutes of measuring: does simdrop build and load?
        for threads in options.threads:
            build_shim(options, folder, threads)
    context = {"executable": "bench/peers.py", "cpu": processor(), "num_cpus": os.cpu_count(), "compiler": compiler(options),
               "python": platform.python_version(), "peers": {}}
    rows = []
    print("Medians over rounds in which memcpy, simdrop and the peer take turns; x memcpy and x simdrop are the peer's time over theirs.")
    print(HEADING)
    for peer, threads, backend in itertools.product(options.peers, options.threads, options.backend):
        new_rows, found = run_peer(options, peer, threads, backend, print_row)
        rows += new_rows
        context["simdrop"] = {"version": found["simdrop_version"], "backend": ", ".join(dict.fromkeys(row["backend"] for row in rows))}
        if found.get("version"):
            context["peers"][peer] = found["version"]
    if options.json:
        write_json(options.json, {"context": context, "rows": rows})


def command(name, run_arguments):
    """Runs a command; its exit status, after a sentence if it was refused or interrupted."""
    try:
        run_arguments(sys.argv[1:])
    except Refused as refused:
        print("%s: %s" % (name, refused), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("%s: interrupted; nothing was written" % name, file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(command("peers.py", run))
