// The SVE backend's numbers for elements, and kernels of dropout's relatives.
#include "sve/arithmetic.h"

#include "common/values_body.h"
