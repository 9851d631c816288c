/* What help() shows, in NumPy's form: the first line of each is the signature. The examples are run by the tests. */
#ifndef SIMDROP_PYTHON_DOCSTRINGS_H
#define SIMDROP_PYTHON_DOCSTRINGS_H

#define DROPOUT_DOCSTRING                                                                                                  \
  "dropout($module, /, x, p=0.5, *, seed, stream=0, offset=0, mask_shape=None, index_strides=None, out=None, threads=1)\n" \
  "--\n"                                                                                                                   \
  "\n"                                                                                                                     \
  "Zero each element with probability `p` and scale the others by about 1/(1-p).\n"                                        \
  "\n"                                                                                                                     \
  "Which elements are dropped is a function of `p`, `seed`, `stream` and the\n"                                            \
  "element's index alone: the same on every machine, with any number of threads,\n"                                        \
  "wherever the elements lie in memory. The gradient is the same call on the\n"                                            \
  "gradient of the result.\n"                                                                                              \
  "\n"                                                                                                                     \
  "Parameters\n"                                                                                                           \
  "----------\n"                                                                                                           \
  "x : array_like\n"                                                                                                       \
  "    Elements of type float16, float32, float64, or bfloat16, float8_e4m3fn\n"                                           \
  "    or float8_e5m2 of ml_dtypes, of any shape and strides; they are not\n"                                              \
  "    copied. Arrays of other libraries are read in place by the buffer\n"                                                \
  "    protocol or DLPack, if they lie in the CPU's memory.\n"                                                             \
  "p : float, optional\n"                                                                                                  \
  "    Probability of dropping an element, from 0 to 1; exact to 2**-32.\n"                                                \
  "seed : int or numpy.random.Generator\n"                                                                                 \
  "    Chooses the family of masks: from 0 to 2**64 - 1. A generator of NumPy's\n"                                         \
  "    is asked for two such numbers, the second of which is added to `stream`.\n"                                         \
  "stream : int, optional\n"                                                                                               \
  "    Chooses a mask of the family: a layer, a step.\n"                                                                   \
  "offset : int, optional\n"                                                                                               \
  "    Index of the first element, for an array that is a part of a larger one.\n"                                         \
  "mask_shape : int or tuple of ints, optional\n"                                                                          \
  "    Shape of a smaller mask that is broadcast to `x` by NumPy's rules: where\n"                                         \
  "    it has 1, all elements along that axis share their decision. ``(N, C, 1,\n"                                         \
  "    1)`` drops whole channels. None in it is the extent of `x`.\n"                                                      \
  "index_strides : tuple of ints, optional\n"                                                                              \
  "    In place of `mask_shape`: how far an element's index moves along each\n"                                            \
  "    axis of `x`, 0 to share a decision.\n"                                                                              \
  "out : array, optional\n"                                                                                                \
  "    Receives the result, with the shape and type of `x`; it may be `x`, and\n"                                          \
  "    may not overlap it otherwise.\n"                                                                                    \
  "threads : int, optional\n"                                                                                              \
  "    How many threads a large array is cut for. The result is the same.\n"                                               \
  "\n"                                                                                                                     \
  "Returns\n"                                                                                                              \
  "-------\n"                                                                                                              \
  "numpy.ndarray\n"                                                                                                        \
  "    `out`, or a new array whose axes lie in memory as those of `x` do. No\n"                                            \
  "    subclass of ndarray is kept.\n"                                                                                     \
  "\n"                                                                                                                     \
  "See Also\n"                                                                                                             \
  "--------\n"                                                                                                             \
  "mask : The decisions alone.\n"                                                                                          \
  "Generator : A seed that counts its streams.\n"                                                                          \
  "\n"                                                                                                                     \
  "Examples\n"                                                                                                             \
  "--------\n"                                                                                                             \
  ">>> import numpy as np\n"                                                                                               \
  ">>> import simdrop\n"                                                                                                   \
  ">>> x = np.ones(8, np.float32)\n"                                                                                       \
  ">>> simdrop.dropout(x, 0.5, seed=2024, stream=7)\n"                                                                     \
  "array([2., 0., 2., 0., 2., 2., 2., 2.], dtype=float32)\n"                                                               \
  "\n"                                                                                                                     \
  "Whole rows of a matrix, in place:\n"                                                                                    \
  "\n"                                                                                                                     \
  ">>> x = np.ones((4, 3))\n"                                                                                              \
  ">>> simdrop.dropout(x, 0.5, seed=2, mask_shape=(4, 1), out=x) is x\n"                                                   \
  "True\n"                                                                                                                 \
  ">>> x\n"                                                                                                                \
  "array([[2., 2., 2.],\n"                                                                                                 \
  "       [0., 0., 0.],\n"                                                                                                 \
  "       [2., 2., 2.],\n"                                                                                                 \
  "       [0., 0., 0.]])"

