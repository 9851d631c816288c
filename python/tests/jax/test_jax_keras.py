"""The layer for Keras 3, on three of its backends: each in a process of its own, as Keras has one backend a process."""

import hashlib
import importlib.util

import jax_reference as reference
import numpy as np
import pytest

if importlib.util.find_spec("keras") is None:  # not imported here: the backend that Keras takes by default may be missing
    pytest.skip("no module keras", allow_module_level=True)


def masks():
    """What the layer of keras_layer.py has to give: seed 7, the calls' numbers as streams, and one mask for each row."""
    one = np.ones((16, 32), np.float32)
    outputs = [reference.dropout(one, 0.25, 7, stream=call) for call in range(3)]
    outputs.append(reference.dropout(one, 0.5, 7, strides=(1, 0)))
    return [hashlib.sha256(y.tobytes()).hexdigest() for y in outputs]


def skip_without(*modules):
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"no module {module}")


@pytest.mark.parametrize(("backend", "needed"), [("jax", "simdrop.jax"), ("torch", "simdrop.torch"), ("numpy", "simdrop")])
def test_layer_draws_its_seeds_masks(run_script, tmp_path, backend, needed):
    skip_without(backend, needed)
    assert run_script("keras_layer.py", KERAS_BACKEND=backend, KERAS_HOME=str(tmp_path)) == masks()


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "needed"), [("jax", "simdrop.jax"), ("torch", "simdrop.torch")])  # Keras does not train on NumPy
def test_layer_in_a_model_that_learns(run_script, tmp_path, backend, needed):
    skip_without(backend, needed)
    run_script("keras_layer.py", "train", KERAS_BACKEND=backend, KERAS_HOME=str(tmp_path))
