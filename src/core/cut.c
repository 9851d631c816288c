// Cuts calls into pieces for an executor, and submits them. One check of the whole comes first; then every piece is right.
#include <simdrop/simdrop.h>

#include "core/operation.h"
#include "engine/driver.h"
#include "engine/own_frame.h"
#include "engine/parameters.h"
#include "layout/check.h"
#include "layout/driver.h"
#include "layout/plan.h"

// Cuts are at multiples of this many elements: whole blocks of mask, whole bytes of packed bits, and whole lines of memory
// where the array begins with one.
#define GRAIN ((size_t)4096)

// Part number `part` of `parts` of `count` things, as even as can be.
static size_t cut_at(size_t count, size_t parts, size_t part) {
  const size_t rest = count % parts;
  return count / parts * part + (part < rest ? part : rest);
}

static size_t grains(size_t n, size_t grain) { return n / grain + (n % grain != 0); }

// Which of n things a piece has: cuts are at multiples of the grain.
static void cut_grains(size_t n, size_t grain, size_t pieces, size_t piece, size_t *begin, size_t *end) {
  const size_t count = grains(n, grain), first = cut_at(count, pieces, piece), last = cut_at(count, pieces, piece + 1);
  *begin = first == count ? n : first * grain;  // all grains may be more than a size_t holds
  *end = last == count ? n : last * grain;
}

