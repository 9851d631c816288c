/* Arrays are looked at by the buffer protocol, which NumPy, array.array, memoryview and JAX (on the CPU) have; types that it
 * has no letter for by their names in NumPy; what has no buffers, such as tensors of PyTorch, by DLPack; all else as NumPy
 * takes it. */
#include "array.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "dlpack.h"

/* The types, by all the names that they have. A carrier is the type of NumPy's as which the buffer protocol sees the bytes. */
static const struct {
  int kind;
  const char *name;
  char format;
  const char *carrier;
  uint8_t dlpack_code, bits;
} types[] = {
    {SIMDROP_F32, "float32", 'f', NULL, DLPACK_FLOAT, 32},
    {SIMDROP_F64, "float64", 'd', NULL, DLPACK_FLOAT, 64},
    {SIMDROP_F16, "float16", 'e', NULL, DLPACK_FLOAT, 16},
    {SIMDROP_BF16, "bfloat16", '\0', "uint16", DLPACK_BFLOAT, 16},
    {SIMDROP_F8E4M3FN, "float8_e4m3fn", '\0', "uint8", DLPACK_FLOAT8_E4M3FN, 8},
    {SIMDROP_F8E5M2, "float8_e5m2", '\0', "uint8", DLPACK_FLOAT8_E5M2, 8},
    {KIND_BOOL, "bool", '?', NULL, DLPACK_BOOL, 8},
    {KIND_BYTE, "uint8", 'B', NULL, DLPACK_UINT, 8},
};
static_assert(sizeof types / sizeof *types == TYPES, "as state.h says");

/* NumPy's objects, or NULL as long as nobody needed them. */
static const numpy_objects *known_numpy(module_state *state) {
  return atomic_load_explicit(&state->numpy, memory_order_acquire);
}

/* Keeps a value where there is none. False: there is no value either, but an exception. */
static bool keep(PyObject *_Atomic *place, PyObject *value) {
  PyObject *before = NULL;
  if (value != NULL && !atomic_compare_exchange_strong(place, &before, value)) Py_DECREF(value);
  return value != NULL;
}

/* NumPy's type of that name: its own, or that of ml_dtypes. */
static PyObject *type_object(const numpy_objects *numpy, int type) {
  if (types[type].carrier == NULL) return PyObject_CallMethod(numpy->module, "dtype", "s", types[type].name);
  PyObject *others = PyImport_ImportModule("ml_dtypes");
  PyObject *object = others == NULL ? NULL : PyObject_GetAttrString(others, types[type].name);
  Py_XDECREF(others);
  return object;
}

static void free_numpy(numpy_objects *numpy) {
  if (numpy == NULL) return;
  Py_XDECREF(numpy->module);
  Py_XDECREF(numpy->ndarray);
  Py_XDECREF(numpy->empty);
  Py_XDECREF(numpy->empty_like);
  Py_XDECREF(numpy->dtype);
  Py_XDECREF(numpy->order_k);
  PyMem_Free(numpy);
}

/* Of several threads that come first, each makes its own, and one is kept: none may wait for another, which may itself wait for
 * Python's lock in the middle of an import. */
const numpy_objects *simdrop_python_need_numpy(module_state *state) {
  numpy_objects *made, *before = NULL;
  if (known_numpy(state) != NULL) return known_numpy(state);
  made = PyMem_Calloc(1, sizeof *made);
  if (made == NULL) {
    PyErr_NoMemory();
    return NULL;
  }
  bool good = (made->module = PyImport_ImportModule("numpy")) != NULL &&
              (made->ndarray = PyObject_GetAttrString(made->module, "ndarray")) != NULL &&
              (made->empty = PyObject_GetAttrString(made->module, "empty")) != NULL &&
              (made->empty_like = PyObject_GetAttrString(made->module, "empty_like")) != NULL &&
              (made->dtype = PyUnicode_InternFromString("dtype")) != NULL &&
              (made->order_k = PyUnicode_InternFromString("K")) != NULL;
  for (int type = 0; good && type < TYPES; ++type) {
    if (types[type].carrier == NULL) good = keep(&state->dtypes[type], type_object(made, type));
  }
  if (good && atomic_compare_exchange_strong(&state->numpy, &before, made)) return made;
  free_numpy(made);
  return before;
}

