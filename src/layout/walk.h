// Nested loops over the axes of a plan.
#ifndef SIMDROP_LAYOUT_WALK_H
#define SIMDROP_LAYOUT_WALK_H

#include "layout/plan.h"

static inline size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

static inline ptrdiff_t bytes_of(ptrdiff_t stride, size_t size) { return stride * (ptrdiff_t)size; }

// Where a walk is: the first element of a row, and the mask's index there.
typedef struct place {
  const char *x;  // NULL where there is no input
  char *y;
  uint64_t index;
} place;

static inline place first_place(const simdrop_layout_plan *plan, size_t size, const void *x, void *y) {
  return (place){
      .x = x == NULL ? NULL : (const char *)x + bytes_of(plan->x_first, size),
      .y = (char *)y + bytes_of(plan->y_first, size),
      .index = plan->index,
  };
}

static inline void step(place *at, const simdrop_plan_axis *axis, ptrdiff_t steps, size_t size) {
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

static inline void add_axis(walk *w, simdrop_plan_axis axis) {
  w->done[w->rank] = 0;
  w->axes[w->rank++] = axis;
}

// Goes on to the next place; false when there is none.
static inline bool advance(walk *w) {
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
static inline simdrop_plan_axis pieces_of(const simdrop_plan_axis *axis, size_t length) {
  return (simdrop_plan_axis){
      .count = axis->count / length + (axis->count % length != 0),
      .x = axis->x * (ptrdiff_t)length,
      .y = axis->y * (ptrdiff_t)length,
      .index = axis->index * length,
  };
}

#endif
