// The NEON backend's mask producer.
#include "neon/simd.h"

#include "common/producer_body.h"
#include "common/words_body.h"
