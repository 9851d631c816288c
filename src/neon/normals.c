// The NEON backend's normal numbers.
#include "neon/arithmetic.h"

#include "common/normals_body.h"
