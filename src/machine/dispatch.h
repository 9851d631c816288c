// Which backend runs: the choice, made once and published atomically.
#ifndef SIMDROP_MACHINE_DISPATCH_H
#define SIMDROP_MACHINE_DISPATCH_H

#include <simdrop/simdrop.h>

#include "common/kernel_table.h"

// The chosen backend's kernels; chooses on the first call.
const simdrop_kernels *simdrop_current_kernels(void);

// The choice that a machine with these features makes when SIMDROP_BACKEND is `wanted` (NULL = unset): a pure function.
typedef struct simdrop_choice {
  size_t backend;
  simdrop_backend_choice reason;
} simdrop_choice;
simdrop_choice simdrop_choose_backend(simdrop_cpu_features features, const char *wanted);

// Kernels of backend number index; NULL where it is not compiled in.
const simdrop_kernels *simdrop_backend_kernels(size_t index);

#endif
