"""What is taken and what is refused: arrays of other libraries, exceptions as NumPy has them, outputs untouched."""

from __future__ import annotations

import array
import ctypes
import signal
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

import simdrop

X = np.ones(8, np.float32)
READ_ONLY = np.ones(8, np.float32)
READ_ONLY.flags.writeable = False


class OnGpu:
    """What CuPy's arrays show."""

    __cuda_array_interface__ = {}

    def __dlpack_device__(self):
        return (2, 0)

    def __dlpack__(self, **_):
        raise AssertionError("asked for elements of another device")


class OnGpuWithoutDlpack:
    __cuda_array_interface__ = {}

    def __array__(self, *_, **__):
        raise AssertionError("copied from another device")


REFUSED = {
    "no seed": (TypeError, "seed", lambda: simdrop.dropout(X)),
    "no x": (TypeError, "'x'", lambda: simdrop.dropout(seed=1)),
    "x twice": (TypeError, "two values", lambda: simdrop.dropout(X, x=X, seed=1)),
    "too many": (TypeError, "positional", lambda: simdrop.dropout(X, 0.5, 1)),
    "unknown argument": (TypeError, "axis", lambda: simdrop.dropout(X, seed=1, axis=0)),
    "integers": (TypeError, "int64", lambda: simdrop.dropout(np.ones(3, np.int64), seed=1)),
    "list of integers": (TypeError, "int64", lambda: simdrop.dropout([1, 2], seed=1)),
    "bools": (TypeError, "bool", lambda: simdrop.dropout(np.ones(3, bool), seed=1)),
    "bytes": (TypeError, "uint8", lambda: simdrop.dropout(b"abc", seed=1)),
    "complex": (TypeError, "complex64", lambda: simdrop.dropout(np.ones(3, np.complex64), seed=1)),
    "long double": (TypeError, "longdouble|float128", lambda: simdrop.dropout(np.ones(3, np.longdouble), seed=1)),
    "objects": (TypeError, "object", lambda: simdrop.dropout(np.array([None]), seed=1)),
    "text": (TypeError, "<U4", lambda: simdrop.dropout("text", seed=1)),
    "dates": (TypeError, "datetime64", lambda: simdrop.dropout(np.zeros(3, "M8[s]"), seed=1)),
    "records": (TypeError, "'a'", lambda: simdrop.dropout(np.zeros(3, [("a", "f4")]), seed=1)),
    "the other byte order": (TypeError, "byte order", lambda: simdrop.dropout(X.astype(X.dtype.newbyteorder()), seed=1)),
    "another float8": (TypeError, "float8_e4m3fnuz", lambda: simdrop.dropout(np.ones(3, ml_dtypes.float8_e4m3fnuz), seed=1)),
    "p of NaN": (ValueError, "p must", lambda: simdrop.dropout(X, float("nan"), seed=1)),
    "p below 0": (ValueError, "p must", lambda: simdrop.dropout(X, -0.1, seed=1)),
    "p above 1": (ValueError, "p must", lambda: simdrop.mask(3, 1.1, seed=1)),
    "p of scale": (ValueError, "p must", lambda: simdrop.scale(2)),
    "p beyond all floats": (ValueError, "p must", lambda: simdrop.dropout(X, 10**400, seed=1)),
    "p of text": (TypeError, "", lambda: simdrop.dropout(X, "half", seed=1)),
    "p of None": (TypeError, "", lambda: simdrop.dropout(X, None, seed=1)),
    "negative seed": (ValueError, "seed", lambda: simdrop.dropout(X, seed=-1)),
    "large seed": (ValueError, "seed", lambda: simdrop.dropout(X, seed=2**64)),
    "seed of float": (TypeError, "seed", lambda: simdrop.dropout(X, seed=1.0)),
    "seed of None": (TypeError, "seed", lambda: simdrop.dropout(X, seed=None)),
    "negative stream": (ValueError, "stream", lambda: simdrop.dropout(X, seed=1, stream=-1)),
    "large offset": (ValueError, "offset", lambda: simdrop.dropout(X, seed=1, offset=2**64)),
    "index past the last": (ValueError, "index", lambda: simdrop.dropout(X, seed=1, offset=2**64 - 7)),
    "index strides past the last": (ValueError, "index", lambda: simdrop.dropout(X, seed=1, index_strides=(2**63,))),
    "no threads": (ValueError, "threads", lambda: simdrop.dropout(X, seed=1, threads=0)),
    "threads of float": (TypeError, "threads", lambda: simdrop.dropout(X, seed=1, threads=1.5)),
    "mask shape": (ValueError, "broadcast", lambda: simdrop.dropout(X, seed=1, mask_shape=(3,))),
    "mask shape of more axes": (ValueError, "broadcast", lambda: simdrop.dropout(X, seed=1, mask_shape=(1, 8))),
    "mask shape of floats": (TypeError, "mask_shape", lambda: simdrop.dropout(X, seed=1, mask_shape=(1.0,))),
    "mask shape of text": (TypeError, "mask_shape", lambda: simdrop.dropout(X, seed=1, mask_shape=1.5)),
    "both": (TypeError, "one of them", lambda: simdrop.dropout(X, seed=1, mask_shape=(1,), index_strides=(0,))),
    "index strides for other axes": (ValueError, "index_strides", lambda: simdrop.dropout(X, seed=1, index_strides=(1, 1))),
    "negative index stride": (ValueError, "index stride", lambda: simdrop.dropout(X, seed=1, index_strides=(-1,))),
    "out of another type": (TypeError, "type of x", lambda: simdrop.dropout(X, seed=1, out=np.zeros(8))),
    "out of another shape": (ValueError, "shape of x", lambda: simdrop.dropout(X, seed=1, out=np.zeros((8, 1), np.float32))),
    "read-only out": (ValueError, "read-only", lambda: simdrop.dropout(X, seed=1, out=READ_ONLY)),
    "out of bytes": (ValueError, "read-only", lambda: simdrop.mask(3, 0.5, seed=1, out=b"abc")),
    "out of a list": (TypeError, "out", lambda: simdrop.dropout(X, seed=1, out=[0.0] * 8)),
    "overlap": (ValueError, "overlaps", lambda: overlapping()),
    "out that overlaps itself": (
        ValueError,
        "overlap",
        lambda: simdrop.dropout(X, seed=1, out=np.lib.stride_tricks.as_strided(X.copy(), (8,), (0,))),
    ),
    "negative extent": (ValueError, "", lambda: simdrop.mask(-1, 0.5, seed=1)),
    "shape of float": (TypeError, "shape", lambda: simdrop.mask(1.5, 0.5, seed=1)),
    "shape too large": ((ValueError, MemoryError), "", lambda: simdrop.mask((2**40, 2**40), 0.5, seed=1)),
    "packed shape too large": ((ValueError, MemoryError), "", lambda: simdrop.mask((2**40, 2**40), 0.5, seed=1, packed=True)),
    "too many axes": (ValueError, "axes", lambda: simdrop.mask((1,) * 65, 0.5, seed=1)),
    "mask into floats": (TypeError, "bool", lambda: simdrop.mask(8, 0.5, seed=1, out=X.copy())),
    "packed mask into bools": (TypeError, "uint8", lambda: simdrop.mask(8, 0.5, seed=1, packed=True, out=np.zeros(1, bool))),
    "mask into another shape": (ValueError, "shape", lambda: simdrop.mask(8, 0.5, seed=1, out=np.zeros(9, bool))),
    "mask into every other": (ValueError, "contiguous", lambda: simdrop.mask(8, 0.5, seed=1, out=np.zeros(16, bool)[::2])),
    "bits of bools": (TypeError, "packbits", lambda: simdrop.apply_bits(X, np.ones(8, bool), 0.5)),
    "too few bits": (ValueError, "bits must", lambda: simdrop.apply_bits(X, np.ones(0, np.uint8), 0.5)),
    "too many bits": (ValueError, "bits must", lambda: simdrop.apply_bits(X, np.ones(2, np.uint8), 0.5)),
    "bits over out": (ValueError, "overlap", lambda: bits_over_out()),
    "overlap between multiples": (ValueError, "overlap", lambda: simdrop.dropout(between(1), seed=1, out=between(6))),
    "out between multiples that overlaps itself": (
        ValueError,
        "overlap",
        lambda: simdrop.dropout(X, seed=1, out=np.lib.stride_tricks.as_strided(between(1), (8,), (3,))),
    ),
    "bits over out between multiples": (ValueError, "overlap", lambda: simdrop.apply_bits(X, MEMORY[8:9], 0.5, out=between(5))),
    "overlap of more axes than merge": (ValueError, "overlap", lambda: simdrop.dropout(AXES, seed=1, out=AXES[::-1])),
    "another device": (TypeError, "CPU", lambda: simdrop.dropout(OnGpu(), seed=1)),
    "another device without DLPack": (TypeError, "CPU", lambda: simdrop.dropout(OnGpuWithoutDlpack(), seed=1)),
    "generator's seed": (ValueError, "seed", lambda: simdrop.Generator(-1)),
    "generator's stream": (TypeError, "stream", lambda: simdrop.Generator(1, 1.5)),
    "generator with a seed": (TypeError, "seed", lambda: simdrop.Generator(1).dropout(X, seed=1)),
    "generator's skip": (ValueError, "n must", lambda: simdrop.Generator(1).skip(-1)),
    "generators without number": (MemoryError, "", lambda: simdrop.Generator(1).spawn(2**64 - 1)),
    "a zero in a backend's name": (ValueError, "null", lambda: simdrop.use_backend("scalar\0")),
}


