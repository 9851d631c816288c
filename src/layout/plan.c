// Axes dropped, sorted and merged.
#include "layout/plan.h"

static size_t step_size(ptrdiff_t stride) { return stride < 0 ? (size_t)0 - (size_t)stride : (size_t)stride; }

// An axis that is walked backwards in all arrays and shares its decisions is walked forwards: the decisions cannot tell.
static void walk_forwards(simdrop_layout_plan *plan, simdrop_plan_axis *axis) {
  if (axis->index != 0) return;
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o)
    if (axis->strides[o] > 0) return;
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) {
    plan->first[o] += (ptrdiff_t)(axis->count - 1) * axis->strides[o];
    axis->strides[o] = -axis->strides[o];
  }
}

bool simdrop_axis_is_contiguous(const simdrop_plan_axis *axis) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o)
    if (axis->strides[o] != 1) return false;
  return true;
}

bool simdrop_axes_are_one_row(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o)
    if ((size_t)outer->strides[o] != (size_t)inner->strides[o] * inner->count) return false;  // the product may not fit
  return true;
}

// One axis of both must have no index that passes 2^64 - 1, as a product that wraps would: it is less than what it is a
// multiple of.
bool simdrop_axes_are_one(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner) {
  return simdrop_axes_are_one_row(outer, inner) && outer->index == inner->index * inner->count && outer->index >= inner->index;
}

void simdrop_plan_layout(const simdrop_layout *layout, bool constant_mask, simdrop_layout_plan *plan) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) plan->first[o] = 0;
  plan->index = 0;
  plan->count = 1;
  simdrop_plan_axis sorted[SIMDROP_MAX_RANK];
  int rank = 0;
  for (int a = 0; a < layout->rank; ++a) {
    if (layout->dims[a] == 1) continue;
    simdrop_plan_axis axis = {
        .count = layout->dims[a],
        .strides = {layout->x_strides[a], layout->y_strides[a]},
        .index = constant_mask ? 0 : layout->index_strides[a],
    };
    plan->count *= axis.count;
    walk_forwards(plan, &axis);
    int place = rank++;
    const size_t step = step_size(axis.strides[SIMDROP_Y]);
    for (; place > 0 && step_size(sorted[place - 1].strides[SIMDROP_Y]) < step; --place) sorted[place] = sorted[place - 1];
    sorted[place] = axis;
  }
  // Merge from the inner end outwards, filling the plan from its end.
  int first = SIMDROP_MAX_RANK;
  for (int a = rank - 1; a >= 0; --a) {
    if (first < SIMDROP_MAX_RANK && simdrop_axes_are_one(&sorted[a], &plan->axes[first])) {
      plan->axes[first].count *= sorted[a].count;
    } else {
      plan->axes[--first] = sorted[a];
    }
  }
  // A plan of one element still has a contiguous inner axis.
  if (first == SIMDROP_MAX_RANK) plan->axes[--first] = (simdrop_plan_axis){1, {1, 1}, 0};
  while (first > SIMDROP_MAX_RANK - 2) plan->axes[--first] = (simdrop_plan_axis){1, {0, 0}, 0};
  plan->rank = SIMDROP_MAX_RANK - first;
  for (int a = 0; a < plan->rank; ++a) plan->axes[a] = plan->axes[first + a];
}

// Makes place number `at` of an axis the first.
static void go_to(simdrop_layout_plan *plan, const simdrop_plan_axis *axis, size_t at) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) plan->first[o] += (ptrdiff_t)at * axis->strides[o];
  plan->index += at * axis->index;
}

void simdrop_plan_part(const simdrop_layout_plan *plan, int a, size_t begin, size_t end, simdrop_layout_plan *part) {
  *part = *plan;
  simdrop_plan_axis *const axis = &part->axes[a];
  part->count = part->count / axis->count * (end - begin);
  if (begin < end) go_to(part, axis, begin);
  axis->count = end - begin;
  if (axis->count != 1 || part->rank == 2) return;
  for (; a + 1 < part->rank; ++a) part->axes[a] = part->axes[a + 1];
  --part->rank;
}

size_t simdrop_plan_box(const simdrop_layout_plan *plan, size_t begin, size_t end, simdrop_layout_plan *box) {
  // Whole places of axis a, of `slab` elements each, as many as there are before the axis ends. Further in there are always
  // some.
  size_t slab = 1, places = 0, most = 0;
  int cut = plan->rank - 1;
  size_t rest = begin;
  for (int a = plan->rank - 1; a >= 0 && begin % slab == 0 && end - begin >= slab; --a) {
    const size_t at = begin / slab % plan->axes[a].count;
    places = plan->axes[a].count - at;
    if (places > (end - begin) / slab) places = (end - begin) / slab;
    cut = a;
    most = places * slab;
    slab *= plan->axes[a].count;
  }
  *box = *plan;
  box->count = most;
  for (int a = plan->rank - 1; a >= 0; --a) {
    simdrop_plan_axis *const axis = &box->axes[a];
    const size_t at = rest % axis->count;
    rest /= axis->count;
    go_to(box, axis, at);
    if (a == cut) axis->count = places;
    if (a < cut) axis->count = 1;
  }
  return most;
}

bool simdrop_plan_is_flat(const simdrop_layout_plan *plan) {
  const simdrop_plan_axis *const inner = &plan->axes[plan->rank - 1];
  return inner->count == plan->count && inner->index == 1 && simdrop_axis_is_contiguous(inner);
}
