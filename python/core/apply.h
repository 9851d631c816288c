/* The functions of the module that compute, with their arguments sorted. */
#ifndef SIMDROP_PYTHON_APPLY_H
#define SIMDROP_PYTHON_APPLY_H

#include "arguments.h"

/* Which mask: seed and stream are set by the caller, and the rest by arguments. */
PyObject *simdrop_python_dropout(module_state *state, PyObject **values, simdrop_mask *mask);
PyObject *simdrop_python_mask(module_state *state, PyObject **values, simdrop_mask *mask);

/* p (without a default: p is NaN before), offset and, where they are among the values, seed and stream. */
bool simdrop_python_read_mask(PyObject **values, simdrop_mask *mask);

#endif
