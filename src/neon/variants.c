// The NEON backend's numbers for elements, and kernels of dropout's relatives.
#include "neon/arithmetic.h"

#include "common/values_body.h"
