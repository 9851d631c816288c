// Nested loops over the axes of a plan.
#ifndef SIMDROP_LAYOUT_WALK_H
#define SIMDROP_LAYOUT_WALK_H

#include "engine/operation.h"
#include "layout/plan.h"

// Where a walk is: the first element of a row, in elements from the operands' pointers on, and the mask's index there.
typedef struct place {
  ptrdiff_t at[SIMDROP_LAYOUT_OPERANDS];
  uint64_t index;
} place;

static inline place first_place(const simdrop_operation *operation, const simdrop_layout_plan *plan) {
  place first = {.index = operation->index + plan->index};
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) first.at[o] = plan->first[o];
  return first;
}

static inline void step(place *to, const simdrop_plan_axis *axis, ptrdiff_t steps) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) to->at[o] += steps * axis->strides[o];
  to->index += (uint64_t)steps * axis->index;
}

// Nested loops over axes, the first being the outermost.
typedef struct walk {
  int rank;
  simdrop_plan_axis axes[SIMDROP_MAX_RANK + 1];
  size_t done[SIMDROP_MAX_RANK + 1];
  place now;
} walk;

static inline void add_axis(walk *w, simdrop_plan_axis axis) {
  w->done[w->rank] = 0;
  w->axes[w->rank++] = axis;
}

// Goes on to the next place; false when there is none.
static inline bool advance(walk *w) {
  for (int a = w->rank - 1; a >= 0; --a) {
    const simdrop_plan_axis *const axis = &w->axes[a];
    if (++w->done[a] < axis->count) {
      step(&w->now, axis, 1);
      return true;
    }
    w->done[a] = 0;
    step(&w->now, axis, -(ptrdiff_t)(axis->count - 1));
  }
  return false;
}

// An axis taken `length` places at a time. Where that is all of it, the step to the next ones might not fit.
static inline simdrop_plan_axis pieces_of(const simdrop_plan_axis *axis, size_t length) {
  simdrop_plan_axis pieces = {.count = axis->count / length + (axis->count % length != 0), .index = axis->index * length};
  if (pieces.count == 1) return pieces;
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) pieces.strides[o] = axis->strides[o] * (ptrdiff_t)length;
  return pieces;
}

#endif
