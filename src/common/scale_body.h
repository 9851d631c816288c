// Scaling elements of one type, in the words of the backend's simd.h. consumers_body.h includes this file once for each type,
// with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define ELEMENT TYPED(simdrop_element)

// The one or the other of the backend's words. Not a condition: of two branches that turn out alike, clang 14 makes one whose
// stores are no longer non-temporal.
typedef void (*TYPED(scale_word))(uint64_t bits, const ELEMENT *x, ELEMENT *y, TYPED(simd_scale) scale, bool non_temporal);

static ALWAYS_INLINE void TYPED(scale_loop)(decision_kind kind, TYPED(scale_word) word, size_t n,
                                            const simdrop_decisions *decisions, const simdrop_operands *operands,
                                            simdrop_store store) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  const TYPED(simd_scale) scale = TYPED(simd_set_scale)(operands->factor);
  decision_cursor cursor = first_decisions(kind, decisions);
  size_t k = 0;
  if (store == SIMDROP_STORE_NON_TEMPORAL) {
    k = elements_to_alignment(y, sizeof *y, n);
    if (k > 0) TYPED(simd_scale_part)(k, next_decisions(kind, &cursor, k) & low_bits(k), x, y, scale);
    for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) {
      if (operands->prefetch != 0) prefetch_lines(x + k, sizeof *x, operands->prefetch);
      prefetch_page_of_word(true, y + k, sizeof *y);
      TYPED(simd_scale_far_word)(next_decisions(kind, &cursor, WORD_ELEMENTS), x + k, y + k, scale, true);
    }
  } else if (TYPED(SIMD_HAS_FAR_WORD) && store == SIMDROP_STORE_CACHED_FAR) {
    for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)
      TYPED(simd_scale_far_word)(next_decisions(kind, &cursor, WORD_ELEMENTS), x + k, y + k, scale, false);
  } else {
    for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)
      word(next_decisions(kind, &cursor, WORD_ELEMENTS), x + k, y + k, scale, false);
  }
  if (k < n) TYPED(simd_scale_part)(n - k, next_decisions(kind, &cursor, n - k) & low_bits(n - k), x + k, y + k, scale);
}

// Functions of their own: a short call does not save the registers of all of them.

static NEVER_INLINE void TYPED(scale_in_words)(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                               simdrop_store store) {
  TYPED(scale_loop)(IN_WORDS, TYPED(simd_scale_word), n, decisions, operands, store);
}

static NEVER_INLINE void TYPED(scale_in_bytes)(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                               simdrop_store store) {
  TYPED(scale_loop)(IN_BYTES, TYPED(simd_scale_lone_word), n, decisions, operands, store);
}

static NEVER_INLINE void TYPED(scale_in_whole_bytes)(size_t n, const simdrop_decisions *decisions,
                                                     const simdrop_operands *operands) {
  TYPED(scale_loop)(IN_WHOLE_BYTES, TYPED(simd_scale_lone_word), n, decisions, operands, SIMDROP_STORE_CACHED);
}

static NEVER_INLINE void TYPED(scale_in_runs)(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                              simdrop_store store) {
  TYPED(scale_loop)(IN_RUNS, TYPED(simd_scale_lone_word), n, decisions, operands, store);
}

// Runs of whole words: the elements of a word share their decision. Dropped ones are taken from zeros, which is less work than
// to mask them, and reads no x; without a branch, which nobody could predict.
static NEVER_INLINE void TYPED(scale_in_whole_runs)(size_t n, const simdrop_decisions *decisions,
                                                    const simdrop_operands *operands) {
  static const ELEMENT zeros[WORD_ELEMENTS] = {0};
  const ELEMENT *const sources[2] = {zeros, (const ELEMENT *)operands->x};
  ELEMENT *const y = (ELEMENT *)operands->y;
  const TYPED(simd_scale) scale = TYPED(simd_set_scale)(operands->factor);
  size_t run = decisions->first, left = decisions->length;
  size_t kept = (size_t)decision_in_every_bit(decisions->words, run);
  for (size_t k = 0; k < n; k += WORD_ELEMENTS, left -= WORD_ELEMENTS) {
    if (left == 0) {
      kept = (size_t)decision_in_every_bit(decisions->words, ++run);
      left = decisions->length;
    }
    const ELEMENT *const x = sources[kept & 1] + (k & kept);
    if (n - k < WORD_ELEMENTS) {
      TYPED(simd_scale_part)(n - k, low_bits(n - k), x, y + k, scale);
      return;
    }
    TYPED(simd_scale_lone_word)(~UINT64_C(0), x, y + k, scale, false);
  }
}