void simdrop_python_forget_numpy(module_state *state) {
  free_numpy(atomic_exchange(&state->numpy, NULL));
  for (int type = 0; type < TYPES; ++type) Py_XDECREF(atomic_exchange(&state->dtypes[type], NULL));
}

int simdrop_python_visit_numpy(module_state *state, visitproc visit, void *arg) {
  const numpy_objects *numpy = known_numpy(state);
  if (numpy != NULL) {
    Py_VISIT(numpy->module);
    Py_VISIT(numpy->ndarray);
    Py_VISIT(numpy->empty);
    Py_VISIT(numpy->empty_like);
  }
  for (int type = 0; type < TYPES; ++type) {
    PyObject *dtype = state->dtypes[type];
    Py_VISIT(dtype);
  }
  return 0;
}

/* Of a program that has not imported NumPy, no argument can be an array of it. */
static void notice_numpy(module_state *state) {
  PyObject *name = known_numpy(state) == NULL ? PyUnicode_FromString("numpy") : NULL;
  PyObject *module = name == NULL ? NULL : PyImport_GetModule(name);
  Py_XDECREF(name);
  if (module != NULL) simdrop_python_need_numpy(state);
  Py_XDECREF(module);
  PyErr_Clear();
}

/* TypeError, with the name that the object's type of elements has for people. */
static bool refuse_type(PyObject *object, const char *what, const char *format) {
  PyObject *dtype = PyObject_GetAttrString(object, "dtype");
  PyErr_Clear();
  const char *taken = "float16, float32, float64, bfloat16, float8_e4m3fn and float8_e5m2";
  if (dtype != NULL) {
    PyErr_Format(PyExc_TypeError, "%s has elements of type %S; dropout takes %s, in native byte order", what, dtype, taken);
    Py_DECREF(dtype);
  } else {
    PyErr_Format(PyExc_TypeError, "%s has elements of format '%s'; dropout takes %s, in native byte order", what, format,
                 taken);
  }
  return false;
}

/* What follows from dims and strides. */
static void measure(array *seen) {
  seen->count = 1;
  seen->contiguous = true;
  for (int axis = seen->rank - 1; axis >= 0; --axis) {
    if (seen->dims[axis] != 1 && seen->strides[axis] != (ptrdiff_t)seen->count) seen->contiguous = false;
    seen->count *= seen->dims[axis];
  }
  if (seen->count == 0) seen->contiguous = true;
  if ((uintptr_t)seen->data % seen->item_size != 0) seen->odd = true;
}

static int type_of_format(const char *format) {
  static const char native[] = {'@', '=', '^', PY_LITTLE_ENDIAN ? '<' : '>', '\0'};
  if (format == NULL) return KIND_BYTE;
  if (*format != '\0' && strchr(native, *format) != NULL) ++format;
  for (int type = 0; type < TYPES && format[0] != '\0' && format[1] == '\0'; ++type) {
    if (types[type].format == format[0]) return types[type].kind;
  }
  return INT_MIN;
}

/* Reads what the buffer says; kind is INT_MIN, or known already. */
static bool read_buffer(PyObject *object, const char *what, bool output, int kind, array *seen) {
  const Py_buffer *buffer = &seen->buffer;
  seen->has_buffer = true;
  seen->kind = kind == INT_MIN ? type_of_format(buffer->format) : kind;
  seen->rank = buffer->ndim;
  seen->data = buffer->buf;
  seen->item_size = (size_t)buffer->itemsize;
  seen->odd = false;
  const size_t item_size = seen->kind < 0 ? 1 : simdrop_dtype_size((simdrop_dtype)seen->kind);
  if (seen->kind == INT_MIN || seen->item_size != item_size) return refuse_type(object, what, buffer->format);
  if (output && buffer->readonly) {
    PyErr_Format(PyExc_ValueError, "%s is read-only", what);
    return false;
  }
  Py_ssize_t step = buffer->itemsize; /* arrays of ctypes have no strides, whatever they are asked for */
  for (int axis = seen->rank - 1; axis >= 0; --axis) {
    const Py_ssize_t extent = buffer->shape != NULL ? buffer->shape[axis] : buffer->len / buffer->itemsize;
    const Py_ssize_t stride = buffer->strides != NULL ? buffer->strides[axis] : step;
    seen->dims[axis] = (size_t)extent;
    seen->strides[axis] = stride / buffer->itemsize;
    seen->byte_strides[axis] = stride;
    if (stride % buffer->itemsize != 0 && extent > 1) seen->odd = true;
    step *= extent;
  }
  measure(seen);
  return true;
}

