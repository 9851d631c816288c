// The SVE backend's consumers.
#include "sve/arithmetic.h"
#include "sve/simd.h"

#include "common/consumers_body.h"
