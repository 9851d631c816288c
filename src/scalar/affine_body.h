// x * factor + addend, or what dropped elements become, for elements of one type. consumers.c includes this file once for each,
// with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)

void SIMDROP_LOCAL(TYPED(affine))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                  simdrop_store store) {
  const TYPED(simdrop_element) *const x = (const TYPED(simdrop_element) *)operands->x;
  TYPED(simdrop_element) *const y = (TYPED(simdrop_element) *)operands->y;
  const TYPED(simdrop_computed) factor = (TYPED(simdrop_computed))operands->affine->factor;
  const TYPED(simdrop_computed) addend = (TYPED(simdrop_computed))operands->affine->addend;
  const TYPED(simdrop_element) dropped = TYPED(scalar_element)((TYPED(simdrop_computed))operands->affine->dropped);
  const simdrop_decisions copy = *decisions;
  (void)store;
  for (size_t k = 0; k < n; ++k) {
    const bool kept = decision_bit(copy.words == NULL, &copy, decision_of(copy.repeat, copy.first, copy.length, k));
    const TYPED(simdrop_computed) product = TYPED(scalar_value)(x[k]) * factor;
    y[k] = kept ? TYPED(scalar_element)(product + addend) : dropped;
  }
}

void SIMDROP_LOCAL(TYPED(affine_pages))(size_t begin, size_t end, const simdrop_decisions *decisions,
                                        const simdrop_operands *operands, const simdrop_memory_way *way) {
  consume_steps(SIMDROP_LOCAL(TYPED(affine)), sizeof(TYPED(simdrop_element)), begin, end, decisions, operands, way);
}

#undef TYPED
#undef TYPE