MEMORY = np.zeros(64, np.uint8)
AXES = np.ones((3,) * 10, np.float32)[(slice(0, 2),) * 10]


def between(byte):
    """Eight numbers that begin at that byte of MEMORY."""
    return np.ndarray((8,), np.float32, MEMORY, byte)


def overlapping():
    whole = np.ones(9, np.float32)
    simdrop.dropout(whole[:8], seed=1, out=whole[1:])


def bits_over_out():
    memory = np.zeros(32, np.uint8)
    simdrop.apply_bits(X, memory[3:4], 0.5, out=memory.view(np.float32))


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    kind, words, call = REFUSED[name]
    with pytest.raises(kind, match=words or None):
        call()


def test_refused_calls_write_nothing():
    x = np.arange(8, dtype=np.float32)
    before = x.copy()
    for bad in ({"p": 2}, {"offset": 2**64 - 1}, {"mask_shape": (3,)}, {"threads": 0}):
        with pytest.raises(ValueError):
            simdrop.dropout(x, **{"seed": 1, "out": x, **bad})
    whole = np.arange(9, dtype=np.float32)
    with pytest.raises(ValueError):
        simdrop.dropout(whole[:8], seed=1, out=whole[1:])
    assert np.array_equal(x, before) and np.array_equal(whole, np.arange(9))


