/* Every refusal is the exception that NumPy has for the like: TypeError for what is no number, ValueError for one out of range.
 */
#include "arguments.h"

#include "pool.h"

/* Where in the signature the name is; or -1. Names in calls are interned nearly always. */
static int find(const module_state *state, const signature *taken, PyObject *name) {
  for (unsigned i = 0; i < taken->count; ++i) {
    if (state->names[taken->order[i]] == name) return (int)i;
  }
  for (unsigned i = 0; i < taken->count; ++i) {
    if (PyUnicode_Compare(state->names[taken->order[i]], name) == 0) return (int)i;
  }
  return -1;
}

bool simdrop_python_sort(const module_state *state, const signature *taken, PyObject *const *given, Py_ssize_t positional,
                         PyObject *keywords, PyObject **values) {
  for (int i = 0; i < ARGUMENT_COUNT; ++i) values[i] = NULL;
  if (positional > (Py_ssize_t)taken->positional) {
    PyErr_Format(PyExc_TypeError, "%s() takes at most %u positional arguments, not %zd", taken->function, taken->positional,
                 positional);
    return false;
  }
  for (Py_ssize_t i = 0; i < positional; ++i) values[taken->order[i]] = given[i];
  const Py_ssize_t named = keywords == NULL ? 0 : PyTuple_Size(keywords);
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject *name = PyTuple_GetItem(keywords, i);
    const int place = find(state, taken, name);
    if (place < 0) {
      PyErr_Format(PyExc_TypeError, "%s() has no argument '%U'", taken->function, name);
      return false;
    }
    if (values[taken->order[place]] != NULL) {
      PyErr_Format(PyExc_TypeError, "%s() got two values for '%U'", taken->function, name);
      return false;
    }
    values[taken->order[place]] = given[positional + i];
  }
  for (unsigned i = 0; i < taken->count; ++i) {
    if ((taken->required >> taken->order[i] & 1) != 0 && values[taken->order[i]] == NULL) {
      PyErr_Format(PyExc_TypeError, "%s() needs the argument '%U'", taken->function, state->names[taken->order[i]]);
      return false;
    }
  }
  return true;
}

bool simdrop_python_word(PyObject *object, const char *what, uint64_t *word) {
  if (object == NULL) return true;
  PyObject *number = PyNumber_Index(object);
  if (number == NULL) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s must be an int, not %S", what, (PyObject *)Py_TYPE(object));
    }
    return false;
  }
  *word = PyLong_AsUnsignedLongLong(number);
  Py_DECREF(number);
  if (*word == (uint64_t)-1 && PyErr_Occurred() != NULL) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
      PyErr_Format(PyExc_ValueError, "%s must be at least 0 and below 2**64, not %R", what, object);
    return false;
  }
  return true;
}

/* The two words of a numpy.random.Generator. */
static bool drawn_words(PyObject *generator, uint64_t words[2]) {
  PyObject *drawn = PyObject_CallMethod(generator, "integers", "iKisO", 0, UINT64_MAX, 2, "uint64", Py_True);
  if (drawn == NULL) return false;
  bool good = true;
  for (int i = 0; good && i < 2; ++i) {
    PyObject *word = PySequence_GetItem(drawn, i);
    good = word != NULL && simdrop_python_word(word, "seed", &words[i]);
    Py_XDECREF(word);
  }
  Py_DECREF(drawn);
  return good;
}

bool simdrop_python_seed(PyObject *object, simdrop_mask *mask) {
  if (PyLong_Check(object) || !PyObject_HasAttrString(object, "bit_generator")) {
    return simdrop_python_word(object, "seed", &mask->seed);
  }
  uint64_t words[2];
  if (!drawn_words(object, words)) return false;
  mask->seed = words[0];
  mask->stream += words[1];
  return true;
}

bool simdrop_python_probability(PyObject *object, double *p) {
  if (object == NULL) return true;
  *p = PyFloat_AsDouble(object);
  if (*p == -1 && PyErr_Occurred() != NULL) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return false;
    PyErr_Clear(); /* an int beyond all floats */
  }
  if (*p >= 0 && *p <= 1) return true;
  PyErr_Format(PyExc_ValueError, "p must be a probability from 0 to 1, not %R", object);
  return false;
}

bool simdrop_python_threads(PyObject *object, size_t *threads) {
  if (object == NULL) return true;
  uint64_t word = 0;
  if (!simdrop_python_word(object, "threads", &word)) return false;
  if (word == 0) {
    PyErr_SetString(PyExc_ValueError, "threads must be at least 1");
    return false;
  }
  *threads = word < MAX_THREADS ? (size_t)word : MAX_THREADS;
  return true;
}

