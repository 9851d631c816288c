#!/usr/bin/env python3
"""Draws the pictures of docs/conformance.md (SVG), from what the tests write:

    simdrop verify --test S12 --form mask,gaussian --json CALIBRATION.json
    python3 tests/conformance/run.py BUILD/tests/conformance/simdrop_faulty --matrix MATRIX.json
    python3 docs/conformance/pictures.py BUILD/tools/simdrop/simdrop CALIBRATION.json MATRIX.json

They go to the folder of this script. The masks are drawn by the tool itself.
"""
import json
import math
import os
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
INK, FAINT, BLUE, ORANGE, GREEN = "#333333", "#dddddd", "#2b6cb0", "#dd6b20", "#2f855a"

# The smallest bias of the rate that these projects' own tests of dropout would catch, from the tolerances that the tests have.
PEERS = [("ONNX Runtime", 0.14), ("PyTorch", 0.089), ("flash-attention", 0.01)]


class Picture:
    def __init__(self, name, width, height, label):
        self.name = name
        self.parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" '
                      'font-size="12" role="img" aria-label="%s">' % (width, height, width, height, label),
                      '<rect width="%d" height="%d" fill="#ffffff"/>' % (width, height)]

    def text(self, x, y, text, anchor="start", size=12, fill=INK, extra=""):
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        self.parts.append('<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s"%s>%s</text>' % (x, y, anchor, size, fill, extra, escaped))

    def rect(self, x, y, width, height, fill, extra=""):
        self.parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"%s/>' % (x, y, width, height, fill, extra))

    def line(self, points, stroke, width=1.0, dash=""):
        path = " ".join("%s%.1f %.1f" % ("L" if i else "M", x, y) for i, (x, y) in enumerate(points))
        self.parts.append('<path d="%s" fill="none" stroke="%s" stroke-width="%.1f"%s/>' % (path, stroke, width, ' stroke-dasharray="%s"' % dash if dash else ""))

    def save(self):
        with open(os.path.join(FOLDER, self.name), "w", encoding="utf-8") as file:
            file.write("\n".join(self.parts + ["</svg>"]) + "\n")


def power(found):
    """Smallest bias seen against the number of elements."""
    left, top, width, height = 70, 30, 560, 330
    picture = Picture("power.svg", 760, 420, "Smallest bias that the tests see with probability 0.999, against the number of elements")
    x = lambda n: left + width * (math.log2(n) - 10) / 24
    y = lambda bias: top + height * (-math.log10(bias)) / 6
    for exponent in range(0, 7):
        picture.line([(left, y(10.0**-exponent)), (left + width, y(10.0**-exponent))], FAINT)
        picture.text(left - 8, y(10.0**-exponent) + 4, "1" if exponent == 0 else "1e-%d" % exponent, "end")
    for bits in range(10, 35, 4):
        picture.line([(x(2.0**bits), top), (x(2.0**bits), top + height)], FAINT)
        picture.text(x(2.0**bits), top + height + 18, "2^%d" % bits, "middle")
    picture.text(left + width / 2, top + height + 40, "elements drawn", "middle")
    picture.text(left, 18, "smallest bias of the rate seen with probability 0.999, at the level of a whole run (%.0e a figure)" % found["context"]["level"])
    for name, bias in PEERS:
        picture.line([(left, y(bias)), (left + width, y(bias))], ORANGE, 1.5, "6 4")
        picture.text(left + width + 6, y(bias) + 4, name, fill=ORANGE)
    for p, dash in ((0.5, ""), (0.1, "8 3"), (0.001, "2 3")):
        rows = [row for row in found["power"] if row["p"] == p]
        for key, color in (("smallest_rate", BLUE), ("smallest_correlation", GREEN)):
            if key == "smallest_correlation" and p != 0.5:
                continue
            points = [(x(row["n"]), y(row[key])) for row in rows if row[key] is not None and row[key] <= 1]
            picture.line(points, color, 2, dash)
            label = "p = %g" % p if key == "smallest_rate" else "correlation"
            picture.text(points[-1][0] + 6, points[-1][1] + 4, label, fill=color)
    for bits, name in ((24, "short"), (34, "long")):
        picture.line([(x(2.0**bits), top), (x(2.0**bits), top + height)], INK, 1, "3 3")
        picture.text(x(2.0**bits) - 4, top + height - 6, name, "end")
    picture.save()


