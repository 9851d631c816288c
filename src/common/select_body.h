// Copying elements of one size, in the words of the backend's simd.h. consumers_body.h includes this file once for each size,
// with WIDTH its bits.
#define SIZED(name) SIMDROP_JOIN_WORDS(name, WIDTH)
#define ELEMENT SIZED(simdrop_integer)

static ALWAYS_INLINE void SIZED(select_loop)(decision_kind kind, size_t n, const simdrop_decisions *decisions,
                                             const simdrop_operands *operands) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  decision_cursor cursor = first_decisions(kind, decisions);
  size_t k = 0;
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS)
    SIZED(simd_select_word)(next_decisions(kind, &cursor, WORD_ELEMENTS), x + k, y + k);
  if (k < n) {
    ELEMENT part[WORD_ELEMENTS] = {0};
    memcpy(part, x + k, (n - k) * sizeof *x);
    SIZED(simd_select_word)(next_decisions(kind, &cursor, n - k) & low_bits(n - k), part, part);
    memcpy(y + k, part, (n - k) * sizeof *y);
  }
}

void SIMDROP_LOCAL(SIZED(select))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                  simdrop_store store) {
  (void)store;
  if (decisions->words == NULL) {
    SIZED(select_loop)(IN_BYTES, n, decisions, operands);
  } else {
    SIZED(select_loop)(IN_WORDS, n, decisions, operands);
  }
}

#undef ELEMENT
#undef SIZED
#undef WIDTH
