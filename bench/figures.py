#!/usr/bin/env python3
"""Fills the tables of README.md, docs/performance.md, docs/measurements.md and the pages of the Python package (docs/python.md, jax.md,
pytorch.md, pytorch-modules.md, attention.md, fused.md, variants.md), and the figures in their text, from the benchmarks' JSON.

    simdrop bench ... --json bench/results/sapphire-rapids.json
    simdrop bench --layout ... --json bench/results/sapphire-rapids-layouts.json
    simdrop bench --backend all ... --json bench/results/sapphire-rapids-backends.json
    python3 bench/neon_model.py --json bench/results/neon-model.json --alternatives bench/results/neon-model-alternatives.json
    sh bench/compare_backends.sh, sh bench/compare_commands.sh
    sh bench/peers.sh FOLDER --json bench/results/zen4-peers.json
    sh bench/peers.sh FOLDER --short-calls --json bench/results/zen4-short.json
    simdrop bench --kernel forward,chain,... --json bench/results/zen4-fused.json
    sh bench/peers.sh FOLDER --fused --json bench/results/zen4-fused-peers.json
    python3 bench/count_instructions.py FOLDER --json bench/results/zen4-instructions.json
    python3 bench/tune.py --json bench/results/sapphire-rapids-tuning.json
    python3 bench/python_calls.py --json bench/results/zen4-python.json
    python3 bench/jax_calls.py --json bench/results/zen4-jax.json
    python3 bench/torch_calls.py --json bench/results/zen4-torch.json
    python3 bench/torch_attention.py --json bench/results/zen4-attention.json
    bench_threads 2 bench/results/sapphire-rapids-openmp.json
    simdrop bench --memory all ... --json bench/results/zen4-memory.json, simdrop bench --fresh ... --json bench/results/zen4-fresh.json
    simdrop bench ... --json bench/results/zen4.json and bench/tune.py --only ... --json bench/results/zen4-tuning.json, on the second machine
    python3 bench/figures.py            fills the tables
    python3 bench/figures.py --check    exit status 1 if a table is not what the JSON says

A table stands between `<!-- figures: NAME -->` and `<!-- end of figures -->`, a figure in a line between `<!-- figure: WORDS -->` and
`<!-- end -->`. WORDS are a field (ratio: times memcpy's; ns: an element; share: of the machine's limit), kernel, backend, type, elements and
p of a row of the main benchmark, or of the second machine's after the word zen4; or times, a peer, threads, type, elements and p of the
peers'; or short, backend, elements and p: ns of a call among the short ones; or fused, an operation, PyTorch's way, direction and shape: times simdrop's
time; or attention, whose (simdrop, pytorch), pass (forward, both) and least or most: the time over that of PyTorch's without dropout.
"""

import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "bench", "results")
RESULTS = ("sapphire-rapids.json", "sapphire-rapids-layouts.json")
PAGES = ["README.md"] + [os.path.join("docs", name) for name in ("performance.md", "measurements.md", "python.md", "jax.md", "pytorch.md",
                                                                 "pytorch-modules.md", "attention.md", "fused.md", "variants.md")]
SIZES = [(65536, "64 Ki elements (L2)"), (67108864, "64 Mi elements (DRAM)")]
BACKENDS = ["avx512", "avx2", "scalar"]
FRESH_SIZES = (1 << 18, 1 << 20, 1 << 22, 1 << 26)