EXPECTED = simdrop.dropout(np.arange(12, dtype=np.float32), 0.5, seed=6)
TAKEN = {
    "list": list(map(float, range(12))),
    "tuple": tuple(map(float, range(12))),
    "array.array": array.array("f", range(12)),
    "memoryview": memoryview(np.arange(12, dtype=np.float32)),
    "ctypes": (ctypes.c_float * 12)(*range(12)),
    "read-only": np.frombuffer(np.arange(12, dtype=np.float32).tobytes(), np.float32),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name):
    y = simdrop.dropout(TAKEN[name], 0.5, seed=6)
    assert type(y) is np.ndarray and np.array_equal(y, EXPECTED.astype(y.dtype))


def test_arrays_that_lie_between_one_another():
    """Of a packed record's fields, none shares a byte with another."""
    record = np.zeros(12, [("tag", "u1"), ("x", "f4"), ("y", "f4")])
    record["x"] = np.arange(12)
    for x, out in ((record["x"], record["y"]), (record["x"][::-1], record["y"]), (record["x"], record["x"])):
        expected = simdrop.dropout(x.copy(), 0.5, seed=6)
        assert simdrop.dropout(x, 0.5, seed=6, out=out) is out and np.array_equal(out, expected)
    assert not record["tag"].any()


def test_more_axes_than_merge_into_what_is_not_numpys():
    out = np.full((3,) * 10, 7, np.float32)
    part = out[(slice(0, 2),) * 10]
    view = memoryview(part)
    assert simdrop.dropout(AXES, 0.5, seed=6, out=view) is view
    assert np.array_equal(part, simdrop.dropout(AXES.copy(), 0.5, seed=6)) and np.count_nonzero(out == 7) == 3**10 - 2**10


def test_shapes_may_be_arrays():
    x = np.ones((4, 2), np.float32)
    for shape in (np.array([4, 1]), [4, 1], (np.int8(4), np.uint64(1))):
        assert np.array_equal(simdrop.dropout(x, 0.5, seed=6, mask_shape=shape), simdrop.dropout(x, 0.5, seed=6, mask_shape=(4, 1)))
        assert simdrop.mask(shape, 0.5, seed=6).shape == (4, 1)
    assert simdrop.mask(np.int64(3), 0.5, seed=6).shape == simdrop.mask(np.array(3), 0.5, seed=6).shape == (3,)


def test_an_array_that_grows_reads_no_bits_past_the_last():
    class Growing:
        asked = 0

        def __array__(self, dtype=None, copy=None):
            self.asked += 1
            return np.ones(8 << 10 * (self.asked - 1), np.float32)

    assert simdrop.apply_bits(Growing(), np.zeros(1, np.uint8), 0.5).shape == (8,)


