"""Dropout as docs/numerics.md defines it, in NumPy alone: what simdrop is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint32]
LOW = np.uint64(0xFFFFFFFF)


def philox(counter: tuple[Any, Any, Any, Any], key: tuple[int, int]) -> tuple[Bits, ...]:
    """Philox4x32-10 of many counters (arrays of 32-bit words, as uint64) and one key."""
    a, b, c, d = (np.asarray(word, np.uint64) for word in counter)
    for turn in range(10):
        k, l = ((word + turn * step) & 0xFFFFFFFF for word, step in zip(key, (0x9E3779B9, 0xBB67AE85)))
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b, c, d = (q >> np.uint64(32)) ^ b ^ np.uint64(k), q & LOW, (p >> np.uint64(32)) ^ d ^ np.uint64(l), p & LOW
    return tuple(word.astype(np.uint32) for word in (a, b, c, d))


def threshold(p: float) -> int:
    return 1 << 32 if p >= 1 else min(round(p * 2.0**32), (1 << 32) - 1)


def kept(p: float, seed: int, stream: int, index: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether elements with these indices are kept."""
    blocks, place = np.unique(index >> np.uint64(7), return_inverse=True)
    place = place.reshape(index.shape)
    numbers = np.zeros((len(blocks), 128), np.uint64)
    for plane in range(32):
        counter = (
            np.full(len(blocks), stream & 0xFFFFFFFF),
            blocks & LOW,
            np.full(len(blocks), stream >> 32),
            (blocks >> np.uint64(32)) | np.uint64(plane << 25),
        )
        words = np.stack(philox(counter, (seed & 0xFFFFFFFF, seed >> 32)), axis=1)
        bits = np.unpackbits(words.astype("<u4").view(np.uint8), axis=1, bitorder="little")
        numbers |= bits.astype(np.uint64) << np.uint64(31 - plane)
    return numbers[place, (index & np.uint64(127)).astype(np.intp)] >= threshold(p)


def indices(
    shape: tuple[int, ...], offset: int = 0, mask_shape: tuple[int, ...] | None = None, index_strides: tuple[int, ...] | None = None
) -> NDArray[np.uint64]:
    """The mask's index of each element."""
    if index_strides is None:
        small = shape if mask_shape is None else (1,) * (len(shape) - len(mask_shape)) + mask_shape
        index = np.broadcast_to(np.arange(np.prod(small, dtype=int), dtype=np.uint64).reshape(small), shape)
    else:
        index = np.zeros(shape, np.uint64)
        for axis, stride in enumerate(index_strides):
            steps = np.arange(shape[axis], dtype=np.uint64) * np.uint64(stride)
            index = index + steps.reshape((-1,) + (1,) * (len(shape) - axis - 1))
    return index + np.uint64(offset)


def mask(
    shape: tuple[int, ...],
    p: float,
    *,
    seed: int,
    stream: int = 0,
    offset: int = 0,
    mask_shape: tuple[int, ...] | None = None,
    index_strides: tuple[int, ...] | None = None,
) -> NDArray[np.bool_]:
    return kept(p, seed, stream, indices(shape, offset, mask_shape, index_strides))


def scale(p: float) -> float:
    return 0.0 if threshold(p) == 1 << 32 else 2.0**32 / (2**32 - threshold(p))


def product(x: NDArray[Any], p: float) -> NDArray[Any]:
    """What kept elements become."""
    if p == 0:
        return x.copy()
    with np.errstate(over="ignore", invalid="ignore"):
        if x.dtype == np.float64:
            return x * scale(p)
        scaled = x.astype(np.float32) * np.float32(scale(p))
        if x.dtype.name == "float8_e4m3fn":
            scaled = np.clip(scaled, -448, 448)
        return scaled.astype(x.dtype)


def dropout(x: NDArray[Any], p: float, *, keep: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(keep, product(x, p), np.zeros((), x.dtype))
