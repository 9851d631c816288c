"""The masks against the committed golden data of the C library, and the reference of these tests against the same."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

import reference
import simdrop

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests/data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the golden data is not beside these tests")


def lines(name):
    return [line.split() for line in (DATA / name).read_text().splitlines() if line and not line.startswith("#")]


def digest(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def test_golden_masks():
    for p, seed, stream, offset, n, threshold, kept, bits in lines("mask_golden.txt"):
        key = {"seed": int(seed, 0), "stream": int(stream, 0), "offset": int(offset, 0)}
        if key["offset"] + int(n) > 1 << 64:  # a line about what must not happen
            with pytest.raises(ValueError, match="index"):
                simdrop.mask(int(n), float(p), packed=True, **key)
            continue
        packed = simdrop.mask(int(n), float(p), packed=True, **key)
        assert packed.tobytes().hex() == bits
        mask = simdrop.mask(int(n), float(p), **key)
        assert mask.sum() == int(kept)
        assert np.array_equal(np.packbits(mask, bitorder="little"), packed)
        assert np.array_equal(reference.mask((int(n),), float(p), **key), mask)
        assert reference.threshold(float(p)) == int(threshold)


def test_philox_known_answers():
    for _, rounds, *words in lines("philox4x32_10_kat.txt"):
        assert rounds == "10"
        counter, key, expected = ([int(word, 16) for word in part] for part in (words[:4], words[4:6], words[6:10]))
        assert [int(word) for word in reference.philox(tuple(counter), tuple(key))] == expected


GOLDEN = {"seed": 0x0123456789ABCDEF, "stream": 0xFEDCBA9876543210, "offset": (1 << 39) - (1 << 19) - 5}


def test_golden_digests():
    for p, mask, *_ in lines("golden_digests.txt")[:3]:
        assert digest(simdrop.mask(1 << 20, float(p), packed=True, **GOLDEN).tobytes()) == mask


LAYOUTS = {
    "dense": (0, (3, 211, 307), {}),
    "broadcast": (1, (12, 97, 130), {"mask_shape": (12, 1, 130)}),
    "channels-first": (2, (5, 37, 29, 31), {"mask_shape": (5, 37, 1, 1)}),
    "channels-last": (3, (5, 29, 31, 37), {"index_strides": (37, 0, 0, 1)}),
    "time-shared": (4, (6, 50, 411), {"mask_shape": (6, 1, 411)}),
    "drop-path": (5, (19, 83, 101), {"mask_shape": (19, 1, 1)}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_golden_layouts(name):
    number, shape, layout = LAYOUTS[name]
    golden = next(line[1] for line in lines("golden_layouts.txt") if line[0] == name)
    key = {**GOLDEN, "seed": GOLDEN["seed"] + number}
    assert digest(simdrop.mask(shape, (0.1, 0.5, 0.9)[number % 3], **layout, **key).tobytes()) == golden
