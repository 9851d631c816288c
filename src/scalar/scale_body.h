// Scaling elements of one type. consumers.c includes this file once for each, with TYPE its name and FACTOR the type that it is
// computed in.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)

// A loop for each way in which the decisions are found, which is a constant to it.
static ALWAYS_INLINE void TYPED(scale_by)(simdrop_repeat repeat, bool in_bytes, size_t n, simdrop_decisions decisions,
                                          const simdrop_operands *operands) {
  const TYPED(simdrop_bits) *const x = (const TYPED(simdrop_bits) *)operands->x;
  TYPED(simdrop_bits) *const y = (TYPED(simdrop_bits) *)operands->y;
  const FACTOR factor = (FACTOR)operands->factor.value;
  for (size_t k = 0; k < n; ++k) {
    const uint64_t kept = decision_bit(in_bytes, &decisions, decision_of(repeat, decisions.first, decisions.length, k));
    y[k] = TYPED(multiply)((TYPED(simdrop_bits))(x[k] & -(TYPED(simdrop_bits))kept), factor);
  }
}

void SIMDROP_LOCAL(TYPED(scale))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                 simdrop_store store) {
  (void)store;  // there is no portable store past the caches
  if (decisions->repeat == SIMDROP_RUNS) {
    TYPED(scale_by)(SIMDROP_RUNS, false, n, *decisions, operands);
  } else if (decisions->repeat == SIMDROP_PERIODS) {
    TYPED(scale_by)(SIMDROP_PERIODS, false, n, *decisions, operands);
  } else if (decisions->words == NULL) {
    TYPED(scale_by)(SIMDROP_EACH, true, n, *decisions, operands);
  } else {
    TYPED(scale_by)(SIMDROP_EACH, false, n, *decisions, operands);
  }
}

void SIMDROP_LOCAL(TYPED(scale_rows))(const simdrop_scaled_rows *rows) {
  for (size_t r = 0; r < rows->rows; ++r) {
    TYPED(simdrop_bits) *const x = (TYPED(simdrop_bits) *)rows->x + (ptrdiff_t)r * rows->stride;
    const simdrop_operands operands = {.x = x, .y = x, .factor = rows->factor};
    if (rows->words == NULL) {
      const simdrop_decisions decisions = {.bytes = rows->bytes + r * rows->bytes_stride};
      TYPED(scale_by)(SIMDROP_EACH, true, rows->columns, decisions, &operands);
    } else {
      const simdrop_decisions decisions = {.words = rows->words, .first = rows->first[r]};
      TYPED(scale_by)(SIMDROP_EACH, false, rows->columns, decisions, &operands);
    }
  }
}

void SIMDROP_LOCAL(TYPED(scale_pages))(size_t begin, size_t end, const simdrop_decisions *decisions,
                                       const simdrop_operands *operands, const simdrop_memory_way *way) {
  consume_steps(SIMDROP_LOCAL(TYPED(scale)), sizeof(TYPED(simdrop_bits)), begin, end, decisions, operands, way);
}

#undef TYPED
#undef FACTOR
#undef TYPE
