/* dropout, mask, apply_bits and scale: arguments become a call of the C library, and its status an exception. */
#include "apply.h"

#include <string.h>

#include "docstrings.h"
#include "pool.h"

/* From so many elements on, other threads of Python's go on meanwhile: some 0.3 to 1 us of work, ten times what it takes to let
 * them. */
enum {
  RELEASE_ELEMENTS = 4096
};

/* What is done with x, or with no x at all. */
typedef enum verb {
  VERB_DROPOUT,
  VERB_APPLY_BITS,
  VERB_MASK_BYTES,
  VERB_MASK_BITS
} verb;

typedef struct work {
  verb verb;
  const simdrop_mask *mask;
  const array *bits; /* to apply */
  int kind;
  size_t count, threads;
  const void *x;
  void *y;
  const simdrop_layout *layout; /* NULL: elements lie side by side, each with an index of its own */
} work;

bool simdrop_python_check(simdrop_status status) {
  if (status == SIMDROP_OK) return true;
  if (status == SIMDROP_ERROR_OVERLAP) {
    PyErr_SetString(PyExc_ValueError, "out overlaps another array other than by being x, or its elements overlap one another");
  } else {
    PyErr_SetString(PyExc_ValueError, simdrop_status_string(status));
  }
  return false;
}

static simdrop_status submit_flat(const work *w, const simdrop_executor *executor) {
  const simdrop_dtype dtype = (simdrop_dtype)w->kind;
  switch (w->verb) {
    case VERB_DROPOUT:
      return executor == NULL ? simdrop_forward(w->mask, dtype, w->count, w->x, w->y, NULL)
                              : simdrop_parallel_forward(executor, w->mask, dtype, w->count, w->x, w->y, NULL);
    case VERB_APPLY_BITS:
      return simdrop_parallel_apply_bits(executor, w->mask->p, dtype, w->count, (const uint8_t *)w->bits->data, w->x, w->y);
    case VERB_MASK_BYTES: return simdrop_parallel_mask_bytes(executor, w->mask, w->count, w->y);
    default: return simdrop_parallel_mask_bits(executor, w->mask, w->count, w->y);
  }
}

static simdrop_status submit_layout(const work *w, const simdrop_executor *executor) {
  const simdrop_dtype dtype = (simdrop_dtype)w->kind;
  switch (w->verb) {
    case VERB_DROPOUT: return simdrop_parallel_forward_layout(executor, w->mask, dtype, w->layout, w->x, w->y);
    case VERB_APPLY_BITS:
      return simdrop_parallel_apply_bits_layout(executor, w->mask->p, dtype, w->layout, (const uint8_t *)w->bits->data, w->x,
                                                w->y);
    case VERB_MASK_BYTES: return simdrop_parallel_mask_layout_bytes(executor, w->mask, w->layout, w->y);
    default: return simdrop_parallel_mask_layout_bits(executor, w->mask, w->layout, w->y);
  }
}

static simdrop_status submit(work *w) {
  const simdrop_executor pool = simdrop_python_executor(&w->threads), *executor = w->threads > 1 ? &pool : NULL;
  PyThreadState *python = w->count >= RELEASE_ELEMENTS ? PyEval_SaveThread() : NULL;
  const simdrop_status status = w->layout == NULL ? submit_flat(w, executor) : submit_layout(w, executor);
  if (python != NULL) PyEval_RestoreThread(python);
  w->layout = NULL; /* which was the caller's */
  return status;
}

static bool same_shape(const array *a, const array *b) {
  bool same = a->rank == b->rank;
  for (int axis = 0; same && axis < a->rank; ++axis) same = a->dims[axis] == b->dims[axis];
  return same;
}

/* Whether y is an output for x. */
static bool fits(const array *x, const array *y) {
  if (x->kind != y->kind) {
    PyErr_SetString(PyExc_TypeError, "out must have the type of x");
    return false;
  }
  if (!same_shape(x, y)) {
    PyErr_SetString(PyExc_ValueError, "out must have the shape of x");
    return false;
  }
  return true;
}

typedef enum outcome {
  DONE,
  FAILED,  /* with an exception */
  INVOLVED /* more axes than a layout has, or elements between multiples of their size: a copy without them may do */
} outcome;

