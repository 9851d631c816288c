// Four inner loops: a run of consecutive decisions, decisions that runs of elements share, a short string of decisions that
// comes again and again (these three are row_batch.h's), and decisions from here and there.
#include "layout/driver.h"

#include <string.h>

#include "engine/driver.h"
#include "engine/own_frame.h"
#include "engine/parameters.h"
#include "engine/value_reader.h"
#include "layout/gather.h"
#include "layout/plan.h"
#include "layout/row_batch.h"
#include "layout/row_sink.h"
#include "layout/walk.h"
#include "machine/dispatch.h"

// Rows shorter than this many bytes get no non-temporal stores: their ends are not whole lines.
#define NON_TEMPORAL_ROW_BYTES ((size_t)2048)

// Elements whose numbers are drawn together.
#define VALUES_OF_ROW ((size_t)512)

static simdrop_store without_non_temporal(simdrop_store store) {
  return store == SIMDROP_STORE_CACHED ? SIMDROP_STORE_CACHED : SIMDROP_STORE_CACHED_FAR;
}

// Elements of a row that is taken in pieces across the rows beside it, so that lines of an input that lies otherwise are read
// once.
#define ACROSS_ELEMENTS ((size_t)512)

// Such pieces, and the lengths of string that rows beside one another share, lie here and there: the hardware's prefetchers,
// which do better alone elsewhere, begin anew with each. Without this, time-first took 1.3 times as long past the caches (Zen
// 4).
#define PREFETCH_ACROSS_BYTES ((size_t)8192)

// The rows of a plan whose inner axis has consecutive decisions, or one.
static SIMDROP_OWN_FRAME void walk_rows(const simdrop_row_sink *wanted_sink, const simdrop_operation *operation,
                                        const simdrop_layout_plan *plan) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1], *const next = inner - 1;
  const bool one_row = simdrop_axes_are_one_row(next, inner);
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
    across = next->index == 0 || (inner->strides[SIMDROP_X] != 1 && wanted_sink->x != NULL);
  }
  simdrop_row_sink row_sink = *wanted_sink;
  const simdrop_row_sink *const sink = &row_sink;
  // Rows that follow one another in memory are as good as a long one, except those that are handled one by one.
  const bool alone = !one_row || (kind == SIMDROP_ROW_SHARED && decisions.count == 1);
  const size_t row_elements = alone ? inner->count : inner->count * next->count;
  if (row_elements * sink->size < NON_TEMPORAL_ROW_BYTES) row_sink.store = without_non_temporal(row_sink.store);

  if (across) row_sink.prefetch = PREFETCH_ACROSS_BYTES;

  walk w = {.now = first_place(operation, plan)};
  for (int a = 0; a < rank - across; ++a) add_axis(&w, plan->axes[a]);
  const size_t length = across && inner->strides[SIMDROP_X] != 1 ? ACROSS_ELEMENTS : SIMDROP_ROW_DECISIONS_MAX;
  const simdrop_plan_axis pieces = pieces_of(&decisions, length);
  const int piece_level = w.rank;
  add_axis(&w, pieces);
  if (across) add_axis(&w, *next);

  simdrop_row_writer writer;
  simdrop_row_writer_init(&writer, sink, kind, repeat, operation);
  do {
    const size_t before = w.done[piece_level] * length;
    simdrop_row_writer_add(&writer, w.now.index, minimum(decisions.count - before, length), w.now.at);
  } while (advance(&w));
  simdrop_row_writer_finish(&writer);
}

static void drive(const simdrop_row_sink *sink, const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  if (plan->axes[plan->rank - 1].index <= 1) {
    walk_rows(sink, operation, plan);
  } else {
    simdrop_walk_gathering(sink, operation, plan);
  }
}

// Every row of a plan without decisions, or with the same for all.
typedef void sink_row(const simdrop_row_sink *sink, size_t n, const ptrdiff_t *at);

static void walk_alike(const simdrop_row_sink *sink, const simdrop_operation *operation, const simdrop_layout_plan *plan,
                       sink_row *row) {
  walk w = {.now = first_place(operation, plan)};
  for (int a = 0; a < plan->rank - 1; ++a) add_axis(&w, plan->axes[a]);
  do row(sink, plan->axes[plan->rank - 1].count, w.now.at);
  while (advance(&w));
}

static void keep_row(const simdrop_row_sink *sink, size_t n, const ptrdiff_t *at) { simdrop_sink_shared(sink, n, true, at); }
static void drop_row(const simdrop_row_sink *sink, size_t n, const ptrdiff_t *at) { simdrop_sink_shared(sink, n, false, at); }

