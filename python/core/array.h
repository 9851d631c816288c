/* An array of Python's, whatever library it is from, as the C library sees it: a pointer, a type, a shape and strides in
 * elements. */
#ifndef SIMDROP_PYTHON_ARRAY_H
#define SIMDROP_PYTHON_ARRAY_H

#include "state.h"

enum {
  MAX_AXES = 64
}; /* of NumPy and of the buffer protocol */

/* Types of elements beside those of simdrop_dtype, for masks. */
enum {
  KIND_BOOL = -1,
  KIND_BYTE = -2
};

typedef struct array {
  char *data;
  int kind; /* a simdrop_dtype, KIND_BOOL or KIND_BYTE */
  int rank;
  size_t item_size, count;
  size_t dims[MAX_AXES];
  ptrdiff_t strides[MAX_AXES], byte_strides[MAX_AXES]; /* the former in elements, but for arrays that are odd */
  bool contiguous;                                     /* row-major, without gaps */
  bool odd; /* elements lie between multiples of their size, where the C library cannot read them */
  bool has_buffer;
  PyObject *keeper; /* what keeps the memory, if that is not the buffer; or NULL */
  Py_buffer buffer;
} array;

/* Looks at an argument. `what` names it in messages; an output must be writable. False: with an exception. */
bool simdrop_python_see(module_state *state, PyObject *object, const char *what, bool output, array *seen);

/* Ends what the former began. */
void simdrop_python_forget(array *seen);

/* A new NumPy array with the shape and the type of one that was seen, and with its axes in the same order in memory; or NULL.
 */
PyObject *simdrop_python_new_like(module_state *state, PyObject *object, const array *seen);

/* A new, row-major NumPy array of that shape; a type by its name in NumPy. */
PyObject *simdrop_python_new(module_state *state, int rank, const size_t *dims, const char *dtype);

/* Copies the elements to memory where they lie row-major, or from there. */
void simdrop_python_gather(const array *from, char *to);
void simdrop_python_scatter(const char *from, const array *to);

/* Whether two arrays share a byte, or elements of one do; true also if that cannot be ruled out in a short time. */
bool simdrop_python_meet(const array *a, const array *b);
bool simdrop_python_meets_itself(const array *seen);

#endif
