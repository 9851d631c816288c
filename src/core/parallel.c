// Cuts calls into pieces for an executor. One check of the whole comes first; then every piece is right.
#include <simdrop/simdrop.h>

#include "core/calls.h"
#include "engine/driver.h"
#include "layout/check.h"
#include "layout/plan.h"

// Cuts are at multiples of this many elements: whole blocks of mask, whole bytes of packed bits, and whole lines of memory
// where the array begins with one.
#define GRAIN ((size_t)4096)

// A piece has at least this many elements: docs/measurements.md, "Threads".
#define PIECE_ELEMENTS ((size_t)32768)

// Part number `part` of `parts` of `count` things, as even as can be.
static size_t cut_at(size_t count, size_t parts, size_t part) {
  const size_t rest = count % parts;
  return count / parts * part + (part < rest ? part : rest);
}

static size_t grains(size_t n, size_t grain) { return n / grain + (n % grain != 0); }

// Cuts at multiples of the grain.
static void cut(size_t n, size_t grain, size_t pieces, size_t piece, size_t *begin, size_t *end) {
  const size_t count = grains(n, grain), last = cut_at(count, pieces, piece + 1);
  *begin = cut_at(count, pieces, piece) * grain;
  if (*begin > n) *begin = n;
  *end = last == count ? n : last * grain;
}

simdrop_status simdrop_cut(size_t n, size_t pieces, size_t piece, size_t *begin, size_t *end) {
  if (begin == NULL || end == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (piece >= pieces) return SIMDROP_ERROR_SHAPE;
  cut(n, GRAIN, pieces, piece, begin, end);
  return SIMDROP_OK;
}

static size_t grain_of(const simdrop_plan_axis *axis, size_t pieces) {
  if (axis->y != 1) return 1;
  size_t grain = GRAIN;
  while (grain > 1 && axis->count / grain / 8 < pieces) grain /= 2;
  return grain;
}

// Elements of the largest piece that a cut of this axis leaves, in percent of an even share.
static size_t unevenness(const simdrop_plan_axis *axis, size_t pieces) {
  const size_t count = grains(axis->count, grain_of(axis, pieces));
  const double largest = (double)grains(count, pieces);
  return (size_t)(100 * largest * (double)pieces / (double)count);
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

static void cut_plan(const simdrop_layout_plan *plan, size_t pieces, size_t piece, simdrop_layout_part *part) {
  *part = (simdrop_layout_part){
      .layout.rank = plan->rank,
      .x_offset = plan->x_first,
      .y_offset = plan->y_first,
      .index_offset = plan->index,
  };
  for (int a = 0; a < plan->rank; ++a) {
    part->layout.dims[a] = plan->axes[a].count;
    part->layout.x_strides[a] = plan->axes[a].x;
    part->layout.y_strides[a] = plan->axes[a].y;
    part->layout.index_strides[a] = plan->axes[a].index;
  }
  const int a = axis_to_cut(plan, pieces);
  const simdrop_plan_axis *const axis = &plan->axes[a];
  size_t begin, end;
  cut(axis->count, grain_of(axis, pieces), pieces, piece, &begin, &end);
  part->layout.dims[a] = end - begin;
  if (begin == end) return;
  part->x_offset += (ptrdiff_t)begin * axis->x;
  part->y_offset += (ptrdiff_t)begin * axis->y;
  part->index_offset += begin * axis->index;
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
  simdrop_layout_plan plan;
  simdrop_plan_layout(layout, 0, false, &plan);
  cut_plan(&plan, pieces, piece, part);
  return SIMDROP_OK;
}

// A call that has been checked, and how it is cut.
typedef struct parallel_call parallel_call;
struct parallel_call {
  void (*run)(const parallel_call *call, size_t begin, size_t end);              // elements begin .. end - 1, or
  void (*run_part)(const parallel_call *call, const simdrop_layout_part *part);  // a part of the layout
  simdrop_mask mask;
  simdrop_dtype dtype;
  size_t size;  // of an element
  size_t n, pieces;
  const char *x;
  char *y;
  uint8_t *decisions;          // packed bits or bytes that are written,
  const uint8_t *stored_bits;  // or packed bits that are read
  bool stream;
  simdrop_layout_plan plan;
};

static void run_piece(void *context, size_t piece) {
  const parallel_call *const call = context;
  if (call->run_part != NULL) {
    simdrop_layout_part part;
    cut_plan(&call->plan, call->pieces, piece, &part);
    for (int a = 0; a < part.layout.rank; ++a)
      if (part.layout.dims[a] == 0) return;
    call->run_part(call, &part);
  } else {
    size_t begin, end;
    cut(call->n, GRAIN, call->pieces, piece, &begin, &end);
    if (begin < end) call->run(call, begin, end);
  }
}

// How many pieces a call on n elements is cut into.
static size_t pieces_of(const simdrop_executor *executor, size_t n) {
  if (executor == NULL || executor->parallel_for == NULL) return 1;
  const size_t most = n / PIECE_ELEMENTS;
  return executor->threads < most ? executor->threads : most;
}

static simdrop_status run_call(const simdrop_executor *executor, parallel_call *call) {
  call->pieces = pieces_of(executor, call->n);
  executor->parallel_for(executor->context, call->pieces, run_piece, call);
  return SIMDROP_OK;
}

static simdrop_mask mask_at(const simdrop_mask *mask, uint64_t index) {
  simdrop_mask moved = *mask;
  moved.offset += index;
  return moved;
}

static void run_bits(const parallel_call *call, size_t begin, size_t end) {
  const simdrop_mask mask = mask_at(&call->mask, begin);
  simdrop_run_mask_bits(&mask, end - begin, call->decisions + begin / 8);
}

static void run_bytes(const parallel_call *call, size_t begin, size_t end) {
  const simdrop_mask mask = mask_at(&call->mask, begin);
  simdrop_run_mask_bytes(&mask, end - begin, call->decisions + begin);
}

static void run_forward(const parallel_call *call, size_t begin, size_t end) {
  const simdrop_mask mask = mask_at(&call->mask, begin);
  uint8_t *const bits = call->decisions == NULL ? NULL : call->decisions + begin / 8;
  simdrop_run_forward(&mask, call->dtype, end - begin, call->x + begin * call->size, call->y + begin * call->size, bits,
                      call->stream);
}

static void run_apply_bits(const parallel_call *call, size_t begin, size_t end) {
  simdrop_run_apply_bits(call->mask.p, call->dtype, end - begin, call->stored_bits + begin / 8, call->x + begin * call->size,
                         call->y + begin * call->size, call->stream);
}

static void run_forward_part(const parallel_call *call, const simdrop_layout_part *part) {
  const simdrop_mask mask = mask_at(&call->mask, part->index_offset);
  simdrop_run_forward_layout(&mask, call->dtype, &part->layout, call->x + part->x_offset * (ptrdiff_t)call->size,
                             call->y + part->y_offset * (ptrdiff_t)call->size, call->stream);
}

static void run_bytes_part(const parallel_call *call, const simdrop_layout_part *part) {
  const simdrop_mask mask = mask_at(&call->mask, part->index_offset);
  simdrop_run_layout_bytes(&mask, &part->layout, call->decisions + part->y_offset);
}

simdrop_status simdrop_parallel_mask_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t n, uint8_t *bits) {
  if (pieces_of(executor, n) <= 1) return simdrop_mask_bits(mask, n, bits);
  SIMDROP_RETURN_IF_ERROR(simdrop_check_mask_call(mask, n, bits));
  parallel_call call = {.run = run_bits, .mask = *mask, .n = n, .decisions = bits};
  return run_call(executor, &call);
}

simdrop_status simdrop_parallel_mask_bytes(const simdrop_executor *executor, const simdrop_mask *mask, size_t n,
                                           uint8_t *bytes) {
  if (pieces_of(executor, n) <= 1) return simdrop_mask_bytes(mask, n, bytes);
  SIMDROP_RETURN_IF_ERROR(simdrop_check_mask_call(mask, n, bytes));
  parallel_call call = {.run = run_bytes, .mask = *mask, .n = n, .decisions = bytes};
  return run_call(executor, &call);
}

simdrop_status simdrop_parallel_forward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                        size_t n, const void *x, void *y, uint8_t *bits) {
  if (pieces_of(executor, n) <= 1) return simdrop_forward(mask, dtype, n, x, y, bits);
  SIMDROP_RETURN_IF_ERROR(simdrop_check_forward(mask, dtype, n, x, y, bits));
  const size_t size = simdrop_dtype_size(dtype);
  parallel_call call = {
      .run = run_forward,
      .mask = *mask,
      .dtype = dtype,
      .size = size,
      .n = n,
      .x = x,
      .y = y,
      .decisions = bits,
      .stream = simdrop_store_for(dtype, n, x, y),
  };
  return run_call(executor, &call);
}

