// Checks of layouts. Everything is computed without overflow, whatever the numbers are.
#include "layout/check.h"

#include <stdbool.h>

// Steps that the search for a meeting of elements may take: about a millisecond. Slices and permutations of contiguous
// tensors take a few for each axis.
#define SEARCH_STEPS (1 << 17)

simdrop_status simdrop_count_elements(int rank, const size_t *dims, size_t *count) {
  *count = 1;
  for (int a = 0; a < rank; ++a)
    if (dims[a] == 0) *count = 0;
  for (int a = 0; a < rank && *count != 0; ++a) {
    if (dims[a] > PTRDIFF_MAX / *count) return SIMDROP_ERROR_SIZE_OVERFLOW;
    *count *= dims[a];
  }
  return SIMDROP_OK;
}

simdrop_status simdrop_check_shape(int rank, const size_t *dims, size_t *count) {
  if (rank < 0 || rank > SIMDROP_MAX_RANK) return SIMDROP_ERROR_RANK;
  return simdrop_count_elements(rank, dims, count);
}

simdrop_status simdrop_check_layout(const simdrop_layout *layout, uint64_t offset, size_t *count) {
  const simdrop_status status = simdrop_check_shape(layout->rank, layout->dims, count);
  if (status == SIMDROP_OK && layout->flags != 0) return SIMDROP_ERROR_FLAGS;
  if (status != SIMDROP_OK || *count == 0) return status;
  uint64_t left = UINT64_MAX - offset;
  for (int a = 0; a < layout->rank; ++a) {
    const uint64_t steps = layout->dims[a] - 1, stride = layout->index_strides[a];
    if (steps != 0 && stride > left / steps) return SIMDROP_ERROR_INDEX_OVERFLOW;
    left -= steps * stride;
  }
  return SIMDROP_OK;
}

// |stride|; that of PTRDIFF_MIN is one more than PTRDIFF_MAX.
static uint64_t magnitude(ptrdiff_t stride) { return stride < 0 ? (uint64_t)0 - (uint64_t)stride : (uint64_t)stride; }

// The bytes from which the elements of an array reach, about its first element: low before it, high after it.
typedef struct reach {
  uint64_t low, high;
} reach;

static simdrop_status find_reach(const simdrop_layout *layout, const ptrdiff_t *strides, size_t size, reach *bytes) {
  uint64_t left = PTRDIFF_MAX / size - 1;
  *bytes = (reach){0, size};
  for (int a = 0; a < layout->rank; ++a) {
    const uint64_t steps = layout->dims[a] - 1, stride = magnitude(strides[a]);
    if (steps == 0) continue;
    if (stride > left / steps) return SIMDROP_ERROR_SIZE_OVERFLOW;
    left -= steps * stride;
    *(strides[a] < 0 ? &bytes->low : &bytes->high) += steps * stride * size;
  }
  return SIMDROP_OK;
}

simdrop_status simdrop_check_reach(const simdrop_layout *layout) {
  reach places;
  const simdrop_status status = find_reach(layout, layout->x_strides, 1, &places);
  return status == SIMDROP_OK ? find_reach(layout, layout->y_strides, 1, &places) : status;
}

// A sum of terms coefficient * stride, each coefficient in its range; strides are positive and fall from term to term.
typedef struct term {
  int64_t stride, low, high;
} term;

typedef struct sum {
  int count;
  term terms[2 * SIMDROP_MAX_RANK];
  int64_t rest_low[2 * SIMDROP_MAX_RANK + 1], rest_high[2 * SIMDROP_MAX_RANK + 1];  // of the terms from here on
  int64_t divisor[2 * SIMDROP_MAX_RANK + 1];                                        // the greatest common one of their strides
  int steps_left;
} sum;

// Adds coefficient * stride with the coefficient in 0 .. steps.
static void add_term(sum *s, ptrdiff_t stride, size_t steps) {
  if (stride == 0 || steps == 0) return;
  term added = {(int64_t)magnitude(stride), 0, (int64_t)steps};
  if (stride < 0) added = (term){added.stride, -added.high, 0};
  int place = 0;
  while (place < s->count && s->terms[place].stride > added.stride) ++place;
  if (place < s->count && s->terms[place].stride == added.stride) {
    s->terms[place].low += added.low;
    s->terms[place].high += added.high;
    return;
  }
  for (int i = s->count++; i > place; --i) s->terms[i] = s->terms[i - 1];
  s->terms[place] = added;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t remainder = a % b;
    a = b;
    b = remainder;
  }
  return a;
}

static void prepare(sum *s) {
  s->rest_low[s->count] = s->rest_high[s->count] = s->divisor[s->count] = 0;
  for (int i = s->count - 1; i >= 0; --i) {
    s->rest_low[i] = s->rest_low[i + 1] + s->terms[i].low * s->terms[i].stride;
    s->rest_high[i] = s->rest_high[i + 1] + s->terms[i].high * s->terms[i].stride;
    s->divisor[i] = greatest_common_divisor(s->terms[i].stride, s->divisor[i + 1]);
  }
  s->steps_left = SEARCH_STEPS;
}

static int64_t divide_down(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b > 0); }

