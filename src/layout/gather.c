// The inner axis steps over the mask: its decisions lie in as many blocks as it has places, or nearly. The block of each place
// is kept while the other axes move, and drawn anew when it changes.
#include "layout/gather.h"

#include <string.h>

#include "engine/bit_string.h"
#include "engine/generator.h"
#include "engine/own_frame.h"
#include "layout/walk.h"

// Decisions of elements that follow one another, collected until a kernel is worth calling.
typedef struct line {
  const simdrop_row_sink *sink;
  place begin;
  size_t count;
  uint64_t words[SIMDROP_LINE_WORDS];
} line;

static void flush(line *l) {
  const simdrop_row_sink *const beside = l->sink->beside;
  if (l->count > 0) simdrop_sink_row(l->sink, l->count, l->words, 0, l->begin.at);
  if (l->count > 0 && beside != NULL) simdrop_sink_row(beside, l->count, l->words, 0, l->begin.at);
  l->count = 0;
  l->words[0] = 0;
}

static bool goes_on(const line *l, const place *next) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o)
    if (l->begin.at[o] + (ptrdiff_t)l->count * l->sink->strides[o] != next->at[o]) return false;
  return l->count > 0;
}

static inline void add_to_line(line *l, const uint64_t *bits, size_t count, const place *next) {
  if (!goes_on(l, next) || l->count + count > SIMDROP_LINE_ELEMENTS) flush(l);
  if (l->count == 0) l->begin = *next;
  simdrop_append_bits(l->words, l->count, bits, 0, count);
  l->count += count;
}

// ---- any indices

#define GATHER_PLACES 128

// The blocks that the places of a row need, and those of the row before.
typedef struct gathered_blocks {
  size_t count;  // that hold anything
  uint64_t number[GATHER_PLACES];
  uint64_t words[SIMDROP_BLOCK_WORDS * GATHER_PLACES];
  uint64_t drawn[SIMDROP_BLOCK_WORDS * (GATHER_PLACES + SIMDROP_BLOCK_PADDING)];
} gathered_blocks;

// Sets `bits` to the decisions index, index + stride, ...
static void gather_bits(simdrop_generator_state *state, gathered_blocks *blocks, uint64_t index, uint64_t stride, size_t count,
                        uint64_t *bits) {
  uint64_t listed[GATHER_PLACES];
  uint8_t listed_slot[GATHER_PLACES], slot_of[GATHER_PLACES];
  size_t slots = 0, changed = 0;
  for (size_t k = 0; k < count; ++k) {
    const uint64_t block = (index + k * stride) / SIMDROP_BLOCK_ELEMENTS;
    if (slots == 0 || block != blocks->number[slots - 1]) {
      if (slots >= blocks->count || blocks->number[slots] != block) {
        listed[changed] = block;
        listed_slot[changed++] = (uint8_t)slots;
        blocks->number[slots] = block;
      }
      ++slots;
    }
    slot_of[k] = (uint8_t)(slots - 1);
  }
  if (slots > blocks->count) blocks->count = slots;
  if (changed > 0) {
    state->generator->draw_listed(state, listed, changed, blocks->drawn, NULL);
    for (size_t i = 0; i < changed; ++i)
      memcpy(blocks->words + SIMDROP_BLOCK_WORDS * listed_slot[i], blocks->drawn + SIMDROP_BLOCK_WORDS * i,
             SIMDROP_BLOCK_WORDS * sizeof *blocks->words);
  }
  for (size_t begin = 0; begin < count; begin += 64) {
    uint64_t word = 0;
    const size_t end = minimum(begin + 64, count);
    for (size_t k = begin; k < end; ++k) {
      const size_t bit = (index + k * stride) % SIMDROP_BLOCK_ELEMENTS;
      word |= (uint64_t)simdrop_bit(blocks->words + SIMDROP_BLOCK_WORDS * slot_of[k], bit) << (k - begin);
    }
    bits[begin / 64] = word;
  }
}

static void walk_any(line *l, const simdrop_operation *operation, const simdrop_layout_plan *plan, int slowest) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1];
  walk w = {.now = first_place(operation, plan)};
  for (int a = 0; a < plan->rank - 1; ++a)
    if (a != slowest) add_axis(&w, plan->axes[a]);
  const int piece_level = w.rank;
  add_axis(&w, pieces_of(inner, GATHER_PLACES));
  add_axis(&w, plan->axes[slowest]);

  simdrop_generator_state state;
  simdrop_generate(&state, l->sink->kernels, operation);
  gathered_blocks blocks;
  blocks.count = 0;
  uint64_t bits[GATHER_PLACES / 64 + 1] = {0};
  do {
    const size_t count = minimum(inner->count - w.done[piece_level] * GATHER_PLACES, GATHER_PLACES);
    gather_bits(&state, &blocks, w.now.index, inner->index, count, bits);
    add_to_line(l, bits, count, &w.now);
  } while (advance(&w));
}

