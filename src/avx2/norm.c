// The AVX2 backend's kernels of norms.
#include "avx2/arithmetic.h"

#include "common/norm_body.h"
