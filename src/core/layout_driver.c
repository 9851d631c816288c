// Four inner loops: a run of consecutive decisions, decisions that runs of elements share, a short string of decisions that
// comes again and again (these three are row_batch.h's), and decisions from here and there.
#include "core/layout_driver.h"

#include <string.h>

#include "core/bit_string.h"
#include "core/dispatch.h"
#include "core/driver.h"
#include "core/layout_plan.h"
#include "core/mask_reader.h"
#include "core/parameters.h"
#include "core/row_batch.h"
#include "core/row_sink.h"

// Rows shorter than this many bytes are not stored past the caches: their ends are not whole lines.
#define STREAM_ROW_BYTES ((size_t)2048)

// Elements of a row that is taken in pieces across the rows beside it, so that lines of an input that lies otherwise are read
// once.
#define ACROSS_ELEMENTS ((size_t)512)

static size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

static ptrdiff_t bytes_of(ptrdiff_t stride, size_t size) { return stride * (ptrdiff_t)size; }

// Where a walk is: the first element of a row, and the mask's index there.
typedef struct place {
  const char *x;  // NULL where there is no input
  char *y;
  uint64_t index;
} place;

static place first_place(const simdrop_layout_plan *plan, size_t size, const void *x, void *y) {
  return (place){
      .x = x == NULL ? NULL : (const char *)x + bytes_of(plan->x_first, size),
      .y = (char *)y + bytes_of(plan->y_first, size),
      .index = plan->index,
  };
}

static void step(place *at, const simdrop_plan_axis *axis, ptrdiff_t steps, size_t size) {
  if (at->x != NULL) at->x += steps * bytes_of(axis->x, size);
  at->y += steps * bytes_of(axis->y, size);
  at->index += (uint64_t)steps * axis->index;
}

// Nested loops over axes, the first being the outermost.
typedef struct walk {
  int rank;
  simdrop_plan_axis axes[SIMDROP_MAX_RANK + 1];
  size_t done[SIMDROP_MAX_RANK + 1];
  size_t size;
  place at;
} walk;

static void add_axis(walk *w, simdrop_plan_axis axis) {
  w->done[w->rank] = 0;
  w->axes[w->rank++] = axis;
}

// Goes on to the next place; false when there is none.
static bool advance(walk *w) {
  for (int a = w->rank - 1; a >= 0; --a) {
    const simdrop_plan_axis *const axis = &w->axes[a];
    if (++w->done[a] < axis->count) {
      step(&w->at, axis, 1, w->size);
      return true;
    }
    w->done[a] = 0;
    step(&w->at, axis, -(ptrdiff_t)(axis->count - 1), w->size);
  }
  return false;
}

// An axis taken `length` places at a time.
static simdrop_plan_axis pieces_of(const simdrop_plan_axis *axis, size_t length) {
  return (simdrop_plan_axis){
      .count = axis->count / length + (axis->count % length != 0),
      .x = axis->x * (ptrdiff_t)length,
      .y = axis->y * (ptrdiff_t)length,
      .index = axis->index * length,
  };
}

// Whether a step of `outer` goes to where `inner` ends, so that the two are one row of elements.
static bool go_on(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner) {
  const ptrdiff_t count = (ptrdiff_t)inner->count;
  return outer->x == inner->x * count && outer->y == inner->y * count;
}

// The rows of a plan whose inner axis has consecutive decisions, or one.
static void walk_rows(const simdrop_row_sink *wanted_sink, const simdrop_layout_plan *plan, const simdrop_mask *mask,
                      uint64_t threshold, const void *x, void *y) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1], *const next = inner - 1;
  const bool one_row = go_on(next, inner);
  simdrop_row_kind kind = SIMDROP_ROW_RUN;
  size_t repeat = 1;
  simdrop_plan_axis decisions = *inner;  // the axis along which a row's decisions are
  int rank = plan->rank - 1;             // axes that are walked
  bool across = false;                   // pieces of a row are walked outside the axis next to it
  if (inner->index == 0) {
    kind = SIMDROP_ROW_SHARED;
    repeat = inner->count;
    decisions = (simdrop_plan_axis){.count = 1};
    if (one_row && next->index == 1) {
      decisions = *next;
      --rank;
    }
  } else if (one_row && next->index == 0 && inner->count <= SIMDROP_ROW_DECISIONS_MAX) {
    kind = SIMDROP_ROW_PERIODIC;
    repeat = next->count;
    --rank;
  } else {
    across = next->index == 0 || (inner->x != 1 && wanted_sink->scale_elements.each != NULL);
  }
  simdrop_row_sink row_sink = *wanted_sink;
  const simdrop_row_sink *const sink = &row_sink;
  // Rows of elements that follow one another are as good as a long one.
  const size_t row_elements =
      minimum(decisions.count, SIMDROP_ROW_DECISIONS_MAX) * repeat * (one_row && rank > 0 ? next->count : 1);
  row_sink.stream = wanted_sink->stream && row_elements >= STREAM_ROW_BYTES / sink->size;

  walk w = {.size = sink->size, .at = first_place(plan, sink->size, x, y)};
  for (int a = 0; a < rank - across; ++a) add_axis(&w, plan->axes[a]);
  const size_t length = across && inner->x != 1 ? ACROSS_ELEMENTS : SIMDROP_ROW_DECISIONS_MAX;
  const simdrop_plan_axis pieces = pieces_of(&decisions, length);
  const int piece_level = w.rank;
  add_axis(&w, pieces);
  if (across) add_axis(&w, *next);

  simdrop_row_writer writer;
  simdrop_row_writer_init(&writer, sink, kind, repeat, mask, threshold);
  do {
    const size_t before = w.done[piece_level] * length;
    simdrop_row_writer_add(&writer, w.at.index, minimum(decisions.count - before, length), w.at.x, w.at.y);
  } while (advance(&w));
  simdrop_row_writer_finish(&writer);
}