static NEVER_INLINE void TYPED(scale_in_periods)(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                                 simdrop_store store) {
  TYPED(scale_loop)(IN_PERIODS, TYPED(simd_scale_lone_word), n, decisions, operands, store);
}

static NEVER_INLINE void TYPED(scale_many)(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                           simdrop_store store) {
  const bool in_whole_bytes = begin_with_byte(decisions) && store == SIMDROP_STORE_CACHED;
  switch (decisions->repeat) {
    case SIMDROP_EACH: break;
    case SIMDROP_RUNS:
      if (decisions->length % WORD_ELEMENTS == 0 && store != SIMDROP_STORE_NON_TEMPORAL) {
        TYPED(scale_in_whole_runs)(n, decisions, operands);
      } else {
        TYPED(scale_in_runs)(n, decisions, operands, store);
      }
      return;
    case SIMDROP_PERIODS: TYPED(scale_in_periods)(n, decisions, operands, store); return;
  }
  if (decisions->words == NULL && in_whole_bytes) {
    TYPED(scale_in_whole_bytes)(n, decisions, operands);
  } else if (decisions->words == NULL) {
    TYPED(scale_in_bytes)(n, decisions, operands, store);
  } else if (in_whole_bytes) {
    TYPED(scale_loop)(IN_WHOLE_BYTES, TYPED(simd_scale_word), n, decisions, operands, SIMDROP_STORE_CACHED);
  } else {
    TYPED(scale_in_words)(n, decisions, operands, store);
  }
}

void SIMDROP_LOCAL(TYPED(scale))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                 simdrop_store store) {
  if (n - 1 < WORD_ELEMENTS - 1 && decisions->words != NULL && decisions->repeat == SIMDROP_EACH) {
    // Not low_bits: gcc 12 carries those to a mask register and back, which a short call waits for.
    const uint64_t bits = simdrop_bits_from(decisions->words, decisions->first) & ~UINT64_C(0) >> (WORD_ELEMENTS - n);
    const TYPED(simd_scale) scale = TYPED(simd_set_scale)(operands->factor);
    TYPED(simd_scale_part)(n, bits, (const ELEMENT *)operands->x, (ELEMENT *)operands->y, scale);
  } else {
    TYPED(scale_many)(n, decisions, operands, store);
  }
}

// Rows that are too short for what a call takes.
static ALWAYS_INLINE void TYPED(scale_rows_by)(bool in_bytes, const simdrop_scaled_rows *rows) {
  const TYPED(simd_scale) scale = TYPED(simd_set_scale)(rows->factor);
  const size_t columns = rows->columns, count = rows->rows;
  const uint64_t *const words = rows->words;
  const uint8_t *bytes = rows->bytes;
  ELEMENT *x = (ELEMENT *)rows->x;
  for (size_t r = 0; r < count; ++r, x += rows->stride, bytes += rows->bytes_stride) {
    const size_t first = in_bytes ? 0 : rows->first[r];
    size_t k = 0;
    for (; k + WORD_ELEMENTS <= columns; k += WORD_ELEMENTS) {
      const uint64_t bits = in_bytes ? simdrop_whole_word_from_bytes(bytes + k / 8) : simdrop_bits_from(words, first + k);
      TYPED(simd_scale_word)(bits, x + k, x + k, scale, false);
    }
    if (k == columns) continue;
    const uint64_t bits =
        in_bytes ? simdrop_word_from_bytes(bytes + k / 8, (columns - k + 7) / 8) : simdrop_bits_from(words, first + k);
    TYPED(simd_scale_part)(columns - k, bits & low_bits(columns - k), x + k, x + k, scale);
  }
}

