// What can be wrong with a call, and what it amounts to when nothing is.
#include "core/operation.h"

#include "engine/parameters.h"
#include "engine/store_policy.h"
#include "layout/check.h"

static size_t packed_size(size_t n) { return n / 8 + (n % 8 != 0); }

static bool overlaps(const void *a, size_t a_size, const void *b, size_t b_size) {
  const uintptr_t a_begin = (uintptr_t)a, b_begin = (uintptr_t)b;
  return a_begin <= b_begin ? b_begin - a_begin < a_size : a_begin - b_begin < b_size;
}

static simdrop_status check_mask(const simdrop_mask *mask, size_t n) {
  if (mask == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(mask->p)) return SIMDROP_ERROR_PROBABILITY;
  if (mask->flags != 0) return SIMDROP_ERROR_FLAGS;
  if (n > 0 && n - 1 > UINT64_MAX - mask->offset) return SIMDROP_ERROR_INDEX_OVERFLOW;
  return SIMDROP_OK;
}

// Where the decisions come from: a mask that is drawn, or a probability and stored bits.
static simdrop_status check_decisions(const simdrop_call *call, size_t n) {
  if (call->verb != SIMDROP_APPLY_BITS) return check_mask(call->mask, n);
  return simdrop_is_probability(call->p) ? SIMDROP_OK : SIMDROP_ERROR_PROBABILITY;
}

static bool has_elements(const simdrop_call *call) { return call->verb == SIMDROP_FORWARD || call->verb == SIMDROP_APPLY_BITS; }

