// The scalar backend's table.
#include "scalar/backend.h"

SIMDROP_DEFINE_TABLE(0);
