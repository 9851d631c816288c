// The AVX-512 backend's kernels of the chain.
#include "avx512/arithmetic.h"

#include "common/chain_body.h"
