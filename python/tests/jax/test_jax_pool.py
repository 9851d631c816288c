"""Calls on the threads of XLA's pool."""

import os
import threading

import numpy as np
import pytest

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from simdrop.jax import _primitive, dropout  # noqa: E402

KEY = jax.random.key(42)
LARGE = 1 << 20  # elements; calls of less than a quarter of it are not cut


def expected_rows(x, keys):
    """The same by calls that are too small to be cut."""
    pieces = 1 << 17
    return np.stack(
        [
            np.concatenate([np.asarray(dropout(row[i : i + pieces], key, 0.1, offset=i)) for i in range(0, len(row), pieces)])
            for row, key in zip(x, keys, strict=True)
        ]
    )


def helped(call):
    """Whether the pool takes part in a call, within some tries: a pool that is busy may come late."""
    before = _primitive.pieces_helped()
    for _ in range(200):
        jax.block_until_ready(call())
        if _primitive.pieces_helped() > before:
            return True
    return False


def test_large_calls_are_cut():
    x = jnp.ones(LARGE)
    call = jax.jit(lambda x: dropout(x, KEY, 0.1))
    np.testing.assert_array_equal(call(x), expected_rows([x], [KEY])[0])
    if os.cpu_count() == 1:
        pytest.skip("one processor: XLA's pool has one thread")
    assert helped(lambda: call(x))


def test_small_calls_are_not_cut():
    before = _primitive.pieces_helped()
    for _ in range(20):
        jax.block_until_ready(dropout(jnp.ones(1 << 16), KEY, 0.1))
    assert _primitive.pieces_helped() == before


@pytest.mark.parametrize("examples", [2, 3, 16])
def test_batches_are_cut(examples):
    x = jnp.ones((examples, LARGE // examples))
    keys = jax.random.split(KEY, examples)
    call = jax.jit(jax.vmap(lambda x, key: dropout(x, key, 0.1)))
    np.testing.assert_array_equal(call(x, keys), expected_rows(x, keys))


def test_layouts_are_cut():
    shared = jax.jit(lambda x: dropout(x, KEY, 0.1, mask_shape=(256, 1, 64)))(jnp.ones((256, 64, 64)))
    one = dropout(jnp.ones((256, 1, 64)), KEY, 0.1)
    np.testing.assert_array_equal(shared, jnp.broadcast_to(one, shared.shape))


def test_an_error_in_a_batch_that_is_cut():
    x = jnp.ones((8, LARGE // 8))
    p = jnp.array([0.5] * 7 + [7.0])
    with pytest.raises(jax.errors.JaxRuntimeError, match="probability"):
        jax.block_until_ready(jax.jit(jax.vmap(lambda x, p: dropout(x, KEY, p)))(x, p))


def test_many_calls_at_once_end():
    """More calls than the pool has threads, each of which waits for its helpers: none may wait for another for ever."""
    x = jnp.ones(LARGE // 4)
    wide = jax.jit(lambda x: [dropout(x + i, KEY, 0.1, stream=i) for i in range(6)])
    expected = [np.asarray(y) for y in wide(x)]
    wrong = []

    def work():
        for _ in range(5):
            wrong.extend(i for i, y in enumerate(wide(x)) if not np.array_equal(y, expected[i]))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong
