// The AVX-512 backend's mask producer.
#include "avx512/simd.h"

#include "common/producer_body.h"
#include "common/words_body.h"