/* Fills in the layout and submits. */
static outcome submit_arrays(work *w, const array *x, const array *y, const uint64_t *index_strides, bool plain) {
  simdrop_layout layout;
  if (x->odd || y->odd) return INVOLVED;
  w->layout = NULL;
  if (!plain || !x->contiguous || !y->contiguous) {
    const simdrop_status status = simdrop_layout_strided(x->rank, x->dims, x->strides, y->strides, index_strides, &layout);
    if (status == SIMDROP_ERROR_RANK) return INVOLVED;
    if (!simdrop_python_check(status)) return FAILED;
    w->layout = &layout;
  }
  w->kind = x->kind;
  w->count = x->count;
  w->x = x->data;
  w->y = y->data;
  return simdrop_python_check(submit(w)) ? DONE : FAILED;
}

/* By way of a row-major copy of x, which becomes one of y. */
static bool submit_copy(work *w, const array *x, const array *y, const uint64_t *index_strides, bool plain) {
  bool in_place = x->data == y->data;
  for (int axis = 0; axis < x->rank; ++axis) in_place &= x->dims[axis] == 1 || x->byte_strides[axis] == y->byte_strides[axis];
  if (simdrop_python_meets_itself(y) || (!in_place && simdrop_python_meet(x, y)) ||
      (w->bits != NULL && simdrop_python_meet(w->bits, y))) {
    return simdrop_python_check(SIMDROP_ERROR_OVERLAP);
  }
  array copy = {.kind = x->kind, .rank = x->rank, .item_size = x->item_size, .count = 1};
  for (int axis = x->rank - 1; axis >= 0; --axis) {
    copy.dims[axis] = x->dims[axis];
    copy.strides[axis] = (ptrdiff_t)copy.count;
    copy.count *= x->dims[axis];
  }
  copy.contiguous = true;
  size_t bytes;
  if (__builtin_mul_overflow(x->count, x->item_size, &bytes)) return simdrop_python_check(SIMDROP_ERROR_SIZE_OVERFLOW);
  copy.data = PyMem_Malloc(bytes);
  if (copy.data == NULL) {
    PyErr_NoMemory();
    return false;
  }
  simdrop_python_gather(x, copy.data);
  const outcome result = submit_arrays(w, &copy, &copy, index_strides, plain);
  if (result == DONE) simdrop_python_scatter(copy.data, y);
  PyMem_Free(copy.data);
  if (result == INVOLVED) {
    PyErr_Format(PyExc_ValueError,
                 "more than %d axes are left after those are merged along which elements and decisions go on evenly",
                 SIMDROP_MAX_RANK);
  }
  return result == DONE;
}

/* Whether bits are as many bytes as the elements of x need. */
static bool check_bits(const array *x, const array *bits) {
  const size_t bytes = x->count / 8 + (x->count % 8 != 0);
  if (bits->kind != KIND_BYTE) {
    PyErr_SetString(PyExc_TypeError,
                    "bits must be of type uint8; numpy.packbits(mask, bitorder='little') packs a mask of bools");
  } else if (!bits->contiguous || bits->count != bytes) {
    PyErr_Format(PyExc_ValueError, "bits must be %zu contiguous bytes, one for eight elements of x, not %zu", bytes,
                 bits->count);
  } else {
    return true;
  }
  return false;
}

static PyObject *apply_to(module_state *state, PyObject **values, work *w, const array *x) {
  if (x->kind < 0) {
    PyErr_Format(PyExc_TypeError, "x has elements of type %s: dropout is for floating-point numbers",
                 x->kind == KIND_BOOL ? "bool" : "uint8");
    return NULL;
  }
  if (w->bits != NULL && !check_bits(x, w->bits)) return NULL;
  uint64_t index_strides[MAX_AXES];
  bool plain;
  if (!simdrop_python_index_strides(values[ARGUMENT_MASK_SHAPE], values[ARGUMENT_INDEX_STRIDES], x->rank, x->dims,
                                    index_strides, &plain)) {
    return NULL;
  }
  PyObject *out = values[ARGUMENT_OUT];
  out = out == NULL || out == Py_None ? simdrop_python_new_like(state, values[ARGUMENT_X], x) : Py_NewRef(out);
  array y;
  if (out == NULL || !simdrop_python_see(state, out, "out", true, &y)) {
    Py_XDECREF(out);
    return NULL;
  }
  const outcome result = fits(x, &y) ? submit_arrays(w, x, &y, index_strides, plain) : FAILED;
  const bool done = result == DONE || (result == INVOLVED && submit_copy(w, x, &y, index_strides, plain));
  simdrop_python_forget(&y);
  if (!done) Py_CLEAR(out);
  return out;
}

