// The scalar backend: the specification in code, the plainest way to write docs/numerics.md. Needs nothing of the machine.
#ifndef SIMDROP_SCALAR_BACKEND_H
#define SIMDROP_SCALAR_BACKEND_H

#define SIMDROP_BACKEND scalar

#include "common/kernel_table.h"

SIMDROP_DECLARE_KERNELS;

#endif
