// The AVX2 backend's table.
#include "avx2/bundle.h"

SIMDROP_DEFINE_TABLE(SIMDROP_BUNDLE);
