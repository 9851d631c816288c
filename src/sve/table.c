// The SVE backend's table.
#include "sve/bundle.h"

SIMDROP_DEFINE_TABLE(SIMDROP_BUNDLE);
