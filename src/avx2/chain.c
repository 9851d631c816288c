// The AVX2 backend's kernels of the chain.
#include "avx2/arithmetic.h"

#include "common/chain_body.h"
