// Copying elements of one size. consumers.c includes this file once for each, with WIDTH its bits.
#define ELEMENT SIMDROP_JOIN_WORDS(simdrop_integer, WIDTH)

void SIMDROP_LOCAL(SIMDROP_JOIN_WORDS(select, WIDTH))(size_t n, const simdrop_decisions *decisions,
                                                      const simdrop_operands *operands, simdrop_store store) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  const simdrop_decisions copy = *decisions;
  (void)store;
  for (size_t k = 0; k < n; ++k) y[k] = (ELEMENT)(x[k] & -(ELEMENT)decision_bit(copy.words == NULL, &copy, copy.first + k));
}

#undef ELEMENT
#undef WIDTH