static PyObject *apply(module_state *state, PyObject **values, work *w) {
  array x;
  if (!simdrop_python_see(state, values[ARGUMENT_X], "x", false, &x)) return NULL;
  PyObject *result = apply_to(state, values, w, &x);
  simdrop_python_forget(&x);
  return result;
}

bool simdrop_python_read_mask(PyObject **values, simdrop_mask *mask) {
  return simdrop_python_probability(values[ARGUMENT_P], &mask->p) &&
         simdrop_python_word(values[ARGUMENT_OFFSET], "offset", &mask->offset) &&
         simdrop_python_word(values[ARGUMENT_STREAM], "stream", &mask->stream) &&
         (values[ARGUMENT_SEED] == NULL || simdrop_python_seed(values[ARGUMENT_SEED], mask));
}

PyObject *simdrop_python_dropout(module_state *state, PyObject **values, simdrop_mask *mask) {
  work w = {.verb = VERB_DROPOUT, .mask = mask, .threads = 1};
  if (!simdrop_python_threads(values[ARGUMENT_THREADS], &w.threads)) return NULL;
  return apply(state, values, &w);
}

/* The array that a mask is written to: a new one, or the caller's. */
static PyObject *mask_output(module_state *state, PyObject *out, bool packed, int rank, const size_t *dims) {
  if (out != NULL && out != Py_None) return Py_NewRef(out);
  if (!packed) return simdrop_python_new(state, rank, dims, "bool");
  size_t count = 1;
  for (int axis = 0; axis < rank; ++axis) {
    if (__builtin_mul_overflow(count, dims[axis], &count)) count = SIZE_MAX - 7; /* which is too many for NumPy */
  }
  const size_t bytes = count / 8 + (count % 8 != 0);
  return simdrop_python_new(state, 1, &bytes, "uint8");
}

static bool mask_fits(const array *y, bool packed, int rank, const size_t *dims) {
  array wanted = {.rank = rank, .count = 1};
  for (int axis = 0; axis < rank; ++axis) {
    if (__builtin_mul_overflow(wanted.count, dims[axis], &wanted.count))
      return simdrop_python_check(SIMDROP_ERROR_SIZE_OVERFLOW);
    wanted.dims[axis] = dims[axis];
  }
  if (packed) {
    wanted.rank = 1;
    wanted.dims[0] = wanted.count / 8 + (wanted.count % 8 != 0);
  }
  if (y->kind != KIND_BYTE && (packed || y->kind != KIND_BOOL)) {
    PyErr_SetString(PyExc_TypeError,
                    packed ? "out must be of type uint8 for a packed mask" : "out must be of type bool or uint8");
  } else if (!same_shape(&wanted, y)) {
    PyErr_SetString(PyExc_ValueError, packed ? "out must have one axis of as many bytes as the mask has bits in eights"
                                             : "out must have the shape of the mask");
  } else if (!y->contiguous) {
    PyErr_SetString(PyExc_ValueError, "out must be contiguous (row-major)");
  } else {
    return true;
  }
  return false;
}

/* Draws a mask of this shape into y. */
static bool draw(PyObject **values, work *w, const array *y, int rank, const size_t *dims) {
  uint64_t index_strides[MAX_AXES];
  bool plain;
  if (!simdrop_python_index_strides(values[ARGUMENT_MASK_SHAPE], values[ARGUMENT_INDEX_STRIDES], rank, dims, index_strides,
                                    &plain))
    return false;
  ptrdiff_t strides[MAX_AXES];
  w->count = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    strides[axis] = (ptrdiff_t)w->count;
    w->count *= dims[axis];
  }
  simdrop_layout layout;
  if (!plain) {
    if (!simdrop_python_check(simdrop_layout_strided(rank, dims, strides, strides, index_strides, &layout))) return false;
    w->layout = &layout;
  }
  w->y = y->data;
  return simdrop_python_check(submit(w));
}

