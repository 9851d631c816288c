/* Arguments of the functions: which were given, and what they mean. */
#ifndef SIMDROP_PYTHON_ARGUMENTS_H
#define SIMDROP_PYTHON_ARGUMENTS_H

#include "array.h"

/* What a function takes: the first arguments by place, all by name. */
typedef struct signature {
  const char *function;
  unsigned positional, count;
  unsigned required; /* bits, by `argument` */
  argument order[ARGUMENT_COUNT];
} signature;

/* Sorts what a call was given into values, by `argument`; NULL where nothing was given. False: with an exception. */
bool simdrop_python_sort(const module_state *state, const signature *taken, PyObject *const *given, Py_ssize_t positional,
                         PyObject *keywords, PyObject **values);

/* A word of 64 bits: an int, or what is one by __index__. NULL leaves it as it is. */
bool simdrop_python_word(PyObject *object, const char *what, uint64_t *word);

/* A seed: a word, or two of a numpy.random.Generator, the second of which is added to the stream. */
bool simdrop_python_seed(PyObject *object, simdrop_mask *mask);

/* p, or what was there before for NULL. */
bool simdrop_python_probability(PyObject *object, double *p);

/* A number of threads, or what was there before for NULL. */
bool simdrop_python_threads(PyObject *object, size_t *threads);

/* A shape: an int or a sequence of them. */
bool simdrop_python_shape(PyObject *object, int *rank, size_t *dims);

/* The mask's index strides along the axes of a shape. *plain says that they are what they are without these two arguments. */
bool simdrop_python_index_strides(PyObject *mask_shape, PyObject *strides, int rank, const size_t *dims,
                                  uint64_t *index_strides, bool *plain);

#endif
