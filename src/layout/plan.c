// Axes dropped, sorted and merged.
#include "layout/plan.h"

static size_t step_size(ptrdiff_t stride) { return stride < 0 ? (size_t)0 - (size_t)stride : (size_t)stride; }

// An axis that is walked backwards in both arrays and shares its decisions is walked forwards: the decisions cannot tell.
static void walk_forwards(simdrop_layout_plan *plan, simdrop_plan_axis *axis) {
  if (axis->y > 0 || axis->x > 0 || axis->index != 0) return;
  plan->x_first += (ptrdiff_t)(axis->count - 1) * axis->x;
  plan->y_first += (ptrdiff_t)(axis->count - 1) * axis->y;
  axis->x = -axis->x;
  axis->y = -axis->y;
}

// Whether `inner` goes on where a step of `outer` begins, in memory and in the mask.
static bool are_one(const simdrop_plan_axis *outer, const simdrop_plan_axis *inner) {
  const ptrdiff_t count = (ptrdiff_t)inner->count;
  return outer->x == inner->x * count && outer->y == inner->y * count && outer->index == inner->index * inner->count;
}

void simdrop_plan_layout(const simdrop_layout *layout, uint64_t offset, bool constant_mask, simdrop_layout_plan *plan) {
  *plan = (simdrop_layout_plan){.index = offset, .count = 1};
  simdrop_plan_axis sorted[SIMDROP_MAX_RANK];
  int rank = 0;
  for (int a = 0; a < layout->rank; ++a) {
    if (layout->dims[a] == 1) continue;
    simdrop_plan_axis axis = {
        .count = layout->dims[a],
        .x = layout->x_strides[a],
        .y = layout->y_strides[a],
        .index = constant_mask ? 0 : layout->index_strides[a],
    };
    plan->count *= axis.count;
    walk_forwards(plan, &axis);
    int place = rank++;
    for (; place > 0 && step_size(sorted[place - 1].y) < step_size(axis.y); --place) sorted[place] = sorted[place - 1];
    sorted[place] = axis;
  }
  // Merge from the inner end outwards, filling the plan from its end.
  int first = SIMDROP_MAX_RANK;
  for (int a = rank - 1; a >= 0; --a) {
    if (first < SIMDROP_MAX_RANK && are_one(&sorted[a], &plan->axes[first])) {
      plan->axes[first].count *= sorted[a].count;
    } else {
      plan->axes[--first] = sorted[a];
    }
  }
  // A plan of one element still has a contiguous inner axis.
  if (first == SIMDROP_MAX_RANK) plan->axes[--first] = (simdrop_plan_axis){1, 1, 1, 0};
  while (first > SIMDROP_MAX_RANK - 2) plan->axes[--first] = (simdrop_plan_axis){1, 0, 0, 0};
  plan->rank = SIMDROP_MAX_RANK - first;
  for (int a = 0; a < plan->rank; ++a) plan->axes[a] = plan->axes[first + a];
}
