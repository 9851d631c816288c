// The SVE backend's kernels of the chain.
#include "sve/arithmetic.h"

#include "common/chain_body.h"
