// The AVX2 backend's consumers.
#include "avx2/arithmetic.h"
#include "avx2/simd.h"

#include "common/consumers_body.h"
