// The SVE backend's mask producer.
#include "sve/simd.h"

#include "common/scalable_producer_body.h"
#include "common/scalable_words_body.h"
