// The AVX2 backend's mask producer.
#include "avx2/simd.h"

#include "common/producer_body.h"
#include "common/words_body.h"