static NEVER_INLINE void TYPED(scale_rows_in_words)(const simdrop_scaled_rows *rows) { TYPED(scale_rows_by)(false, rows); }

void SIMDROP_LOCAL(TYPED(scale_rows))(const simdrop_scaled_rows *rows) {
  if (rows->words != NULL) {
    TYPED(scale_rows_in_words)(rows);
  } else {
    TYPED(scale_rows_by)(true, rows);
  }
}

// Step k of a chunk is in page k % pages. Steps begin where y's lines do, so that they write whole lines: what is left at the
// chunk's beginning belongs to the first step, and the last step is shorter by as much.
static ALWAYS_INLINE void TYPED(scale_pages_by)(bool in_bytes, bool non_temporal, size_t begin, size_t end,
                                                const simdrop_decisions *decisions, const simdrop_operands *operands,
                                                const simdrop_memory_way *way) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  const uint64_t *const words = decisions->words;
  const uint8_t *const bytes = decisions->bytes;
  const size_t first = decisions->first, prefetch = way->prefetch;
  const unsigned pages_log2 = way->pages_log2;
  const TYPED(simd_scale) scale = TYPED(simd_set_scale)(operands->factor);
  const size_t n = simdrop_paged_chunk_bytes(sizeof *y) / sizeof *y, page_elements = n >> pages_log2;
  const size_t lead = elements_to_alignment(y, sizeof *y, n);
  if (begin == 0 && lead > 0) {
    const uint64_t bits = in_bytes ? bits_of_few_bytes_at(bytes, first, lead) : simdrop_bits_from(words, first);
    TYPED(simd_scale_part)(lead, bits & low_bits(lead), x, y, scale);
  }
  for (size_t step = begin; step < end; ++step) {
    const size_t page = step & (((size_t)1 << pages_log2) - 1);
    const size_t k = lead + page * page_elements + (step >> pages_log2) * WORD_ELEMENTS;
    if (k + WORD_ELEMENTS > n) {
      const uint64_t bits = in_bytes ? bits_of_few_bytes_at(bytes, first + k, n - k) : simdrop_bits_from(words, first + k);
      TYPED(simd_scale_part)(n - k, bits & low_bits(n - k), x + k, y + k, scale);
      continue;
    }
    if (prefetch != 0) prefetch_lines(x + k, sizeof *x, prefetch);
    if (non_temporal) prefetch_page(y + k, WORD_ELEMENTS * sizeof *y, prefetch != 0 ? prefetch : SIMDROP_PAGE_BYTES);
    const uint64_t bits = in_bytes ? bits_of_bytes_at(bytes, first + k) : simdrop_bits_from(words, first + k);
    TYPED(simd_scale_far_word)(bits, x + k, y + k, scale, non_temporal);
  }
}

void SIMDROP_LOCAL(TYPED(scale_pages))(size_t begin, size_t end, const simdrop_decisions *decisions,
                                       const simdrop_operands *operands, const simdrop_memory_way *way) {
  const bool non_temporal = way->store == SIMDROP_STORE_NON_TEMPORAL;
  if (decisions->words == NULL && non_temporal) {
    TYPED(scale_pages_by)(true, true, begin, end, decisions, operands, way);
  } else if (decisions->words == NULL) {
    TYPED(scale_pages_by)(true, false, begin, end, decisions, operands, way);
  } else if (non_temporal) {
    TYPED(scale_pages_by)(false, true, begin, end, decisions, operands, way);
  } else {
    TYPED(scale_pages_by)(false, false, begin, end, decisions, operands, way);
  }
}

#undef ELEMENT
#undef TYPED
#undef TYPE
