// The AVX-512 backend's normal numbers.
#include "avx512/simd.h"

#include "avx512/arithmetic.h"

#include "common/normals_body.h"