// Decisions that are not side by side: the block of each place of the inner axis is kept, and drawn anew when it changes.
#define GATHER_PLACES 128

typedef struct gathered_blocks {
  size_t count;  // that hold anything
  uint64_t number[GATHER_PLACES];
  uint64_t words[SIMDROP_BLOCK_WORDS * GATHER_PLACES];
  uint64_t drawn[SIMDROP_BLOCK_WORDS * (GATHER_PLACES + SIMDROP_BLOCK_PADDING)];
} gathered_blocks;

// Sets `bits` to the decisions index, index + stride, ...
static void gather_bits(const simdrop_kernels *kernels, simdrop_mask_source *source, gathered_blocks *blocks, uint64_t index,
                        uint64_t stride, size_t count, uint64_t *bits) {
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
    kernels->mask_listed_blocks(source, listed, changed, blocks->drawn, NULL);
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

// Decisions of elements that follow one another, collected until a kernel is worth calling.
typedef struct line {
  const simdrop_row_sink *sink;
  place begin;
  size_t count;
  uint64_t words[SIMDROP_LINE_WORDS];
} line;

static void flush(line *l) {
  if (l->count > 0) simdrop_sink_row(l->sink, l->count, l->words, 0, l->begin.x, l->begin.y);
  l->count = 0;
  l->words[0] = 0;
}

static void add_to_line(line *l, const uint64_t *bits, size_t count, const place *at) {
  const ptrdiff_t done = (ptrdiff_t)l->count;
  const simdrop_row_sink *const sink = l->sink;
  const bool goes_on = l->count > 0 && l->begin.y + done * bytes_of(sink->y_stride, sink->size) == at->y &&
                       (at->x == NULL || l->begin.x + done * bytes_of(sink->x_stride, sink->size) == at->x);
  if (!goes_on || l->count + count > SIMDROP_LINE_ELEMENTS) flush(l);
  if (l->count == 0) l->begin = *at;
  simdrop_append_bits(l->words, l->count, bits, 0, count);
  l->count += count;
}

static void walk_gathering(const simdrop_row_sink *sink, const simdrop_layout_plan *plan, const simdrop_mask *mask,
                           uint64_t threshold, const void *x, void *y) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1];
  // The axis that changes the index least is walked inside the others: it stays longest in the blocks that are drawn.
  int slowest = plan->rank - 2;
  for (int a = slowest - 1; a >= 0; --a)
    if (plan->axes[a].count > 1 && plan->axes[a].index < plan->axes[slowest].index) slowest = a;
  walk w = {.size = sink->size, .at = first_place(plan, sink->size, x, y)};
  for (int a = 0; a < plan->rank - 1; ++a)
    if (a != slowest) add_axis(&w, plan->axes[a]);
  const int piece_level = w.rank;
  add_axis(&w, pieces_of(inner, GATHER_PLACES));
  add_axis(&w, plan->axes[slowest]);

  simdrop_mask_source source;
  simdrop_source_init(&source, mask, threshold);
  gathered_blocks blocks;
  blocks.count = 0;
  line l = {.sink = sink};
  uint64_t bits[GATHER_PLACES / 64 + 1] = {0};
  do {
    const size_t count = minimum(inner->count - w.done[piece_level] * GATHER_PLACES, GATHER_PLACES);
    gather_bits(sink->kernels, &source, &blocks, w.at.index, inner->index, count, bits);
    add_to_line(&l, bits, count, &w.at);
  } while (advance(&w));
  flush(&l);
}

