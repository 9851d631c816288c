// The AVX-512 backend's numbers for elements, and kernels of dropout's relatives.
#include "avx512/arithmetic.h"

#include "common/values_body.h"
