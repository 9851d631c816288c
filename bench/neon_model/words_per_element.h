// The comparison: dropout with 32 random bits an element, in the words of the NEON backend.
#ifndef SIMDROP_BENCH_WORDS_PER_ELEMENT_H
#define SIMDROP_BENCH_WORDS_PER_ELEMENT_H

#include <stddef.h>
#include <stdint.h>

// Call c of Philox4x32-10 has the counter { c, 0, stream } and decides four elements: element 16 v + 4 w + l has word w of call
// 4 v + l, and is kept if that is not below the threshold.
typedef struct words_source {
  uint32_t key[2], stream[2];
  uint32_t threshold;
} words_source;

#define WORDS_MOST_IN_FLIGHT 4  // vectors of four calls that are drawn side by side: 1, 2, 3 or 4
#define WORDS_STEP 192          // n is a multiple of this

typedef void words_mask(const words_source *source, size_t n, uint8_t *bits);
typedef void words_forward(const words_source *source, size_t n, const float *x, float *y, float scale);

extern words_mask *const words_mask_in_flight[WORDS_MOST_IN_FLIGHT];        // [0]: one at a time
extern words_forward *const words_forward_in_flight[WORDS_MOST_IN_FLIGHT];  // f32

#endif
