/* What the extension module keeps: names of arguments, and NumPy, once it was needed. */
#ifndef SIMDROP_PYTHON_STATE_H
#define SIMDROP_PYTHON_STATE_H

#include <Python.h>
#include <simdrop/simdrop.h>
#include <stdbool.h>

/* Every name that an argument has in one of the functions. */
typedef enum argument {
  ARGUMENT_X,
  ARGUMENT_SHAPE,
  ARGUMENT_BITS,
  ARGUMENT_P,
  ARGUMENT_SEED,
  ARGUMENT_STREAM,
  ARGUMENT_OFFSET,
  ARGUMENT_MASK_SHAPE,
  ARGUMENT_INDEX_STRIDES,
  ARGUMENT_PACKED,
  ARGUMENT_OUT,
  ARGUMENT_THREADS,
  ARGUMENT_COUNT
} argument;

enum {
  TYPES = 8
}; /* of elements, in array.c's list */

typedef struct module_state {
  PyObject *names[ARGUMENT_COUNT]; /* interned, so that most keywords are found by their address */
  PyTypeObject *generator_type;
  PyObject *numpy, *ndarray, *empty, *empty_like, *dtype, *order_k; /* NULL before NumPy is there; order_k comes last */
  PyObject *dtypes[TYPES]; /* NumPy's objects for them; those of ml_dtypes once one was seen */
} module_state;

/* Imports NumPy, if that has not been done. False: with an exception. */
bool simdrop_python_need_numpy(module_state *state);

/* The exception for a status; nothing for SIMDROP_OK. */
bool simdrop_python_check(simdrop_status status);

/* Objects that the module is made of, for module.c. */
extern PyMethodDef simdrop_python_functions[];
extern PyType_Spec simdrop_python_generator_spec;

#endif