#define MASK_DOCSTRING                                                                                                    \
  "mask($module, /, shape, p, *, seed, stream=0, offset=0, mask_shape=None, index_strides=None, packed=False, out=None, " \
  "threads=1)\n"                                                                                                          \
  "--\n"                                                                                                                  \
  "\n"                                                                                                                    \
  "The decisions that `dropout` makes for an array of that shape: True is kept.\n"                                        \
  "\n"                                                                                                                    \
  "Parameters\n"                                                                                                          \
  "----------\n"                                                                                                          \
  "shape : int or tuple of ints\n"                                                                                        \
  "    Shape of the array.\n"                                                                                             \
  "p : float\n"                                                                                                           \
  "    Probability of dropping an element, from 0 to 1.\n"                                                                \
  "seed, stream, offset, mask_shape, index_strides, threads\n"                                                            \
  "    As for `dropout`.\n"                                                                                               \
  "packed : bool, optional\n"                                                                                             \
  "    One bit an element in place of one byte, the first in the lowest bit.\n"                                           \
  "out : array, optional\n"                                                                                               \
  "    Receives the mask: row-major, without gaps, of type bool or uint8.\n"                                              \
  "\n"                                                                                                                    \
  "Returns\n"                                                                                                             \
  "-------\n"                                                                                                             \
  "numpy.ndarray\n"                                                                                                       \
  "    Bools of that shape; or, packed, one axis of uint8, which\n"                                                       \
  "    ``numpy.unpackbits(..., bitorder=\"little\")`` takes apart.\n"                                                     \
  "\n"                                                                                                                    \
  "Examples\n"                                                                                                            \
  "--------\n"                                                                                                            \
  ">>> import simdrop\n"                                                                                                  \
  ">>> simdrop.mask((2, 3), 0.5, seed=2024, stream=7)\n"                                                                  \
  "array([[ True, False,  True],\n"                                                                                       \
  "       [False,  True,  True]])\n"                                                                                      \
  ">>> simdrop.mask(8, 0.5, seed=2024, stream=7, packed=True)\n"                                                          \
  "array([245], dtype=uint8)"

#define APPLY_BITS_DOCSTRING                                                   \
  "apply_bits($module, /, x, bits, p, *, out=None, threads=1)\n"               \
  "--\n"                                                                       \
  "\n"                                                                         \
  "Dropout by a stored mask: kept elements are scaled, the others become 0.\n" \
  "\n"                                                                         \
  "Parameters\n"                                                               \
  "----------\n"                                                               \
  "x : array_like\n"                                                           \
  "    As for `dropout`.\n"                                                    \
  "bits : array of uint8\n"                                                    \
  "    One bit for each element of `x` in row-major order, packed as `mask`\n" \
  "    does. They alone decide.\n"                                             \
  "p : float\n"                                                                \
  "    The probability that the mask was made with, for the scale.\n"          \
  "out, threads\n"                                                             \
  "    As for `dropout`.\n"                                                    \
  "\n"                                                                         \
  "Returns\n"                                                                  \
  "-------\n"                                                                  \
  "numpy.ndarray\n"                                                            \
  "    As from `dropout`.\n"                                                   \
  "\n"                                                                         \
  "Examples\n"                                                                 \
  "--------\n"                                                                 \
  ">>> import numpy as np\n"                                                   \
  ">>> import simdrop\n"                                                       \
  ">>> bits = np.packbits([1, 0, 0, 1], bitorder=\"little\")\n"                \
  ">>> simdrop.apply_bits(np.array([1.0, 2.0, 3.0, 4.0]), bits, 0.5)\n"        \
  "array([2., 0., 0., 8.])"

