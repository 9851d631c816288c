// The AVX-512 backend's kernels of norms.
#include "avx512/arithmetic.h"

#include "common/norm_body.h"