@pytest.mark.parametrize(("shape", "strides"), [((-1, -1), None), ((2**62, 4), None), ((2, 2), (2**62, 1))])
def test_dlpack_shapes_that_no_memory_has(shape, strides):
    class Tensor(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8)]
        _fields_ += [("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.c_void_p), ("strides", ctypes.c_void_p)]
        _fields_ += [("byte_offset", ctypes.c_uint64), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]

    extents = (ctypes.c_int64 * 2)(*shape)
    steps = None if strides is None else (ctypes.c_int64 * 2)(*strides)
    address = ctypes.addressof
    tensor = Tensor(
        X.ctypes.data, (ctypes.c_int32 * 2)(1, 0), 2, 2, 32, 1, address(extents), None if steps is None else address(steps), 0, None, None
    )
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]

    class Exporter:
        def __dlpack_device__(self):
            return (1, 0)

        def __dlpack__(self):
            return capsule(address(tensor), b"dltensor", None)

    with pytest.raises(ValueError, match="DLPack"):
        simdrop.dropout(Exporter(), 0.5, seed=1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers that give signals")
def test_spawning_can_be_stopped():
    """It takes no stream then."""
    code = """
import resource, signal, simdrop
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
generator = simdrop.Generator(1, 5)
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    generator.spawn(10**9)
except KeyboardInterrupt:
    print(generator)
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True).stdout
    assert printed == "simdrop.Generator(seed=1, stream=5)\n"


def test_objects_that_numpy_converts():
    class Converted:
        def __array__(self, dtype=None, copy=None):
            return np.arange(12, dtype=np.float32)

    assert np.array_equal(simdrop.dropout(Converted(), 0.5, seed=6), EXPECTED)
    assert simdrop.dropout(ml_dtypes.bfloat16(3), 0, seed=1).dtype == ml_dtypes.bfloat16
    assert simdrop.dropout(np.int8(5) * 1.5, 0, seed=np.uint64(3), stream=np.int32(4)) == 7.5


def test_without_numpy():
    code = """
import sys
sys.modules["numpy"] = None
import array, simdrop
x = array.array("f", range(12))
assert simdrop.dropout(x, 0.5, seed=6, out=x) is x
print(list(x))
try:
    simdrop.dropout(x, 0.5, seed=6)
except ImportError:
    print("ok")
"""
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed == [str(EXPECTED.tolist()), "ok"]


def test_import_is_light():
    code = "import sys, simdrop; print([name for name in ('torch', 'jax', 'jaxlib', 'numpy', 'ml_dtypes') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


class TestTorch:
    def test_tensors(self):
        torch = pytest.importorskip("torch")
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
            tensor = torch.arange(12.0).reshape(3, 4).to(dtype).T
            like = tensor.to(torch.float64).numpy()
            y = simdrop.dropout(tensor, 0.5, seed=6, mask_shape=(4, 1))
            assert y.dtype.name == str(dtype).split(".")[1] and y.strides == (y.itemsize, 4 * y.itemsize)
            assert np.array_equal(y.astype(np.float64), np.where(simdrop.mask((4, 3), 0.5, seed=6, mask_shape=(4, 1)), 2 * like, 0))
        mask = torch.zeros(8, dtype=torch.bool)
        assert simdrop.mask(8, 0.5, seed=1, out=mask) is mask and np.array_equal(mask.numpy(), simdrop.mask(8, 0.5, seed=1))
        x = torch.arange(12.0)
        assert simdrop.dropout(x, 0.5, seed=6, out=x) is x and np.array_equal(x.numpy(), EXPECTED)

    def test_more_axes_than_merge(self):
        torch = pytest.importorskip("torch")
        for dtype in (torch.float32, torch.bfloat16):
            x = torch.ones((3,) * 10, dtype=dtype)[(slice(0, 2),) * 10]
            expected = simdrop.dropout(x.to(torch.float32).contiguous(), 0.5, seed=6)
            assert np.array_equal(simdrop.dropout(x, 0.5, seed=6).astype(np.float32), expected)
            assert simdrop.dropout(x, 0.5, seed=6, out=x) is x and np.array_equal(x.float().numpy(), expected)

    def test_refused(self):
        torch = pytest.importorskip("torch")
        with pytest.raises(TypeError, match="int64"):
            simdrop.dropout(torch.arange(3), seed=1)
        with pytest.raises(BufferError, match="negative"):
            simdrop.dropout(torch.tensor([1 + 2j]).conj().imag, 0, seed=1)
        with pytest.raises(BufferError, match="grad"):
            simdrop.dropout(torch.ones(3, requires_grad=True), seed=1)


def test_jax():
    jax = pytest.importorskip("jax")
    y = simdrop.dropout(jax.numpy.arange(12, dtype=jax.numpy.float32), 0.5, seed=6)
    assert type(y) is np.ndarray and np.array_equal(y, EXPECTED)
    y = simdrop.dropout(jax.numpy.arange(12, dtype=jax.numpy.bfloat16), 0.5, seed=6)
    assert y.dtype == ml_dtypes.bfloat16 and np.array_equal(y.astype(np.float32), EXPECTED)
    fixed = jax.numpy.ones(12)
    with pytest.raises(ValueError, match="read-only"):
        simdrop.dropout(fixed, seed=1, out=fixed)
    with pytest.raises(TypeError, match="int32"):
        simdrop.dropout(jax.numpy.arange(3), seed=1)
