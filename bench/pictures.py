#!/usr/bin/env python3
"""Draws the pictures of docs/performance/ (SVG) from the benchmarks' JSON, with matplotlib (Debian: python3-matplotlib):

    python3 bench/pictures.py                   all pictures
    python3 bench/pictures.py sizes peers       these
    python3 bench/pictures.py --commands        what measures the figures that each is drawn from

    sizes.svg           throughput against size, every backend, with memcpy and the caches
    peers.svg           how many times simdrop's time other libraries take; that of the pages is drawn with --name zen4
    probabilities.svg   random bits and time an element, against p
    threads.svg         how many times as fast as one thread

The results are bench/results/NAME-PICTURE.json (--results FOLDER, --name NAME; default sapphire-rapids). The same JSON gives the same
bytes, with the same matplotlib. Exit status 2, with a sentence, if something is missing; the other pictures are drawn all the same.
"""

import argparse
import json
import math
import os
import sys
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Okabe and Ito's colours, which the colour-blind can tell apart. Colour: the instructions. Broken lines: by way of Highway.
BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, INK, GREY = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#222222", "#888888")
BACKENDS = {"avx512": (BLUE, "-", "o"), "highway-avx3": (SKY, "--", "o"), "avx2": (VERMILION, "-", "s"), "highway-avx2": (ORANGE, "--", "s"),
            "highway-sse4": (GREEN, "--", "^"), "highway-ssse3": (GREY, "--", "v"), "scalar": (PURPLE, "-", "D"), "neon": (BLUE, "-", "o")}
OTHER_BACKEND = (INK, ":", "x")
TITLES = {"random123": "Random123", "torch": "PyTorch", "numpy": "NumPy", "onednn": "oneDNN",
          "onnxruntime": "ONNX Runtime", "mkl-philox": "MKL, Philox", "mkl-mcg31": "MKL, MCG31", "jax": "JAX", "tensorflow": "TensorFlow", "libxsmm": "libxsmm"}
BLOCK = 128  # elements whose decisions are drawn together
PROBABILITIES = ("0.001,0.003,0.01,0.03,0.0625,0.08,0.1,0.125,0.15,0.1875,0.2,0.22,0.25,0.28,0.3,0.3125,0.35,0.375,0.4,0.4375,0.45,0.48,0.5,"
                 "0.52,0.55,0.5625,0.6,0.625,0.65,0.6875,0.7,0.72,0.75,0.78,0.8,0.8125,0.85,0.875,0.9,0.92,0.9375,0.97,0.99,0.997,0.999")
SIZES = ",".join([str(2**i) for i in range(7, 10)] + ["%dKi" % 2**i for i in range(0, 10)] + ["%dMi" % 2**i for i in range(0, 7)])
COMMANDS = {
    "sizes": "simdrop bench --backend all --kernel memcpy,forward --n %s --p 0.1,0.5 --json {json}" % SIZES,
    "peers": "sh bench/peers.sh FOLDER --json {json}",
    "probabilities": "simdrop bench --kernel memcpy,mask-bits,forward --n 64Ki --p %s --json {json}" % PROBABILITIES,
    "threads": "bench_threads 2 {openmp}\nsimdrop bench --threads 1,2 --kernel memcpy,forward --n 16Ki,32Ki,64Ki,128Ki,256Ki,512Ki,1Mi,4Mi,16Mi,64Mi --p 0.1,0.5 --json {json}",
}


class Refused(Exception):
    """What is missing, as a sentence."""


def planes(p):
    """How many random bits an element takes at most: the lowest 1 of the threshold p * 2^32 decides the last ones. 0 if none is drawn."""
    threshold = int(p * 2**32 + 0.5)
    return 32 - ((threshold & -threshold).bit_length() - 1) if 0 < threshold < 2**32 else 0


def expected_planes(p, elements):
    """Random bits that each of these elements takes until the last of them is decided, on average. After j of them an element is
    undecided with probability 2^-j: if they are the threshold's highest j bits."""
    return sum(1 - (1 - 2.0**-j) ** elements for j in range(planes(p)))


