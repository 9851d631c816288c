/* simdrop.Generator: a seed and the next stream. Streams are taken by atomic operations, so that threads that share a generator
 * get different ones, whether Python has a lock or not. */
#include <stdatomic.h>
#include <string.h>

#include "apply.h"
#include "docstrings.h"

typedef struct generator {
  PyObject ob_base;
  uint64_t seed;
  _Atomic uint64_t stream;
} generator;

static bool system_words(uint64_t *word) {
  PyObject *os = PyImport_ImportModule("os");
  PyObject *bytes = os == NULL ? NULL : PyObject_CallMethod(os, "urandom", "i", (int)sizeof *word);
  Py_XDECREF(os);
  if (bytes == NULL) return false;
  memcpy(word, PyBytes_AsString(bytes), sizeof *word);
  Py_DECREF(bytes);
  return true;
}

static PyObject *make(PyTypeObject *type, uint64_t seed, uint64_t stream) {
  generator *self = (generator *)PyType_GenericAlloc(type, 0);
  if (self == NULL) return NULL;
  self->seed = seed;
  atomic_init(&self->stream, stream);
  return (PyObject *)self;
}

static PyObject *generator_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
  static char seed_name[] = "seed", stream_name[] = "stream", *names[] = {seed_name, stream_name, NULL};
  PyObject *seed = Py_None, *stream = NULL;
  simdrop_mask mask = {0};
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|OO:Generator", names, &seed, &stream)) return NULL;
  if (!simdrop_python_word(stream, "stream", &mask.stream)) return NULL;
  if (!(seed == Py_None ? system_words(&mask.seed) : simdrop_python_seed(seed, &mask))) return NULL;
  return make(type, mask.seed, mask.stream);
}

static void generator_dealloc(PyObject *self) {
  PyTypeObject *type = Py_TYPE(self);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

static PyObject *generator_repr(PyObject *self) {
  const generator *g = (const generator *)self;
  return PyUnicode_FromFormat("simdrop.Generator(seed=%llu, stream=%llu)", (unsigned long long)g->seed,
                              (unsigned long long)atomic_load(&g->stream));
}

static PyObject *generator_compare(PyObject *a, PyObject *b, int operation) {
  if ((operation != Py_EQ && operation != Py_NE) || Py_TYPE(a) != Py_TYPE(b)) return Py_NewRef(Py_NotImplemented);
  const generator *x = (const generator *)a, *y = (const generator *)b;
  const bool equal = x->seed == y->seed && atomic_load(&x->stream) == atomic_load(&y->stream);
  return PyBool_FromLong(equal == (operation == Py_EQ));
}

static PyObject *generator_reduce(PyObject *self, PyObject *unused) {
  (void)unused;
  const generator *g = (const generator *)self;
  return Py_BuildValue("O(KK)", (PyObject *)Py_TYPE(self), (unsigned long long)g->seed,
                       (unsigned long long)atomic_load(&g->stream));
}

static PyObject *get_seed(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromUnsignedLongLong(((const generator *)self)->seed);
}

static PyObject *get_stream(PyObject *self, void *unused) {
  (void)unused;
  return PyLong_FromUnsignedLongLong(atomic_load(&((const generator *)self)->stream));
}

/* Gives back the streams from `first` up to `next`, unless somebody has taken others meanwhile. */
static void give_back(generator *g, uint64_t first, uint64_t next) { atomic_compare_exchange_strong(&g->stream, &next, first); }

/* A call with the next stream, which is given back if the call fails. */
static PyObject *call(PyObject *self, const signature *taken, PyObject *const *given, Py_ssize_t positional, PyObject *keywords,
                      PyObject *(*function)(module_state *, PyObject **, simdrop_mask *)) {
  generator *g = (generator *)self;
  module_state *state = PyType_GetModuleState(Py_TYPE(self));
  PyObject *values[ARGUMENT_COUNT];
  simdrop_mask mask = {.p = 0.5};
  if (!simdrop_python_sort(state, taken, given, positional, keywords, values) || !simdrop_python_read_mask(values, &mask))
    return NULL;
  mask.seed = g->seed;
  mask.stream = atomic_fetch_add(&g->stream, 1);
  PyObject *result = function(state, values, &mask);
  if (result == NULL) give_back(g, mask.stream, mask.stream + 1);
  return result;
}

static PyObject *generator_dropout(PyObject *self, PyObject *const *given, Py_ssize_t positional, PyObject *keywords) {
  static const signature taken = {
      "Generator.dropout",
      2,
      7,
      1u << ARGUMENT_X,
      {ARGUMENT_X, ARGUMENT_P, ARGUMENT_OFFSET, ARGUMENT_MASK_SHAPE, ARGUMENT_INDEX_STRIDES, ARGUMENT_OUT, ARGUMENT_THREADS}};
  return call(self, &taken, given, positional, keywords, simdrop_python_dropout);
}

static PyObject *generator_mask(PyObject *self, PyObject *const *given, Py_ssize_t positional, PyObject *keywords) {
  static const signature taken = {"Generator.mask",
                                  2,
                                  8,
                                  1u << ARGUMENT_SHAPE | 1u << ARGUMENT_P,
                                  {ARGUMENT_SHAPE, ARGUMENT_P, ARGUMENT_OFFSET, ARGUMENT_MASK_SHAPE, ARGUMENT_INDEX_STRIDES,
                                   ARGUMENT_PACKED, ARGUMENT_OUT, ARGUMENT_THREADS}};
  return call(self, &taken, given, positional, keywords, simdrop_python_mask);
}

static PyObject *generator_skip(PyObject *self, PyObject *object) {
  uint64_t n = 0;
  if (!simdrop_python_word(object, "n", &n)) return NULL;
  atomic_fetch_add(&((generator *)self)->stream, n);
  Py_RETURN_NONE;
}

/* A seed of 64 random bits: the mask that the stream would give 64 elements at p = 1/2. */
static uint64_t drawn_seed(uint64_t seed, uint64_t stream) {
  uint8_t bytes[8];
  uint64_t word = 0;
  simdrop_mask_bits(&(simdrop_mask){.p = 0.5, .seed = seed, .stream = stream}, 64, bytes);
  for (int i = 7; i >= 0; --i) word = word << 8 | bytes[i];
  return word;
}

static PyObject *generator_spawn(PyObject *self, PyObject *object) {
  generator *g = (generator *)self;
  uint64_t n = 0;
  if (!simdrop_python_word(object, "n", &n)) return NULL;
  if (n > PTRDIFF_MAX / sizeof *g) return PyErr_NoMemory();
  const uint64_t first = atomic_fetch_add(&g->stream, n);
  PyObject *list = PyList_New(0);
  for (uint64_t i = 0; list != NULL && i < n; ++i) {
    PyObject *child = PyErr_CheckSignals() == 0 ? make(Py_TYPE(self), drawn_seed(g->seed, first + i), 0) : NULL;
    if (child == NULL || PyList_Append(list, child) < 0) Py_CLEAR(list);
    Py_XDECREF(child);
  }
  if (list == NULL) give_back(g, first, first + n);
  return list;
}

static PyMethodDef methods[] = {
    {"dropout", (PyCFunction)(void (*)(void))generator_dropout, METH_FASTCALL | METH_KEYWORDS, GENERATOR_DROPOUT_DOCSTRING},
    {"mask", (PyCFunction)(void (*)(void))generator_mask, METH_FASTCALL | METH_KEYWORDS, GENERATOR_MASK_DOCSTRING},
    {"skip", generator_skip, METH_O, GENERATOR_SKIP_DOCSTRING},
    {"spawn", generator_spawn, METH_O, GENERATOR_SPAWN_DOCSTRING},
    {"__reduce__", generator_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"seed", get_seed, NULL, "The seed of all streams.", NULL},
    {"stream", get_stream, NULL, "The stream that the next call will have.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)GENERATOR_DOCSTRING},
    {Py_tp_new, (void *)generator_new},
    {Py_tp_dealloc, (void *)generator_dealloc},
    {Py_tp_repr, (void *)generator_repr},
    {Py_tp_richcompare, (void *)generator_compare},
    {Py_tp_hash, (void *)PyObject_HashNotImplemented},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {0, NULL},
};

PyType_Spec simdrop_python_generator_spec = {.name = "simdrop._core.Generator",
                                             .basicsize = sizeof(generator),
                                             .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                                             .slots = slots};