#define SCALE_DOCSTRING                                                           \
  "scale($module, p, /)\n"                                                        \
  "--\n"                                                                          \
  "\n"                                                                            \
  "The factor of what is kept: 1/(1-p), for p rounded to a multiple of 2**-32.\n" \
  "\n"                                                                            \
  "Parameters\n"                                                                  \
  "----------\n"                                                                  \
  "p : float\n"                                                                   \
  "    Probability of dropping an element, from 0 to 1.\n"                        \
  "\n"                                                                            \
  "Returns\n"                                                                     \
  "-------\n"                                                                     \
  "float\n"                                                                       \
  "    0 for p = 1. Types other than float64 use it rounded to float32.\n"        \
  "\n"                                                                            \
  "Examples\n"                                                                    \
  "--------\n"                                                                    \
  ">>> import simdrop\n"                                                          \
  ">>> simdrop.scale(0.75)\n"                                                     \
  "4.0"

#define GENERATOR_DOCSTRING                                                         \
  "Generator(seed=None, stream=0)\n"                                                \
  "--\n"                                                                            \
  "\n"                                                                              \
  "Dropout with a seed that counts its streams: each call has a mask of its own.\n" \
  "\n"                                                                              \
  "The whole state is two numbers, `seed` and the next `stream`. Generators can\n"  \
  "be compared, copied and pickled, and threads may share one.\n"                   \
  "\n"                                                                              \
  "Parameters\n"                                                                    \
  "----------\n"                                                                    \
  "seed : int or numpy.random.Generator, optional\n"                                \
  "    As for `dropout`; None takes one from the system.\n"                         \
  "stream : int, optional\n"                                                        \
  "    Of the first call.\n"                                                        \
  "\n"                                                                              \
  "Examples\n"                                                                      \
  "--------\n"                                                                      \
  ">>> import numpy as np\n"                                                        \
  ">>> import simdrop\n"                                                            \
  ">>> generator = simdrop.Generator(2024)\n"                                       \
  ">>> x = np.ones(4, np.float32)\n"                                                \
  ">>> a, b = generator.dropout(x), generator.dropout(x)\n"                         \
  ">>> generator\n"                                                                 \
  "simdrop.Generator(seed=2024, stream=2)\n"                                        \
  ">>> np.array_equal(b, simdrop.dropout(x, seed=2024, stream=1))\n"                \
  "True"

#define GENERATOR_DROPOUT_DOCSTRING                                                                      \
  "dropout($self, /, x, p=0.5, *, offset=0, mask_shape=None, index_strides=None, out=None, threads=1)\n" \
  "--\n"                                                                                                 \
  "\n"                                                                                                   \
  "As `simdrop.dropout`, with the next stream."

#define GENERATOR_MASK_DOCSTRING                                                                                    \
  "mask($self, /, shape, p, *, offset=0, mask_shape=None, index_strides=None, packed=False, out=None, threads=1)\n" \
  "--\n"                                                                                                            \
  "\n"                                                                                                              \
  "As `simdrop.mask`, with the next stream."

#define GENERATOR_SKIP_DOCSTRING \
  "skip($self, n, /)\n"          \
  "--\n"                         \
  "\n"                           \
  "Leave out `n` streams, as if so many calls had been made."

#define GENERATOR_SPAWN_DOCSTRING                                                  \
  "spawn($self, n, /)\n"                                                           \
  "--\n"                                                                           \
  "\n"                                                                             \
  "`n` new generators, for processes or workers.\n"                                \
  "\n"                                                                             \
  "The seed of each is 64 bits of the mask that the next stream has at p = 1/2.\n" \
  "\n"                                                                             \
  "Examples\n"                                                                     \
  "--------\n"                                                                     \
  ">>> import simdrop\n"                                                           \
  ">>> simdrop.Generator(1).spawn(2) == simdrop.Generator(1).spawn(2)\n"           \
  "True"

#endif