PyObject *simdrop_python_mask(module_state *state, PyObject **values, simdrop_mask *mask) {
  work w = {.mask = mask, .threads = 1};
  int rank;
  size_t dims[MAX_AXES];
  const int packed = values[ARGUMENT_PACKED] == NULL ? 0 : PyObject_IsTrue(values[ARGUMENT_PACKED]);
  if (packed < 0 || !simdrop_python_shape(values[ARGUMENT_SHAPE], &rank, dims) ||
      !simdrop_python_threads(values[ARGUMENT_THREADS], &w.threads)) {
    return NULL;
  }
  w.verb = packed ? VERB_MASK_BITS : VERB_MASK_BYTES;
  PyObject *out = mask_output(state, values[ARGUMENT_OUT], packed, rank, dims);
  array y;
  if (out == NULL || !simdrop_python_see(state, out, "out", true, &y)) {
    Py_XDECREF(out);
    return NULL;
  }
  const bool good = mask_fits(&y, packed, rank, dims) && draw(values, &w, &y, rank, dims);
  simdrop_python_forget(&y);
  if (!good) Py_CLEAR(out);
  return out;
}

static PyObject *dropout(PyObject *module, PyObject *const *given, Py_ssize_t positional, PyObject *keywords) {
  static const signature taken = {"dropout",
                                  2,
                                  9,
                                  1u << ARGUMENT_X | 1u << ARGUMENT_SEED,
                                  {ARGUMENT_X, ARGUMENT_P, ARGUMENT_SEED, ARGUMENT_STREAM, ARGUMENT_OFFSET, ARGUMENT_MASK_SHAPE,
                                   ARGUMENT_INDEX_STRIDES, ARGUMENT_OUT, ARGUMENT_THREADS}};
  module_state *state = PyModule_GetState(module);
  PyObject *values[ARGUMENT_COUNT];
  simdrop_mask mask = {.p = 0.5};
  if (!simdrop_python_sort(state, &taken, given, positional, keywords, values) || !simdrop_python_read_mask(values, &mask))
    return NULL;
  return simdrop_python_dropout(state, values, &mask);
}

static PyObject *mask_function(PyObject *module, PyObject *const *given, Py_ssize_t positional, PyObject *keywords) {
  static const signature taken = {
      "mask",
      2,
      10,
      1u << ARGUMENT_SHAPE | 1u << ARGUMENT_P | 1u << ARGUMENT_SEED,
      {ARGUMENT_SHAPE, ARGUMENT_P, ARGUMENT_SEED, ARGUMENT_STREAM, ARGUMENT_OFFSET, ARGUMENT_MASK_SHAPE, ARGUMENT_INDEX_STRIDES,
       ARGUMENT_PACKED, ARGUMENT_OUT, ARGUMENT_THREADS}};
  module_state *state = PyModule_GetState(module);
  PyObject *values[ARGUMENT_COUNT];
  simdrop_mask mask = {0};
  if (!simdrop_python_sort(state, &taken, given, positional, keywords, values) || !simdrop_python_read_mask(values, &mask))
    return NULL;
  return simdrop_python_mask(state, values, &mask);
}

static PyObject *apply_bits(PyObject *module, PyObject *const *given, Py_ssize_t positional, PyObject *keywords) {
  static const signature taken = {"apply_bits",
                                  3,
                                  5,
                                  1u << ARGUMENT_X | 1u << ARGUMENT_BITS | 1u << ARGUMENT_P,
                                  {ARGUMENT_X, ARGUMENT_BITS, ARGUMENT_P, ARGUMENT_OUT, ARGUMENT_THREADS}};
  module_state *state = PyModule_GetState(module);
  PyObject *values[ARGUMENT_COUNT];
  simdrop_mask mask = {0};
  work w = {.verb = VERB_APPLY_BITS, .mask = &mask, .threads = 1};
  array bits;
  if (!simdrop_python_sort(state, &taken, given, positional, keywords, values) ||
      !simdrop_python_probability(values[ARGUMENT_P], &mask.p) ||
      !simdrop_python_threads(values[ARGUMENT_THREADS], &w.threads) ||
      !simdrop_python_see(state, values[ARGUMENT_BITS], "bits", false, &bits)) {
    return NULL;
  }
  w.bits = &bits;
  PyObject *result = apply(state, values, &w);
  simdrop_python_forget(&bits);
  return result;
}

