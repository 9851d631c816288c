// Rows whose elements lie side by side go to the kernels as they are, others through a copy.
#include "layout/row_sink.h"

#include <string.h>

#include "engine/own_frame.h"

// Elements that are copied at a time: they stay in the first cache beside the rows that they come from.
#define STAGED_ELEMENTS ((size_t)512)

typedef union staged_elements {
  uint64_t alignment;
  char bytes[STAGED_ELEMENTS * sizeof(double)];
} staged_elements;

// Inlined into switches whose cases know the size.

static inline void gather_elements(size_t size, size_t n, const char *from, ptrdiff_t stride, char *to) {
  const ptrdiff_t step = stride * (ptrdiff_t)size;
  for (size_t k = 0; k < n; ++k, from += step) memcpy(to + k * size, from, size);
}

static inline void scatter_elements(size_t size, size_t n, const char *from, char *to, ptrdiff_t stride) {
  const ptrdiff_t step = stride * (ptrdiff_t)size;
  for (size_t k = 0; k < n; ++k, to += step) memcpy(to, from + k * size, size);
}

static void gather(size_t size, size_t n, const char *from, ptrdiff_t stride, char *to) {
  switch (size) {
#define CASE(argument, bits) \
  case bits / 8: gather_elements(bits / 8, n, from, stride, to); break;
    SIMDROP_ELEMENT_SIZES(CASE, )
#undef CASE
  }
}

static void scatter(size_t size, size_t n, const char *from, char *to, ptrdiff_t stride) {
  switch (size) {
#define CASE(argument, bits) \
  case bits / 8: scatter_elements(bits / 8, n, from, to, stride); break;
    SIMDROP_ELEMENT_SIZES(CASE, )
#undef CASE
  }
}

static const char *at(const char *array, size_t k, ptrdiff_t stride, size_t size) {
  return array + (ptrdiff_t)k * stride * (ptrdiff_t)size;
}

SIMDROP_OWN_FRAME void simdrop_sink_row(const simdrop_row_sink *sink, size_t n, const uint64_t *words, size_t first,
                                        const char *x, char *y) {
  const bool has_x = sink->consumer != SIMDROP_CONSUME_BYTES;
  const bool x_apart = has_x && sink->x_stride != 1, y_apart = sink->y_stride != 1;
  simdrop_decisions decisions = {.words = words, .first = first};
  if (!x_apart && !y_apart) {
    simdrop_sink_contiguous(sink, n, &decisions, x, y, sink->store);
    return;
  }
  staged_elements staged;
  for (size_t k = 0, count; k < n; k += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    const char *part_x = has_x ? at(x, k, sink->x_stride, sink->size) : NULL;
    char *const part_y = (char *)at(y, k, sink->y_stride, sink->size);
    if (x_apart) {
      gather(sink->size, count, part_x, sink->x_stride, staged.bytes);
      part_x = staged.bytes;
    }
    simdrop_sink_contiguous(sink, count, &decisions, part_x, y_apart ? staged.bytes : part_y, SIMDROP_STORE_CACHED);
    decisions.first += count;
    if (y_apart) scatter(sink->size, count, staged.bytes, part_y, sink->y_stride);
  }
}

void simdrop_sink_shared(const simdrop_row_sink *sink, size_t n, bool kept, const char *x, char *y) {
  if (!kept && sink->y_stride == 1) {
    memset(y, 0, n * sink->size);
    return;
  }
  if (!kept) {
    static const staged_elements zeros;
    for (size_t k = 0, count; k < n; k += count) {
      count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
      scatter(sink->size, count, zeros.bytes, (char *)at(y, k, sink->y_stride, sink->size), sink->y_stride);
    }
    return;
  }
  static const uint64_t ones[STAGED_ELEMENTS / 64 + 1] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
                                                          ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
  if (sink->consumer == SIMDROP_CONSUME_BYTES) {
    for (size_t k = 0; k < n; ++k) y[(ptrdiff_t)k * sink->y_stride] = 1;
    return;
  }
  if (n >= SIMDROP_SHORTEST_REPEAT && sink->x_stride == 1 && sink->y_stride == 1) {
    const simdrop_decisions decisions = {.words = ones, .length = n, .repeat = SIMDROP_RUNS};
    simdrop_sink_contiguous(sink, n, &decisions, x, y, sink->store);
    return;
  }
  for (size_t k = 0, count; k < n; k += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    simdrop_sink_row(sink, count, ones, 0, at(x, k, sink->x_stride, sink->size), (char *)at(y, k, sink->y_stride, sink->size));
  }
}

SIMDROP_OWN_FRAME void simdrop_sink_copy(const simdrop_row_sink *sink, size_t n, const char *x, char *y) {
  if (sink->x_stride == 1 && sink->y_stride == 1) {
    memcpy(y, x, n * sink->size);
    return;
  }
  staged_elements staged;
  for (size_t k = 0, count; k < n; k += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    gather(sink->size, count, at(x, k, sink->x_stride, sink->size), sink->x_stride, staged.bytes);
    scatter(sink->size, count, staged.bytes, (char *)at(y, k, sink->y_stride, sink->size), sink->y_stride);
  }
}
