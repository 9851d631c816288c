"""The function by itself: which elements, by what factor, of which types, and what is refused."""

import ctypes

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
import jax_reference as reference  # noqa: E402

import simdrop  # noqa: E402
from simdrop.jax import _primitive, dropout, shard_index  # noqa: E402

KEY = jax.random.key(42)
BIG = 2**63 + 12345


def same(got, expected):
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    assert got.tobytes() == expected.tobytes()


@pytest.mark.parametrize("p", [0.5, 0.25, 0.1, 0.9, 1e-9, 1 / 3])
def test_equals_the_definition(numbers, p):
    x = numbers(7, 300)
    same(dropout(x, KEY, p), reference.dropout(x, p, 42))


def test_equals_the_core(numbers):
    x = numbers(3, 5000)
    same(dropout(x, KEY, 0.2, stream=5, offset=77), simdrop.dropout(x, 0.2, seed=42, stream=5, offset=77))


def test_use_backend_reaches_this_library_too(numbers):
    x = jnp.asarray(numbers(5000))
    expected = np.asarray(dropout(x, KEY, 0.2))
    library = _primitive._LIBRARY
    library.simdrop_xla_backend.restype = ctypes.c_char_p
    try:
        for backend in simdrop.backends():
            if backend.supported:
                simdrop.use_backend(backend.name)
                assert library.simdrop_xla_backend() == backend.name.encode()
                same(dropout(x, KEY, 0.2), expected)
    finally:
        simdrop.use_backend(None)
    assert library.simdrop_xla_backend() != b"scalar" or len(simdrop.backends()) == 1


@pytest.mark.parametrize(("stream", "offset"), [(3, 0), (BIG, 0), (0, 127), (2**64 - 1, 2**64 - 600), (1, BIG)])
def test_positions(numbers, stream, offset):
    x = numbers(600)
    expected = reference.dropout(x, 0.3, 42, stream=stream, offset=offset)
    same(dropout(x, KEY, 0.3, stream=stream, offset=offset), expected)
    words = [np.array([number >> 32, number & 0xFFFFFFFF], np.uint32) for number in (stream, offset)]
    same(jax.jit(lambda s, o: dropout(x, KEY, 0.3, stream=s, offset=o))(*words), expected)
    same(dropout(x, KEY, 0.3, stream=stream, offset=words[1]), expected)


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.uint32, jnp.uint8])
def test_integers_that_are_traced(numbers, dtype):
    x = numbers(300)
    traced = jax.jit(lambda s: dropout(x, KEY, 0.3, stream=s, offset=s))(dtype(200))
    same(traced, reference.dropout(x, 0.3, 42, stream=200, offset=200))


def test_negative_numbers_that_are_traced_are_the_same_in_every_type(numbers):
    x = numbers(300)
    expected = reference.dropout(x, 0.3, 42, stream=2**64 - 3)
    with jax.enable_x64(True):
        for dtype in (jnp.int8, jnp.int32, jnp.int64):
            same(jax.jit(lambda s: dropout(x, KEY, 0.3, stream=s))(dtype(-3)), expected)


def test_mask_shapes_that_are_arrays(numbers):
    x = numbers(4, 3)
    for mask_shape in (np.array([4, 1]), jnp.array([4, 1]), [4, True]):
        same(dropout(x, KEY, 0.5, mask_shape=mask_shape), dropout(x, KEY, 0.5, mask_shape=(4, 1)))


@pytest.mark.parametrize(("error", "offset"), [(ValueError, -1), (ValueError, 2**64), (TypeError, 1.0)])
def test_shard_index_refuses_offsets(error, offset):
    with pytest.raises(error, match="offset"):
        shard_index((4, 3), jax.sharding.PartitionSpec(None), offset=offset)


