"""The reference, with the arguments that the tests of JAX have."""

import numpy as np

import reference
from reference import scale

__all__ = ["dropout", "kept", "scale"]


def kept(shape, p, seed, *, stream=0, offset=0, strides=None):
    """Which elements are kept."""
    return reference.mask(tuple(shape), p, seed=seed, stream=stream, offset=offset, index_strides=strides)


def dropout(x, p, seed, **position):
    """Dropout of an array of NumPy's."""
    return np.asarray(reference.dropout(x, p, keep=kept(x.shape, p, seed, **position)))