/* A type that the buffer protocol has no letter for: an array of NumPy's is seen as one of integers. */
static bool see_carried(module_state *state, PyObject *object, const char *what, bool output, array *seen) {
  PyObject *dtype = PyObject_GetAttrString(object, "dtype");
  PyObject *name = dtype == NULL ? NULL : PyObject_GetAttrString(dtype, "name");
  if (name == NULL) {
    Py_XDECREF(dtype);
    return false;
  }
  int type = 0;
  while (type < TYPES && (types[type].carrier == NULL || PyUnicode_CompareWithASCIIString(name, types[type].name) != 0)) ++type;
  Py_DECREF(name);
  if (type < TYPES) {
    keep(&state->dtypes[type], dtype);
  } else {
    Py_DECREF(dtype);
    return refuse_type(object, what, "");
  }
  PyObject *view = PyObject_CallMethod(object, "view", "s", types[type].carrier);
  if (view == NULL) return false;
  const int failed = PyObject_GetBuffer(view, &seen->buffer, PyBUF_RECORDS_RO);
  Py_DECREF(view); /* the buffer keeps it */
  return failed == 0 && read_buffer(object, what, output, types[type].kind, seen);
}

/* Tensors of PyTorch with the negative bit (the imaginary part of what is conjugated) go out by DLPack without their sign. */
static bool has_negative_bit(PyObject *object, const char *what) {
  if (!PyObject_HasAttrString(object, "is_neg")) return false;
  PyObject *answer = PyObject_CallMethod(object, "is_neg", NULL);
  const int negative = answer == NULL ? -1 : PyObject_IsTrue(answer);
  Py_XDECREF(answer);
  if (negative == 1) PyErr_Format(PyExc_BufferError, "%s has the negative bit set: use tensor.resolve_neg()", what);
  return negative != 0;
}

/* The capsule of an object that has DLPack, on the CPU. */
static PyObject *dlpack_capsule(PyObject *object, const char *what) {
  PyObject *device = PyObject_CallMethod(object, "__dlpack_device__", NULL);
  PyObject *first = device == NULL ? NULL : PySequence_GetItem(device, 0);
  Py_XDECREF(device);
  if (first == NULL) return NULL;
  const long kind = PyLong_AsLong(first);
  Py_DECREF(first);
  if (kind == -1 && PyErr_Occurred() != NULL) return NULL;
  if (kind != DLPACK_DEVICE_CPU) {
    PyErr_Format(PyExc_TypeError,
                 "%s lies on another device than the CPU (DLPack's number %ld); simdrop computes on the CPU: copy it there",
                 what, kind);
    return NULL;
  }
  PyObject *method = PyObject_GetAttrString(object, "__dlpack__");
  PyObject *arguments = PyTuple_New(0), *version = Py_BuildValue("{s(ii)}", "max_version", 1, 1), *capsule = NULL;
  if (method != NULL && arguments != NULL && version != NULL) {
    capsule = PyObject_Call(method, arguments, version);
    if (capsule == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) { /* one that is older than versions */
      PyErr_Clear();
      capsule = PyObject_CallNoArgs(method);
    }
  }
  Py_XDECREF(method);
  Py_XDECREF(arguments);
  Py_XDECREF(version);
  return capsule;
}

