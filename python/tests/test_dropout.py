"""dropout, mask and apply_bits against the reference, for any shape, strides, type, p and shared decisions: values and masks."""

from __future__ import annotations

import pickle

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
import simdrop

TYPES = [np.dtype(t) for t in (np.float16, np.float32, np.float64, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)]
P = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0, 2**-32, 2**-33, 1 - 2**-33]), st.floats(0, 1))
WORD = st.integers(0, 2**64 - 1)


def bits(x):
    """The bytes of the elements; every NaN is one, since ml_dtypes has its own."""
    x = np.ascontiguousarray(x)
    with np.errstate(invalid="ignore"):  # which ml_dtypes raises for signalling NaNs
        nan = np.isnan(x)
    if nan.any():
        x = np.where(nan, np.array(np.nan, x.dtype), x)
    return x.view(f"u{x.dtype.itemsize}")


def same(a, b):
    assert a.dtype == b.dtype and a.shape == b.shape
    assert np.array_equal(bits(a), bits(b))


def values(shape, dtype, seed):
    """Ordinary numbers, and one in eight of any bits that the type has."""
    random = np.random.default_rng(seed)
    x = random.normal(size=shape).astype(dtype)
    wild = np.frombuffer(random.bytes(x.size * dtype.itemsize), dtype).reshape(shape)
    return np.where(random.random(shape) < 0.125, wild, x)


@st.composite
def arrays(draw):
    """Views of any strides: every axis is a slice with a step of either sign, or repeated without memory; axes in any order."""
    rank = draw(st.integers(0, 5))
    dtype = draw(st.sampled_from(TYPES))
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in range(rank)]
    dims = [draw(st.integers(0 if draw(st.integers(0, 9)) == 0 else 1, 6 if rank > 2 else 40)) for _ in range(rank)]
    base = values(tuple(dims), dtype, draw(st.integers(0, 999)))
    x = base[tuple(slice(None, None, step) for step in steps)].transpose(draw(st.permutations(range(rank))))
    repeated = [axis for axis in range(rank) if draw(st.integers(0, 5)) == 0]
    for axis in repeated:
        x = np.broadcast_to(x[(slice(None),) * axis + (slice(0, 1),)], x.shape[:axis] + (3 if x.shape[axis] else 0,) + x.shape[axis + 1 :])
    return x


@st.composite
def layouts(draw, shape):
    kind = draw(st.sampled_from(["each", "mask_shape", "index_strides"]))
    if kind == "mask_shape":
        first = draw(st.integers(0, len(shape)))
        return {"mask_shape": tuple(draw(st.sampled_from([1, extent])) for extent in shape[first:])}
    if kind == "index_strides":
        return {"index_strides": tuple(draw(st.integers(0, 1000)) for _ in shape)}
    return {}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_any_array(data):
    x = data.draw(arrays())
    p, seed, stream = data.draw(P), data.draw(WORD), data.draw(WORD)
    offset = data.draw(st.one_of(st.integers(0, 300), st.integers(0, 2**63)))
    layout = data.draw(layouts(x.shape))
    threads = data.draw(st.sampled_from([1, 2]))
    key = {"seed": seed, "stream": stream, "offset": offset, **layout}
    keep = reference.mask(x.shape, p, **key)
    expected = reference.dropout(x, p, keep=keep)

    y = simdrop.dropout(x, p, threads=threads, **key)
    same(y, expected)
    assert y.strides == np.empty_like(x, subok=False).strides

    out = np.full(x.shape[::-1], 7, x.dtype).T  # lies otherwise than x
    assert simdrop.dropout(x, p, out=out, **key) is out
    same(out, expected)
    own = np.array(x, order="K")
    assert simdrop.dropout(own, p, out=own, **key) is own
    same(own, expected)

    mask = simdrop.mask(x.shape, p, threads=threads, **key)
    assert mask.dtype == np.bool_ and np.array_equal(mask, keep)
    packed = simdrop.mask(x.shape, p, packed=True, **key)
    assert np.array_equal(packed, np.packbits(keep.reshape(-1), bitorder="little"))
    same(simdrop.apply_bits(x, packed, p, threads=threads), expected)
    out[...] = 7
    assert simdrop.apply_bits(x, packed, p, out=out) is out
    same(out, expected)


def test_gradient_is_the_same_call():
    dy = values((33, 17), np.dtype(np.float32), 1)
    mask = simdrop.mask(dy.shape, 0.3, seed=5, stream=6)
    same(simdrop.dropout(dy, 0.3, seed=5, stream=6), reference.dropout(dy, 0.3, keep=mask))