static PyObject *scale(PyObject *module, PyObject *object) {
  (void)module;
  double p = 0, factor = 0;
  if (!simdrop_python_probability(object, &p) || !simdrop_python_check(simdrop_scale(p, &factor))) return NULL;
  return PyFloat_FromDouble(factor);
}

/* (name, compiled, supported, current) for each backend, the best first. */
static PyObject *list_backends(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  PyObject *list = PyList_New(0);
  const char *current = simdrop_backend_current();
  for (size_t i = 0; list != NULL && i < simdrop_backend_count(); ++i) {
    const char *name = simdrop_backend_name(i);
    PyObject *entry =
        Py_BuildValue("(sOOO)", name, simdrop_backend_compiled(i) ? Py_True : Py_False,
                      simdrop_backend_supported(i) ? Py_True : Py_False, strcmp(name, current) == 0 ? Py_True : Py_False);
    if (entry == NULL || PyList_Append(list, entry) < 0) Py_CLEAR(list);
    Py_XDECREF(entry);
  }
  return list;
}

static PyObject *select_backend(PyObject *module, PyObject *object) {
  (void)module;
  PyObject *bytes = object == Py_None ? NULL : PyUnicode_AsUTF8String(object);
  if (bytes == NULL && object != Py_None) {
    if (!PyUnicode_Check(object))
      PyErr_Format(PyExc_TypeError, "a backend's name must be a str or None, not %S", (PyObject *)Py_TYPE(object));
    return NULL;
  }
  char *name = NULL;
  if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &name, NULL) < 0) { /* a zero in it */
    Py_DECREF(bytes);
    return NULL;
  }
  const simdrop_status status = simdrop_backend_select(name);
  Py_XDECREF(bytes);
  if (status == SIMDROP_ERROR_UNKNOWN_BACKEND)
    return PyErr_Format(PyExc_ValueError, "there is no backend %R; simdrop.backends() lists them", object);
  if (status == SIMDROP_ERROR_UNSUPPORTED_BACKEND) {
    return PyErr_Format(PyExc_RuntimeError, "the backend %R is not built in, or this machine cannot run it", object);
  }
  Py_RETURN_NONE;
}

static PyObject *backend_reason(PyObject *module, PyObject *unused) {
  (void)module, (void)unused;
  static const char *const reasons[] = {"the best for this machine", "SIMDROP_BACKEND",
                                        "the best for this machine; what SIMDROP_BACKEND names cannot run here", "use_backend"};
  return PyUnicode_FromString(reasons[simdrop_backend_reason()]);
}

PyMethodDef simdrop_python_functions[] = {
    {"dropout", (PyCFunction)(void (*)(void))dropout, METH_FASTCALL | METH_KEYWORDS, DROPOUT_DOCSTRING},
    {"mask", (PyCFunction)(void (*)(void))mask_function, METH_FASTCALL | METH_KEYWORDS, MASK_DOCSTRING},
    {"apply_bits", (PyCFunction)(void (*)(void))apply_bits, METH_FASTCALL | METH_KEYWORDS, APPLY_BITS_DOCSTRING},
    {"scale", scale, METH_O, SCALE_DOCSTRING},
    {"_backends", list_backends, METH_NOARGS,
     "_backends($module, /)\n--\n\n(name, compiled, supported, current) of each, the best first."},
    {"_select", select_backend, METH_O, "_select($module, name, /)\n--\n\nUse this backend here; None: the best."},
    {"_reason", backend_reason, METH_NOARGS, "_reason($module, /)\n--\n\nWhy the current backend is the current one."},
    {NULL, NULL, 0, NULL},
};
