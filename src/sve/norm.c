// The SVE backend's kernels of norms.
#include "sve/arithmetic.h"

#include "common/norm_body.h"
