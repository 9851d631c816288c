// The AVX2 backend's numbers for elements, and kernels of dropout's relatives.
#include "avx2/arithmetic.h"

#include "common/values_body.h"
