// The AVX-512 backend's softmax.
#include "avx512/arithmetic.h"

#include "common/softmax_body.h"
