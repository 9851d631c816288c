"""Dropout under JAX's transformations."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
import jax_reference as reference  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from simdrop.jax import dropout  # noqa: E402

KEY = jax.random.key(42)


def same(got, expected):
    np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))


def bend(x, **position):
    return jnp.sin(dropout(jnp.cos(x), KEY, 0.5, **position)) * x


@pytest.mark.parametrize("position", [{}, {"stream": jnp.uint32(3)}, {"mask_shape": (3, 1)}], ids=["plain", "traced", "shared"])
def test_gradients_in_both_modes(position):
    x = jnp.linspace(-1, 1, 12, dtype=jnp.float32).reshape(3, 4)
    check_grads(lambda x: bend(x, **position), (x,), order=2, modes=("fwd", "rev"), atol=2e-2, rtol=2e-2)
    check_grads(jax.jit(lambda x: bend(x, **position)), (x,), order=1, modes=("fwd", "rev"), atol=2e-2, rtol=2e-2)


def test_gradients_in_double():
    with jax.enable_x64(True):
        x = jnp.linspace(-1, 1, 12)
        check_grads(jax.jit(bend), (x,), order=2, modes=("fwd", "rev"), atol=1e-5, rtol=1e-5)


def test_the_gradient_is_the_mask_times_the_scale(numbers):
    x, dy = numbers(5, 200), numbers(5, 200)[::-1].copy()
    expected = reference.dropout(dy, 0.3, 42)
    y, back = jax.vjp(lambda x: dropout(x, KEY, 0.3), x)
    same(y, reference.dropout(x, 0.3, 42))
    same(back(dy)[0], expected)
    same(jax.jvp(lambda x: dropout(x, KEY, 0.3), (x,), (dy,))[1], expected)
    same(jax.linearize(lambda x: dropout(x, KEY, 0.3), x)[1](dy), expected)
    same(jax.jit(lambda p: jax.vjp(lambda x: dropout(x, KEY, p), x)[1](dy)[0])(0.25), reference.dropout(dy, 0.25, 42))


def test_nan_does_not_enter_a_gradient():
    x = jnp.full(100, jnp.nan)
    gradient = np.asarray(jax.grad(lambda x: jnp.sum(dropout(x, KEY, 0.5)))(x))
    same(gradient, reference.dropout(np.ones(100, np.float32), 0.5, 42))


def test_derivatives_of_derivatives():
    x = jnp.linspace(0.5, 2, 6)
    mask = reference.dropout(np.ones(6, np.float32), 0.5, 42)
    cube = lambda x: jnp.sum(dropout(x, KEY, 0.5) ** 3)  # noqa: E731
    np.testing.assert_allclose(jax.hessian(cube)(x), np.diag(6 * mask**3 * np.asarray(x)), rtol=1e-6)
    np.testing.assert_allclose(jax.jacrev(jax.grad(cube))(x), jax.jacfwd(jax.grad(cube))(x), rtol=1e-6)
    same(jax.jacfwd(lambda x: dropout(x, KEY, 0.5))(x), np.diag(mask))
    same(jax.jacrev(lambda x: dropout(x, KEY, 0.5))(x), np.diag(mask))


def test_nothing_large_is_stored_for_the_backward_pass():
    _, back = jax.vjp(lambda x: dropout(x, KEY, 0.5), jnp.ones((64, 64)))
    assert sum(leaf.size for leaf in jax.tree.leaves(back)) < 64


def test_p_has_no_derivative():
    with pytest.raises(NotImplementedError, match="stop_gradient"):
        jax.grad(lambda p: dropout(jnp.ones(3), KEY, p).sum())(0.5)
    jax.grad(lambda p: dropout(jnp.ones(3) * p, KEY, jax.lax.stop_gradient(p)).sum())(0.5)


def test_a_key_has_no_derivative(numbers):
    x, words = jnp.asarray(numbers(50)), jax.random.key_data(KEY)
    nothing = np.zeros(2, jax.dtypes.float0)
    y, tangent = jax.jvp(lambda words: dropout(x, words, 0.5), (words,), (nothing,))
    same(y, reference.dropout(np.asarray(x), 0.5, 42))
    same(tangent, np.zeros(50, np.float32))
    gradient = jax.grad(lambda x, words: dropout(x, words, 0.5).sum(), argnums=(0, 1), allow_int=True)(x, words)
    assert gradient[1].dtype == jax.dtypes.float0


def test_types_of_gradients():
    for dtype in ("float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"):
        x = jnp.ones(4, dtype)
        assert jax.grad(lambda x: dropout(x, KEY, 0.5).astype(jnp.float32).sum())(x).dtype == x.dtype


def test_vmap_of_keys(numbers):
    x, keys = jnp.asarray(numbers(6, 40)), jax.random.split(KEY, 6)
    expected = jnp.stack([dropout(row, key, 0.4) for row, key in zip(x, keys, strict=True)])
    assert len({row.tobytes() for row in np.asarray(expected) != 0}) == 6
    apply = lambda x, key: dropout(x, key, 0.4)  # noqa: E731
    same(jax.vmap(apply)(x, keys), expected)
    same(jax.jit(jax.vmap(apply, in_axes=(1, 0), out_axes=1))(x.T, keys), expected.T)
    same(jax.vmap(apply)(x, jax.vmap(jax.random.key_data)(keys)), expected)
    one = jnp.stack([dropout(x[0], key, 0.4) for key in keys])
    same(jax.vmap(apply, in_axes=(None, 0))(x[0], keys), one)
    gradient = jax.grad(lambda x: jnp.sum(jax.vmap(apply)(x, keys) * x))(x)
    same(gradient, 2 * expected)


def test_vmap_of_one_key_gives_every_example_the_same_mask(numbers):
    x = jnp.asarray(numbers(6, 8, 5))
    for axis in range(3):
        expected = jnp.stack([dropout(part, KEY, 0.4) for part in jnp.moveaxis(x, axis, 0)])
        same(jax.vmap(lambda x: dropout(x, KEY, 0.4), in_axes=axis)(x), expected)
    shared = jax.vmap(lambda x: dropout(x, KEY, 0.4, mask_shape=(8, 1)))(x)
    same(shared, jnp.stack([dropout(part, KEY, 0.4, mask_shape=(8, 1)) for part in x]))


def test_vmap_of_streams_offsets_and_probabilities(numbers):
    x = jnp.asarray(numbers(50))
    whole = jnp.arange(3, dtype=jnp.uint32)
    same(jax.vmap(lambda s: dropout(x, KEY, 0.4, stream=s))(whole), jnp.stack([dropout(x, KEY, 0.4, stream=s) for s in range(3)]))
    same(jax.vmap(lambda o: dropout(x, KEY, 0.4, offset=o))(whole), jnp.stack([dropout(x, KEY, 0.4, offset=o) for o in range(3)]))
    ps = (0.0, 0.25, 0.5, 1.0)
    same(jax.vmap(lambda p: dropout(x, KEY, p))(jnp.array(ps)), jnp.stack([dropout(x, KEY, p) for p in ps]))
    with pytest.raises(jax.errors.JaxRuntimeError, match="probability"):
        jax.block_until_ready(jax.vmap(lambda p: dropout(x, KEY, p))(jnp.array([0.5, 2.0, 0.5])))


def test_vmap_within_vmap(numbers):
    x, keys = jnp.asarray(numbers(3, 4, 10)), jax.random.split(KEY, (3, 4))
    apply = lambda x, key: dropout(x, key, 0.4)  # noqa: E731
    same(jax.vmap(jax.vmap(apply))(x, keys), jnp.stack([jnp.stack([apply(x[i, j], keys[i, j]) for j in range(4)]) for i in range(3)]))
    same(
        jax.vmap(jax.vmap(apply, in_axes=(0, None)))(x, keys[:, 0]),
        jnp.stack([jax.vmap(lambda r, k=k: apply(r, k))(r) for r, k in zip(x, keys[:, 0], strict=True)]),
    )
    inner = jax.vmap(apply, in_axes=(0, 0))
    same(
        jax.vmap(inner, in_axes=(0, None))(x, keys[0]),
        jnp.stack([jnp.stack([apply(x[i, j], keys[0, j]) for j in range(4)]) for i in range(3)]),
    )
    same(
        jax.vmap(inner, in_axes=(None, 0))(x[0], keys),
        jnp.stack([jnp.stack([apply(x[0, j], keys[i, j]) for j in range(4)]) for i in range(3)]),
    )


def test_an_empty_batch():
    assert jax.vmap(lambda x, key: dropout(x, key, 0.5))(jnp.ones((0, 3)), jax.random.split(KEY, 0)).shape == (0, 3)


def test_checkpoint_recomputes_the_same_mask(numbers):
    x = jnp.asarray(numbers(100))
    layer = lambda x: jnp.tanh(dropout(x, KEY, 0.5))  # noqa: E731
    same(jax.grad(lambda x: jax.checkpoint(layer)(x).sum())(x), jax.grad(lambda x: layer(x).sum())(x))


def test_scan_and_loops(numbers):
    x = jnp.asarray(numbers(100))
    expected = x
    for step in range(3):
        expected = dropout(expected, KEY, 0.1, stream=step)
    same(jax.lax.scan(lambda x, step: (dropout(x, KEY, 0.1, stream=step), None), x, jnp.arange(3))[0], expected)
    same(jax.lax.fori_loop(0, 3, lambda step, x: dropout(x, KEY, 0.1, stream=step), x), expected)
    same(jax.lax.cond(True, lambda x: dropout(x, KEY, 0.1), lambda x: x, x), dropout(x, KEY, 0.1))
