// Rows whose elements lie side by side go to the kernels as they are, others through a copy.
#include "layout/row_sink.h"

#include <string.h>

#include "engine/mask_reader.h"
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

void simdrop_gather_row(size_t size, size_t n, const char *from, ptrdiff_t stride, char *to) {
  switch (size) {
#define CASE(argument, bits) \
  case bits / 8: gather_elements(bits / 8, n, from, stride, to); break;
    SIMDROP_ELEMENT_SIZES(CASE, )
#undef CASE
    default: break;  // there are no others
  }
}

void simdrop_scatter_row(size_t size, size_t n, const char *from, char *to, ptrdiff_t stride) {
  switch (size) {
#define CASE(argument, bits) \
  case bits / 8: scatter_elements(bits / 8, n, from, to, stride); break;
    SIMDROP_ELEMENT_SIZES(CASE, )
#undef CASE
    default: break;  // there are no others
  }
}

static const char *x_at(const simdrop_row_sink *sink, const ptrdiff_t *at, size_t k) {
  if (sink->x == NULL) return NULL;
  return sink->x + (at[SIMDROP_X] + (ptrdiff_t)k * sink->strides[SIMDROP_X]) * (ptrdiff_t)sink->size;
}

static char *y_at(const simdrop_row_sink *sink, const ptrdiff_t *at, size_t k) {
  return sink->y + (at[SIMDROP_Y] + (ptrdiff_t)k * sink->strides[SIMDROP_Y]) * (ptrdiff_t)sink->size;
}

void simdrop_sink_contiguous(const simdrop_row_sink *sink, size_t n, const simdrop_decisions *decisions, const ptrdiff_t *at) {
  const simdrop_operands operands = {.x = x_at(sink, at, 0),
                                     .y = y_at(sink, at, 0),
                                     .factor = sink->factor,
                                     .affine = &sink->affine,
                                     .prefetch = sink->prefetch};
  sink->consume(n, decisions, &operands, sink->store);
}

// Elements a few at a time, through copies of those that are not side by side.
static SIMDROP_OWN_FRAME void sink_apart(const simdrop_row_sink *sink, size_t n, simdrop_decisions decisions,
                                         const ptrdiff_t *at) {
  const bool x_apart = sink->x != NULL && sink->strides[SIMDROP_X] != 1, y_apart = sink->strides[SIMDROP_Y] != 1;
  staged_elements staged;
  for (size_t k = 0, count; k < n; k += count, decisions.first += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    simdrop_operands operands = {
        .x = x_at(sink, at, k), .y = y_at(sink, at, k), .factor = sink->factor, .affine = &sink->affine};
    if (x_apart) {
      simdrop_gather_row(sink->size, count, (const char *)operands.x, sink->strides[SIMDROP_X], staged.bytes);
      operands.x = staged.bytes;
    }
    if (y_apart) operands.y = staged.bytes;
    sink->consume(count, &decisions, &operands, SIMDROP_STORE_CACHED);
    if (y_apart) simdrop_scatter_row(sink->size, count, staged.bytes, y_at(sink, at, k), sink->strides[SIMDROP_Y]);
  }
}

static void sink_elements(const simdrop_row_sink *sink, size_t n, const simdrop_decisions *decisions, const ptrdiff_t *at) {
  if ((sink->x == NULL || sink->strides[SIMDROP_X] == 1) && sink->strides[SIMDROP_Y] == 1) {
    simdrop_sink_contiguous(sink, n, decisions, at);
  } else {
    sink_apart(sink, n, *decisions, at);
  }
}