simdrop_status simdrop_cut(size_t n, size_t pieces, size_t piece, size_t *begin, size_t *end) {
  if (begin == NULL || end == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (piece >= pieces) return SIMDROP_ERROR_SHAPE;
  cut_grains(n, GRAIN, pieces, piece, begin, end);
  return SIMDROP_OK;
}

static size_t grain_of(const simdrop_plan_axis *axis, size_t pieces) {
  if (axis->strides[SIMDROP_Y] != 1) return 1;
  size_t grain = GRAIN;
  while (grain > 1 && axis->count / grain / 8 < pieces) grain /= 2;
  return grain;
}

// Elements of the largest piece that a cut of this axis leaves, in percent of an even share. In integers: a division of
// floating-point numbers may raise a flag.
static size_t unevenness(const simdrop_plan_axis *axis, size_t pieces) {
  const size_t count = grains(axis->count, grain_of(axis, pieces)), rest = count % pieces;
  const size_t excess = rest == 0 ? 0 : pieces - rest;  // if all pieces were as long as the largest
  return excess <= SIZE_MAX / 200 ? 100 + 100 * excess / count : SIZE_MAX / 2;
}

// The outermost axis whose pieces are within a tenth of even, otherwise the best.
static int axis_to_cut(const simdrop_layout_plan *plan, size_t pieces) {
  int best = plan->rank - 1;
  size_t best_unevenness = SIZE_MAX;
  for (int a = 0; a < plan->rank; ++a) {
    const size_t found = unevenness(&plan->axes[a], pieces);
    if (found < best_unevenness) {
      best = a;
      best_unevenness = found;
    }
    if (found <= 110) break;
  }
  return best;
}

// *part becomes a piece of the plan, of no elements if there are more pieces than places.
static void cut_plan(const simdrop_layout_plan *plan, size_t pieces, size_t piece, simdrop_layout_plan *part) {
  const int a = axis_to_cut(plan, pieces);
  size_t begin, end;
  cut_grains(plan->axes[a].count, grain_of(&plan->axes[a], pieces), pieces, piece, &begin, &end);
  simdrop_plan_part(plan, a, begin, end, part);
}

simdrop_status simdrop_cut_layout(const simdrop_layout *layout, size_t pieces, size_t piece, simdrop_layout_part *part) {
  if (layout == NULL || part == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (piece >= pieces) return SIMDROP_ERROR_SHAPE;
  size_t count;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout(layout, 0, &count));
  if (count == 0) {
    *part = (simdrop_layout_part){.layout = *layout};
    return SIMDROP_OK;
  }
  SIMDROP_RETURN_IF_ERROR(simdrop_check_reach(layout));
  simdrop_layout_plan plan, piece_plan;
  simdrop_plan_layout(layout, false, &plan);
  cut_plan(&plan, pieces, piece, &piece_plan);
  *part = (simdrop_layout_part){
      .layout = {.rank = piece_plan.rank},
      .x_offset = piece_plan.first[SIMDROP_X],
      .y_offset = piece_plan.first[SIMDROP_Y],
      .index_offset = piece_plan.index,
  };
  for (int a = 0; a < piece_plan.rank; ++a) {
    part->layout.dims[a] = piece_plan.axes[a].count;
    part->layout.x_strides[a] = piece_plan.axes[a].strides[SIMDROP_X];
    part->layout.y_strides[a] = piece_plan.axes[a].strides[SIMDROP_Y];
    part->layout.index_strides[a] = piece_plan.axes[a].index;
  }
  return SIMDROP_OK;
}

// How many pieces of at least so many elements a call on n elements is cut into.
static size_t pieces_of_at_least(const simdrop_executor *executor, size_t n, size_t least) {
  if (executor == NULL || executor->parallel_for == NULL) return 1;
  const size_t most = n / least;
  return executor->threads < most ? executor->threads : most;
}

size_t simdrop_pieces_of(const simdrop_executor *executor, size_t n) {
  return pieces_of_at_least(executor, n, SIMDROP_PIECE_ELEMENTS);
}

typedef struct ranges_context {
  simdrop_range_task *task;
  void *context;
  size_t n, grain, pieces;
} ranges_context;

static void run_range(void *task_context, size_t piece) {
  const ranges_context *const ranges = (const ranges_context *)task_context;
  size_t begin, end;
  cut_grains(ranges->n, ranges->grain, ranges->pieces, piece, &begin, &end);
  if (begin < end) ranges->task(ranges->context, begin, end);
}

void simdrop_run_pieces(const simdrop_executor *executor, size_t pieces, size_t n, size_t grain, simdrop_range_task *task,
                        void *context) {
  ranges_context ranges = {task, context, n, grain, pieces};
  if (pieces <= 1) {
    task(context, 0, n);
  } else {
    executor->parallel_for(executor->context, pieces, run_range, &ranges);
  }
}

void simdrop_run_ranges(const simdrop_executor *executor, size_t n, size_t grain, size_t least, simdrop_range_task *task,
                        void *context) {
  simdrop_run_pieces(executor, pieces_of_at_least(executor, n, least), n, grain, task, context);
}

// Elements begin .. end - 1 of an operation, begin being a multiple of 8.
static simdrop_operation part_of(const simdrop_operation *whole, size_t begin, size_t end) {
  simdrop_operation part = *whole;
  part.n = end - begin;
  part.index += begin;
  if (part.stored != NULL) part.stored += begin / 8;
  if (part.bits != NULL) part.bits += begin / 8;
  if (part.bytes != NULL) part.bytes += begin;
  if (part.x != NULL) part.x += begin * part.size;
  part.y += part.work == SIMDROP_WORK_BITS ? begin / 8 : begin * part.size;
  return part;
}

static void run_part(void *context, size_t begin, size_t end) {
  const simdrop_operation *const *const whole = (const simdrop_operation *const *)context;
  const simdrop_operation part = part_of(*whole, begin, end);
  simdrop_drive(&part);
}

void simdrop_run(const simdrop_executor *executor, const simdrop_operation *operation) {
  const size_t pieces = simdrop_pieces_of(executor, operation->n);
  if (pieces <= 1) {
    simdrop_drive(operation);
  } else {
    simdrop_run_pieces(executor, pieces, operation->n, GRAIN, run_part, &operation);
  }
}

// Whether a plan goes through the elements in the order in which their decisions are written. Packed bits of two pieces must
// not share a byte, and decisions beside y have y's places: such operations are cut in this order.
static bool is_in_order(const simdrop_operation *operation) {
  return operation->work == SIMDROP_WORK_BITS || operation->bits != NULL || operation->bytes != NULL;
}

// What the pieces of a call on a layout have in common.
typedef struct pieces_context {
  const simdrop_operation *operation;
  const simdrop_layout_plan *plan;
  size_t pieces;
} pieces_context;

static void run_layout_piece(void *task_context, size_t piece) {
  const pieces_context *const context = (const pieces_context *)task_context;
  const simdrop_operation *const operation = context->operation;
  if (is_in_order(operation)) {
    size_t begin, end;
    cut_grains(operation->n, GRAIN, context->pieces, piece, &begin, &end);
    if (begin < end) simdrop_drive_layout_range(operation, context->plan, begin, end);
  } else {
    simdrop_layout_plan part;
    cut_plan(context->plan, context->pieces, piece, &part);
    if (part.count > 0) simdrop_drive_layout(operation, &part);
  }
}

// Whether an operation in order is that on as many elements that follow one another, from the first on.
static bool is_flat_in_order(const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  return is_in_order(operation) && (simdrop_are_alike(operation->threshold) || simdrop_plan_is_flat(plan));
}

static void run_layout(const simdrop_executor *executor, const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  if (is_flat_in_order(operation, plan)) {
    simdrop_run(executor, operation);
    return;
  }
  pieces_context context = {operation, plan, simdrop_pieces_of(executor, operation->n)};
  if (context.pieces > 1) {
    executor->parallel_for(executor->context, context.pieces, run_layout_piece, &context);
  } else if (is_in_order(operation)) {
    simdrop_drive_layout_range(operation, plan, 0, operation->n);
  } else {
    simdrop_drive_layout(operation, plan);
  }
}

// The decisions are in the order of the layout's axes, y is gone through in that of its strides. Where these are one, decisions
// are drawn once for both; otherwise, and where none is drawn, it takes two operations.
static SIMDROP_OWN_FRAME void run_with_decisions(const simdrop_executor *executor, const simdrop_operation *operation,
                                                 const simdrop_layout *layout, const simdrop_layout_plan *plan) {
  if (!simdrop_are_alike(operation->threshold) && simdrop_has_row_major_output(layout)) {
    run_layout(executor, operation, plan);
    return;
  }
  const simdrop_operation decisions = simdrop_decisions_beside(operation);
  simdrop_operation output = *operation;
  output.bits = output.bytes = NULL;
  simdrop_layout_plan decisions_plan;  // before anything is written: the layout may lie in the output
  simdrop_plan_work(&decisions, layout, &decisions_plan);
  run_layout(executor, &output, plan);
  run_layout(executor, &decisions, &decisions_plan);
}

simdrop_status simdrop_submit_layout(const simdrop_executor *executor, const simdrop_call *call) {
  simdrop_operation operation;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_call(call, &operation));
  if (operation.n == 0) return SIMDROP_OK;
  simdrop_layout_plan plan;
  simdrop_plan_work(&operation, call->layout, &plan);
  if (operation.bits != NULL || operation.bytes != NULL) {
    run_with_decisions(executor, &operation, call->layout, &plan);
  } else {
    run_layout(executor, &operation, &plan);
  }
  return SIMDROP_OK;
}