static bool see_dlpack(PyObject *object, const char *what, bool output, array *seen) {
  seen->keeper = has_negative_bit(object, what) ? NULL : dlpack_capsule(object, what);
  if (seen->keeper == NULL) return false;
  const dlpack_tensor *tensor = NULL;
  bool read_only = true; /* unversioned capsules do not tell */
  if (PyCapsule_IsValid(seen->keeper, "dltensor_versioned")) {
    const dlpack_versioned *managed = PyCapsule_GetPointer(seen->keeper, "dltensor_versioned");
    if (managed->version.major == 1) {
      tensor = &managed->tensor;
      read_only = (managed->flags & DLPACK_READ_ONLY) != 0;
    }
  } else if (PyCapsule_IsValid(seen->keeper, "dltensor")) {
    tensor = &((const dlpack_managed *)PyCapsule_GetPointer(seen->keeper, "dltensor"))->tensor;
  }
  if (tensor == NULL || tensor->ndim < 0 || tensor->ndim > MAX_AXES || tensor->device.device_type != DLPACK_DEVICE_CPU) {
    PyErr_Format(PyExc_TypeError, "%s gives no DLPack tensor that simdrop knows", what);
    return false;
  }
  int type = 0;
  while (type < TYPES && (types[type].dlpack_code != tensor->dtype.code || types[type].bits != tensor->dtype.bits)) ++type;
  if (type == TYPES || tensor->dtype.lanes != 1) return refuse_type(object, what, "");
  if (output && read_only) {
    PyErr_Format(PyExc_ValueError, "%s is read-only, or does not say that it is not", what);
    return false;
  }
  seen->kind = types[type].kind;
  seen->item_size = types[type].bits / 8;
  seen->data = (char *)tensor->data + tensor->byte_offset;
  seen->rank = tensor->ndim;
  seen->odd = false;
  ptrdiff_t stride = 1;
  for (int axis = seen->rank - 1; axis >= 0; --axis) {
    const ptrdiff_t extent = tensor->shape[axis];
    seen->dims[axis] = (size_t)extent;
    seen->strides[axis] = tensor->strides != NULL ? (ptrdiff_t)tensor->strides[axis] : stride;
    if (extent < 0 || __builtin_mul_overflow(stride, extent, &stride) ||
        __builtin_mul_overflow(seen->strides[axis], (ptrdiff_t)seen->item_size, &seen->byte_strides[axis])) {
      PyErr_Format(PyExc_ValueError, "%s gives a DLPack tensor whose shape or strides no memory can have", what);
      return false;
    }
  }
  measure(seen);
  return true;
}

static bool see_as_numpy(module_state *state, const numpy_objects *numpy, PyObject *object, const char *what, bool output,
                         array *seen) {
  if (output || PyObject_HasAttrString(object, "__cuda_array_interface__")) {
    PyErr_Format(PyExc_TypeError, "%s must be an array in the CPU's memory, not %S", what, (PyObject *)Py_TYPE(object));
    return false;
  }
  PyObject *converted = PyObject_CallMethod(numpy->module, "asarray", "(O)", object);
  if (converted == NULL) return false;
  bool good = false;
  if (PyObject_IsInstance(converted, numpy->ndarray) == 1) good = simdrop_python_see(state, converted, what, output, seen);
  if (!good) {
    Py_DECREF(converted);
  } else {
    Py_XDECREF(seen->keeper);
    seen->keeper = converted;
  }
  return good;
}

/* An array of NumPy's whose type is known by its address: without the letters of the buffer protocol, which cost more than all
 * the rest. False, and no exception: it is something else. */
static bool look_at_known(module_state *state, PyObject *object, array *seen, int *kind) {
  const numpy_objects *numpy = known_numpy(state);
  if (numpy == NULL || (PyObject *)Py_TYPE(object) != numpy->ndarray) return false;
  PyObject *dtype = PyObject_GetAttr(object, numpy->dtype);
  Py_XDECREF(dtype); /* only its address is of interest, and the module keeps those that it knows */
  int type = 0;
  while (type < TYPES && (dtype == NULL || atomic_load_explicit(&state->dtypes[type], memory_order_relaxed) != dtype)) ++type;
  if (type < TYPES && PyObject_GetBuffer(object, &seen->buffer, PyBUF_STRIDED_RO) == 0) {
    *kind = types[type].kind;
    return true;
  }
  PyErr_Clear();
  return false;
}

static bool look(module_state *state, PyObject *object, const char *what, bool output, array *seen) {
  notice_numpy(state);
  int kind;
  if (look_at_known(state, object, seen, &kind)) return read_buffer(object, what, output, kind, seen);
  if (PyObject_CheckBuffer(object)) {
    if (PyObject_GetBuffer(object, &seen->buffer, PyBUF_RECORDS_RO) == 0)
      return read_buffer(object, what, output, INT_MIN, seen);
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) return false;
    PyErr_Clear();
  }
  const numpy_objects *numpy = simdrop_python_need_numpy(state);
  const int is_array = numpy == NULL ? -1 : PyObject_IsInstance(object, numpy->ndarray);
  if (is_array < 0) return false;
  if (is_array) return see_carried(state, object, what, output, seen);
  if (PyObject_HasAttrString(object, "__dlpack__") && PyObject_HasAttrString(object, "__dlpack_device__")) {
    return see_dlpack(object, what, output, seen);
  }
  return see_as_numpy(state, numpy, object, what, output, seen);
}