// Arrays of n elements of `size` bytes; x and y may be equal, or apart. The bits must not meet what is written; those that are
// written must not meet x either.
static simdrop_status check_arrays(const simdrop_call *call, size_t size, size_t n) {
  if (n == 0) return SIMDROP_OK;
  if (call->x == NULL || call->y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (call->verb == SIMDROP_APPLY_BITS && call->stored == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (n > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  const size_t bytes = n * size, packed = packed_size(n);
  if (call->x != call->y && overlaps(call->x, bytes, call->y, bytes)) return SIMDROP_ERROR_OVERLAP;
  if (call->stored != NULL && overlaps(call->stored, packed, call->y, bytes)) return SIMDROP_ERROR_OVERLAP;
  if (call->decisions == NULL) return SIMDROP_OK;
  const bool meets = overlaps(call->decisions, packed, call->x, bytes) || overlaps(call->decisions, packed, call->y, bytes);
  return meets ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
}

static simdrop_work work_of(const simdrop_call *call, double p, uint64_t threshold) {
  if (call->verb == SIMDROP_MASK_BITS) return SIMDROP_WORK_BITS;
  if (call->verb == SIMDROP_MASK_BYTES) return SIMDROP_WORK_BYTES;
  if (threshold == SIMDROP_CERTAIN) return SIMDROP_WORK_ZERO;
  if (p != 0) return SIMDROP_WORK_SCALE;  // a threshold of 0 too, for a tiny p: every element is kept, and scaled by 1
  return call->stored == NULL ? SIMDROP_WORK_COPY : SIMDROP_WORK_SELECT;
}

// Field by field: short calls would wait for a copy of the whole.
static void make_operation(const simdrop_call *call, size_t size, size_t n, simdrop_operation *operation) {
  double p = call->p;
  operation->seed = operation->stream = operation->index = 0;
  if (call->verb != SIMDROP_APPLY_BITS) {
    p = call->mask->p;
    operation->seed = call->mask->seed;
    operation->stream = call->mask->stream;
    operation->index = call->mask->offset;
  }
  operation->threshold = simdrop_threshold(p);
  operation->work = work_of(call, p, operation->threshold);
  operation->dtype = call->dtype;
  operation->size = (uint32_t)size;
  operation->store = SIMDROP_STORE_CACHED;
  operation->stored = operation->work == SIMDROP_WORK_ZERO ? NULL : call->stored;
  operation->n = n;
  operation->x = call->x;
  operation->y = call->y;
  operation->bits = call->decisions;
  if (has_elements(call)) {
    operation->store = simdrop_store_for(call->dtype, n, call->x, call->y);
  } else {
    operation->y = (char *)call->decisions;
    operation->bits = NULL;
  }
}

simdrop_status simdrop_check_call(const simdrop_call *call, simdrop_operation *operation) {
  SIMDROP_RETURN_IF_ERROR(check_decisions(call, call->n));
  size_t size = call->verb == SIMDROP_MASK_BYTES;
  if (has_elements(call)) {
    size = simdrop_dtype_size(call->dtype);
    if (size == 0) return SIMDROP_ERROR_DTYPE;
    SIMDROP_RETURN_IF_ERROR(check_arrays(call, size, call->n));
  } else if (call->n > 0 && call->decisions == NULL) {
    return SIMDROP_ERROR_NULL_POINTER;
  }
  make_operation(call, size, call->n, operation);
  return SIMDROP_OK;
}

static simdrop_status check_layout_arrays(const simdrop_call *call, size_t size, size_t count) {
  const simdrop_layout *const layout = call->layout;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_arrays(layout, size, call->x, call->y));
  if (call->verb == SIMDROP_APPLY_BITS && call->stored == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t packed = packed_size(count);
  if (call->stored != NULL) return simdrop_check_layout_bits(layout, layout->y_strides, size, call->y, call->stored, packed);
  if (call->decisions == NULL) return SIMDROP_OK;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_bits(layout, layout->x_strides, size, call->x, call->decisions, packed));
  return simdrop_check_layout_bits(layout, layout->y_strides, size, call->y, call->decisions, packed);
}

simdrop_status simdrop_check_layout_call(const simdrop_call *call, simdrop_operation *operation) {
  SIMDROP_RETURN_IF_ERROR(check_decisions(call, 0));
  size_t size = call->verb == SIMDROP_MASK_BYTES, count;
  if (has_elements(call)) {
    size = simdrop_dtype_size(call->dtype);
    if (size == 0) return SIMDROP_ERROR_DTYPE;
  }
  if (call->layout == NULL) return SIMDROP_ERROR_NULL_POINTER;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout(call->layout, call->mask == NULL ? 0 : call->mask->offset, &count));
  if (count > 0 && has_elements(call)) {
    SIMDROP_RETURN_IF_ERROR(check_layout_arrays(call, size, count));
  } else if (count > 0 && call->decisions == NULL) {
    return SIMDROP_ERROR_NULL_POINTER;
  }
  make_operation(call, size, count, operation);
  return SIMDROP_OK;
}

void simdrop_become_bits(simdrop_operation *operation, uint8_t *bits) {
  operation->work = SIMDROP_WORK_BITS;
  operation->size = 0;
  operation->store = SIMDROP_STORE_CACHED;
  operation->x = NULL;
  operation->y = (char *)bits;
  operation->bits = NULL;
}

// The layout's elements in row-major order of its axes, as their decisions are written and stored: x and y without gaps.
static simdrop_layout row_major(const simdrop_layout *layout) {
  simdrop_layout ordered = *layout;
  ptrdiff_t stride = 1;
  for (int a = ordered.rank - 1; a >= 0; --a) {
    ordered.x_strides[a] = ordered.y_strides[a] = stride;
    stride *= (ptrdiff_t)ordered.dims[a];
  }
  return ordered;
}

void simdrop_plan_work(const simdrop_operation *operation, simdrop_work work, const simdrop_layout *layout,
                       simdrop_layout_plan *plan) {
  if (operation->stored != NULL) {
    simdrop_layout numbered = row_major(layout);
    for (int a = 0; a < numbered.rank; ++a) {
      numbered.index_strides[a] = (uint64_t)numbered.y_strides[a];
      numbered.x_strides[a] = layout->x_strides[a];
      numbered.y_strides[a] = layout->y_strides[a];
    }
    simdrop_plan_layout(&numbered, false, plan);
    return;
  }
  const bool has_decisions = work != SIMDROP_WORK_COPY && work != SIMDROP_WORK_ZERO;
  const bool constant = !has_decisions || operation->threshold == 0 || operation->threshold == SIMDROP_CERTAIN;
  if (work == SIMDROP_WORK_BITS || work == SIMDROP_WORK_BYTES) {
    const simdrop_layout ordered = row_major(layout);
    simdrop_plan_layout(&ordered, constant, plan);
  } else {
    simdrop_plan_layout(layout, constant, plan);
  }
}
