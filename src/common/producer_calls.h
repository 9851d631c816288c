// The mask producers' kernels: a call is cut into runs of blocks with the same upper half, and these into batches. Included
// last, by a producer that defines
//     drawing                           what a call draws with
//     begin_rounds                      what it makes of the round keys, once a call
//     make_schedule                     the planes' part of the rounds, once for each upper half of the blocks' numbers
//     begin_planes                      what it makes of the schedule, once a run of blocks with the same upper half
//     are_few and mask_one_block        whether blocks are too few for batches, and how some of one's elements are drawn then
//     mask_few_elements                 and those of one's first word, where one block is too few
//     mask_batch_by_planes              a batch: at most BATCH_BLOCKS blocks
//     make_list                         what it makes of a batch's list of blocks: BATCH_BLOCKS of whatever it likes
//     count_batches                     about how often a call can interleave something
// and, if its backend has lines,
//     has_stragglers                    whether a threshold has more planes than those that are drawn for every block
//     mask_dense_batch                  a batch of such a threshold, with lines to scale between its rounds
#ifndef SIMDROP_COMMON_PRODUCER_CALLS_H
#define SIMDROP_COMMON_PRODUCER_CALLS_H

#include <limits.h>

#include "common/producer_parts.h"

static inline interleave_pace begin_pace(const simdrop_mask_source *source, simdrop_interleave *interleave,
                                         size_t block_count) {
  interleave_pace pace = {interleave, 0, INT_MAX, INT_MAX};
  if (interleave == NULL) return pace;
  const size_t batches = count_batches(source, block_count);
  const size_t period = (interleave->step * batches + interleave->count / 2) / interleave->count;
  pace.period = period > 0 ? (int)period : 1;
  pace.batches_left = pace.period;
  pace.elements = (interleave->count * (size_t)pace.period / batches + 63) / 64 * 64;
  return pace;
}

static inline void begin_call(drawing *call, simdrop_mask_source *source, simdrop_interleave *interleave, size_t block_count) {
  call->source = source;
  call->pace = begin_pace(source, interleave, block_count);
  begin_rounds(call);
}

// Elements of too few blocks for batches, of those from `first` on or of a list.
static inline void mask_few_blocks(simdrop_mask_source *source, const uint64_t *list, uint64_t first, size_t n,
                                   uint64_t *words) {
  for (size_t b = 0, left = n; left > 0; ++b) {
    const size_t count = left < SIMDROP_BLOCK_ELEMENTS ? left : SIMDROP_BLOCK_ELEMENTS;
    mask_one_block(source, list != NULL ? list[b] : first + b, count, words + SIMDROP_BLOCK_WORDS * b);
    left -= count;
  }
}

static inline void prepare_schedule(drawing *call, uint32_t block_high) {
  if (!call->source->schedule.ready || call->source->schedule.block_high != block_high) make_schedule(call, block_high);
  begin_planes(call);
}

// A run of blocks with the same upper half.
static inline void mask_run(drawing *call, uint64_t first_block, size_t block_count, uint64_t *words) {
  prepare_schedule(call, (uint32_t)(first_block >> 32));
  for (size_t done = 0; done < block_count; done += BATCH_BLOCKS) {
    const size_t count = block_count - done < BATCH_BLOCKS ? block_count - done : (size_t)BATCH_BLOCKS;
    const batch_blocks numbers = {.first = (uint32_t)(first_block + done)};
    mask_batch_by_planes(call, &numbers, count, words + SIMDROP_BLOCK_WORDS * done);
  }
}

// At most BATCH_BLOCKS listed blocks with the same upper half.
static inline void mask_listed_batch(drawing *call, const uint64_t *blocks, size_t block_count, uint64_t *words) {
  if (are_few(call->source, block_count)) {
    mask_few_blocks(call->source, blocks, 0, block_count * SIMDROP_BLOCK_ELEMENTS, words);
    return;
  }
  prepare_schedule(call, (uint32_t)(blocks[0] >> 32));
  alignas(64) uint64_t list[BATCH_BLOCKS];
  make_list(blocks, block_count, list);
  const batch_blocks numbers = {.list = list};
  mask_batch_by_planes(call, &numbers, block_count, words);
}

// A function of its own: a short call does not save the registers of both.
static __attribute__((noinline)) void mask_many_blocks(simdrop_mask_source *source, uint64_t first_block, size_t block_count,
                                                       uint64_t *words, simdrop_interleave *interleave) {
  drawing call;
  begin_call(&call, source, interleave, block_count);
  while (block_count > 0) {
    const uint64_t until_wrap = (UINT64_C(1) << 32) - (uint32_t)first_block;
    const size_t count = block_count < until_wrap ? block_count : (size_t)until_wrap;
    mask_run(&call, first_block, count, words);
    first_block += count;
    block_count -= count;
    words += SIMDROP_BLOCK_WORDS * count;
  }
}

#ifdef SIMD_HAS_LINES
// A batch that does lines between its rounds.
typedef struct lined_batch {
  simdrop_mask_source *source;
  uint64_t first_block;
  size_t block_count;
  uint64_t *words;
  simdrop_interleave *interleave;
} lined_batch;