// Bits are added to bytes of 0: rows that share a byte come one after the other, in any order.
static void sink_bits(const simdrop_row_sink *sink, size_t n, const uint64_t *words, size_t first, const ptrdiff_t *at) {
  uint8_t *bytes = (uint8_t *)sink->y + at[SIMDROP_Y] / 8;
  const size_t past_byte = (size_t)at[SIMDROP_Y] % 8;
  if (past_byte != 0) {
    const size_t count = n < 8 - past_byte ? n : 8 - past_byte;
    *bytes++ |= (uint8_t)((simdrop_bits_from(words, first) & simdrop_low_bits(count)) << past_byte);
    first += count;
    n -= count;
  }
  simdrop_pack_bits(n / 8 * 8, (simdrop_mask_chunk){words, first}, bytes);
  if (n % 8 != 0) bytes[n / 8] |= (uint8_t)(simdrop_bits_from(words, first + n / 8 * 8) & simdrop_low_bits(n % 8));
}

void simdrop_sink_row(const simdrop_row_sink *sink, size_t n, const uint64_t *words, size_t first, const ptrdiff_t *at) {
  if (sink->work == SIMDROP_WORK_BITS) {
    sink_bits(sink, n, words, first, at);
  } else {
    const simdrop_decisions decisions = {.words = words, .first = first};
    sink_elements(sink, n, &decisions, at);
  }
}

void simdrop_sink_values(const simdrop_row_sink *sink, size_t n, const float *values, const ptrdiff_t *at) {
  const simdrop_decisions decisions = {.values = values};
  sink_elements(sink, n, &decisions, at);
}

static void sink_dropped(const simdrop_row_sink *sink, size_t n, const ptrdiff_t *at) {
  static const staged_elements zeros = {0};
  if (sink->work == SIMDROP_WORK_BITS) return;  // they are 0
  if (sink->strides[SIMDROP_Y] == 1) {
    memset(y_at(sink, at, 0), 0, n * sink->size);
    return;
  }
  for (size_t k = 0, count; k < n; k += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    simdrop_scatter_row(sink->size, count, zeros.bytes, y_at(sink, at, k), sink->strides[SIMDROP_Y]);
  }
}

void simdrop_sink_shared(const simdrop_row_sink *sink, size_t n, bool kept, const ptrdiff_t *at) {
  static const uint64_t all_dropped[STAGED_ELEMENTS / 64 + 1] = {0};
  static const uint64_t all_kept[STAGED_ELEMENTS / 64 + 1] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
                                                              ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0),
                                                              ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
  if (!kept && sink->work != SIMDROP_WORK_AFFINE) {
    sink_dropped(sink, n, at);
    return;
  }
  const uint64_t *const words = kept ? all_kept : all_dropped;
  const bool are_side_by_side = sink->strides[SIMDROP_X] == 1 && sink->strides[SIMDROP_Y] == 1;
  if (simdrop_takes_repeats(sink->work) && n >= SIMDROP_SHORTEST_REPEAT && are_side_by_side) {
    const simdrop_decisions decisions = {.words = words, .length = n, .repeat = SIMDROP_RUNS};
    simdrop_sink_contiguous(sink, n, &decisions, at);
    return;
  }
  ptrdiff_t part[SIMDROP_LAYOUT_OPERANDS];
  for (size_t k = 0, count; k < n; k += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) part[o] = at[o] + (ptrdiff_t)k * sink->strides[o];
    simdrop_sink_row(sink, count, words, 0, part);
  }
}

SIMDROP_OWN_FRAME void simdrop_sink_copy(const simdrop_row_sink *sink, size_t n, const ptrdiff_t *at) {
  if (sink->strides[SIMDROP_X] == 1 && sink->strides[SIMDROP_Y] == 1) {
    memcpy(y_at(sink, at, 0), x_at(sink, at, 0), n * sink->size);
    return;
  }
  staged_elements staged;
  for (size_t k = 0, count; k < n; k += count) {
    count = n - k < STAGED_ELEMENTS ? n - k : STAGED_ELEMENTS;
    simdrop_gather_row(sink->size, count, x_at(sink, at, k), sink->strides[SIMDROP_X], staged.bytes);
    simdrop_scatter_row(sink->size, count, staged.bytes, y_at(sink, at, k), sink->strides[SIMDROP_Y]);
  }
}
