"""The layers for Flax, in the place of Flax's own."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")
pytest.importorskip("flax")
import jax.numpy as jnp  # noqa: E402
import jax_reference as reference  # noqa: E402
from flax import linen, nnx  # noqa: E402

from simdrop.flax.linen import Dropout as LinenDropout  # noqa: E402
from simdrop.flax.nnx import Dropout as NnxDropout  # noqa: E402
from simdrop.jax import dropout  # noqa: E402

KEY = jax.random.key(5)


def test_linen_takes_the_key_that_flax_would(numbers):
    x = numbers(6, 20)
    got = LinenDropout(0.4, deterministic=False).apply({}, x, rngs={"dropout": KEY})
    drawn = []

    class Spy(linen.Module):
        @linen.compact
        def __call__(self):
            drawn.append(self.make_rng("dropout"))

    Spy().apply({}, rngs={"dropout": KEY})
    np.testing.assert_array_equal(got, dropout(x, drawn[0], 0.4))


def test_linen_arguments(numbers):
    x = numbers(6, 20)
    layer = LinenDropout(0.5, broadcast_dims=(-1,))
    assert isinstance(layer, linen.Dropout)
    np.testing.assert_array_equal(layer.apply({}, x, deterministic=False, rng=KEY), reference.dropout(x, 0.5, 5, strides=(1, 0)))
    np.testing.assert_array_equal(layer.apply({}, x, deterministic=True), x)
    np.testing.assert_array_equal(LinenDropout(0.0, deterministic=False).apply({}, x), x)
    np.testing.assert_array_equal(LinenDropout(1.0, deterministic=False).apply({}, x, rng=KEY), np.zeros_like(x))
    other = LinenDropout(0.5, deterministic=False, rng_collection="noise")
    assert (np.asarray(other.apply({}, x, rngs={"noise": KEY})) == 0).any()
    with pytest.raises(Exception, match="deterministic"):
        layer.apply({}, x, rngs={"dropout": KEY})
    with pytest.raises(Exception, match="dropout"):
        layer.apply({}, x, deterministic=False)


def test_linen_in_a_model_that_learns():
    class Model(linen.Module):
        @linen.compact
        def __call__(self, x, train):
            x = linen.relu(linen.Dense(32)(x))
            return linen.Dense(1)(LinenDropout(0.2)(x, deterministic=not train))

    x = jax.random.normal(KEY, (64, 4))
    target = x[:, :1] - x[:, 1:2]
    model = Model()
    weights = model.init(KEY, x, train=False)

    @jax.jit
    def step(weights, key):
        def loss(weights):
            return jnp.mean((model.apply(weights, x, train=True, rngs={"dropout": key}) - target) ** 2)

        value, gradient = jax.value_and_grad(loss)(weights)
        return value, jax.tree.map(lambda w, g: w - 0.1 * g, weights, gradient)

    losses = []
    for i in range(40):
        value, weights = step(weights, jax.random.fold_in(KEY, i))
        losses.append(float(value))
    assert losses[-1] < losses[0] / 4


def test_nnx_draws_as_flax_does(numbers):
    x = numbers(6, 20)
    layer, stream = NnxDropout(0.4, rngs=nnx.Rngs(3)), nnx.Rngs(3)["dropout"].fork()
    assert isinstance(layer, nnx.Dropout)
    for _ in range(3):
        np.testing.assert_array_equal(layer(x), dropout(x, stream(), 0.4))


def test_nnx_arguments(numbers):
    x = numbers(6, 20)
    layer = NnxDropout(0.5, broadcast_dims=(0,))
    np.testing.assert_array_equal(layer(x, rngs=KEY), reference.dropout(x, 0.5, 5, strides=(0, 1)))
    assert (np.asarray(layer(x, rngs=nnx.Rngs(dropout=1))) == 0).any()
    assert (np.asarray(layer(x, rngs=nnx.Rngs(1)["dropout"])) == 0).any()
    np.testing.assert_array_equal(layer(x, deterministic=True), x)
    layer.eval()
    np.testing.assert_array_equal(layer(x), x)
    layer.train()
    with pytest.raises(ValueError, match="rngs"):
        layer(x)
    with pytest.raises(TypeError, match="rngs"):
        layer(x, rngs="key")
    with pytest.raises(ValueError, match="deterministic"):
        NnxDropout(0.5, deterministic=None)(x)
    np.testing.assert_array_equal(NnxDropout(0.0)(x), x)


def test_nnx_under_jit_and_grad(numbers):
    x = jnp.asarray(numbers(6, 20))
    layer, twin = NnxDropout(0.4, rngs=nnx.Rngs(3)), NnxDropout(0.4, rngs=nnx.Rngs(3))
    step = nnx.jit(lambda layer, x: layer(x))
    for _ in range(2):
        np.testing.assert_array_equal(step(layer, x), twin(x))
    gradient = nnx.grad(lambda x, layer: jnp.sum(layer(x)))(x, NnxDropout(0.4, rngs=nnx.Rngs(3)))
    assert set(np.unique(np.asarray(gradient))) == {np.float32(0), np.float32(reference.scale(0.4))}