static inline __attribute__((always_inline)) void mask_lined_batch(const lined_batch *batch, simdrop_line_kind kind,
                                                                   bool non_temporal) {
  drawing call;
  begin_call(&call, batch->source, NULL, batch->block_count);
  prepare_schedule(&call, (uint32_t)(batch->first_block >> 32));
  const batch_blocks numbers = {.first = (uint32_t)batch->first_block};
  line_constants constants;
  scaled_lines lines = kind == SIMDROP_LINES_CHAIN_F32 ? begin_chain_lines(batch->interleave, non_temporal, &constants)
                                                       : begin_lines(batch->interleave, kind, non_temporal, &constants);
  mask_dense_batch(&call, &numbers, batch->block_count, batch->words, &lines);
  end_lines(&lines, batch->interleave);
}

// Functions of their own: of branches that differ in how they store, compilers make one (common/scale_body.h).
#define LINED static __attribute__((noinline)) void
LINED mask_between_f32(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_SCALE_F32, false); }
LINED mask_between_far_f32(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_SCALE_F32, true); }
LINED mask_between_f16(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_SCALE_F16, false); }
LINED mask_between_far_f16(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_SCALE_F16, true); }
LINED mask_between_bf16(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_SCALE_BF16, false); }
LINED mask_between_far_bf16(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_SCALE_BF16, true); }
LINED mask_between_chain_f32(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_CHAIN_F32, false); }
LINED mask_between_far_chain_f32(const lined_batch *batch) { mask_lined_batch(batch, SIMDROP_LINES_CHAIN_F32, true); }
#undef LINED

static inline void mask_between(const lined_batch *batch, const simdrop_line_work *lines) {
  const bool is_far = lines->non_temporal;
  switch (lines->kind) {
    case SIMDROP_LINES_SCALE_F32: (is_far ? mask_between_far_f32 : mask_between_f32)(batch); return;
    case SIMDROP_LINES_SCALE_F16: (is_far ? mask_between_far_f16 : mask_between_f16)(batch); return;
    case SIMDROP_LINES_SCALE_BF16: (is_far ? mask_between_far_bf16 : mask_between_bf16)(batch); return;
    case SIMDROP_LINES_CHAIN_F32: (is_far ? mask_between_far_chain_f32 : mask_between_chain_f32)(batch); return;
  }
}

// With four lanes, a chain without a residual takes 1.03 (from memory) to 1.08 (L2) of the time by lines, and else 0.87 to 0.95
// (Zen 4, p = 0.1).
static inline bool do_lines_pay(const simdrop_line_work *lines) {
  return SIMD_LANES >= 8 || lines->kind != SIMDROP_LINES_CHAIN_F32 || lines->chain->operands.residual != NULL;
}
#endif

// Whether the interleaved work was lines, and some of it was done between rounds. Where few planes decide, a mask is drawn so
// quickly that nothing is gained.
static inline bool mask_with_lines(simdrop_mask_source *source, uint64_t first_block, size_t block_count, uint64_t *words,
                                   simdrop_interleave *interleave) {
#ifdef SIMD_HAS_LINES
  const bool is_one_batch = block_count <= BATCH_BLOCKS && (uint32_t)first_block <= UINT32_MAX - BATCH_BLOCKS;
  if (interleave == NULL || interleave->lines == NULL || !is_one_batch || !has_stragglers(source)) return false;
  if (!do_lines_pay(interleave->lines)) return false;
  const lined_batch batch = {source, first_block, block_count, words, interleave};
  mask_between(&batch, interleave->lines);
  return true;
#else
  (void)source, (void)first_block, (void)block_count, (void)words, (void)interleave;
  return false;
#endif
}

static __attribute__((noinline)) void mask_elements(simdrop_mask_source *source, uint64_t first_block, size_t n,
                                                    uint64_t *words, simdrop_interleave *interleave) {
  const size_t block_count = simdrop_blocks_of(n);
  if (are_few(source, block_count)) {
    mask_few_blocks(source, NULL, first_block, n, words);
  } else if (!mask_with_lines(source, first_block, block_count, words, interleave)) {
    mask_many_blocks(source, first_block, block_count, words, interleave);
  }
}

void SIMDROP_LOCAL(mask_blocks)(simdrop_mask_source *source, uint64_t first_block, size_t n, uint64_t *words,
                                simdrop_interleave *interleave) {
  if (n - 1 < FEW_ELEMENTS && are_few(source, 1)) {
    mask_few_elements(source, first_block, n, words);
  } else {
    mask_elements(source, first_block, n, words, interleave);
  }
}

// How many of the listed blocks make a batch: those that follow with the same upper half.
static inline size_t count_of_batch(const uint64_t *blocks, size_t block_count) {
  const size_t most = block_count < BATCH_BLOCKS ? block_count : (size_t)BATCH_BLOCKS;
  uint64_t differences = 0;
  for (size_t i = 0; i < most; ++i) differences |= blocks[i] ^ blocks[0];  // all at once, as they hardly ever differ
  if (differences >> 32 == 0) return most;
  size_t count = 1;
  while (blocks[count] >> 32 == blocks[0] >> 32) ++count;
  return count;
}

void SIMDROP_LOCAL(mask_listed_blocks)(simdrop_mask_source *source, const uint64_t *blocks, size_t block_count, uint64_t *words,
                                       simdrop_interleave *interleave) {
  drawing call;
  begin_call(&call, source, interleave, block_count);
  while (block_count > 0) {
    const size_t count = count_of_batch(blocks, block_count);
    mask_listed_batch(&call, blocks, count, words);
    blocks += count;
    block_count -= count;
    words += SIMDROP_BLOCK_WORDS * count;
  }
}

#endif
