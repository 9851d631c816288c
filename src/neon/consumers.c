// The NEON backend's consumers.
#include "neon/arithmetic.h"
#include "neon/simd.h"

#include "common/consumers_body.h"