static void drive(const simdrop_row_sink *sink, const simdrop_layout_plan *plan, const simdrop_mask *mask, uint64_t threshold,
                  const void *x, void *y) {
  if (plan->axes[plan->rank - 1].index <= 1) {
    walk_rows(sink, plan, mask, threshold, x, y);
  } else {
    walk_gathering(sink, plan, mask, threshold, x, y);
  }
}

static simdrop_row_sink make_sink(const simdrop_layout_plan *plan, size_t size) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1];
  return (simdrop_row_sink){
      .kernels = simdrop_current_kernels(),
      .size = size,
      .x_stride = inner->x,
      .y_stride = inner->y,
  };
}

// Every row of a plan without decisions, or with the same for all.
typedef void sink_row(const simdrop_row_sink *sink, size_t n, const char *x, char *y);

static void walk_alike(const simdrop_row_sink *sink, const simdrop_layout_plan *plan, sink_row *row, const void *x, void *y) {
  walk w = {.size = sink->size, .at = first_place(plan, sink->size, x, y)};
  for (int a = 0; a < plan->rank - 1; ++a) add_axis(&w, plan->axes[a]);
  do row(sink, plan->axes[plan->rank - 1].count, w.at.x, w.at.y);
  while (advance(&w));
}

static void keep_row(const simdrop_row_sink *sink, size_t n, const char *x, char *y) {
  simdrop_sink_shared(sink, n, true, x, y);
}

static void drop_row(const simdrop_row_sink *sink, size_t n, const char *x, char *y) {
  simdrop_sink_shared(sink, n, false, x, y);
}

void simdrop_drive_layout_scale(const simdrop_mask *mask, uint64_t threshold, simdrop_dtype dtype, const simdrop_layout *layout,
                                const void *x, void *y, bool stream) {
  const size_t size = simdrop_dtype_size(dtype);
  simdrop_layout_plan plan;
  simdrop_plan_layout(layout, mask->offset, threshold == 0, &plan);
  const simdrop_plan_axis *const inner = &plan.axes[plan.rank - 1];
  if (inner->count == plan.count && inner->x == 1 && inner->y == 1 && inner->index == 1) {
    const place first = first_place(&plan, size, x, y);
    simdrop_drive_scale(mask, threshold, dtype, plan.count, first.x, first.y, NULL, stream);
    return;
  }
  simdrop_row_sink sink = make_sink(&plan, size);
  sink.scale_elements = simdrop_scale_kernels_of(sink.kernels, dtype);
  sink.scale = simdrop_scale_for(threshold, dtype);
  sink.stream = stream;
  if (threshold == 0) {
    sink.stream = stream && inner->count >= STREAM_ROW_BYTES / size;
    walk_alike(&sink, &plan, keep_row, x, y);
  } else {
    drive(&sink, &plan, mask, threshold, x, y);
  }
  if (sink.stream) sink.kernels->stream_end();
}

void simdrop_drive_layout_copy(simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y) {
  const size_t size = simdrop_dtype_size(dtype);
  simdrop_layout_plan plan;
  simdrop_plan_layout(layout, 0, true, &plan);
  const simdrop_row_sink sink = make_sink(&plan, size);
  walk_alike(&sink, &plan, simdrop_sink_copy, x, y);
}

void simdrop_drive_layout_zero(simdrop_dtype dtype, const simdrop_layout *layout, void *y) {
  const size_t size = simdrop_dtype_size(dtype);
  simdrop_layout_plan plan;
  simdrop_plan_layout(layout, 0, true, &plan);
  const simdrop_row_sink sink = make_sink(&plan, size);
  walk_alike(&sink, &plan, drop_row, NULL, y);
}

void simdrop_drive_layout_bytes(const simdrop_mask *mask, uint64_t threshold, const simdrop_layout *layout, uint8_t *bytes) {
  const bool constant = threshold == 0 || threshold == SIMDROP_CERTAIN;
  simdrop_layout_plan plan;
  simdrop_plan_layout(layout, mask->offset, constant, &plan);
  const simdrop_plan_axis *const inner = &plan.axes[plan.rank - 1];
  if (inner->count == plan.count && inner->y == 1 && inner->index == 1) {
    simdrop_drive_bytes(mask, threshold, plan.count, bytes + plan.y_first);
    return;
  }
  const simdrop_row_sink sink = make_sink(&plan, sizeof *bytes);
  if (constant) {
    walk_alike(&sink, &plan, threshold == 0 ? keep_row : drop_row, NULL, bytes);
  } else {
    drive(&sink, &plan, mask, threshold, NULL, bytes);
  }
}
