// XLA's thread pool as an executor of the library.
#ifndef SIMDROP_PYTHON_JAX_POOL_H
#define SIMDROP_PYTHON_JAX_POOL_H

#include <simdrop/simdrop.h>

#include "xla_ffi.h"

// An executor for the threads of this call's pool; of one thread where XLA has no pool to lend. It refers to the call.
simdrop_executor simdrop_xla_executor(xla_call *call);

// Frees an error that XLA made; NULL is none.
void simdrop_xla_destroy(const xla_api *api, xla_error *error);

#endif
