/* What the extension module keeps: names of arguments, and NumPy, once it was needed. Threads may run at once, since there are
 * Pythons without a lock: what is found later than the module's execution is published by atomic pointers, once. */
#ifndef SIMDROP_PYTHON_STATE_H
#define SIMDROP_PYTHON_STATE_H

#include <Python.h>
#include <simdrop/simdrop.h>
#include <stdatomic.h>
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

/* Never changed once the module has it. */
typedef struct numpy_objects {
  PyObject *module, *ndarray, *empty, *empty_like, *dtype, *order_k;
} numpy_objects;

typedef struct module_state {
  PyObject *names[ARGUMENT_COUNT]; /* interned, so that most keywords are found by their address */
  PyTypeObject *generator_type;
  numpy_objects *_Atomic numpy;    /* NULL before NumPy is there */
  PyObject *_Atomic dtypes[TYPES]; /* NumPy's objects for them; those of ml_dtypes once one was seen */
} module_state;

/* Imports NumPy, if that has not been done. NULL: with an exception. */
const numpy_objects *simdrop_python_need_numpy(module_state *state);

/* What a module does at its end, and says to the garbage collector. */
void simdrop_python_forget_numpy(module_state *state);
int simdrop_python_visit_numpy(module_state *state, visitproc visit, void *arg);

/* The exception for a status; nothing for SIMDROP_OK. */
bool simdrop_python_check(simdrop_status status);

/* Objects that the module is made of, for module.c. */
extern PyMethodDef simdrop_python_functions[];
extern PyType_Spec simdrop_python_generator_spec;

#endif
