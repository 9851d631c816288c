/* The extension module simdrop._core: dropout of NumPy arrays, and of what else has its elements in memory. */
#include "pool.h"
#include "state.h"

static int execute(PyObject *module) {
  static const char *const names[ARGUMENT_COUNT] = {"x",      "shape",      "bits",          "p",      "seed", "stream",
                                                    "offset", "mask_shape", "index_strides", "packed", "out",  "threads"};
  module_state *state = PyModule_GetState(module);
  for (int i = 0; i < ARGUMENT_COUNT; ++i) {
    state->names[i] = PyUnicode_InternFromString(names[i]);
    if (state->names[i] == NULL) return -1;
  }
  state->generator_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &simdrop_python_generator_spec, NULL);
  if (state->generator_type == NULL || PyModule_AddType(module, state->generator_type) < 0) return -1;
  if (!simdrop_python_pool_start()) {
    PyErr_NoMemory();
    return -1;
  }
  return PyModule_AddStringConstant(module, "__version__", simdrop_version_string());
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
  module_state *state = PyModule_GetState(module);
  Py_VISIT(state->generator_type);
  return simdrop_python_visit_numpy(state, visit, arg);
}

static int clear(PyObject *module) {
  module_state *state = PyModule_GetState(module);
  for (int i = 0; i < ARGUMENT_COUNT; ++i) Py_CLEAR(state->names[i]);
  Py_CLEAR(state->generator_type);
  simdrop_python_forget_numpy(state);
  return 0;
}

static void release(void *module) { clear(module); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
#ifdef Py_GIL_DISABLED
    {Py_mod_gil, Py_MOD_GIL_NOT_USED}, /* or Python would start to lock when it imports the module */
#endif
    {0, NULL},
};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                 .m_name = "simdrop._core",
                                 .m_doc = "Dropout of arrays in memory, by the C library that this module has in it.",
                                 .m_size = sizeof(module_state),
                                 .m_methods = simdrop_python_functions,
                                 .m_slots = slots,
                                 .m_traverse = traverse,
                                 .m_clear = clear,
                                 .m_free = release};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
