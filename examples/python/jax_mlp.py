"""A classifier of handwritten digits in JAX, with and without dropout: what dropout is for.

python examples/python/jax_mlp.py

Trains the same network three times on scikit-learn's digits, of which some have a wrong label, as labels have; prints the losses of the
images that it was trained on, and of others.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_digits

from simdrop.jax import dropout

Weights = list[tuple[jax.Array, jax.Array]]
SIZES = (64, 512, 512, 10)
BATCH = 64


def digits(wrong: float) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Images and labels to train on, a share of which is wrong, and such to be judged by, which are right."""
    data = load_digits()
    generator = np.random.default_rng(0)
    order = generator.permutation(len(data.target))
    images, labels = data.data[order].astype(np.float32) / 16, data.target[order]
    train = 600
    noisy = labels[:train].copy()
    chosen = generator.random(train) < wrong
    noisy[chosen] = generator.integers(0, 10, chosen.sum())
    return jnp.asarray(images[:train]), jnp.asarray(noisy), jnp.asarray(images[train:]), jnp.asarray(labels[train:])


def initial_weights(key: jax.Array) -> Weights:
    keys = jax.random.split(key, len(SIZES) - 1)
    return [
        (jax.random.normal(key, (rows, columns)) * (2 / rows) ** 0.5, jnp.zeros(columns))
        for key, rows, columns in zip(keys, SIZES, SIZES[1:], strict=False)
    ]


def logits(weights: Weights, images: jax.Array, key: jax.Array | None, p: float, step: jax.Array | int = 0) -> jax.Array:
    """The network's output; without a key, nothing is dropped. Each layer and step has a stream of its own."""
    *hidden, last = weights
    for layer, (w, b) in enumerate(hidden):
        images = jax.nn.relu(images @ w + b)
        if key is not None:
            images = dropout(images, key, p, stream=step * len(hidden) + layer)
    return images @ last[0] + last[1]


def cross_entropy(scores: jax.Array, labels: jax.Array) -> jax.Array:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(scores), labels[:, None], 1))


def train(p: float, steps: int, data: tuple[jax.Array, jax.Array, jax.Array, jax.Array]) -> dict[str, float]:
    images, labels, held_out, right = data
    key = jax.random.key(2024)

    @jax.jit
    def many_steps(weights: Weights, begin: int) -> Weights:
        def one(step: int, weights: Weights) -> Weights:
            chosen = jax.random.randint(jax.random.fold_in(key, step), (BATCH,), 0, len(images))

            def loss(weights: Weights) -> jax.Array:
                return cross_entropy(logits(weights, images[chosen], key, p, step), labels[chosen])

            return jax.tree.map(lambda w, g: w - 0.1 * g, weights, jax.grad(loss)(weights))

        return jax.lax.fori_loop(begin, begin + steps, one, weights)

    weights = many_steps(initial_weights(jax.random.key(1)), 0)
    scores = logits(weights, held_out, None, p)
    return {
        "training": float(cross_entropy(logits(weights, images, None, p), labels)),
        "held out": float(cross_entropy(scores, right)),
        "right": 100 * float(jnp.mean(scores.argmax(1) == right)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A classifier of handwritten digits in JAX, with and without dropout.")
    parser.add_argument("--quick", action="store_true", help="few steps, to see that it runs")
    arguments = parser.parse_args()
    data = digits(wrong=0.3)
    for p in (0.0, 0.2, 0.5):
        result = train(p, 40 if arguments.quick else 2000, data)
        print(
            f"p = {p}: loss {result['training']:.3f} on the images that were trained on, {result['held out']:.3f} on others, "
            f"of which {result['right']:.1f} % are right",
            flush=True,
        )


if __name__ == "__main__":
    main()
