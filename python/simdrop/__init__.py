"""Vectorised dropout, the same bits on every instruction set, with any number of threads.

Here are the functions for NumPy, and for what else has its elements in the CPU's memory; `simdrop.torch` and `simdrop.jax` are
imported only where they are asked for.
"""

from simdrop._backends import Backend, backends, show_config, use_backend
from simdrop._core import Generator, __version__, apply_bits, dropout, mask, scale

__all__ = ["Backend", "Generator", "__version__", "apply_bits", "backends", "dropout", "mask", "scale", "show_config", "use_backend"]
