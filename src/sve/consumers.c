// The SVE backend's consumers.
#include "sve/simd.h"

#include "common/consumers_body.h"
