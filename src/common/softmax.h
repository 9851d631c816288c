// What the kernels of softmax work on: a row of scores, in pieces whose decisions are at hand (docs/fused.md has the formulas).
#ifndef SIMDROP_COMMON_SOFTMAX_H
#define SIMDROP_COMMON_SOFTMAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"

// Numbers of a row that are kept between two kernels: a row that is longer is computed once more by the second.
#define SIMDROP_SOFTMAX_BUFFER_BYTES 16384
#define SIMDROP_SOFTMAX_NUMBERS(computed) (SIMDROP_SOFTMAX_BUFFER_BYTES / sizeof(computed))

typedef struct simdrop_softmax_row {
  size_t count;               // scores that are not past the causal limit
  const void *x;              // scores, or
  const void *probabilities;  // unless NULL, what is taken in place of them
  const void *additive;       // NULL: nothing is added
  bool is_f32_additive;       // in place of the type
  const uint8_t *allowed;     // NULL: all are
  double scale;               // exact in the type that is computed in, as the following are
  double maximum, inverse;
  double sum;                     // D
  simdrop_f64_function *f64_exp;  // for f64 alone
  // Numbers of the row, whole words of 64: all of them from one kernel to the next, or SIMDROP_SOFTMAX_NUMBERS at a time within
  // one.
  void *buffer;
  bool is_in_buffer;
  void *lanes;  // SIMDROP_SUM_LANES sums of the pieces before, for D, which rows of one piece may share
} simdrop_softmax_row;

// `count` elements of the row from `begin` on, a multiple of 64. Element k has bit first + k of words, of which one more than
// needed may be read; dy, y and probabilities begin with the piece's elements.
typedef struct simdrop_softmax_piece {
  size_t begin, count;
  const uint64_t *words;
  size_t first;
  double factor;  // of what is kept
  const void *dy;
  void *y;              // or dx
  void *probabilities;  // unless NULL, they are written here
} simdrop_softmax_piece;

// Some rows, and a piece of each.
//     softmax_statistics_<type>  sets the rows' maximum and inverse; there are no pieces
//     softmax_<type>             y = kept ? P * factor : +0, after the statistics
//     softmax_sum_<type>         adds the pieces' parts to D, in the order of pieces
//     softmax_gradient_<type>    dx, when D is whole
typedef void simdrop_softmax_kernel(size_t row_count, simdrop_softmax_row *rows, const simdrop_softmax_piece *pieces);

// So many short rows at once: what one has to wait for, another has not.
#define SIMDROP_SOFTMAX_ROWS_MAX 4

#endif
