"""Dropout layers for Flax, in place of its own: ``simdrop.flax.linen.Dropout`` and ``simdrop.flax.nnx.Dropout``.

They are subclasses that take the same arguments, and draw their keys as Flax's do; the masks are simdrop's.
"""