// Numbers in place of decisions, each row by itself.
static SIMDROP_OWN_FRAME void walk_values(const simdrop_row_sink *sink, const simdrop_operation *operation,
                                          const simdrop_layout_plan *plan) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1];
  walk w = {.now = first_place(operation, plan)};
  for (int a = 0; a < plan->rank - 1; ++a) add_axis(&w, plan->axes[a]);
  const int piece_level = w.rank;
  add_axis(&w, pieces_of(inner, VALUES_OF_ROW));
  simdrop_value_reader reader;
  simdrop_value_reader_init(&reader, sink->kernels, SIMDROP_NORMAL_VALUES, operation->seed, operation->stream);
  float values[VALUES_OF_ROW];
  do {
    const size_t count = minimum(inner->count - w.done[piece_level] * VALUES_OF_ROW, VALUES_OF_ROW);
    simdrop_values_gather(&reader, w.now.index, inner->index, count, values);
    simdrop_sink_values(sink, count, values, w.now.at);
  } while (advance(&w));
}

simdrop_operation simdrop_flat_operation(const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  simdrop_operation flat = *operation;
  const place first = first_place(operation, plan);
  flat.n = plan->count;
  if (flat.x != NULL) flat.x += first.at[SIMDROP_X] * (ptrdiff_t)flat.size;
  flat.y += first.at[SIMDROP_Y] * (ptrdiff_t)flat.size;
  flat.index = first.index;
  if (flat.stored != NULL) flat.stored += first.index / 8;
  return flat;
}

static simdrop_row_sink make_sink(const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1];
  simdrop_row_sink sink = {
      .work = operation->work,
      .kernels = kernels,
      .size = operation->size,
      .x = operation->x,
      .y = operation->y,
      .store = operation->store,
  };
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) sink.strides[o] = inner->strides[o];
  switch (operation->work) {
    case SIMDROP_WORK_SCALE:
    case SIMDROP_WORK_AFFINE:
    case SIMDROP_WORK_GAUSSIAN:
      sink.consume = simdrop_multiplying_kernels_of(kernels, operation).scale;
      sink.factor = simdrop_multiplier_of(operation);
      if (operation->work == SIMDROP_WORK_AFFINE) sink.affine = simdrop_affine_of(operation);
      break;
    case SIMDROP_WORK_SELECT: sink.consume = simdrop_select_kernel_of(kernels, operation->dtype); break;
    case SIMDROP_WORK_BYTES: sink.consume = kernels->expand_bytes; break;
    default: break;  // no kernel does it
  }
  return sink;
}

void simdrop_drive_layout(const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  // Stored bits are read from a byte's beginning on.
  if (simdrop_plan_is_flat(plan) && (operation->stored == NULL || plan->index % 8 == 0)) {
    const simdrop_operation flat = simdrop_flat_operation(operation, plan);
    simdrop_drive(&flat);
    return;
  }
  simdrop_row_sink sink = make_sink(operation, plan);
  if (operation->work == SIMDROP_WORK_GAUSSIAN) {
    walk_values(&sink, operation, plan);
  } else if (operation->work == SIMDROP_WORK_COPY) {
    if (operation->x != operation->y) walk_alike(&sink, operation, plan, simdrop_sink_copy);  // else in place
  } else if (operation->stored == NULL && operation->threshold == SIMDROP_CERTAIN) {
    walk_alike(&sink, operation, plan, drop_row);
  } else if (operation->stored == NULL && operation->threshold == 0) {
    if (plan->axes[plan->rank - 1].count * sink.size < NON_TEMPORAL_ROW_BYTES) sink.store = without_non_temporal(sink.store);
    walk_alike(&sink, operation, plan, keep_row);
  } else {
    drive(&sink, operation, plan);
  }
  if (operation->store == SIMDROP_STORE_NON_TEMPORAL) sink.kernels->finish_stores();
}

void simdrop_drive_layout_range(const simdrop_operation *operation, const simdrop_layout_plan *plan, size_t begin, size_t end) {
  simdrop_row_sink sink = make_sink(operation, plan), beside;
  if (operation->bits != NULL || operation->bytes != NULL) {
    const simdrop_operation decisions = simdrop_decisions_beside(operation);
    beside = make_sink(&decisions, plan);
    sink.beside = &beside;
  }
  const simdrop_row_sink *const last = sink.beside == NULL ? &sink : sink.beside;
  if (last->work == SIMDROP_WORK_BITS) memset(last->y + begin / 8, 0, end / 8 - begin / 8 + (end % 8 != 0));
  for (size_t done = begin; done < end;) {
    simdrop_layout_plan box;
    done += simdrop_plan_box(plan, done, end, &box);
    drive(&sink, operation, &box);
  }
  if (operation->store == SIMDROP_STORE_NON_TEMPORAL) sink.kernels->finish_stores();
}