bool simdrop_python_see(module_state *state, PyObject *object, const char *what, bool output, array *seen) {
  seen->has_buffer = false;
  seen->keeper = NULL;
  if (look(state, object, what, output, seen)) return true;
  simdrop_python_forget(seen);
  return false;
}

void simdrop_python_forget(array *seen) {
  if (seen->has_buffer) PyBuffer_Release(&seen->buffer);
  seen->has_buffer = false;
  Py_CLEAR(seen->keeper);
}

static PyObject *shape_tuple(int rank, const size_t *dims, const int *order) {
  PyObject *shape = PyTuple_New(rank);
  for (int axis = 0; shape != NULL && axis < rank; ++axis) {
    PyObject *extent = PyLong_FromSize_t(dims[order == NULL ? axis : order[axis]]);
    if (extent == NULL || PyTuple_SetItem(shape, axis, extent) < 0) Py_CLEAR(shape);
  }
  return shape;
}

PyObject *simdrop_python_new_like(module_state *state, PyObject *object, const array *seen) {
  const numpy_objects *numpy = simdrop_python_need_numpy(state);
  const int is_array = numpy == NULL ? -1 : PyObject_IsInstance(object, numpy->ndarray);
  if (is_array < 0) return NULL;
  if (is_array) return PyObject_CallFunctionObjArgs(numpy->empty_like, object, Py_None, numpy->order_k, Py_False, NULL);
  int order[MAX_AXES], place[MAX_AXES]; /* which axis comes where in memory, the longest steps first; and the inverse */
  for (int axis = 0; axis < seen->rank; ++axis) {
    int at = axis;
    for (; at > 0 && Py_ABS(seen->strides[order[at - 1]]) < Py_ABS(seen->strides[axis]); --at) order[at] = order[at - 1];
    order[at] = axis;
  }
  bool moved = false;
  for (int at = 0; at < seen->rank; ++at) {
    place[order[at]] = at;
    moved |= order[at] != at;
  }
  int type = 0;
  while (types[type].kind != seen->kind) ++type;
  PyObject *shape = shape_tuple(seen->rank, seen->dims, order), *dtype = type_object(numpy, type), *result = NULL;
  if (shape != NULL && dtype != NULL) result = PyObject_CallFunctionObjArgs(numpy->empty, shape, dtype, NULL);
  Py_XDECREF(shape);
  Py_XDECREF(dtype);
  if (result == NULL || !moved) return result;
  PyObject *axes = PyTuple_New(seen->rank), *turned = NULL;
  for (int axis = 0; axes != NULL && axis < seen->rank; ++axis) {
    PyObject *number = PyLong_FromLong(place[axis]);
    if (number == NULL || PyTuple_SetItem(axes, axis, number) < 0) Py_CLEAR(axes);
  }
  if (axes != NULL) turned = PyObject_CallMethod(result, "transpose", "(O)", axes);
  Py_XDECREF(axes);
  Py_DECREF(result);
  return turned;
}

PyObject *simdrop_python_new(module_state *state, int rank, const size_t *dims, const char *dtype) {
  const numpy_objects *numpy = simdrop_python_need_numpy(state);
  PyObject *shape = numpy == NULL ? NULL : shape_tuple(rank, dims, NULL);
  PyObject *result = shape == NULL ? NULL : PyObject_CallFunction(numpy->empty, "Os", shape, dtype);
  Py_XDECREF(shape);
  return result;
}

static void copy_element(char *to, const char *from, size_t size) {
  switch (size) { /* known sizes are single moves */
    case 1: memcpy(to, from, 1); break;
    case 2: memcpy(to, from, 2); break;
    case 4: memcpy(to, from, 4); break;
    default: memcpy(to, from, 8); break;
  }
}

/* Goes through the elements from this axis on; returns where in the row-major memory the next one is. */
static char *walk(const array *seen, int axis, char *place, char *packed, bool gather) {
  if (axis == seen->rank) {
    copy_element(gather ? packed : place, gather ? place : packed, seen->item_size);
    return packed + seen->item_size;
  }
  for (size_t i = 0; i < seen->dims[axis]; ++i, place += seen->byte_strides[axis]) {
    packed = walk(seen, axis + 1, place, packed, gather);
  }
  return packed;
}