def entropy(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


def rows_of(results, **wanted):
    """The benchmark's rows with these values, where a row that does not say its number of threads has one."""
    rows = [dict({"threads": 1}, **row) for row in results["benchmarks"]]
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def needed(rows, what):
    if not rows:
        raise Refused("has no rows of " + what)
    return rows


def bytes_text(value, _=None):
    for suffix, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= factor:
            return "%g %s" % (round(value / factor, 2), suffix)
    return "%g B" % value


def elements_text(value, _=None):
    for suffix, factor in ((" Gi", 2**30), (" Mi", 2**20), (" Ki", 2**10)):
        if value >= factor:
            return "%g%s" % (round(value / factor, 2), suffix)
    return "%g" % value


def titled(results, text):
    """With the processor that was measured."""
    processor = results.get("context", {}).get("cpu")
    return "%s (%s)" % (text, processor) if processor else text


def plain_axes(axes):
    axes.grid(True, which="major", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def size_axis(axes, plot, values, text, steps=4):
    """Powers of two, one in so many."""
    low, high = math.floor(math.log2(min(values))), math.ceil(math.log2(max(values)))
    axes.set_xscale("log", base=2)
    axes.set_xticks([2.0**i for i in range(low, high + 1) if i % steps == low % steps])
    axes.xaxis.set_major_formatter(plot.FuncFormatter(text))
    axes.xaxis.set_minor_locator(plot.NullLocator())


def draw_sizes(results, plot):
    memcpy = sorted(needed(rows_of(results, kernel="memcpy", dtype="f32", threads=1), "memcpy of f32"), key=lambda row: row["n"])
    forward = needed(rows_of(results, kernel="forward", dtype="f32", threads=1), "forward of f32")
    probabilities = sorted({row["p"] for row in forward})
    figure, all_axes = plot.subplots(1, len(probabilities), figsize=(5.2 * len(probabilities), 4.6), sharey=True, squeeze=False)
    for axes, p in zip(all_axes[0], probabilities):
        plain_axes(axes)
        axes.plot([8 * row["n"] for row in memcpy], [row["bytes_per_second"] / 1e9 for row in memcpy], color=INK, linewidth=2.2, label="memcpy", zorder=3)
        for backend in dict.fromkeys(row["backend"] for row in forward):
            rows = sorted((row for row in forward if (row["backend"], row["p"]) == (backend, p)), key=lambda row: row["n"])
            color, style, marker = BACKENDS.get(backend, OTHER_BACKEND)
            axes.plot([8 * row["n"] for row in rows], [row["bytes_per_second"] / 1e9 for row in rows], color=color, linestyle=style,
                      marker=marker, markersize=4, linewidth=1.4, label=backend)
        sizes = [8 * row["n"] for row in memcpy]
        for cache in results["context"].get("caches", []):
            if min(sizes) < cache["size"] < max(sizes):
                axes.axvline(cache["size"], color=GREY, linewidth=1, linestyle=(0, (1, 2)))
                axes.text(cache["size"], 1.0, " %s, %s" % (cache["name"], bytes_text(cache["size"])), transform=axes.get_xaxis_transform(),
                          color=INK, fontsize=9, va="bottom", ha="center")
        size_axis(axes, plot, sizes, bytes_text)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(plot.LogLocator(subs=(1, 2, 5), numticks=20))
        axes.yaxis.set_minor_locator(plot.NullLocator())
        axes.yaxis.set_major_formatter(plot.FuncFormatter(lambda value, _: "%g" % value))
        axes.set_xlabel("bytes of input and output")
        axes.set_title("p = %g" % p, pad=18)
    all_axes[0][0].set_ylabel("GB/s, read and written")
    handles, labels = all_axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="center right", frameon=False)
    figure.suptitle(titled(results, "Dropout of f32 by one thread"))
    figure.tight_layout(rect=(0, 0, 1 - 1.7 / figure.get_size_inches()[0], 1))
    return figure


def peer_title(row):
    title = TITLES.get(row["peer"], row["peer"])
    if row["dtype"] != "f32":
        title += ", " + row["dtype"]
    return title + (", with gradient" if row["direction"] != "forward" else "")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def draw_peers(results, plot):
    measured = needed([row for row in results["rows"] if row["status"] == "ok"], "a peer that was measured")
    panels = sorted({(row["n"], row["threads"]) for row in results["rows"]})
    probabilities = sorted({row["p"] for row in measured})
    styles = dict(zip(probabilities, [(BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "v")]))
    means = {}
    for row in measured:
        means.setdefault(peer_title(row), []).append(row["times_simdrop"]["median"])
    titles = sorted(means, key=lambda title: -geometric_mean(means[title]))
    # Why a line of the table has no dot: short where it has some.
    notes = {}
    for row in results["rows"]:
        if row["status"] != "ok":
            where = "" if peer_title(row) not in means else " with %d thread%s" % (row["threads"], "" if row["threads"] == 1 else "s")
            notes.setdefault("%s%s: %s (%s)" % (TITLES.get(row["peer"], row["peer"]), where, row["status"], row["reason"]), None)
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    caption = ["Not drawn:"] + [line for note in notes for line in textwrap.wrap(note, 150)] if notes else []
    height = lines * (1.3 + 0.26 * len(titles)) + 0.7 + 0.2 * len(caption)
    figure, all_axes = plot.subplots(lines, columns, figsize=(5.4 * columns + 0.8, height), sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(all_axes.flat, panels):
        plain_axes(axes)
        axes.axvline(1, color=INK, linewidth=1.4)
        for index, p in enumerate(probabilities):
            rows = [row for row in measured if (row["n"], row["threads"], row["p"]) == panel + (p,)]
            ratios = [row["times_simdrop"] for row in rows]
            places = [titles.index(peer_title(row)) + 0.16 * (2 * index - len(probabilities) + 1) for row in rows]
            color, marker = styles.get(p, (INK, "x"))
            axes.hlines(places, [ratio["p10"] for ratio in ratios], [ratio["p90"] for ratio in ratios], color=color, linewidth=1.2)
            axes.plot([ratio["median"] for ratio in ratios], places, linestyle="none", marker=marker, markersize=5, color=color, label="p = %g" % p)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(plot.LogLocator(subs=(1, 2, 5), numticks=20))
        axes.xaxis.set_major_formatter(plot.FuncFormatter(lambda value, _: "%g" % value))
        axes.xaxis.set_minor_locator(plot.NullLocator())
        axes.set_yticks(range(len(titles)))
        axes.set_yticklabels(titles)
        axes.set_ylim(len(titles) - 0.4, -0.6)
        axes.set_title("%s elements, %d thread%s" % (elements_text(panel[0]), panel[1], "" if panel[1] == 1 else "s"))
    for axes in list(all_axes.flat)[len(panels):]:
        axes.set_visible(False)
    for axes in list(all_axes.flat)[:len(panels)][-columns:]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("time over simdrop's (1: as fast)")
    handles, labels = all_axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncol=len(labels), frameon=False)
    figure.suptitle(titled(results, "How many times simdrop's time others take"), x=0.02, ha="left")
    bottom = 0.2 * len(caption) / height
    for i, line in enumerate(caption):
        figure.text(0.02, bottom - (i + 0.75) * 0.2 / height, line, fontsize=8.5, va="bottom", color=INK)
    figure.tight_layout(rect=(0, bottom, 1, 1 - 0.1 / height))
    return figure


def label(axes, text, x, y, below=False):
    """Below a dot, or to its right and above the lines there."""
    axes.annotate(text, (x, y), xytext=(0, -13) if below else (6, -3), textcoords="offset points", ha="center" if below else "left", fontsize=9,
                  color=INK, bbox=None if below else {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"})


def draw_probabilities(results, plot):
    forward = needed(rows_of(results, kernel="forward", dtype="f32", threads=1), "forward of f32")
    n = max({row["n"] for row in forward})
    backends = list(dict.fromkeys(row["backend"] for row in forward))
    figure, (bits, times) = plot.subplots(2, 1, figsize=(8.6, 8.2), sharex=True)
    for axes in (bits, times):
        plain_axes(axes)

    # Multiples of 1/64 take 6 bits an element at most; between them nearly every p takes as many as chance wants.
    dyadic = [i / 64 for i in range(1, 64)]
    smooth = [1 / (1 + math.exp(-x / 40 * math.log(999))) for x in range(-40, 41)]
    highest = expected_planes(1 / 3, BLOCK)
    bits.axhline(highest, color=BLUE, linewidth=1.6, label="drawn for a block of %d until all are decided" % BLOCK)
    bits.vlines(dyadic, [expected_planes(p, BLOCK) for p in dyadic], highest, color=BLUE, linewidth=0.5, alpha=0.6)
    bits.plot(dyadic, [expected_planes(p, BLOCK) for p in dyadic], linestyle="none", marker="o", markersize=3.5, color=BLUE)
    bits.axhline(expected_planes(1 / 3, 1), color=VERMILION, linewidth=1.6, linestyle="--", label="that one element needs, on average")
    bits.plot(dyadic, [expected_planes(p, 1) for p in dyadic], linestyle="none", marker="s", markersize=2.5, color=VERMILION)
    bits.plot(smooth, [entropy(p) for p in smooth], color=GREEN, linewidth=1.6, linestyle=":", label="entropy of the decision")
    bits.axhline(32, color=GREY, linewidth=1, linestyle=(0, (1, 2)), label="a 32-bit number an element")
    bits.set_yscale("log", base=2)
    bits.set_ylim(0.01, 48)
    bits.set_yticks([2.0**i for i in range(-6, 6)])
    bits.yaxis.set_major_formatter(plot.FuncFormatter(lambda value, _: "%g" % value if value >= 1 else "1/%g" % (1 / value)))
    bits.yaxis.set_minor_locator(plot.NullLocator())
    bits.set_ylabel("random bits an element")
    bits.legend(loc="lower center", frameon=False)
    for p, text in ((0.5, "1/2"), (0.25, "1/4"), (0.75, "3/4"), (0.125, "1/8"), (0.375, "3/8"), (0.625, "5/8"), (0.875, "7/8")):
        label(bits, text, p, expected_planes(p, BLOCK))

    shown = {"forward": (BLUE, "o", "-", "forward"), "mask-bits": (VERMILION, "s", "--", "mask alone")}
    for kernel, (color, marker, style, title) in shown.items():
        for backend in backends:
            rows = sorted(rows_of(results, kernel=kernel, dtype="f32", threads=1, n=n, backend=backend), key=lambda row: row["p"])
            rows = [row for row in rows if 0 < row["p"] < 1]
            if not rows:
                continue
            if len(backends) > 1:
                color, style, marker = BACKENDS.get(backend, OTHER_BACKEND)
            # The line goes through what nearly every p takes; where there are few bits the dots hang below it.
            generic = [row for row in rows if planes(row["p"]) > 8]
            times.plot([row["p"] for row in generic], [row["ns_per_element"]["median"] for row in generic], color=color, linestyle=style,
                       linewidth=1.2, label="%s, %s" % (title, backend))
            medians = [row["ns_per_element"]["median"] for row in rows]
            spreads = [[max(0, middle - row["ns_per_element"]["p10"]) for middle, row in zip(medians, rows)],
                       [max(0, row["ns_per_element"]["p90"] - middle) for middle, row in zip(medians, rows)]]
            times.errorbar([row["p"] for row in rows], medians, yerr=spreads, linestyle="none", marker=marker, markersize=4, color=color,
                           elinewidth=0.8)
            for row in rows:
                if planes(row["p"]) <= 3 and kernel == "mask-bits":
                    label(times, "%d/%d" % (row["p"] * 2 ** planes(row["p"]), 2 ** planes(row["p"])), row["p"], row["ns_per_element"]["median"], True)
    copies = rows_of(results, kernel="memcpy", dtype="f32", threads=1, n=n)
    if copies:
        times.axhline(copies[0]["ns_per_element"]["median"], color=INK, linewidth=2, label="memcpy")
    times.set_ylim(0, 1.2 * times.get_ylim()[1])
    times.set_ylabel("ns an element, %s of f32" % elements_text(n).strip())
    times.set_xlabel("p")
    times.set_xscale("logit")
    ticks = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999]
    times.set_xlim(0.0008, 0.9992)
    times.set_xticks(ticks)
    times.xaxis.set_major_formatter(plot.FuncFormatter(lambda value, _: "%g" % value))
    times.xaxis.set_minor_locator(plot.NullLocator())
    times.legend(loc="upper center", ncol=3, frameon=False)
    figure.suptitle(titled(results, "Bits and time against the probability of dropping"))
    figure.tight_layout()
    return figure


def draw_threads(results, plot):
    openmp = results.get("openmp", {})
    rows = needed([row for row in rows_of(results, dtype="f32") if row["kernel"] in ("forward", "memcpy")], "forward of f32")
    forward = needed([row for row in rows if row["kernel"] == "forward"], "forward of f32")
    counts = needed(sorted({row["threads"] for row in forward} - {1}), "more than one thread")
    probabilities = sorted({row["p"] for row in forward})
    backends = list(dict.fromkeys(row["backend"] for row in forward))

    def speed_up(kernel, backend, threads, p):
        """Sizes, and one thread's time over that of so many."""
        times = {(row["n"], row["threads"]): row["ns_per_element"]["median"] for row in rows
                 if (row["kernel"], row["backend"]) == (kernel, backend) and (kernel == "memcpy" or row["p"] == p)}
        sizes = sorted(n for n, count in times if count == threads and (n, 1) in times)
        return sizes, [times[n, 1] / times[n, threads] for n in sizes]

    figure, all_axes = plot.subplots(1, len(probabilities), figsize=(5.2 * len(probabilities), 4.4), sharey=True, squeeze=False)
    colors = [BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY]
    for axes, p in zip(all_axes[0], probabilities):
        plain_axes(axes)
        axes.axhline(1, color=INK, linewidth=1)
        for index, threads in enumerate(counts):
            color = colors[index % len(colors)]
            axes.axhline(threads, color=color, linewidth=1, linestyle=(0, (1, 2)))
            for backend in backends:
                sizes, ratios = speed_up("forward", backend, threads, p)
                own = BACKENDS.get(backend, OTHER_BACKEND) if len(backends) > 1 and len(counts) == 1 else (color, "-", "osD^v<"[index % 6])
                axes.plot(sizes, ratios, color=own[0], linestyle=own[1], marker=own[2], markersize=5, linewidth=1.5,
                          label="%d threads of a pool%s" % (threads, ", " + backend if len(backends) > 1 else ""))
            sizes, ratios = speed_up("memcpy", "none", threads, None)
            if sizes:
                axes.plot(sizes, ratios, color=GREY, linestyle="--", marker="x", markersize=4, linewidth=1.1, label="memcpy, %d threads of a pool" % threads)
        smallest = min(row["n"] for row in forward)
        others = sorted((row["n"], row["speed_up"]["median"]) for row in openmp.get("rows", ()) if row["p"] == p and row["n"] >= smallest)
        if others:
            axes.plot(*zip(*others), color=GREEN, linestyle="-", marker="s", markersize=5, linewidth=1.5, label="%d threads of OpenMP" % openmp["context"]["threads"])
        size_axis(axes, plot, [row["n"] for row in forward], elements_text, 2)
        axes.set_xlabel("elements")
        axes.set_title("p = %g" % p)
    all_axes[0][0].set_ylim(bottom=0)  # of all panels, once everything is drawn
    all_axes[0][0].set_ylabel("times as fast as one thread")
    all_axes[0][0].legend(loc="lower right", frameon=False)
    figure.suptitle(titled(results, "Dropout of f32 by several threads"))
    figure.tight_layout()
    return figure


PICTURES = {"sizes": draw_sizes, "peers": draw_peers, "probabilities": draw_probabilities, "threads": draw_threads}


def prepare():
    """matplotlib, set up so that the same figures give the same bytes on any machine."""
    try:
        import matplotlib
    except ImportError as error:
        raise Refused("matplotlib is not installed (%s); Debian: python3-matplotlib" % error) from error
    matplotlib.use("svg")
    import matplotlib.pyplot
    import matplotlib.ticker
    matplotlib.rcdefaults()
    matplotlib.rcParams.update({"svg.hashsalt": "simdrop", "svg.fonttype": "none", "font.size": 10.5, "axes.titlesize": 11.5,
                                "figure.titlesize": 13, "legend.fontsize": 9.5, "axes.edgecolor": INK, "text.color": INK})
    plot = matplotlib.pyplot
    for name in ("FuncFormatter", "NullLocator", "LogLocator"):
        setattr(plot, name, getattr(matplotlib.ticker, name))
    return plot


def openmp_path(path):
    """Where the figures of OpenMP's threads are, next to those of the pool's."""
    return path.replace("-threads.json", "-openmp.json")


def command(name, path):
    return COMMANDS[name].format(json=path, openmp=openmp_path(path))


def draw(name, path, folder, plot):
    if not os.path.exists(path):
        raise Refused("%s is not there; make it with: %s" % (path, command(name, path)))
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
        if name == "threads" and os.path.exists(openmp_path(path)):
            with open(openmp_path(path), encoding="utf-8") as file:
                results["openmp"] = json.load(file)
        figure = PICTURES[name](results, plot)
    except Refused as refused:
        raise Refused("%s %s" % (path, refused)) from refused
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused("%s is not what %s writes (%s: %s)" % (path, COMMANDS[name].split(" --")[0], type(error).__name__, error)) from error
    picture = os.path.join(folder, name + ".svg")
    figure.savefig(picture + ".new", format="svg", metadata={"Date": None, "Creator": None})
    plot.close(figure)
    os.replace(picture + ".new", picture)
    print(os.path.relpath(picture))


def main():
    parser = argparse.ArgumentParser(prog="pictures.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help="sizes, peers, probabilities or threads (default: all)")
    parser.add_argument("--results", metavar="FOLDER", default=os.path.relpath(os.path.join(ROOT, "bench", "results")), help="where the JSON is")
    parser.add_argument("--name", default="sapphire-rapids", help="what the files' names begin with")
    parser.add_argument("--output", metavar="FOLDER", default=os.path.join(ROOT, "docs", "performance"), help="where the pictures go")
    parser.add_argument("--commands", action="store_true", help="print the commands that measure, and end")
    options = parser.parse_args()
    names = options.pictures or list(PICTURES)
    paths = {name: os.path.join(options.results, "%s-%s.json" % (options.name, name)) for name in PICTURES}
    for name in names:
        if name not in PICTURES:
            parser.error("there is no picture '%s'" % name)
    if options.commands:
        for name in names:
            print(command(name, paths[name]))
        return 0
    status = 0
    try:
        plot = prepare()
        os.makedirs(options.output, exist_ok=True)
        for name in names:
            try:
                draw(name, paths[name], options.output, plot)
            except Refused as refused:
                print("pictures.py: %s" % refused, file=sys.stderr)
                status = 2
    except Refused as refused:
        print("pictures.py: %s" % refused, file=sys.stderr)
        status = 2
    except OSError as error:
        print("pictures.py: '%s': %s" % (error.filename, error.strerror), file=sys.stderr)
        status = 2
    return status


if __name__ == "__main__":
    sys.exit(main())
