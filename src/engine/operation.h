// What a call amounts to once it has been checked. Each part of an operation is an operation.
#ifndef SIMDROP_ENGINE_OPERATION_H
#define SIMDROP_ENGINE_OPERATION_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "common/bits.h"
#include "common/kernel_table.h"
#include "engine/parameters.h"

// What is done with the decisions.
typedef enum simdrop_work {
  SIMDROP_WORK_SCALE,     // y = kept ? x * scale : +0
  SIMDROP_WORK_AFFINE,    // y = kept ? x * scale + addend : dropped
  SIMDROP_WORK_GAUSSIAN,  // y = x * (1 + sigma * z), z being a normal number
  SIMDROP_WORK_NORMALS,   // y = normal numbers: floats, and there is no x
  SIMDROP_WORK_UNIFORMS,  // y = uniform numbers, in the same way
  SIMDROP_WORK_SELECT,    // y = kept ? x : +0, bit by bit
  SIMDROP_WORK_COPY,      // y = x, bit by bit: there are no decisions
  SIMDROP_WORK_ZERO,      // y = +0: there are none either
  SIMDROP_WORK_BYTES,     // y = the decisions, a byte of 0 or 1 each
  SIMDROP_WORK_BITS       // y = the decisions, packed
} simdrop_work;

// Whose numbers kept elements, and dropped ones, are computed with.
typedef enum simdrop_rule {
  SIMDROP_RULE_DROPOUT,
  SIMDROP_RULE_ALPHA,     // alpha dropout
  SIMDROP_RULE_GAUSSIAN,  // Gaussian dropout
  SIMDROP_RULE_GIVEN,     // the scale is the caller's
} simdrop_rule;

typedef struct simdrop_operation {
  simdrop_work work;
  simdrop_rule rule;
  simdrop_dtype dtype;
  uint32_t size;  // bytes of an element of x and y; of bits, 0
  simdrop_store store;
  // No two follow one another that do so in a mask or in operands: compilers would move both at once, and wait until the stores
  // of either are done.
  uint64_t seed;  // of the decisions that are drawn, as are
  const char *x;
  uint64_t stream;
  const uint8_t *stored;  // packed decisions, which are not drawn, unless NULL
  uint64_t index;         // of the first element
  char *y;
  size_t n;
  double scale;           // of SIMDROP_RULE_GIVEN
  uint8_t *bits, *bytes;  // unless NULL, the decisions go here too, packed or a byte each
  uint64_t threshold;     // not beside the stream: what is drawn would wait until both can be stored at once
} simdrop_operation;

// Whether what is drawn keeps the processor busy while memory answers: plane after plane, not one or two.
static inline bool simdrop_draws_much(const simdrop_operation *operation) {
  enum {
    FEW_PLANES = 2
  };
  if (operation->stored != NULL || simdrop_are_alike(operation->threshold)) return false;
  return 32 - simdrop_trailing_zeros(operation->threshold) > FEW_PLANES;
}

// The operation that writes alone what another one writes beside y.
static inline simdrop_operation simdrop_decisions_beside(const simdrop_operation *operation) {
  const bool are_packed = operation->bits != NULL;
  simdrop_operation decisions = *operation;
  decisions.work = are_packed ? SIMDROP_WORK_BITS : SIMDROP_WORK_BYTES;
  decisions.size = !are_packed;
  decisions.store = SIMDROP_STORE_CACHED;
  decisions.x = NULL;
  decisions.y = (char *)(are_packed ? operation->bits : operation->bytes);
  decisions.bits = decisions.bytes = NULL;
  return decisions;
}

#endif