/* The items of a sequence, or an int as the only one, which the caller releases. */
static PyObject *items(PyObject *object, const char *what, Py_ssize_t *count) {
  PyObject *tuple = PyLong_Check(object) ? PyTuple_Pack(1, object) : PySequence_Tuple(object);
  if (tuple == NULL && PyIndex_Check(object) && PyErr_ExceptionMatches(PyExc_TypeError)) { /* an integer of NumPy's */
    PyErr_Clear();
    tuple = PyTuple_Pack(1, object);
  }
  if (tuple == NULL) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
      PyErr_Format(PyExc_TypeError, "%s must be an int or a sequence of ints, not %S", what, (PyObject *)Py_TYPE(object));
    }
    return NULL;
  }
  *count = PyTuple_Size(tuple);
  return tuple;
}

bool simdrop_python_shape(PyObject *object, int *rank, size_t *dims) {
  Py_ssize_t count;
  PyObject *tuple = items(object, "shape", &count);
  if (tuple == NULL) return false;
  bool good = count <= MAX_AXES;
  if (!good) PyErr_Format(PyExc_ValueError, "shape has %zd axes, and may have %d", count, MAX_AXES);
  for (Py_ssize_t axis = 0; good && axis < count; ++axis) {
    uint64_t extent = 0;
    good = simdrop_python_word(PyTuple_GetItem(tuple, axis), "an extent of shape", &extent);
    dims[axis] = (size_t)extent;
  }
  *rank = (int)count;
  Py_DECREF(tuple);
  return good;
}

static bool refuse_mask_shape(PyObject *mask_shape, int rank, const size_t *dims) {
  PyObject *shape = PyTuple_New(rank);
  for (int axis = 0; shape != NULL && axis < rank; ++axis) {
    PyObject *extent = PyLong_FromSize_t(dims[axis]);
    if (extent == NULL || PyTuple_SetItem(shape, axis, extent) < 0) Py_CLEAR(shape);
  }
  if (shape != NULL) PyErr_Format(PyExc_ValueError, "a mask of shape %R could not be broadcast to shape %R", mask_shape, shape);
  Py_XDECREF(shape);
  return false;
}

/* A mask of a smaller shape, broadcast as NumPy does, from the last axis on. */
static bool broadcast(PyObject *mask_shape, int rank, const size_t *dims, uint64_t *index_strides) {
  Py_ssize_t count;
  PyObject *tuple = items(mask_shape, "mask_shape", &count);
  if (tuple == NULL) return false;
  bool good = count <= rank || refuse_mask_shape(mask_shape, rank, dims);
  uint64_t step = 1;
  for (int axis = rank - 1; good && axis >= 0; --axis) {
    const Py_ssize_t place = axis - rank + count;
    uint64_t extent = place < 0 ? 1 : dims[axis]; /* None is the array's own, as in Keras */
    PyObject *item = place < 0 ? Py_None : PyTuple_GetItem(tuple, place);
    if (item != Py_None) good = simdrop_python_word(item, "an extent of mask_shape", &extent);
    if (good && extent != 1 && extent != dims[axis]) good = refuse_mask_shape(mask_shape, rank, dims);
    index_strides[axis] = extent == 1 ? 0 : step;
    step *= extent;
  }
  Py_DECREF(tuple);
  return good;
}

static bool given_strides(PyObject *strides, int rank, uint64_t *index_strides) {
  Py_ssize_t count;
  PyObject *tuple = items(strides, "index_strides", &count);
  if (tuple == NULL) return false;
  bool good = count == rank;
  if (!good) PyErr_Format(PyExc_ValueError, "index_strides has %zd numbers for %d axes", count, rank);
  for (int axis = 0; good && axis < rank; ++axis) {
    good = simdrop_python_word(PyTuple_GetItem(tuple, axis), "an index stride", &index_strides[axis]);
  }
  Py_DECREF(tuple);
  return good;
}

bool simdrop_python_index_strides(PyObject *mask_shape, PyObject *strides, int rank, const size_t *dims,
                                  uint64_t *index_strides, bool *plain) {
  const bool shape_given = mask_shape != NULL && mask_shape != Py_None, strides_given = strides != NULL && strides != Py_None;
  *plain = !shape_given && !strides_given;
  if (shape_given && strides_given) {
    PyErr_SetString(PyExc_TypeError, "mask_shape and index_strides say the same thing: give one of them");
    return false;
  }
  if (shape_given) return broadcast(mask_shape, rank, dims, index_strides);
  if (strides_given) return given_strides(strides, rank, index_strides);
  uint64_t step = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    index_strides[axis] = step;
    step *= dims[axis];
  }
  return true;
}
