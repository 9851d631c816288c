// What can be wrong with a call, and what it amounts to when nothing is.
#include "core/check_call.h"
#include "layout/check.h"

static simdrop_status check_layout_arrays(const simdrop_call *call, size_t size, size_t count) {
  const simdrop_layout *const layout = call->layout;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_arrays(layout, size, call->x, call->y));
  if (lacks_decisions(call)) return SIMDROP_ERROR_NULL_POINTER;
  const size_t decisions = decisions_size(call, count);
  if (call->stored != NULL) return simdrop_check_layout_bits(layout, layout->y_strides, size, call->y, call->stored, decisions);
  if (call->decisions == NULL) return SIMDROP_OK;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_bits(layout, layout->x_strides, size, call->x, call->decisions, decisions));
  return simdrop_check_layout_bits(layout, layout->y_strides, size, call->y, call->decisions, decisions);
}

simdrop_status simdrop_check_layout_call(const simdrop_call *call, simdrop_operation *operation) {
  SIMDROP_RETURN_IF_ERROR(check_decisions(call, 0));
  size_t size = call->verb == SIMDROP_MASK_BYTES, count;
  if (has_elements(call)) {
    size = element_size_of(call);
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

bool simdrop_has_row_major_output(const simdrop_layout *layout) {
  const simdrop_layout ordered = row_major(layout);
  for (int a = 0; a < layout->rank; ++a)
    if (layout->dims[a] > 1 && layout->y_strides[a] != ordered.y_strides[a]) return false;
  return true;
}

void simdrop_plan_work(const simdrop_operation *operation, const simdrop_layout *layout, simdrop_layout_plan *plan) {
  const simdrop_work work = operation->work;
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
  const bool constant = !has_decisions || simdrop_are_alike(operation->threshold);
  if (work == SIMDROP_WORK_BITS || work == SIMDROP_WORK_BYTES) {
    const simdrop_layout ordered = row_major(layout);
    simdrop_plan_layout(&ordered, constant, plan);
  } else {
    simdrop_plan_layout(layout, constant, plan);
  }
}
