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
  SIMDROP_WORK_SCALE,   // y = kept ? x * scale : +0
  SIMDROP_WORK_SELECT,  // y = kept ? x : +0, bit by bit
  SIMDROP_WORK_COPY,    // y = x, bit by bit: there are no decisions
  SIMDROP_WORK_ZERO,    // y = +0: there are none either
  SIMDROP_WORK_BYTES,   // y = the decisions, a byte of 0 or 1 each
  SIMDROP_WORK_BITS     // y = the decisions, packed
} simdrop_work;

typedef struct simdrop_operation {
  simdrop_work work;
  simdrop_dtype dtype;
  uint32_t size;  // bytes of an element of x and y; of bits, 0
  simdrop_store store;
  // No two follow one another that do so in a mask or in operands: compilers would move both at once, and wait until the stores
  // of either are done.
  uint64_t seed;  // of the decisions that are drawn, as are
  const char *x;
  uint64_t stream, threshold;
  uint64_t index;         // of the first element
  const uint8_t *stored;  // packed decisions, which are not drawn, unless NULL
  char *y;
  size_t n;
  uint8_t *bits, *bytes;  // unless NULL, the decisions go here too, packed or a byte each
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
