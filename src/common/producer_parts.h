// What the mask producers share that has no vectors in it: round keys, and how a call's work is cut up.
#ifndef SIMDROP_COMMON_PRODUCER_PARTS_H
#define SIMDROP_COMMON_PRODUCER_PARTS_H

#include <assert.h>
#include <stdalign.h>

#include "common/kernel_table.h"
#include "common/philox.h"

enum {
  PLANE_ROUND = 3,     // the first round (from 0) that needs the block and the plane together
  BATCH_BLOCKS = 128,  // blocks between two visits to the list of undecided ones
  FEW_ELEMENTS = 64,   // up to here, a call is drawn by less than a whole block
};

static inline uint32_t round_key_0(const simdrop_mask_source *source, int round) {
  return source->key[0] + (uint32_t)round * SIMDROP_PHILOX_WEYL_0;
}

static inline uint32_t round_key_1(const simdrop_mask_source *source, int round) {
  return source->key[1] + (uint32_t)round * SIMDROP_PHILOX_WEYL_1;
}

static inline __attribute__((always_inline)) bool threshold_bit(const simdrop_mask_source *source, int plane) {
  return source->threshold >> (31 - plane) & 1;
}

// The pace of the interleaved work: so many elements after every so many batches of planes.
typedef struct interleave_pace {
  simdrop_interleave *interleave;
  size_t elements;
  int period, batches_left;
} interleave_pace;

static inline void keep_pace(interleave_pace *pace) {
  if (--pace->batches_left > 0) return;
  pace->batches_left = pace->period;
  if (pace->interleave != NULL) simdrop_interleave_step(pace->interleave, pace->elements);
}

// Which blocks a batch is of: those from `first` on, or those of a list. Only the lower halves of their numbers.
typedef struct batch_blocks {
  const uint64_t *list;  // as make_list makes it, or NULL
  uint32_t first;
} batch_blocks;

#endif