def test_wide_integers_and_doubles(numbers):
    x = numbers(300, dtype=np.float64)
    with jax.enable_x64(True):
        same(dropout(x, KEY, 0.3), reference.dropout(x, 0.3, 42))
        traced = jax.jit(lambda s: dropout(x, KEY, 0.3, stream=s))(jnp.uint64(BIG))
        same(traced, reference.dropout(x, 0.3, 42, stream=BIG))
        same(jax.jit(lambda p: dropout(x, KEY, p))(jnp.float64(0.3)), reference.dropout(x, 0.3, 42))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_narrow_types(numbers, dtype):
    x = jnp.asarray(numbers(500)).astype(dtype)
    factor = np.float32(reference.scale(0.3))
    expected = jnp.where(reference.kept((500,), 0.3, 42), x.astype(jnp.float32) * factor, 0).astype(dtype)
    got = dropout(x, KEY, 0.3)
    assert got.dtype == x.dtype
    same(got.astype(jnp.float32), expected.astype(jnp.float32))


def test_a_key_of_two_words(numbers):
    x = numbers(500)
    same(dropout(x, jax.random.PRNGKey(42), 0.5), reference.dropout(x, 0.5, 42))
    same(dropout(x, np.array([7, 8], np.uint32), 0.5), reference.dropout(x, 0.5, 7 << 32 | 8))


def test_keys_of_four_words(numbers):
    x = numbers(500)
    masks = {np.asarray(dropout(x, jax.random.key(seed, impl="rbg"), 0.5)).tobytes() for seed in range(4)}
    assert len(masks) == 4
    words = [np.array(last, np.uint32) for last in ((1, 2, 3, 4), (1, 2, 3, 5), (1, 2, 9, 4), (1, 7, 3, 4))]
    keys = [jax.random.wrap_key_data(word, impl="rbg") for word in words]
    assert len({np.asarray(dropout(x, key, 0.5)).tobytes() for key in keys}) == 4


def test_edges_of_p():
    x = jnp.array([1.5, -0.0, np.nan, np.inf, -2.0], jnp.float32)
    same(dropout(x, KEY, 0), x)
    same(dropout(x, KEY, 0.0, deterministic=True), x)
    same(dropout(x, KEY, 0.5, deterministic=True), x)
    same(dropout(x, KEY, 1), np.zeros(5, np.float32))
    same(jax.jit(lambda p: dropout(x, KEY, p))(0.0), x)
    same(jax.jit(lambda p: dropout(x, KEY, p))(1.0), np.zeros(5, np.float32))


def test_what_is_dropped_is_zero_whatever_it_was():
    x = np.tile(np.array([np.nan, np.inf, -np.inf, -1.0], np.float32), 100)
    y = np.asarray(dropout(x, KEY, 0.5))
    kept = reference.kept((400,), 0.5, 42)
    assert y[~kept].tobytes() == np.zeros((~kept).sum(), np.float32).tobytes()
    np.testing.assert_array_equal(y[kept], x[kept] * 2)


def test_a_probability_that_is_traced_compiles_once(numbers):
    x = numbers(500)
    traces = []

    @jax.jit
    def apply(p):
        traces.append(p)
        return dropout(x, KEY, p)

    for p in (0.125, 0.5, 0.75):
        same(apply(p), reference.dropout(x, p, 42))
    same(apply(0.1), reference.dropout(x, float(np.float32(0.1)), 42))
    same(jax.jit(lambda p: dropout(x, KEY, p))(jnp.bfloat16(0.25)), reference.dropout(x, 0.25, 42))
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("mask_shape", "strides"),
    [((4, 1, 6), (6, 0, 1)), ((1, 5, 1), (0, 1, 0)), ((6,), (0, 0, 1)), ((), (0, 0, 0)), ((4, 1, 1), (1, 0, 0)), ((4, 5, 6), (30, 6, 1))],
)
def test_masks_that_are_broadcast(numbers, mask_shape, strides):
    x = numbers(4, 5, 6)
    expected = reference.dropout(x, 0.4, 42, strides=strides)
    same(dropout(x, KEY, 0.4, mask_shape=mask_shape), expected)
    same(dropout(x, KEY, 0.4, mask_shape=np.array(mask_shape, int)), expected)
    own = tuple(None if extent > 1 else extent for extent in mask_shape)
    same(dropout(x, KEY, 0.4, mask_shape=own), expected)
    same(dropout(x, KEY, 0.4, index_strides=strides), expected)