@pytest.mark.parametrize("dtype", [dtype for dtype in TYPES if dtype.itemsize <= 2], ids=lambda dtype: dtype.name)
def test_every_value_of_small_types(dtype):
    x = np.arange(256**dtype.itemsize, dtype=f"u{dtype.itemsize}").view(dtype)
    for p in (0.0, 0.1, 0.5):
        keep = simdrop.mask(x.shape, p, seed=3)
        same(simdrop.dropout(x, p, seed=3), reference.dropout(x, p, keep=keep))


def test_pieces_are_the_whole():
    x = values((4, 1000), np.dtype(np.float32), 2)
    whole = simdrop.dropout(x, 0.1, seed=1, stream=2)
    for row in range(4):
        same(simdrop.dropout(x[row], 0.1, seed=1, stream=2, offset=1000 * row), whole[row])
    tile = simdrop.dropout(x[1:3, 100:300], 0.1, seed=1, stream=2, offset=1100, index_strides=(1000, 1))
    same(tile, whole[1:3, 100:300])


def test_mask_shape_is_from_the_right_and_none_is_the_own_extent():
    x = np.ones((2, 3, 4), np.float32)
    y = simdrop.dropout(x, 0.5, seed=9, mask_shape=(3, 1))
    same(y, simdrop.dropout(x, 0.5, seed=9, mask_shape=(1, 3, 1)))
    same(y, simdrop.dropout(x, 0.5, seed=9, mask_shape=(1, None, 1)))
    assert (y == y[:1, :, :1]).all()
    same(simdrop.dropout(x, 0.5, seed=9, mask_shape=()), simdrop.dropout(x, 0.5, seed=9, mask_shape=1))


def test_many_axes():
    x = values((2,) * 14, np.dtype(np.float32), 3)
    expected = reference.dropout(x, 0.5, keep=reference.mask(x.shape, 0.5, seed=4))
    same(simdrop.dropout(x, 0.5, seed=4), expected)
    turned = x.transpose(*range(13, -1, -1))  # no two of its axes are one longer axis with the mask's
    keep = reference.mask(turned.shape, 0.5, seed=4)
    same(simdrop.dropout(turned, 0.5, seed=4), reference.dropout(turned, 0.5, keep=keep))
    out = np.empty_like(turned)
    assert simdrop.dropout(turned, 0.5, seed=4, out=out) is out
    same(out, reference.dropout(turned, 0.5, keep=keep))
    with pytest.raises(ValueError, match="more than 8 axes"):
        simdrop.dropout(x, 0.5, seed=4, mask_shape=(1, 2) * 7)


def test_elements_between_multiples_of_their_size():
    record = np.zeros(100, np.dtype([("flag", "u1"), ("x", "f4")]))
    record["x"] = np.arange(100)
    expected = simdrop.dropout(np.arange(100, dtype="f4"), 0.5, seed=1)
    same(simdrop.dropout(record["x"], 0.5, seed=1), expected)
    assert simdrop.dropout(record["x"], 0.5, seed=1, out=record["x"]) is not None
    same(record["x"].copy(), expected)
    shifted = np.frombuffer(b"\0" + np.arange(100, dtype="f4").tobytes(), "f4", offset=1)
    same(simdrop.dropout(shifted, 0.5, seed=1), expected)


def test_results_are_new_arrays_of_numpy():
    x = np.ma.masked_array(np.ones(4, np.float32), mask=[0, 1, 0, 0])
    assert type(simdrop.dropout(x, 0.5, seed=1)) is np.ndarray
    zero = simdrop.dropout(np.float32(1), 0, seed=1)
    assert isinstance(zero, np.ndarray) and zero.shape == () and zero == 1
    x = np.ones(4)
    assert simdrop.dropout(x, 0, seed=1) is not x


def test_scale():
    for p in (0, 0.1, 0.5, 1 - 2**-32, 1):
        assert simdrop.scale(p) == reference.scale(p)