// ---- a transposed mask: another axis has consecutive indices

#define TILE 64  // places of the inner axis, and steps along the other one, that are taken together

// For each place, the block of the last decision that was used.
typedef struct column_blocks {
  bool known;
  uint64_t number[TILE];
  uint64_t words[SIMDROP_BLOCK_WORDS * TILE];
  uint64_t drawn[SIMDROP_BLOCK_WORDS * (2 * TILE + SIMDROP_BLOCK_PADDING)];
} column_blocks;

// columns[k] = the decisions index + k * stride, and the steps - 1 that follow it.
static void draw_columns(simdrop_generator_state *state, column_blocks *blocks, uint64_t index, uint64_t stride, size_t places,
                         size_t steps, uint64_t *columns) {
  uint64_t listed[2 * TILE];
  size_t count = 0;
  for (size_t k = 0; k < places; ++k) {
    const uint64_t first = (index + k * stride) / SIMDROP_BLOCK_ELEMENTS;
    const uint64_t last = (index + k * stride + (steps - 1)) / SIMDROP_BLOCK_ELEMENTS;
    if (!blocks->known || blocks->number[k] != first) listed[count++] = first;
    if (last != first) listed[count++] = last;
  }
  if (count > 0) state->generator->draw_listed(state, listed, count, blocks->drawn, NULL);
  const uint64_t *drawn = blocks->drawn;
  for (size_t k = 0; k < places; ++k) {
    const uint64_t at = index + k * stride, first = at / SIMDROP_BLOCK_ELEMENTS;
    const uint64_t last = (at + (steps - 1)) / SIMDROP_BLOCK_ELEMENTS;
    uint64_t *const words = blocks->words + SIMDROP_BLOCK_WORDS * k;
    uint64_t both[2 * SIMDROP_BLOCK_WORDS + 1] = {0};
    if (!blocks->known || blocks->number[k] != first) {
      memcpy(words, drawn, SIMDROP_BLOCK_WORDS * sizeof *words);
      drawn += SIMDROP_BLOCK_WORDS;
    }
    memcpy(both, words, SIMDROP_BLOCK_WORDS * sizeof *words);
    if (last != first) {
      memcpy(words, drawn, SIMDROP_BLOCK_WORDS * sizeof *words);
      memcpy(both + SIMDROP_BLOCK_WORDS, drawn, SIMDROP_BLOCK_WORDS * sizeof *words);
      drawn += SIMDROP_BLOCK_WORDS;
    }
    blocks->number[k] = last;
    columns[k] = simdrop_bits_from(both, at % SIMDROP_BLOCK_ELEMENTS);
  }
  blocks->known = true;
}

static void walk_transposed(line *l, const simdrop_operation *operation, const simdrop_layout_plan *plan, int along) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1], *const outer = &plan->axes[along];
  walk w = {.now = first_place(operation, plan)};
  for (int a = 0; a < plan->rank - 1; ++a)
    if (a != along) add_axis(&w, plan->axes[a]);
  const int place_level = w.rank, step_level = w.rank + 1;
  add_axis(&w, pieces_of(inner, TILE));
  add_axis(&w, pieces_of(outer, TILE));

  simdrop_generator_state state;
  simdrop_generate(&state, l->sink->kernels, operation);
  column_blocks blocks;
  blocks.known = false;
  do {
    const size_t places = minimum(inner->count - w.done[place_level] * TILE, TILE);
    const size_t steps = minimum(outer->count - w.done[step_level] * TILE, TILE);
    uint64_t rows[TILE + 1] = {0};
    draw_columns(&state, &blocks, w.now.index, inner->index, places, steps, rows);
    simdrop_transpose_bits(rows);
    place row_place = w.now;
    for (size_t s = 0; s < steps; ++s) {
      const uint64_t row[2] = {rows[s], 0};
      add_to_line(l, row, places, &row_place);
      step(&row_place, outer, 1);
    }
  } while (advance(&w));
}

SIMDROP_OWN_FRAME void simdrop_walk_gathering(const simdrop_row_sink *sink, const simdrop_operation *operation,
                                              const simdrop_layout_plan *plan) {
  // The axis that changes the index least is walked inside the others: it stays longest in the blocks that are drawn.
  int slowest = plan->rank - 2, consecutive = -1;
  for (int a = plan->rank - 2; a >= 0; --a) {
    if (plan->axes[a].count == 1) continue;
    if (plan->axes[a].index < plan->axes[slowest].index) slowest = a;
    if (plan->axes[a].index == 1 && consecutive < 0) consecutive = a;
  }
  line l = {.sink = sink};
  if (consecutive >= 0) {
    walk_transposed(&l, operation, plan, consecutive);
  } else {
    walk_any(&l, operation, plan, slowest);
  }
  flush(&l);
}
