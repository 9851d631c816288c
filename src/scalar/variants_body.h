// Gaussian and concrete dropout, DropConnect, and moments over passes, for elements of one type. variants.c includes this file
// once for each, with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)

void SIMDROP_LOCAL(TYPED(gaussian))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                    simdrop_store store) {
  const TYPED(simdrop_element) *const x = (const TYPED(simdrop_element) *)operands->x;
  TYPED(simdrop_element) *const y = (TYPED(simdrop_element) *)operands->y;
  const float *const values = decisions->values + decisions->first;
  const TYPED(simdrop_computed) sigma = (TYPED(simdrop_computed))operands->factor.value;
  (void)store;
  for (size_t k = 0; k < n; ++k) {
    const TYPED(simdrop_computed) noise = 1 + sigma * values[k];
    y[k] = TYPED(scalar_element)(TYPED(scalar_value)(x[k]) * noise);
  }
}

void SIMDROP_LOCAL(TYPED(moments))(size_t n, const void *x, void *mean, void *squares, double reciprocal) {
  const TYPED(simdrop_element) *const bits = (const TYPED(simdrop_element) *)x;
  TYPED(simdrop_computed) *const means = (TYPED(simdrop_computed) *)mean, *const sums = (TYPED(simdrop_computed) *)squares;
  const TYPED(simdrop_computed) share = (TYPED(simdrop_computed))reciprocal;
  for (size_t k = 0; k < n; ++k) {
    const TYPED(simdrop_computed) value = TYPED(scalar_value)(bits[k]), difference = value - means[k];
    means[k] += difference * share;
    sums[k] += difference * (value - means[k]);
  }
}

void SIMDROP_LOCAL(TYPED(concrete))(size_t n, const simdrop_concrete_operands *operands) {
  const TYPED(
      simdrop_element) *const x = (const TYPED(simdrop_element) *)operands->x,
                              *const dy = (const TYPED(simdrop_element) *)operands->dy, *const from = dy == NULL ? x : dy;
  TYPED(simdrop_element) *const y = (TYPED(simdrop_element) *)operands->y;
  TYPED(simdrop_computed) *const terms = (TYPED(simdrop_computed) *)operands->terms;
  const TYPED(simdrop_computed) scale = (TYPED(simdrop_computed))operands->scale, one = 1;
  const TYPED(simdrop_computed) slope = (TYPED(simdrop_computed))operands->slope;
  for (size_t k = 0; k < n; ++k) {
    const TYPED(simdrop_computed) value = TYPED(scalar_value)(from[k]), noise = operands->kept[k] * scale;
    if (terms != NULL) terms[k] = (value * TYPED(scalar_value)(x[k])) * (noise * (one - operands->dropped[k] * slope));
    y[k] = TYPED(scalar_element)(value * noise);
  }
}

void SIMDROP_LOCAL(TYPED(connect))(size_t n, const simdrop_decisions *decisions, const void *w, const void *x, double factor,
                                   void *sums) {
  const TYPED(simdrop_element) *const weights = (const TYPED(simdrop_element) *)w, *const inputs =
                                                                                       (const TYPED(simdrop_element) *)x;
  TYPED(simdrop_computed) *const lanes = (TYPED(simdrop_computed) *)sums, scale = (TYPED(simdrop_computed))factor;
  for (size_t k = 0; k < n; ++k) {
    const TYPED(simdrop_computed) product = (TYPED(scalar_value)(weights[k]) * scale) * TYPED(scalar_value)(inputs[k]);
    if (scalar_is_kept(decisions->words, decisions->first + k)) lanes[k % SIMDROP_SUM_LANES] += product;
  }
}

void SIMDROP_LOCAL(TYPED(connect_gradient))(size_t n, const uint64_t *words, size_t first,
                                            const simdrop_connect_gradient_operands *operands) {
  const TYPED(simdrop_element) *const w = (const TYPED(simdrop_element) *)operands->w,
                                      *const x = (const TYPED(simdrop_element) *)operands->x,
                                      *const added = (const TYPED(simdrop_element) *)operands->added;
  TYPED(simdrop_element) *const dw = (TYPED(simdrop_element) *)operands->dw;
  TYPED(simdrop_computed) *const sums = (TYPED(simdrop_computed) *)operands->sums;
  const TYPED(simdrop_computed) dy = (TYPED(simdrop_computed))operands->dy, scale = (TYPED(simdrop_computed))operands->scale;
  const TYPED(simdrop_computed) scaled = dy * scale;
  for (size_t k = 0; k < n; ++k) {
    const bool kept = scalar_is_kept(words, first + k);
    if (sums != NULL && kept) sums[k] += (TYPED(scalar_value)(w[k]) * scale) * dy;
    if (dw == NULL) continue;
    const TYPED(simdrop_computed) product = kept ? scaled * TYPED(scalar_value)(x[k]) : 0;
    dw[k] = TYPED(scalar_element)(added == NULL ? product : TYPED(scalar_value)(added[k]) + product);
  }
}

#undef TYPED
#undef TYPE