def test_every_backend_and_choice():
    x = values((77, 31), np.dtype(np.float32), 4)
    expected = simdrop.dropout(x, 0.1, seed=1)
    heard = []
    from simdrop._backends import on_use_backend

    on_use_backend(heard.append)
    heard.clear()
    usable = [backend.name for backend in simdrop.backends() if backend.supported]
    try:
        for name in usable:
            simdrop.use_backend(name)
            assert [backend.name for backend in simdrop.backends() if backend.current] == [name]
            same(simdrop.dropout(x, 0.1, seed=1), expected)
        for name in ("no such thing", *(backend.name for backend in simdrop.backends() if not backend.supported)):
            with pytest.raises((ValueError, RuntimeError), match=name):
                simdrop.use_backend(name)
    finally:
        simdrop.use_backend(None)
    assert heard == [*usable, None]
    with pytest.raises(TypeError, match="str or None"):
        simdrop.use_backend(3)


class TestGenerator:
    def test_state(self):
        x = np.ones(100, np.float32)
        generator = simdrop.Generator(7, stream=3)
        assert (generator.seed, generator.stream) == (7, 3)
        same(generator.dropout(x, 0.1), simdrop.dropout(x, 0.1, seed=7, stream=3))
        assert np.array_equal(generator.mask(100, 0.1, mask_shape=1), simdrop.mask(100, 0.1, seed=7, stream=4, mask_shape=1))
        generator.skip(5)
        assert generator == simdrop.Generator(7, 10) and generator != simdrop.Generator(7, 9) and generator != simdrop.Generator(8, 10)
        assert generator != 7
        assert pickle.loads(pickle.dumps(generator)) == generator
        assert eval(repr(generator)) == generator
        with pytest.raises(TypeError):
            hash(generator)

    def test_failed_calls_take_no_stream(self):
        generator = simdrop.Generator(7)
        for x in (np.ones(3, int), "text"):
            with pytest.raises(TypeError):
                generator.dropout(x)
        with pytest.raises(ValueError, match="p must"):
            generator.dropout(np.ones(3), 2)
        assert generator.stream == 0

    def test_streams_wrap(self):
        generator = simdrop.Generator(7, 2**64 - 1)
        generator.mask(3, 0.5)
        assert generator.stream == 0

    def test_spawn(self):
        parent = simdrop.Generator(7)
        children = parent.spawn(3)
        assert parent.stream == 3 and len({child.seed for child in children}) == 3
        assert children[1] == simdrop.Generator(int.from_bytes(simdrop.mask(64, 0.5, seed=7, stream=1, packed=True).tobytes(), "little"))

    def test_seed_of_the_system(self):
        assert simdrop.Generator() != simdrop.Generator()

    def test_seed_from_numpy(self):
        words = np.random.default_rng(1).integers(0, 2**64 - 1, 2, np.uint64, endpoint=True)
        x = np.ones(100)
        expected = simdrop.dropout(x, seed=int(words[0]), stream=(int(words[1]) + 3) % 2**64)
        same(simdrop.dropout(x, seed=np.random.default_rng(1), stream=3), expected)
        assert simdrop.Generator(np.random.default_rng(1)).seed == words[0]
        random = np.random.default_rng(1)
        assert not np.array_equal(simdrop.mask(64, 0.5, seed=random), simdrop.mask(64, 0.5, seed=random))


class TestStatistics:
    """Seeds are fixed, so these pass always or never; five standard deviations."""

    @pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
    def test_keep_rate(self, p):
        n = 1 << 20
        assert abs(simdrop.mask(n, p, seed=11).sum() - n * (1 - p)) < 5 * (n * p * (1 - p)) ** 0.5

    @pytest.mark.parametrize("p", [0.1, 0.5])
    def test_expected_output_is_the_input(self, p):
        x = np.linspace(-3, 3, 64)
        generator = simdrop.Generator(12)
        passes = np.stack([generator.dropout(x, p) for _ in range(4000)])
        deviation = np.abs(x) * (p / (1 - p) / len(passes)) ** 0.5
        assert (np.abs(passes.mean(axis=0) - x) < 5 * deviation).all()

    def test_channels(self):
        y = simdrop.dropout(np.ones((256, 64, 5, 5), np.float32), 0.3, seed=13, mask_shape=(256, 64, 1, 1))
        assert (y == y[:, :, :1, :1]).all()
        dropped = (y[:, :, 0, 0] == 0).sum()
        assert abs(dropped - 256 * 64 * 0.3) < 5 * (256 * 64 * 0.3 * 0.7) ** 0.5

    def test_streams_are_independent(self):
        a, b = (simdrop.mask(1 << 18, 0.5, seed=14, stream=stream) for stream in (0, 1))
        assert abs((a == b).sum() - (1 << 17)) < 5 * (1 << 16) ** 0.5
