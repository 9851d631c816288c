// The SVE backend's softmax.
#include "sve/arithmetic.h"

#include "common/softmax_body.h"