@pytest.mark.parametrize("strides", [(1000, 1), (1, 7), (2**40, 2**20), (3, 3), (0, 2**63), (5,), (0,)])
def test_index_strides(numbers, strides):
    shape = (3, 2) if strides[-1] == 2**63 else (9, 110)[-len(strides) :]
    x = numbers(*shape)
    same(dropout(x, KEY, 0.4, index_strides=strides), reference.dropout(x, 0.4, 42, strides=strides))


def test_many_axes(numbers):
    x = numbers(2, 1, 2, 2, 1, 2, 2, 2, 2, 2, 2)
    same(dropout(x, KEY, 0.4), reference.dropout(x, 0.4, 42))
    alternating = (2, 1) * 9
    with pytest.raises(NotImplementedError, match="8 axes"):
        dropout(jnp.ones((2,) * 18), KEY, 0.4, mask_shape=alternating)


def test_layouts_in_memory(numbers):
    x = jnp.asarray(numbers(30, 40))
    expected = reference.dropout(np.ascontiguousarray(np.asarray(x).T), 0.3, 42)
    same(jax.jit(lambda x: dropout(x.T, KEY, 0.3))(x), expected)
    same(dropout(np.asarray(x).T, KEY, 0.3), expected)
    same(dropout(np.asarray(x)[::-1, ::2], KEY, 0.3), reference.dropout(np.asarray(x)[::-1, ::2].copy(), 0.3, 42))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (1, 1, 1)])
def test_small_shapes(numbers, shape):
    x = numbers(*shape)
    same(dropout(x, KEY, 0.5), reference.dropout(x, 0.5, 42))


def test_a_python_number():
    assert float(dropout(3.0, KEY, 0.5)) in (0.0, 6.0)


def test_jit_and_eager_are_the_same(numbers):
    x = numbers(1000)
    same(jax.jit(lambda x, key: dropout(x, key, 0.1))(x, KEY), dropout(x, KEY, 0.1))


def test_donated_buffers(numbers):
    x = jnp.asarray(numbers(5000))
    expected = reference.dropout(np.asarray(x), 0.3, 42)
    y = jax.jit(lambda x: dropout(x, KEY, 0.3), donate_argnums=0)(x)
    assert x.is_deleted()
    same(y, expected)


def test_inputs_are_left_alone(numbers):
    x = jnp.asarray(numbers(5000))
    before = np.array(x)
    dropout(x, KEY, 0.3).block_until_ready()
    jax.jit(lambda x: (x + 1, dropout(x, KEY, 0.3), dropout(x + 1, KEY, 0.3)))(x)
    same(x, before)


def test_export(numbers):
    from jax import export

    check = export.DisabledSafetyCheck.custom_call("simdrop_dropout")
    function = jax.jit(lambda x: dropout(x, KEY, 0.3))
    rows = export.symbolic_shape("rows, 8")
    exported = export.export(function, disabled_checks=[check])(jax.ShapeDtypeStruct(rows, jnp.float32))
    for n in (1, 100):
        same(exported.call(numbers(n, 8)), reference.dropout(numbers(n, 8), 0.3, 42))
    with pytest.raises(NotImplementedError, match="first axis"):
        export.export(function, disabled_checks=[check])(jax.ShapeDtypeStruct(export.symbolic_shape("8, n"), jnp.float32))


X = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    ("error", "message", "arguments", "keywords"),
    [
        (TypeError, "int32", (np.ones(3, np.int32), KEY, 0.5), {}),
        (TypeError, "complex64", (np.ones(3, np.complex64), KEY, 0.5), {}),
        (TypeError, "bool", (np.ones(3, bool), KEY, 0.5), {}),
        (TypeError, "list", ([1.0, 2.0], KEY, 0.5), {}),
        (TypeError, "key", (X, 42, 0.5), {}),
        (TypeError, "key", (X, np.zeros(2, np.int32), 0.5), {}),
        (ValueError, "key", (X, np.zeros(3, np.uint32), 0.5), {}),
        (ValueError, "vmap", (X, np.zeros((3, 2), np.uint32), 0.5), {}),
        (ValueError, "vmap", (X, jax.random.split(KEY, 3), 0.5), {}),
        (ValueError, "p must", (X, KEY, 1.5), {}),
        (ValueError, "p must", (X, KEY, -0.1), {}),
        (ValueError, "p must", (X, KEY, float("nan")), {}),
        (ValueError, "p must", (X, KEY, jnp.ones(2)), {}),
        (TypeError, "p must", (X, KEY, jnp.ones((), jnp.int32)), {}),
        (TypeError, "p must", (X, KEY, "0.5"), {}),
        (TypeError, "p must", (X, KEY, np.array("0.5")), {}),
        (ValueError, "p must", (X, KEY, 10**400), {}),
        (TypeError, "None", (None, KEY, 0.5), {}),
        (ValueError, "stream", (X, KEY, 0.5), {"stream": -1}),
        (ValueError, "stream", (X, KEY, 0.5), {"stream": 2**64}),
        (TypeError, "stream", (X, KEY, 0.5), {"stream": 1.0}),
        (TypeError, "stream", (X, KEY, 0.5), {"stream": jnp.float32(1)}),
        (ValueError, "offset", (X, KEY, 0.5), {"offset": np.zeros(3, np.uint32)}),
        (ValueError, "passes", (X, KEY, 0.5), {"offset": 2**64 - 5}),
        (ValueError, "passes", (X, KEY, 0.5), {"index_strides": (2**63, 2**62)}),
        (ValueError, "mask_shape", (X, KEY, 0.5), {"mask_shape": (2, 2)}),
        (ValueError, "mask_shape", (X, KEY, 0.5), {"mask_shape": (1, 2, 3)}),
        (ValueError, "index_strides", (X, KEY, 0.5), {"index_strides": (1,)}),
        (ValueError, "index_strides", (X, KEY, 0.5), {"index_strides": (-1, 1)}),
        (ValueError, "stream", (X, KEY, 0.5), {"stream": np.array(-1)}),
        (ValueError, "passes", (X, KEY, 0.5), {"offset": np.array(2**64 - 5, np.uint64)}),
        (TypeError, "float", (X, KEY, 0.5), {"index_strides": (3.7, 1.2)}),
        (TypeError, "str", (X, KEY, 0.5), {"index_strides": "31"}),
        (TypeError, "float", (X, KEY, 0.5), {"mask_shape": (2.0, 1)}),
        (TypeError, "float", (X, KEY, 0.5), {"mask_shape": (2, 1.0)}),
        (NotImplementedError, "64 axes", (jax.lax.reshape(jnp.ones(2), (1,) * 64 + (2,)), KEY, 0.5), {}),
        (ValueError, "not both", (X, KEY, 0.5), {"index_strides": (3, 1), "mask_shape": (2, 3)}),
    ],
)
def test_refusals(error, message, arguments, keywords):
    with pytest.raises(error, match=message):
        dropout(*arguments, **keywords)
    with pytest.raises(error, match=message):
        jax.jit(lambda: dropout(*arguments, **keywords))()


@pytest.mark.parametrize("p", [1.5, -0.5, np.nan])
def test_refusals_when_the_program_runs(p):
    with pytest.raises(jax.errors.JaxRuntimeError, match="probability"):
        jax.block_until_ready(jax.jit(lambda p: dropout(X, KEY, p))(p))


def test_an_index_that_is_too_large_when_the_program_runs():
    offset = np.array([2**32 - 1, 2**32 - 5], np.uint32)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INVALID_ARGUMENT"):
        jax.block_until_ready(jax.jit(lambda o: dropout(X, KEY, 0.5, offset=o))(offset))
