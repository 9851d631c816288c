// The NEON backend's softmax.
#include "neon/arithmetic.h"

#include "common/softmax_body.h"
