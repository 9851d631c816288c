// The NEON backend's table.
#include "neon/bundle.h"

SIMDROP_DEFINE_TABLE(SIMDROP_BUNDLE);
