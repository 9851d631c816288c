// The AVX2 backend's normal numbers.
#include "avx2/simd.h"

#include "avx2/arithmetic.h"

#include "common/normals_body.h"
