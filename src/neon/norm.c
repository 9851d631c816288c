// The NEON backend's kernels of norms.
#include "neon/arithmetic.h"

#include "common/norm_body.h"