def read_json(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


def rows_by_key(names=RESULTS):
    rows = [row for name in names for row in read_json(name)["benchmarks"] if row.get("threads", 1) == 1]
    return {(row.get("kernel") or "layout " + row["layout"], row.get("backend"), row["dtype"], row["n"], row.get("p")): row
            for row in rows}


def cell(row, with_spread=False):
    if row is None:
        return "-"
    ratio = row["ratio_to_memcpy"]
    text = "%.3f (%.2f)" % (row["ns_per_element"]["median"], ratio["median"])
    return text + " [%.2f, %.2f]" % (ratio["p10"], ratio["p90"]) if with_spread else text


def markdown(header, lines):
    table = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(table + ["| " + " | ".join(line) + " |" for line in lines])


def baseline(rows, kernel, dtype, n, p):
    """A row without a backend, whatever the JSON says in that place."""
    return next((row for key, row in rows.items() if key[0] == kernel and key[2:4] == (dtype, n) and p in (None, key[4])), None)


def forward_table(rows):
    """Of either machine, by its rows."""
    header = ["f32, ns an element (x memcpy)"] + ["%s, p = %s" % (title, p) for _, title in SIZES for p in (0.1, 0.5)]
    lines = [["memcpy"] + ["%.3f" % baseline(rows, "memcpy", "f32", n, None)["ns_per_element"]["median"]
                           for n, _ in SIZES for _ in range(2)]]
    for backend in BACKENDS:
        lines.append(["simdrop, " + backend] + [cell(rows.get(("forward", backend, "f32", n, p))) for n, _ in SIZES for p in (0.1, 0.5)])
    lines.append(["plain C loop, 32 random bits an element"] +
                 [cell(baseline(rows, "philox-32bit", "f32", n, p)) for n, _ in SIZES for p in (0.1, 0.5)])
    return markdown(header, lines)


def zen4_table(_):
    """The second machine's forward, backward from a stored mask, and types."""
    rows = rows_by_key(["zen4.json"])
    header = ["ns an element (x memcpy)", "type", "backend"] + ["%s, p = %s" % (title, p) for _, title in SIZES for p in (0.1, 0.5)]
    lines = [[kernel, dtype, backend] + [cell(rows.get((kernel, backend, dtype, n, p)), True) for n, _ in SIZES for p in (0.1, 0.5)]
             for kernel in ("forward", "apply-bits") for dtype in ("f32", "f64", "bf16") for backend in BACKENDS[:2]]
    return markdown(header, lines)


def memory_ways_table(_):
    """64 Mi elements by each way of going through memory."""
    rows = {(row["kernel"], row["backend"], row["p"], row["memory"]): row for row in read_json("zen4-memory.json")["benchmarks"]}
    kernels = [(kernel, p) for kernel in ("forward", "forward-in-place", "apply-bits") for p in (0.1, 0.5) if (kernel, p) != ("apply-bits", 0.1)]
    ways = list(dict.fromkeys(way for _, backend, _, way in rows if backend != "none"))
    header = ["ns an element (share of the best copy)", "backend"] + ["%s, p = %s" % case for case in kernels]
    lines = [[way, backend] + ["%.3f (%.2f)" % (rows[(kernel, backend, p, way)]["ns_per_element"]["median"],
                                                rows[(kernel, backend, p, way)]["share_of_limit"]) for kernel, p in kernels]
             for backend in BACKENDS[:2] for way in ways]
    return markdown(header, lines)


def fresh_table(_):
    """Into outputs that were never touched."""
    rows = rows_by_key(["zen4-fresh.json"])
    header = ["f32, ns an element (x memcpy)", "backend"] + ["%s elements, p = %s" % (size_text(n), p) for n in FRESH_SIZES for p in (0.1, 0.5)]
    lines = [[kernel, backend] + [cell(rows.get((kernel, backend, "f32", n, p)), True) for n in FRESH_SIZES for p in (0.1, 0.5)]
             for kernel in ("forward", "apply-bits") for backend in BACKENDS[:2]]
    return markdown(header, lines)


def kernel_table(rows):
    header = ["kernel", "type", "backend"] + ["%s, p = %s" % (title, p) for _, title in SIZES for p in (0.1, 0.5)]
    lines = []
    for kernel in ("forward", "forward-bits", "backward", "apply-bits"):
        for dtype in ("f32", "f64", "f16", "bf16"):
            for backend in BACKENDS[:2]:
                cells = [cell(rows.get((kernel, backend, dtype, n, p)), True) for n, _ in SIZES for p in (0.1, 0.5)]
                lines.append([kernel, dtype, backend] + cells)
    return markdown(header, lines)


def small_table(rows):
    header = ["forward, 128 elements, ns a call"] + ["%s, p = %s" % (dtype, p) for dtype in ("f32", "bf16") for p in (0.1, 0.5)]
    lines = []
    for backend in BACKENDS:
        line = [backend]
        for dtype in ("f32", "bf16"):
            for p in (0.1, 0.5):
                row = rows.get(("forward", backend, dtype, 128, p))
                line.append("%.0f" % row["real_time"] if row else "-")
        lines.append(line)
    return markdown(header, lines)


LAYOUT_SIZES = [(65536, "64 Ki elements (L2)"), (33554432, "32 Mi elements (memory)")]


def layout_table(rows):
    header = ["layout", "compared with", "backend"] + ["%s, p = %s" % (title, p) for _, title in LAYOUT_SIZES for p in (0.1, 0.5)]
    lines = []
    for name, shape, reference in dict.fromkeys((key[0], row["shape"], row["reference"]) for key, row in rows.items() if "layout" in row):
        for backend in BACKENDS[:2]:
            line = [shape, reference, backend]
            for n, _ in LAYOUT_SIZES:
                for p in (0.1, 0.5):
                    row = rows.get((name, backend, "f32", n, p))
                    ratio = row and row["ratio_to_reference"]
                    line.append("-" if row is None else "%.3f (%.2f) [%.2f, %.2f]" % (
                        row["ns_per_element"]["median"], ratio["median"], ratio["p10"], ratio["p90"]))
            lines.append(line)
    return markdown(header, lines)


def backend_table(_):
    """All backends of one run, each in ns an element and against the one written by hand for the same instructions."""
    rows = rows_by_key(["sapphire-rapids-backends.json"])
    by_hand = {"highway-avx3": "avx512", "highway-avx2": "avx2", "highway-sse4": "scalar", "highway-ssse3": "scalar"}
    header = ["kernel", "type", "p"] + list(dict.fromkeys(key[1] for key in rows if key[0] == "forward"))
    lines = []
    for kernel, dtypes in (("mask-bits", ("f32",)), ("forward", ("f32", "f64", "f16", "bf16")), ("apply-bits", ("f32", "f64", "f16", "bf16"))):
        for dtype in dtypes:
            for p in (0.1, 0.5):
                line = [kernel, "" if kernel == "mask-bits" else dtype, str(p)]
                for backend in header[3:]:
                    time = rows[kernel, backend, dtype, 65536, p]["ns_per_element"]["median"]
                    cell_text = "%.3f" % time
                    if backend in by_hand:
                        cell_text += " (%.2f)" % (time / rows[kernel, by_hand[backend], dtype, 65536, p]["ns_per_element"]["median"])
                    line.append(cell_text)
                lines.append(line)
    return markdown(header, lines)


def model_table(_):
    processors = read_json("neon-model.json")["processors"]
    rows = [("mask, p = 0.1", "producer", "0.1"), ("mask, p = 0.5", "producer", "0.5"),
            ("mask, 32 random bits an element", "words_mask", None),
            ("apply a mask, f32", "consumer", "f32"), ("apply a mask, f64", "consumer", "f64"),
            ("apply a mask, f16", "consumer", "f16"), ("apply a mask, bf16", "consumer", "bf16"),
            ("forward, f32, p = 0.1", "forward_f32", "0.1"), ("forward, f32, p = 0.5", "forward_f32", "0.5"),
            ("forward, f32, 32 random bits an element", "words_forward_f32", None),
            ("mask: times fewer cycles, p = 0.1", "ratio_mask", "0.1"), ("mask: times fewer cycles, p = 0.5", "ratio_mask", "0.5"),
            ("forward, f32: times fewer cycles, p = 0.1", "ratio_forward_f32", "0.1"),
            ("forward, f32: times fewer cycles, p = 0.5", "ratio_forward_f32", "0.5")]
    lines = []
    for title, key, part in rows:
        values = [figures[key] if part is None else figures[key][part] for figures in processors.values()]
        lines.append([title] + [("%.2f" if key.startswith("ratio") else "%.3f") % value for value in values])
    return markdown(["cycles an element, by a model"] + list(processors), lines)


def model_constant_table(_):
    """Other values of the NEON backend's constants, each by itself, for the three processors of the model."""
    model = read_json("neon-model-alternatives.json")
    lines = []
    for row in model["alternatives"]:
        def each(form, value):
            return " / ".join(form % value(processor) for processor in model["processors"])
        short = row["short_forward_f32_cycles_a_call"]
        lines.append(["`%s`" % row["constant"], ("**%d**" if row["chosen"] else "%d") % row["value"]] +
                     [each("%.3f", lambda processor, p=p: row["producer"][processor][p]) for p in ("0.1", "0.5")] +
                     ["%.0f, %.0f" % (row["stack_accesses_a_thousand_elements"]["0.1"], row["stack_accesses_a_thousand_elements"]["0.5"])] +
                     [each("%d", lambda processor, n=n: short[processor][n]) for n in ("256", "384")])
    return markdown(["constant", "value", "mask, p = 0.1", "mask, p = 0.5", "stack, p = 0.1, 0.5", "call of 256 elements", "call of 384"], lines)


def command_table(_):
    """Whole commands: median and range, in milliseconds."""
    names = ("mask", "apply")
    results = [{row["command"].split()[-1]: row for row in read_json("commands-%s.json" % name)["results"]} for name in names]
    lines = [[backend] + ["%.0f [%.0f, %.0f]" % tuple(1000 * result[backend][key] for key in ("median", "min", "max")) for result in results]
             for backend in results[0]]
    return markdown(["backend"] + ["simdrop %s, ms" % name for name in names], lines)


def number(text):
    """64Ki and so on."""
    units = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    return int(text[:-2]) * units[text[-2:]] if text[-2:] in units else int(text)


def size_text(n):
    for suffix, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if n % factor == 0:
            return "%d %s" % (n // factor, suffix)
    return str(n)


def peer_table(_):
    """Times simdrop's time, one thread, f32: a line a peer."""
    rows = read_json("zen4-peers.json")["rows"]
    columns = [(direction, n, p) for direction in ("forward", "forward+backward") for n, _ in SIZES for p in (0.1, 0.5)]
    header = ["peer", "version"] + ["%s, %s, p = %s" % (direction, size_text(n), p) for direction, n, p in columns]
    lines = []
    for peer in dict.fromkeys(row["peer"] for row in rows):
        line = [peer, next(row["version"] for row in rows if row["peer"] == peer)]
        for column in columns:
            found = [row for row in rows if (row["peer"], row["threads"], row["dtype"]) == (peer, 1, "f32") and
                     (row["direction"], row["n"], row["p"]) == column]
            line.append("-" if not found else "%.1f" % found[0]["times_simdrop"]["median"] if found[0]["status"] == "ok" else found[0]["reason"])
        lines.append(line)
    return markdown(header, lines)


def fused_table(_):
    """The fused functions and variants: ns an element, against the quickest loop that moves the same bytes and against dropout alone."""
    rows = rows_by_key(["zen4-fused.json"])
    columns = [(n, title, p) for n, title in SIZES for p in (0.1, 0.5)]
    header = ["f32, ns an element (x loop, x dropout)", "backend"] + ["%s, p = %s" % (title, p) for _, title, p in columns]
    def text(row):
        if row is None:
            return "-"
        ratios = ["%.2f" % row[key]["median"] for key in ("ratio_to_quickest", "ratio_to_dropout") if row[key] is not None]
        return "%.3f (%s)" % (row["ns_per_element"]["median"], ", ".join(ratios))
    lines = [[kernel, backend] + [text(rows.get((kernel, backend, "f32", n, p))) for n, _, p in columns]
             for kernel, backend in dict.fromkeys(key[:2] for key in rows if key[1] != "none")]
    return markdown(header, lines)


def tile_table(_):
    """Tiles, in terms of dropout in place of as many elements in one call."""
    rows = rows_by_key(["zen4-fused.json"])
    ways = (("tile", "`simdrop_tile_apply`, the whole matrix' numbers"), ("tile-numbered", "`simdrop_tile_apply`, numbered tile by tile"),
            ("tile-bits", "`simdrop_tile_bits` of 16 x 1024, `simdrop_tile_apply_bits`"))
    cases = [(backend, p) for backend in BACKENDS[:2] for p in (0.1, 0.5)]
    header = ["16 x 64 of f32, in L2"] + ["%s, p = %s" % case for case in cases]
    return markdown(header, [[title] + ["%.2f" % rows[(way, backend, "f32", SIZES[0][0], p)]["ratio_to_dropout"]["median"] for backend, p in cases]
                             for way, title in ways])


def fused_key(row):
    return row["operation"], row["way"], row["direction"], "%dx%d" % (row["rows"], row["columns"])


def fused_peer_table(_):
    """PyTorch's expressions, eager and compiled, against one call."""
    lines = []
    for row in read_json("zen4-fused-peers.json")["rows"]:
        figures = [row["reason"], "-", "-"] if row["status"] != "ok" else [
            "%.2f" % row["ns_per_element"]["median"], "%.3f" % row["simdrop_ns_per_element"]["median"],
            "%.1f [%.1f, %.1f]" % tuple(row["times_simdrop"][key] for key in ("median", "p10", "p90"))]
        lines.append(list(fused_key(row)) + ["%g" % row["p"]] + figures)
    return markdown(["operation", "PyTorch", "direction", "shape", "p", "PyTorch, ns an element", "simdrop, ns an element", "times simdrop's time"], lines)


def variants_peer_table(_):
    """Dropout's relatives next to PyTorch's, in ns an element."""
    rows = {fused_key(row): row for row in read_json("zen4-fused-peers.json")["rows"] if row["status"] == "ok"}
    shapes = (("32x1024", "32 x 1024 (L2)"), ("16384x1024", "16384 x 1024"))
    titles = {("alpha", "eager"): "alpha dropout", ("gaussian", "normal"): "Gaussian dropout, `x * normal(1, s)`",
              ("gaussian", "randn_like"): "Gaussian dropout, `x * (1 + s * randn_like(x))`"}
    header = ["AVX-512, and PyTorch 2.13 in turn with it"] + ["%s: %s" % (title, whose) for _, title in shapes for whose in ("simdrop", "PyTorch")]
    lines = []
    for key, title in titles.items():
        found = [rows[key + ("forward", shape)] for shape, _ in shapes]
        lines.append([title] + [text for row in found for text in ("%.2f" % row["simdrop_ns_per_element"]["median"], "%.1f" % row["ns_per_element"]["median"])])
    return markdown(header, lines)


def short_table(_):
    """Calls on a few elements, in ns: memcpy, two backends, PyTorch's kernel."""
    rows = {(row["backend"], row["n"], row["p"]): row for row in read_json("zen4-short.json")["rows"] if row["status"] == "ok"}
    backends, sizes, ps = (list(dict.fromkeys(key[i] for key in rows)) for i in range(3))
    def cell(row, field):
        return "%.1f [%.1f, %.1f]" % tuple(row["n"] * row[field][key] for key in ("median", "p10", "p90"))
    def microseconds(row):
        return "%.2f" % (1e-3 * row["n"] * row["ns_per_element"]["median"])
    header = ["elements", "memcpy, ns"] + ["%s, p = %g, ns" % (backend, p) for p in ps for backend in backends] + ["native_dropout, p = %g, us" % p for p in ps]
    lines = [[str(n), cell(rows[backends[0], n, ps[0]], "memcpy_ns_per_element")] +
             [cell(rows[backend, n, p], "simdrop_ns_per_element") for p in ps for backend in backends] +
             [microseconds(rows[backends[0], n, p]) for p in ps] for n in sizes]
    return markdown(header, lines)


def instruction_table(_):
    """Instructions of short calls, by what they are for."""
    rows = read_json("zen4-instructions.json")["rows"]
    lines = [["%d" % row["n"], "%g" % row["p"], "**%.0f**" % row["instructions"]] + ["%.0f" % row["parts"][part] for part in rows[0]["parts"] if part != "others"] for row in rows]
    return markdown(["elements", "p", "instructions"] + [part for part in rows[0]["parts"] if part != "others"], lines)


def python_table(_):
    """Calls from Python, in microseconds, and how many times faster than NumPy's lines."""
    listed = read_json("zen4-python.json")["rows"]
    rows = {(row["way"], row["n"], row["p"]): row for row in listed}
    columns = sorted({(row["n"], row["p"]) for row in listed})

    def show(way, n, p):
        row = rows[way, n, p]
        us = "%.2f" % row["us"] if row["us"] < 100 else "%.0f" % row["us"]
        return us + (" (%.1f)" % row["idiom_over_this"] if way.startswith("simdrop") else "")
    return markdown(["us a call (times faster)"] + ["%s, p = %.1f" % (size_text(n), p) for n, p in columns],
                    [[way] + [show(way, n, p) for n, p in columns] for way in dict.fromkeys(row["way"] for row in listed)])


def jax_table(_):
    """Compiled calls in JAX, in microseconds, and how many times faster than Flax's lines."""
    listed = read_json("zen4-jax.json")["rows"]
    rows = {(row["way"], row["direction"], row["n"], row["p"]): row for row in listed}
    columns = sorted({(row["n"], row["p"]) for row in listed})

    def show(way, direction, n, p):
        row = rows[way, direction, n, p]
        return "%.0f" % row["us"] + (" (%.1f)" % row["idiom_over_this"] if way == "simdrop" else "")
    return markdown(["us a call (times faster)"] + ["%s, p = %.1f" % (size_text(n), p) for n, p in columns],
                    [["%s, %s" % key] + [show(*key, n, p) for n, p in columns] for key in dict.fromkeys((row["way"], row["direction"]) for row in listed)])


def torch_times(part, threads, state):
    """What bench/torch_calls.py found of one part: by name, microseconds of calls, and milliseconds of all others."""
    rows = read_json("zen4-torch.json")["results"]
    return next((row["times"] for row in rows if (row["part"], row["threads"], row["state"]) == (part, threads, state)), {})


def torch_threads():
    return sorted({row["threads"] for row in read_json("zen4-torch.json")["results"]})


def short(value):
    """About three digits."""
    return "%.*f" % (0 if value >= 100 else 1 if value >= 10 else 2, value)


def torch_call_table(_):
    """F.dropout, and it and its gradient, in microseconds, with PyTorch's own and with simdrop's."""
    header = ["threads", "float32 elements, p", "`F.dropout`", "with simdrop", "ratio", "forward and backward", "with simdrop", "ratio"]
    lines = []
    for threads in torch_threads():
        off, on = (torch_times("calls", threads, state) for state in ("off", "on"))
        for n, p in dict.fromkeys(tuple(name.split()[1:]) for name in off):
            pairs = [(off["%s %s %s" % (way, n, p)], on["%s %s %s" % (way, n, p)]) for way in ("forward", "both")]
            lines.append(["%d" % threads, "%s, %s" % (size_text(int(n)), p)] + [text for a, b in pairs for text in (short(a), short(b), "%.1f" % (a / b))])
    return markdown(header, lines)


STEPS = {"mlp": "the MLP, 784-512-512-10, batch 64, p = 0.5", "dropout2d": "the convolutional network, batch 64, p = 0.3, pixels",
         "lstm": "the LSTM, 128-256 x 3, 50 steps, batch 32, p = 0.2", "transformer": "a transformer block, d = 256, 8 heads, 8 x 128, p = 0.1",
         "transformer-512": "a transformer block, d = 512, 8 heads, 4 x 256, p = 0.1",
         "mc_dropout": "a pass of Monte Carlo dropout, 64-256-256-10, 1024 images, p = 0.5"}
STEP_MODES = {"eager": "eager", "compiled": "`torch.compile`"}


def torch_step_table(_):
    """Training steps that are measured eager and compiled."""
    header = ["a step of", "mode", "threads", "PyTorch, ms", "with simdrop, ms", "PyTorch over simdrop", "PyTorch over p = 0", "simdrop over p = 0"]
    lines = []
    for name in "mlp", "transformer", "transformer-512":
        for mode, title in STEP_MODES.items():
            for threads in torch_threads():
                off, on = (torch_times(mode, threads, state) for state in ("off", "on"))
                if name not in on:
                    continue
                lines.append([STEPS[name], title, "%d" % threads, short(off[name]), short(on[name]), "%.2f" % (off[name] / on[name])] +
                             ["%.2f" % (times[name] / times[name + " p=0"]) for times in (off, on)])
    return markdown(header, lines)


def torch_share_table(_):
    """How much of a step of each example is dropout, on one thread."""
    off, on = (torch_times("eager", 1, state) for state in ("off", "on"))
    lines = [[title, short(off[name]), short(on[name]), short(on[name + " p=0"])] +
             ["%.0f %%" % max(0, 100 * (1 - times[name + " p=0"] / times[name])) for times in (off, on)]
             for name, title in STEPS.items() if name in on and name != "transformer-512"]
    return markdown(["ms a step of", "PyTorch's dropout", "simdrop's, by `enable()`", "p = 0", "dropout is", "with simdrop"], lines)


def torch_goal_table(_):
    """What was aimed at, and what the benchmark found."""
    def call(way, n, p):
        return lambda threads: torch_times("calls", threads, "off")["%s %d %s" % (way, n, p)] / torch_times("calls", threads, "on")["%s %d %s" % (way, n, p)]

    def step(mode, name):
        return lambda threads: torch_times(mode, threads, "on")[name] / torch_times(mode, threads, "on")[name + " p=0"]

    def fresh(p):
        return lambda threads: torch_times("fresh", threads, "on")["forward %s" % p] / torch_times("fresh", threads, "on")["clone"]
    # What is meant, whether more of it is better, the aim, what was found for so many threads, and with how many digits.
    goals = [("times as fast as PyTorch: %s, %s, p = %s" % (title, size_text(n), p), True, aim, call(way, n, p), "%.1f")
             for way, title, n, p, aim in (("forward", "forward", 1, 0.1, 1), ("both", "both passes", 1, 0.1, 1),
                                           ("forward", "forward", 1 << 16, 0.1, 18), ("forward", "forward", 1 << 16, 0.5, 45),
                                           ("both", "both passes", 1 << 16, 0.1, 6), ("both", "both passes", 1 << 16, 0.5, 10),
                                           ("forward", "forward", 1 << 20, 0.1, 25), ("forward", "forward", 1 << 20, 0.5, 80))]
    goals += [("over the time with p = 0: %s, %s" % (STEPS[name], STEP_MODES[mode]), False, 1.08, step(mode, name), "%.2f")
              for name in ("transformer-512", "mlp") for mode in STEP_MODES]
    goals += [("over the time of `clone()`: forward, 64 Mi into a new tensor, p = %s" % p, False, 1.1, fresh(p), "%.2f") for p in (0.1, 0.5)]
    lines = []
    for title, more_is_better, aim, find, form in goals:
        cells = []
        for threads in torch_threads():
            try:
                value = float(form % find(threads))
            except KeyError:
                cells.append("not measured")
                continue
            reached = value >= aim if more_is_better else value <= aim
            cells.append(form % value + ("" if reached else " (missed)"))
        lines.append([title, "%s %g" % (">=" if more_is_better else "<=", aim)] + cells)
    return markdown(["", "aim"] + ["%d thread%s" % (threads, "" if threads == 1 else "s") for threads in torch_threads()], lines)


PASSES = {"forward": "forward", "both": "forward + backward"}


def attention_table(_):
    """Attention with dropout over PyTorch's without, by simdrop and by PyTorch."""
    rows = {(row["dtype"], tuple(row["shape"]), row["mask"], row["threads"], row["pass"]): row for row in read_json("zen4-attention.json")["results"]}
    columns = [(threads, name) for threads in sorted({key[3] for key in rows}) for name in PASSES]
    header = ["samples, heads, length, size", "type", "masks"] + [
        text for threads, name in columns for text in ("%d thread%s, %s: p = 0, ms" % (threads, "" if threads == 1 else "s", name), "simdrop", "PyTorch")]
    lines = []
    for dtype, shape, mask in dict.fromkeys(key[:3] for key in rows):
        found = [rows[dtype, shape, mask, threads, PASSES[name]] for threads, name in columns]
        lines.append([", ".join(map(str, shape)), dtype, mask] + [text for row in found for text in (
            short(row["milliseconds"]["p = 0"]), "%.2f" % row["simdrop to p = 0"], "%.1f" % row["pytorch to p = 0"])])
    return markdown(header, lines)


def thread_table(_):
    rows = read_json("sapphire-rapids-openmp.json")["rows"]
    lines = [[str(row["n"]), str(row["p"]), "%.1f" % row["one_thread_us"], "%.1f" % row["threads_us"],
              "%.2f [%.2f, %.2f]" % tuple(row["speed_up"][key] for key in ("median", "p10", "p90"))] for row in rows if row["n"] >= 32768]
    return markdown(["elements", "p", "one, microseconds", "two, microseconds", "times as fast"], lines)


def tuning_table(_, name="sapphire-rapids-tuning.json"):
    """A line for each alternative: its time over the chosen value's."""
    rows = read_json(name)["rows"]
    lines = []
    for constant, file, chosen, value in dict.fromkeys((row["constant"], row["file"], row["chosen"], row["value"]) for row in rows):
        same = [row for row in rows if (row["constant"], row["file"], row["value"]) == (constant, file, value)]
        if "reason" in same[0]:
            lines.append(["`%s`" % constant, chosen, value, same[0]["reason"]])
            continue
        cells = ["%s %s, %s, p = %g: %.2f [%.2f, %.2f]" % ((row["backend"], row["kernel"], size_text(row["n"]), row["p"]) +
                                                          tuple(row["ratio"][key] for key in ("median", "p10", "p90"))) for row in same]
        lines.append(["`%s`" % constant, chosen, value, "<br>".join(cells)])
    return markdown(["constant", "chosen", "alternative", "the alternative's time over the chosen one's"], lines)


def build_table(_):
    """Two builds of the library: the new one's time over the old one's, and of short calls the difference in ns; for both p."""
    rows = read_json("zen4-builds.json")["rows"]
    sizes, ps = (sorted({row[key] for row in rows}) for key in ("n", "p"))
    found = {tuple(row[key] for key in ("backend", "kernel", "dtype", "n", "p")): row for row in rows}
    def cell(key):
        row = found[key]
        ratio = row["ratio"]["median"]
        return "%+.1f ns" % (row["old_ns"] * (ratio - 1)) if row["n"] <= 4096 else "%.2f" % ratio
    lines = [list(key) + [", ".join(cell((*key, n, p)) for p in ps) for n in sizes] for key in dict.fromkeys(key[:3] for key in found)]
    return markdown(["backend", "kernel", "type"] + ["n = %s" % size_text(n) for n in sizes], lines)


def types_command_table(_):
    """Whole apply commands over types and threads: mean and standard deviation, in milliseconds."""
    found = {tuple(row["parameters"][key] for key in ("dtype", "backend", "threads")): row for row in read_json("commands-types.json")["results"]}
    threads = sorted({key[2] for key in found}, key=int)
    header = ["type", "backend"] + ["%s thread%s, ms" % (count, "" if count == "1" else "s") for count in threads]
    lines = [[dtype, backend] + ["%.0f [%.0f, %.0f]" % tuple(1000 * found[dtype, backend, count][key] for key in ("median", "min", "max"))
                                 for count in threads] for dtype, backend in dict.fromkeys(key[:2] for key in found)]
    return markdown(header, lines)


FIELDS = {"ratio": lambda row: "%.2f" % row["ratio_to_memcpy"]["median"], "ns": lambda row: "%.3f" % row["ns_per_element"]["median"],
          "share": lambda row: "%.2f" % row["share_of_limit"], "call": lambda row: "%.0f" % row["real_time"]}


def figure(words, rows):
    """One figure in a line of text."""
    if words[0] == "times":
        peer, threads, dtype, n, p = words[1:]
        found = [row for row in read_json("zen4-peers.json")["rows"] if row["direction"] == "forward" and
                 (row["peer"], row["threads"], row["dtype"], row["n"], row["p"]) == (peer, int(threads), dtype, number(n), float(p))]
        return "%.1f" % found[0]["times_simdrop"]["median"]
    if words[0] == "short":
        backend, n, p = words[1], number(words[2]), float(words[3])
        found = [row for row in read_json("zen4-short.json")["rows"] if (row["backend"], row["n"], row["p"]) == (backend, n, p)]
        return "%.0f" % (n * found[0]["simdrop_ns_per_element"]["median"])
    if words[0] == "fused":
        found = [row for row in read_json("zen4-fused-peers.json")["rows"] if fused_key(row) == tuple(words[1:])]
        return "%.1f" % found[0]["times_simdrop"]["median"]
    if words[0] == "attention":
        whose, name, extreme = words[1:]
        ratios = [row[whose + " to p = 0"] for row in read_json("zen4-attention.json")["results"] if row["pass"] == PASSES[name]]
        return ("%.2f" if whose == "simdrop" else "%.1f") % {"least": min, "most": max}[extreme](ratios)
    if words[0] == "zen4":
        words, rows = words[1:], rows_by_key(["zen4.json"])
    field, kernel, backend, dtype, n, p = words
    return FIELDS[field](rows[kernel, backend, dtype, number(n), float(p)])


TABLES = {"python": python_table, "jax": jax_table, "torch_calls": torch_call_table, "torch_steps": torch_step_table, "torch_goals": torch_goal_table,
          "torch_share": torch_share_table, "attention": attention_table, "peers": peer_table, "fused": fused_table, "tiles": tile_table, "fused_peers": fused_peer_table, "variants_peers": variants_peer_table, "short": short_table, "instructions": instruction_table, "threads": thread_table, "tuning": tuning_table, "zen4": zen4_table,
          "forward_zen4": lambda rows: forward_table(rows_by_key(["zen4.json"])),
          "memory_ways": memory_ways_table, "fresh": fresh_table,
          "zen4_tuning": lambda rows: tuning_table(rows, "zen4-tuning.json"), "builds": build_table, "types": types_command_table, "backends": backend_table, "model": model_table, "model_constants": model_constant_table, "commands": command_table, "layouts": layout_table, "forward": forward_table, "kernels": kernel_table, "small": small_table}


def filled(page, rows):
    def table(match):
        return "%s\n%s\n<!-- end of figures -->" % (match.group(1), TABLES[match.group(2)](rows))
    def in_line(match):
        try:
            return "%s%s<!-- end -->" % (match.group(1), figure(match.group(2).split(), rows))
        except (KeyError, IndexError, ValueError, OSError) as error:
            sys.exit("figures.py: there is no figure '%s' (%r)" % (match.group(2), error))
    page = re.sub(r"(<!-- figures: (\w+) -->)\n.*?<!-- end of figures -->", table, page, flags=re.S)
    return re.sub(r"(<!-- figure: ([^>]*?) -->).*?<!-- end -->", in_line, page)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print(__doc__, file=sys.stderr)
        return 2
    rows = rows_by_key()
    status = 0
    for name in PAGES:
        path = os.path.join(ROOT, name)
        with open(path, encoding="utf-8") as file:
            page = file.read()
        new_page = filled(page, rows)
        if check:
            fresh = page == new_page
            print("ok figures of %s" % name if fresh else "FAILED figures of %s: run bench/figures.py" % name)
            status |= not fresh
        elif page != new_page:
            with open(path, "w", encoding="utf-8") as file:
                file.write(new_page)
    return status


if __name__ == "__main__":
    sys.exit(main())