def calibration(found):
    """Histograms of p-values, one of each test and p."""
    tests = ["S%d" % i for i in [*range(1, 9), *range(14, 18)]]
    ps = sorted({row["p"] for row in found["calibration"]})
    rows = {(row["test"], row["p"]): row for row in found["calibration"]}
    width, height, left, top = 88, 52, 70, 40
    picture = Picture("calibration.svg", left + len(tests) * (width + 10) + 10, top + len(ps) * (height + 12) + 10,
                      "Histograms of the p-values of each test over 1000 seeds")
    for t, test in enumerate(tests):
        picture.text(left + t * (width + 10) + width / 2, 22, test, "middle")
    for i, p in enumerate(ps):
        y = top + i * (height + 12)
        picture.text(left - 10, y + height / 2 + 4, "p = %.3g" % p, "end")
        for t, test in enumerate(tests):
            x = left + t * (width + 10)
            row = rows.get((test, p))
            picture.rect(x, y, width, height, "#f7f7f7")
            if row is None:
                picture.text(x + width / 2, y + height / 2 + 4, "too few", "middle", 10)
                continue
            values = row["p_values"]
            counts = [0] * 20
            for value in values:
                counts[min(19, int(20 * value))] += 1
            for k, count in enumerate(counts):
                bar = min(height, height * count / (2.5 * len(values) / 20))
                picture.rect(x + k * width / 20, y + height - bar, width / 20 - 0.5, bar, ORANGE if row["one_sided"] else BLUE)
            even = y + height - height / 2.5
            picture.line([(x, even), (x + width, even)], INK, 0.7, "3 2")
    picture.save()


def fault_matrix(matrix):
    tests = ["K%d" % i for i in [1, *range(3, 21)]] + ["S%d" % i for i in range(1, 19)]
    cell, left, top = 20, 330, 40
    picture = Picture("faults.svg", left + cell * len(tests) + 20, top + cell * len(matrix) + 20, "Which test catches which planted fault")
    for t, test in enumerate(tests):
        picture.text(left + t * cell + cell / 2, 30, test, "middle", 10)
    for i, row in enumerate(matrix):
        y = top + i * cell
        picture.text(left - 8, y + 14, row["what"] if len(row["what"]) < 56 else row["what"][:54].rsplit(" ", 1)[0] + " ...", "end", 11)
        for t, test in enumerate(tests):
            fill = FAINT
            if test in row["caught_by"]:
                fill = BLUE if test == row["named"] else "#90b8e0"
            picture.rect(left + t * cell + 1, y + 1, cell - 2, cell - 2, fill if fill != FAINT else "#f2f2f2")
            if test == row["named"]:
                picture.rect(left + t * cell + 1, y + 1, cell - 2, cell - 2, "none", ' stroke="%s" stroke-width="1.5"' % INK)
    picture.save()


def mask_bits(tool, n, p, stream):
    raw = subprocess.run([tool, "mask", "--p", str(p), "--count", str(n), "--seed", "7", "--stream", str(stream), "--format", "bytes"],
                         stdout=subprocess.PIPE, check=True).stdout
    return [int(b) for b in raw]


def masks(tool):
    """The mask itself: dark = dropped."""
    picture = Picture("masks.svg", 640, 236, "A mask of single elements, of whole channels, and one shared by all time steps")
    dots = []

    def draw(x, y, rows, columns, size, dropped):
        for r in range(rows):
            for c in range(columns):
                if dropped(r, c):
                    dots.append("M%g %gh%gv%gh-%gz" % (x + c * size, y + r * size, size, size, size))

    flat = mask_bits(tool, 64 * 64, 0.3, 1)
    picture.text(110, 22, "single elements", "middle")
    draw(14, 32, 64, 64, 3, lambda r, c: not flat[64 * r + c])
    channels = mask_bits(tool, 64, 0.3, 2)
    picture.text(320, 22, "64 channels of 8 x 8", "middle")
    draw(224, 32, 64, 64, 3, lambda r, c: not channels[8 * (r // 8) + c // 8])
    features = mask_bits(tool, 4 * 64, 0.3, 3)
    picture.text(530, 22, "4 sequences of 16 steps", "middle")
    draw(434, 32, 64, 64, 3, lambda r, c: not features[64 * (r // 16) + c])
    for x in (14, 224, 434):
        picture.rect(x, 32, 192, 192, "none", ' stroke="%s"' % INK)
    picture.parts.append('<path d="%s" fill="%s"/>' % ("".join(dots), BLUE))
    picture.save()


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: pictures.py SIMDROP CALIBRATION.json MATRIX.json")
    with open(sys.argv[2], encoding="utf-8") as file:
        found = json.load(file)
    with open(sys.argv[3], encoding="utf-8") as file:
        matrix = json.load(file)
    power(found)
    calibration(found)
    fault_matrix(matrix)
    masks(sys.argv[1])


if __name__ == "__main__":
    main()
