// The SVE backend's normal numbers.
#include "sve/arithmetic.h"

#include "common/normals_body.h"