simdrop_status simdrop_parallel_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                         size_t n, const void *dy, void *dx) {
  return simdrop_parallel_forward(executor, mask, dtype, n, dy, dx, NULL);
}

simdrop_status simdrop_parallel_apply_bits(const simdrop_executor *executor, double p, simdrop_dtype dtype, size_t n,
                                           const uint8_t *bits, const void *x, void *y) {
  if (pieces_of(executor, n) <= 1) return simdrop_apply_bits(p, dtype, n, bits, x, y);
  SIMDROP_RETURN_IF_ERROR(simdrop_check_apply_bits(p, dtype, n, bits, x, y));
  const size_t size = simdrop_dtype_size(dtype);
  parallel_call call = {
      .run = run_apply_bits,
      .mask.p = p,
      .dtype = dtype,
      .size = size,
      .n = n,
      .x = x,
      .y = y,
      .stored_bits = bits,
      .stream = simdrop_store_for(dtype, n, x, y),
  };
  return run_call(executor, &call);
}

simdrop_status simdrop_parallel_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                               const simdrop_layout *layout, const void *x, void *y) {
  size_t count;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_forward_layout(mask, dtype, layout, x, y, &count));
  if (pieces_of(executor, count) <= 1) return simdrop_forward_layout(mask, dtype, layout, x, y);
  const size_t size = simdrop_dtype_size(dtype);
  parallel_call call = {
      .run_part = run_forward_part,
      .mask = *mask,
      .dtype = dtype,
      .size = size,
      .n = count,
      .x = x,
      .y = y,
      .stream = simdrop_store_for(dtype, count, x, y),
  };
  simdrop_plan_layout(layout, 0, false, &call.plan);
  return run_call(executor, &call);
}

simdrop_status simdrop_parallel_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                                const simdrop_layout *layout, const void *dy, void *dx) {
  return simdrop_parallel_forward_layout(executor, mask, dtype, layout, dy, dx);
}

simdrop_status simdrop_parallel_mask_layout_bytes(const simdrop_executor *executor, const simdrop_mask *mask,
                                                  const simdrop_layout *layout, uint8_t *bytes) {
  size_t count;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_mask_layout_bytes(mask, layout, bytes, &count));
  if (pieces_of(executor, count) <= 1) return simdrop_mask_layout_bytes(mask, layout, bytes);
  parallel_call call = {.run_part = run_bytes_part, .mask = *mask, .n = count, .decisions = bytes};
  const simdrop_layout row_major = simdrop_row_major(layout);
  simdrop_plan_layout(&row_major, 0, false, &call.plan);
  return run_call(executor, &call);
}
