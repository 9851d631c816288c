// The NEON backend's kernels of the chain.
#include "neon/arithmetic.h"

#include "common/chain_body.h"
