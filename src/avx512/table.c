// The AVX-512 backend's table.
#include "avx512/bundle.h"

SIMDROP_DEFINE_TABLE(SIMDROP_BUNDLE);
