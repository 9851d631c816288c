"""The layer for Keras on the backend that KERAS_BACKEND names; test_jax_keras.py runs it. Prints the masks that a layer
draws; with the argument "train", it learns too."""

import hashlib
import os
import sys
import tempfile

import keras
import numpy as np

from simdrop.keras import Dropout

X = np.ones((16, 32), np.float32)


def to_numpy(y):
    return np.asarray(keras.ops.convert_to_numpy(y))


layer = Dropout(0.25, seed=7)
assert isinstance(layer, keras.layers.Dropout)
for _ in range(3):
    y = to_numpy(layer(X, training=True))
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    print(hashlib.sha256(y.tobytes()).hexdigest())

assert np.array_equal(to_numpy(layer(X)), X)
assert np.array_equal(to_numpy(layer(X, training=False)), X)
assert not to_numpy(Dropout(1.0, seed=7)(X, training=True)).any()
assert np.array_equal(to_numpy(Dropout(0.0)(X, training=True)), X)

rows = to_numpy(Dropout(0.5, noise_shape=(None, 1), seed=7)(X, training=True))
assert (rows == rows[:, :1]).all()
assert 0 < (rows == 0).sum() < rows.size
print(hashlib.sha256(rows.tobytes()).hexdigest())

copy = Dropout.from_config(layer.get_config())
assert (copy.rate, copy.seed, copy.noise_shape) == (0.25, 7, None)
try:
    Dropout(1.5)
    raise SystemExit("a rate of 1.5 was taken")
except ValueError:
    pass

if "train" in sys.argv:
    model = keras.Sequential([keras.Input((32,)), keras.layers.Dense(16, "relu"), Dropout(0.2, seed=3), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    inputs = np.random.default_rng(0).normal(size=(256, 32)).astype(np.float32)
    losses = model.fit(inputs, inputs[:, :1], epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    expected = model.predict(inputs, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        again = keras.models.load_model(path)
    assert isinstance(again.layers[1], Dropout)
    np.testing.assert_allclose(again.predict(inputs, verbose=0), expected, rtol=1e-5, atol=1e-6)