void simdrop_python_gather(const array *from, char *to) {
  if (from->count != 0) walk(from, 0, from->data, to, true);
}

void simdrop_python_scatter(const char *from, const array *to) {
  if (to->count != 0) walk(to, 0, to->data, (char *)from, false);
}

/* A multiple of a stride, from 0 to steps times; a sum of them, the longest strides first, reaches at most `most` from there
 * on. */
typedef struct term {
  ptrdiff_t stride, steps, most;
} term;

typedef struct sum {
  term terms[2 * MAX_AXES + 1]; /* the last has no steps */
  int count;
  ptrdiff_t low, high; /* whether the sum can be in between is the question */
  bool overflows;
} sum;

static void add_term(sum *s, ptrdiff_t stride, size_t steps) {
  if (stride == 0 || steps == 0) return;
  ptrdiff_t reach;
  if (stride == PTRDIFF_MIN || __builtin_mul_overflow(stride, steps, &reach)) {
    s->overflows = true;
    return;
  }
  if (stride < 0) { /* as many steps back from the other end */
    s->overflows |= __builtin_sub_overflow(s->low, reach, &s->low) || __builtin_sub_overflow(s->high, reach, &s->high);
    stride = -stride;
  }
  int at = s->count;
  while (at > 0 && s->terms[at - 1].stride < stride) --at;
  if (at > 0 && s->terms[at - 1].stride == stride) {
    s->overflows |= __builtin_add_overflow(s->terms[at - 1].steps, (ptrdiff_t)steps, &s->terms[at - 1].steps);
    return;
  }
  memmove(s->terms + at + 1, s->terms + at, (size_t)(s->count - at) * sizeof *s->terms);
  s->terms[at] = (term){stride, (ptrdiff_t)steps, 0};
  ++s->count;
}

static bool can_reach(const sum *s, int first, ptrdiff_t low, ptrdiff_t high, int *left) {
  if (high < 0 || low > s->terms[first].most) return false;
  if (first == s->count) return true;
  const term *t = &s->terms[first];
  const ptrdiff_t needed = low - t[1].most, last = high / t->stride;
  for (ptrdiff_t k = needed > 0 ? (needed - 1) / t->stride + 1 : 0; k <= t->steps && k <= last; ++k) {
    if (--*left < 0 || can_reach(s, first + 1, low - k * t->stride, high - k * t->stride, left)) return true;
  }
  return false;
}

bool simdrop_python_meet(const array *a, const array *b) {
  if (a->count == 0 || b->count == 0) return false;
  const ptrdiff_t apart = (ptrdiff_t)((uintptr_t)a->data - (uintptr_t)b->data);
  sum s = {.low = apart - (ptrdiff_t)b->item_size + 1, .high = apart + (ptrdiff_t)a->item_size - 1};
  for (int axis = 0; axis < b->rank; ++axis) add_term(&s, b->byte_strides[axis], b->dims[axis] - 1);
  for (int axis = 0; axis < a->rank; ++axis) {
    if (a->byte_strides[axis] == PTRDIFF_MIN) return true;
    add_term(&s, -a->byte_strides[axis], a->dims[axis] - 1);
  }
  s.terms[s.count] = (term){0};
  for (int i = s.count - 1; i >= 0 && !s.overflows; --i) {
    s.overflows = __builtin_mul_overflow(s.terms[i].stride, s.terms[i].steps, &s.terms[i].most) ||
                  __builtin_add_overflow(s.terms[i].most, s.terms[i + 1].most, &s.terms[i].most);
  }
  int left = 1 << 17;
  return s.overflows || can_reach(&s, 0, s.low, s.high, &left);
}

/* Slices and permutations of arrays do not: each stride leads past all that the shorter ones lead to. */
bool simdrop_python_meets_itself(const array *seen) {
  if (seen->count == 0) return false;
  sum s = {0};
  int axes = 0;
  for (int axis = 0; axis < seen->rank; ++axis) {
    if (seen->dims[axis] == 1) continue;
    add_term(&s, seen->byte_strides[axis], seen->dims[axis] - 1);
    if (++axes != s.count) return true; /* a stride of 0, or that of another axis */
  }
  ptrdiff_t taken = (ptrdiff_t)seen->item_size;
  for (int i = s.count - 1; i >= 0; --i) {
    if (s.terms[i].stride < taken) return true;
    taken += s.terms[i].stride * s.terms[i].steps;
  }
  return s.overflows;
}
