// The AVX-512 backend's consumers.
#include "avx512/arithmetic.h"
#include "avx512/simd.h"

#include "common/consumers_body.h"
