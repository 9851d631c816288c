// Sums along rows, of 32 lanes, and maxima, in the words of the backend's arithmetic.h: add_to_lanes_<vector>(numbers, count,
// lanes) and raise_lanes_<vector>, for float and for double. What goes to a lane does so in the order of the numbers, whatever
// a vector's width.
#ifndef SIMDROP_COMMON_ROW_SUMS_BODY_H
#define SIMDROP_COMMON_ROW_SUMS_BODY_H

#include "common/chain.h"
#include "common/consumer_parts.h"

// The vectors that 32 lanes take: two lanes are the fewest of a vector. Vectors are in no array, since some have no size.
#define ROW_SUMS_VECTORS(X, word) \
  X(word, 0)                      \
  X(word, 1)                      \
  X(word, 2)                      \
  X(word, 3)                      \
  X(word, 4)                      \
  X(word, 5)                      \
  X(word, 6)                      \
  X(word, 7)                      \
  X(word, 8)                      \
  X(word, 9)                      \
  X(word, 10)                     \
  X(word, 11)                     \
  X(word, 12)                     \
  X(word, 13)                     \
  X(word, 14)                     \
  X(word, 15)
#define ROW_SUMS_LOAD_(vector, i)     \
  vector lanes_##i = vector##_set(0); \
  if ((i)*width < SIMDROP_SUM_LANES) lanes_##i = vector##_load(lanes + (i)*width);
#define ROW_SUMS_ADD_(vector, i) \
  if ((i)*width < SIMDROP_SUM_LANES) lanes_##i = vector##_add(vector##_load(numbers + k + (i)*width), lanes_##i);
#define ROW_SUMS_RAISE_(vector, i) \
  if ((i)*width < SIMDROP_SUM_LANES) lanes_##i = vector##_maximum(vector##_load(numbers + k + (i)*width), lanes_##i);
#define ROW_SUMS_STORE_(vector, i) \
  if ((i)*width < SIMDROP_SUM_LANES) vector##_store(lanes + (i)*width, lanes_##i, false);

// lanes[k % 32] = lanes[k % 32] + numbers[k], or the larger of both, for a multiple of 32 numbers.
#define ROW_SUMS_DEFINE_(name, STEP, expression, vector, type)                                \
  static ALWAYS_INLINE void name##_##vector(const type *numbers, size_t count, type *lanes) { \
    const size_t width = vector##_lanes();                                                    \
    if (width > SIMDROP_SUM_LANES) {                                                          \
      for (size_t k = 0; k < count; ++k) {                                                    \
        const type number = numbers[k], lane = lanes[k % SIMDROP_SUM_LANES];                  \
        lanes[k % SIMDROP_SUM_LANES] = (expression);                                          \
      }                                                                                       \
      return;                                                                                 \
    }                                                                                         \
    ROW_SUMS_VECTORS(ROW_SUMS_LOAD_, vector)                                                  \
    for (size_t k = 0; k < count; k += SIMDROP_SUM_LANES) {                                   \
      ROW_SUMS_VECTORS(STEP, vector)                                                          \
    }                                                                                         \
    ROW_SUMS_VECTORS(ROW_SUMS_STORE_, vector)                                                 \
  }
ROW_SUMS_DEFINE_(add_to_lanes, ROW_SUMS_ADD_, number + lane, simd_f32, float)
ROW_SUMS_DEFINE_(add_to_lanes, ROW_SUMS_ADD_, number + lane, simd_f64, double)
ROW_SUMS_DEFINE_(raise_lanes, ROW_SUMS_RAISE_, number > lane ? number : lane, simd_f32, float)
ROW_SUMS_DEFINE_(raise_lanes, ROW_SUMS_RAISE_, number > lane ? number : lane, simd_f64, double)
#undef ROW_SUMS_DEFINE_
#undef ROW_SUMS_STORE_
#undef ROW_SUMS_RAISE_
#undef ROW_SUMS_ADD_
#undef ROW_SUMS_LOAD_
#undef ROW_SUMS_VECTORS

#endif
