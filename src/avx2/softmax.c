// The AVX2 backend's softmax.
#include "avx2/arithmetic.h"

#include "common/softmax_body.h"
