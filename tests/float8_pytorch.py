"""PyTorch's conversions to the 8-bit types, on which every backend has to agree with it.

    python3 tests/float8_pytorch.py --write > tests/data/float8_pytorch.txt
    python3 tests/float8_pytorch.py          compares the file with what PyTorch does now

Needs torch and numpy; test_kernels compares the library with the file, for which it needs neither."""

import pathlib
import sys

import numpy
import torch

FILE = pathlib.Path(__file__).parent / "data" / "float8_pytorch.txt"
TYPES = {"f8e4m3fn": torch.float8_e4m3fn, "f8e5m2": torch.float8_e5m2}
PROBABILITIES = (0.001, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 0.99, 0.9999, 1 - 2.0**-32,
                 1 - 1 / (1.125 + 2.0**-13), 1 - 1 / (1.0625 + 2.0**-13))  # just above half-way


def line(name, p):
    """All 256 values: the scale, their products with it in float32, and those as the type again; numbers in hexadecimal."""
    threshold = min(round(p * 2**32), 2**32 - 1)
    scale = torch.tensor(2.0**32 / (2**32 - threshold), dtype=torch.float32)
    values = torch.arange(256, dtype=torch.uint8).view(TYPES[name])
    products = values.to(torch.float32) * scale
    results = products.to(TYPES[name]).view(torch.uint8)
    bits = products.numpy().view(numpy.uint32)
    return "%s %r %08x %s %s" % (name, p, scale.reshape(1).numpy().view(numpy.uint32)[0], "".join("%08x" % b for b in bits),
                                 "".join("%02x" % b for b in results.tolist()))


def main():
    lines = [line(name, p) for name in TYPES for p in PROBABILITIES]
    if sys.argv[1:] == ["--write"]:
        print("# Made by tests/float8_pytorch.py with PyTorch %s: type, p, the scale's bits as float32, the bits of the float32" %
              torch.__version__)
        print("# products of all 256 values and the scale, and these converted to the type by torch.Tensor.to.")
        print("\n".join(lines))
        return 0
    if sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    stored = [text for text in FILE.read_text().splitlines() if not text.startswith("#")]
    wrong = [" ".join(new.split()[:2]) for new in lines if new not in stored]
    for name in wrong:
        print("PyTorch %s converts otherwise than the file says: %s" % (torch.__version__, name))
    return 1 if wrong or len(stored) != len(lines) else 0


if __name__ == "__main__":
    sys.exit(main())
