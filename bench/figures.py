#!/usr/bin/env python3
"""Fills the tables of README.md and docs/performance.md with the figures of a benchmark's JSON.

    simdrop bench ... --json bench/results/sapphire-rapids.json
    simdrop bench --layout ... --json bench/results/sapphire-rapids-layouts.json
    python3 bench/figures.py            fills the tables
    python3 bench/figures.py --check    exit status 1 if a table is not what the JSON says

A table stands between `<!-- figures: NAME -->` and `<!-- end of figures -->`.
"""

import json
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = [os.path.join(ROOT, "bench", "results", name) for name in ("sapphire-rapids.json", "sapphire-rapids-layouts.json")]
PAGES = ["README.md", os.path.join("docs", "performance.md")]
SIZES = [(65536, "64 Ki elements (L2)"), (67108864, "64 Mi elements (DRAM)")]
BACKENDS = ["avx512", "avx2", "scalar"]


def rows_by_key():
    rows = []
    for name in RESULTS:
        with open(name, encoding="utf-8") as file:
            rows += json.load(file)["benchmarks"]
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
    header = ["f32, ns an element (x memcpy)"] + ["%s, p = %s" % (title, p) for _, title in SIZES for p in (0.1, 0.5)]
    lines = [["memcpy"] + ["%.3f" % baseline(rows, "memcpy", "f32", n, None)["ns_per_element"]["median"]
                           for n, _ in SIZES for _ in range(2)]]
    for backend in BACKENDS:
        lines.append(["simdrop, " + backend] + [cell(rows.get(("forward", backend, "f32", n, p))) for n, _ in SIZES for p in (0.1, 0.5)])
    lines.append(["plain C loop, 32 random bits an element"] +
                 [cell(baseline(rows, "philox-32bit", "f32", n, p)) for n, _ in SIZES for p in (0.1, 0.5)])
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


TABLES = {"layouts": layout_table, "forward": forward_table, "kernels": kernel_table, "small": small_table}


def filled(page, rows):
    def table(match):
        return "%s\n%s\n<!-- end of figures -->" % (match.group(1), TABLES[match.group(2)](rows))
    return re.sub(r"(<!-- figures: (\w+) -->)\n.*?<!-- end of figures -->", table, page, flags=re.S)


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
