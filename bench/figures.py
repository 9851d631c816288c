#!/usr/bin/env python3
"""Fills the tables of README.md, docs/performance.md, docs/measurements.md, docs/python.md and docs/jax.md, and the figures in their text, from the benchmarks' JSON.

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
    bench_threads 2 bench/results/sapphire-rapids-openmp.json
    simdrop bench --memory all ... --json bench/results/zen4-memory.json, simdrop bench --fresh ... --json bench/results/zen4-fresh.json
    simdrop bench ... --json bench/results/zen4.json and bench/tune.py --only ... --json bench/results/zen4-tuning.json, on the second machine
    python3 bench/figures.py            fills the tables
    python3 bench/figures.py --check    exit status 1 if a table is not what the JSON says

A table stands between `<!-- figures: NAME -->` and `<!-- end of figures -->`, a figure in a line between `<!-- figure: WORDS -->` and
`<!-- end -->`. WORDS are a field (ratio: times memcpy's; ns: an element; share: of the machine's limit), kernel, backend, type, elements and
p of a row of the main benchmark, or of the second machine's after the word zen4; or times, a peer, threads, type, elements and p of the
peers'; or short, backend, elements and p: ns of a call among the short ones; or fused, an operation, PyTorch's way, direction and shape: times simdrop's
time.
"""

import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "bench", "results")
RESULTS = ("sapphire-rapids.json", "sapphire-rapids-layouts.json")
PAGES = ["README.md", os.path.join("docs", "performance.md"), os.path.join("docs", "measurements.md"), os.path.join("docs", "python.md"),
         os.path.join("docs", "jax.md")]
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
    if words[0] == "zen4":
        words, rows = words[1:], rows_by_key(["zen4.json"])
    field, kernel, backend, dtype, n, p = words
    return FIELDS[field](rows[kernel, backend, dtype, number(n), float(p)])


TABLES = {"python": python_table, "jax": jax_table, "peers": peer_table, "fused": fused_table, "fused_peers": fused_peer_table, "short": short_table, "instructions": instruction_table, "threads": thread_table, "tuning": tuning_table, "zen4": zen4_table,
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
