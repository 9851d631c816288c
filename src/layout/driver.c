// Four inner loops: a run of consecutive decisions, decisions that runs of elements share, a short string of decisions that
// comes again and again (these three are row_batch.h's), and decisions from here and there.
#include "layout/driver.h"

#include "engine/driver.h"
#include "engine/own_frame.h"
#include "engine/parameters.h"
#include "layout/gather.h"
#include "layout/plan.h"
#include "layout/row_batch.h"
#include "layout/row_sink.h"
#include "layout/walk.h"
#include "machine/dispatch.h"

// Rows shorter than this many bytes get no non-temporal stores: their ends are not whole lines.
#define NON_TEMPORAL_ROW_BYTES ((size_t)2048)

// Elements of a row that is taken in pieces across the rows beside it, so that lines of an input that lies otherwise are read
// once.
#define ACROSS_ELEMENTS ((size_t)512)

// Whether a step of `outer` goes to where `inner` ends, so that the two are one row of elements.
static bool go_on(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner) {
  const ptrdiff_t count = (ptrdiff_t)inner->count;
  return outer->x == inner->x * count && outer->y == inner->y * count;
}

// The rows of a plan whose inner axis has consecutive decisions, or one.
static SIMDROP_OWN_FRAME void walk_rows(const simdrop_row_sink *wanted_sink, const simdrop_layout_plan *plan,
                                        const simdrop_mask *mask, uint64_t threshold, const void *x, void *y) {
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
    across = next->index == 0 || (inner->x != 1 && wanted_sink->consumer != SIMDROP_CONSUME_BYTES);
  }
  simdrop_row_sink row_sink = *wanted_sink;
  const simdrop_row_sink *const sink = &row_sink;
  // Rows that follow one another in memory are as good as a long one, except those that are handled one by one.
  const bool alone = !one_row || (kind == SIMDROP_ROW_SHARED && decisions.count == 1);
  const size_t row_elements = alone ? inner->count : inner->count * next->count;
  if (row_elements < NON_TEMPORAL_ROW_BYTES / sink->size) row_sink.store = SIMDROP_STORE_CACHED;

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

static void drive(const simdrop_row_sink *sink, const simdrop_layout_plan *plan, const simdrop_mask *mask, uint64_t threshold,
                  const void *x, void *y) {
  if (plan->axes[plan->rank - 1].index <= 1) {
    walk_rows(sink, plan, mask, threshold, x, y);
  } else {
    simdrop_walk_gathering(sink, plan, mask, threshold, x, y);
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
                                const void *x, void *y, simdrop_store store) {
  const size_t size = simdrop_dtype_size(dtype);
  simdrop_layout_plan plan;
  simdrop_plan_layout(layout, mask->offset, threshold == 0, &plan);
  const simdrop_plan_axis *const inner = &plan.axes[plan.rank - 1];
  if (inner->count == plan.count && inner->x == 1 && inner->y == 1 && inner->index == 1) {
    const place first = first_place(&plan, size, x, y);
    simdrop_drive_scale(mask, threshold, dtype, plan.count, first.x, first.y, NULL, store);
    return;
  }
  simdrop_row_sink sink = make_sink(&plan, size);
  sink.consume = simdrop_scale_kernels_of(sink.kernels, dtype).scale;
  sink.factor = simdrop_scale_for(threshold, dtype, plan.count);
  sink.store = store;
  if (threshold == 0) {
    if (inner->count < NON_TEMPORAL_ROW_BYTES / size) sink.store = SIMDROP_STORE_CACHED;
    walk_alike(&sink, &plan, keep_row, x, y);
  } else {
    drive(&sink, &plan, mask, threshold, x, y);
  }
  if (store == SIMDROP_STORE_NON_TEMPORAL) sink.kernels->finish_stores();
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
  simdrop_row_sink sink = make_sink(&plan, sizeof *bytes);
  sink.consumer = SIMDROP_CONSUME_BYTES;
  sink.consume = sink.kernels->expand_bytes;
  if (constant) {
    walk_alike(&sink, &plan, threshold == 0 ? keep_row : drop_row, NULL, bytes);
  } else {
    drive(&sink, &plan, mask, threshold, NULL, bytes);
  }
}