// Whether the terms from `first` on can add up to something in low .. high; true also when the steps do not suffice to tell.
static bool can_reach(sum *s, int first, int64_t low, int64_t high) {
  if (first == s->count) return low <= 0 && 0 <= high;
  if (divide_up(low, s->divisor[first]) > divide_down(high, s->divisor[first])) return false;
  const term *const t = &s->terms[first];
  int64_t least = divide_up(low - s->rest_high[first + 1], t->stride);
  int64_t most = divide_down(high - s->rest_low[first + 1], t->stride);
  if (least < t->low) least = t->low;
  if (most > t->high) most = t->high;
  for (int64_t c = least; c <= most; ++c) {
    if (--s->steps_left < 0) return true;
    if (can_reach(s, first + 1, low - c * t->stride, high - c * t->stride)) return true;
  }
  return false;
}

// Two elements of y meet if the differences of their positions, not all 0, add up to nothing. The first difference that is not
// 0 may be taken as positive.
static bool meets_itself(const simdrop_layout *layout) {
  sum s = {0};
  for (int a = 0; a < layout->rank; ++a) {
    const ptrdiff_t stride = layout->y_strides[a];
    const size_t steps = layout->dims[a] - 1;
    if (steps == 0) continue;
    const int count = s.count;
    add_term(&s, stride, steps);
    if (s.count == count) return true;  // a stride of 0, or that of another axis
  }
  for (int i = 0; i < s.count; ++i) {
    const int64_t steps = s.terms[i].high - s.terms[i].low;
    s.terms[i].low = -steps;
    s.terms[i].high = steps;
  }
  prepare(&s);
  for (int i = 0; i < s.count; ++i) {
    term *const t = &s.terms[i];
    t->low = 1;
    const bool meets = can_reach(&s, i, 0, 0);
    t->low = -t->high;
    if (meets) return true;
  }
  return false;
}

static bool same_elements(const simdrop_layout *layout, const void *x, const void *y) {
  if (x != y) return false;
  for (int a = 0; a < layout->rank; ++a)
    if (layout->dims[a] > 1 && layout->x_strides[a] != layout->y_strides[a]) return false;
  return true;
}

// Whether the bytes from which two arrays reach have any in common. Where they have none, their distance may be too large to
// compute with.
static bool reaches_meet(const void *a, reach a_bytes, const void *b, reach b_bytes) {
  const uintptr_t a_begin = (uintptr_t)a - (uintptr_t)a_bytes.low, a_size = (uintptr_t)(a_bytes.low + a_bytes.high);
  const uintptr_t b_begin = (uintptr_t)b - (uintptr_t)b_bytes.low, b_size = (uintptr_t)(b_bytes.low + b_bytes.high);
  return a_begin <= b_begin ? b_begin - a_begin < a_size : a_begin - b_begin < b_size;
}

static bool are_too_long(reach a, reach b) {  // no machine has such arrays
  return a.low + a.high > INT64_MAX / 8 || b.low + b.high > INT64_MAX / 8;
}

// Whether an element of x and one of y have a byte in common.
static bool meets_other(const simdrop_layout *layout, size_t size, const void *x, reach x_bytes, const void *y, reach y_bytes) {
  if (!reaches_meet(x, x_bytes, y, y_bytes)) return false;
  if (are_too_long(x_bytes, y_bytes)) return true;
  sum s = {0};
  for (int a = 0; a < layout->rank; ++a) {
    const size_t steps = layout->dims[a] - 1;
    if (steps == 0) continue;
    add_term(&s, layout->y_strides[a] * (ptrdiff_t)size, steps);
    add_term(&s, -layout->x_strides[a] * (ptrdiff_t)size, steps);
  }
  prepare(&s);
  const int64_t apart = (intptr_t)((uintptr_t)x - (uintptr_t)y), width = (int64_t)size;
  return can_reach(&s, 0, apart - (width - 1), apart + (width - 1));
}

simdrop_status simdrop_check_layout_arrays(const simdrop_layout *layout, size_t size, const void *x, const void *y) {
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  reach x_bytes, y_bytes;
  simdrop_status status = find_reach(layout, layout->x_strides, size, &x_bytes);
  if (status == SIMDROP_OK) status = find_reach(layout, layout->y_strides, size, &y_bytes);
  if (status != SIMDROP_OK) return status;
  if (meets_itself(layout)) return SIMDROP_ERROR_OVERLAP;
  if (!same_elements(layout, x, y) && meets_other(layout, size, x, x_bytes, y, y_bytes)) return SIMDROP_ERROR_OVERLAP;
  return SIMDROP_OK;
}

simdrop_status simdrop_check_layout_bits(const simdrop_layout *layout, const ptrdiff_t *strides, size_t size, const void *array,
                                         const void *bits, size_t bytes) {
  reach elements;
  const reach packed = {0, bytes};
  const simdrop_status status = find_reach(layout, strides, size, &elements);
  if (status != SIMDROP_OK || !reaches_meet(array, elements, bits, packed)) return status;
  if (are_too_long(elements, packed)) return SIMDROP_ERROR_OVERLAP;
  sum s = {0};
  for (int a = 0; a < layout->rank; ++a) {
    const size_t steps = layout->dims[a] - 1;
    if (steps != 0) add_term(&s, strides[a] * (ptrdiff_t)size, steps);
  }
  add_term(&s, -1, bytes - 1);
  prepare(&s);
  const int64_t apart = (intptr_t)((uintptr_t)bits - (uintptr_t)array);
  return can_reach(&s, 0, apart - ((int64_t)size - 1), apart) ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
}
