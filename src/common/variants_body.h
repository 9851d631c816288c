// Gaussian and concrete dropout, DropConnect, and moments over passes, for elements of one type, in the words of the backend's
// arithmetic.h. values_body.h includes this file once for each type, with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define ELEMENT TYPED(simdrop_element)
#define COMPUTED TYPED(simdrop_computed)

static inline __attribute__((always_inline)) void TYPED(gaussian_vectors)(size_t n, const float *values, const ELEMENT *x,
                                                                          ELEMENT *y, VECTOR sigma) {
  const size_t lanes = COMPUTE(lanes)();
  const VECTOR one = COMPUTE(set)(1);
  for (size_t k = 0; k < n; k += lanes) {
    const VECTOR noise = COMPUTE(add)(one, COMPUTE(multiply)(sigma, TYPED(VALUES)(values + k)));
    STORE(y + k, COMPUTE(multiply)(LOAD(x + k), noise), false);
  }
}

void SIMDROP_LOCAL(TYPED(gaussian))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                    simdrop_store store) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  const float *const values = decisions->values + decisions->first;
  const VECTOR sigma = COMPUTE(set)((COMPUTED)operands->factor.value);
  const size_t whole = n / PART * PART, rest = n - whole;
  (void)store;
  TYPED(gaussian_vectors)(whole, values, x, y, sigma);
  if (rest > 0) {
    ELEMENT part[PART] = {0};
    float values_part[PART] = {0};
    memcpy(part, x + whole, rest * sizeof *x);
    memcpy(values_part, values + whole, rest * sizeof *values);
    TYPED(gaussian_vectors)(PART, values_part, part, part, sigma);
    memcpy(y + whole, part, rest * sizeof *y);
  }
}

static inline __attribute__((always_inline)) void TYPED(moments_vectors)(size_t n, const ELEMENT *x, COMPUTED *mean,
                                                                         COMPUTED *squares, VECTOR share) {
  const size_t lanes = COMPUTE(lanes)();
  for (size_t k = 0; k < n; k += lanes) {
    const VECTOR value = LOAD(x + k), before = COMPUTE(load)(mean + k), difference = COMPUTE(subtract)(value, before);
    const VECTOR after = COMPUTE(add)(before, COMPUTE(multiply)(difference, share));
    const VECTOR product = COMPUTE(multiply)(difference, COMPUTE(subtract)(value, after));
    COMPUTE(store)(mean + k, after, false);
    COMPUTE(store)(squares + k, COMPUTE(add)(COMPUTE(load)(squares + k), product), false);
  }
}

void SIMDROP_LOCAL(TYPED(moments))(size_t n, const void *x, void *mean, void *squares, double reciprocal) {
  const ELEMENT *const from = (const ELEMENT *)x;
  COMPUTED *const means = (COMPUTED *)mean, *const sums = (COMPUTED *)squares;
  const VECTOR share = COMPUTE(set)((COMPUTED)reciprocal);
  const size_t whole = n / PART * PART, rest = n - whole;
  TYPED(moments_vectors)(whole, from, means, sums, share);
  if (rest > 0) {
    ELEMENT part[PART] = {0};
    COMPUTED means_part[PART] = {0}, sums_part[PART] = {0};
    memcpy(part, from + whole, rest * sizeof *from);
    memcpy(means_part, means + whole, rest * sizeof *means);
    memcpy(sums_part, sums + whole, rest * sizeof *sums);
    TYPED(moments_vectors)(PART, part, means_part, sums_part, share);
    memcpy(means + whole, means_part, rest * sizeof *means);
    memcpy(sums + whole, sums_part, rest * sizeof *sums);
  }
}

static inline __attribute__((always_inline)) void TYPED(concrete_vectors)(size_t n, const simdrop_concrete_operands *operands) {
  const ELEMENT *const x = (const ELEMENT *)operands->x, *const dy = (const ELEMENT *)operands->dy;
  const ELEMENT *const from = dy == NULL ? x : dy;
  ELEMENT *const y = (ELEMENT *)operands->y;
  COMPUTED *const terms = (COMPUTED *)operands->terms;
  const VECTOR scale = COMPUTE(set)((COMPUTED)operands->scale), slope = COMPUTE(set)((COMPUTED)operands->slope);
  const VECTOR one = COMPUTE(set)(1);
  const size_t lanes = COMPUTE(lanes)();
  for (size_t k = 0; k < n; k += lanes) {
    const VECTOR noise = COMPUTE(multiply)(TYPED(VALUES)(operands->kept + k), scale), value = LOAD(from + k);
    if (terms != NULL) {
      const VECTOR left = COMPUTE(subtract)(one, COMPUTE(multiply)(TYPED(VALUES)(operands->dropped + k), slope));
      const VECTOR product = COMPUTE(multiply)(value, LOAD(x + k));
      COMPUTE(store)(terms + k, COMPUTE(multiply)(product, COMPUTE(multiply)(noise, left)), false);
    }
    STORE(y + k, COMPUTE(multiply)(value, noise), false);
  }
}

// What is left of n elements behind the last whole part, through copies.
static __attribute__((noinline)) void TYPED(concrete_rest)(size_t begin, size_t rest,
                                                           const simdrop_concrete_operands *operands) {
  ELEMENT x[PART] = {0}, dy[PART] = {0};
  COMPUTED terms[PART];
  float kept[PART] = {0}, dropped[PART] = {0};
  simdrop_concrete_operands part = {.x = x, .y = dy, .kept = kept, .scale = operands->scale, .slope = operands->slope};
  if (operands->x != NULL) memcpy(x, (const ELEMENT *)operands->x + begin, rest * sizeof *x);
  memcpy(kept, operands->kept + begin, rest * sizeof *kept);
  if (operands->dy != NULL) {
    memcpy(dy, (const ELEMENT *)operands->dy + begin, rest * sizeof *dy);
    part.dy = dy;
  }
  if (operands->terms != NULL) {
    memcpy(dropped, operands->dropped + begin, rest * sizeof *dropped);
    part.dropped = dropped;
    part.terms = terms;
  }
  TYPED(concrete_vectors)(PART, &part);
  memcpy((ELEMENT *)operands->y + begin, dy, rest * sizeof *dy);
  if (operands->terms != NULL) memcpy((COMPUTED *)operands->terms + begin, terms, rest * sizeof *terms);
}

void SIMDROP_LOCAL(TYPED(concrete))(size_t n, const simdrop_concrete_operands *operands) {
  const size_t whole = n / PART * PART;
  TYPED(concrete_vectors)(whole, operands);
  if (whole < n) TYPED(concrete_rest)(whole, n - whole, operands);
}

// The products of a word of elements, added to the lanes of all sums.
static inline __attribute__((always_inline)) void TYPED(connect_word)(uint64_t bits, const ELEMENT *w, const ELEMENT *x,
                                                                      VECTOR factor, COMPUTED *sums) {
  const unsigned lanes = (unsigned)COMPUTE(lanes)();
  COMPUTED products[PART];
  for (unsigned k = 0; k < PART; k += lanes) {
    const VECTOR product = COMPUTE(multiply)(COMPUTE(multiply)(LOAD(w + k), factor), LOAD(x + k));
    COMPUTE(store)(products + k, COMPUTE(keep)(COMPUTE(decisions)(bits, k), product), false);
  }
  for (int i = 0; i < SIMDROP_SUM_LANES; ++i) sums[i] = (sums[i] + products[i]) + products[i + SIMDROP_SUM_LANES];
}

void SIMDROP_LOCAL(TYPED(connect))(size_t n, const simdrop_decisions *decisions, const void *w, const void *x, double factor,
                                   void *sums) {
  const ELEMENT *const weights = (const ELEMENT *)w, *const inputs = (const ELEMENT *)x;
  const VECTOR scale = COMPUTE(set)((COMPUTED)factor);
  COMPUTED lanes[SIMDROP_SUM_LANES];
  memcpy(lanes, sums, sizeof lanes);
  size_t k = 0;
  for (; k + PART <= n; k += PART)
    TYPED(connect_word)(simdrop_bits_from(decisions->words, decisions->first + k), weights + k, inputs + k, scale, lanes);
  if (k < n) {
    ELEMENT weights_part[PART] = {0}, inputs_part[PART] = {0};
    memcpy(weights_part, weights + k, (n - k) * sizeof *weights);
    memcpy(inputs_part, inputs + k, (n - k) * sizeof *inputs);
    TYPED(connect_word)
    (simdrop_bits_from(decisions->words, decisions->first + k), weights_part, inputs_part, scale, lanes);
  }
  memcpy(sums, lanes, sizeof lanes);
}

static ALWAYS_INLINE void TYPED(connect_gradient_word)(bool has_dw, bool has_sums, uint64_t bits, const ELEMENT *w,
                                                       const ELEMENT *x, const ELEMENT *added, ELEMENT *dw, COMPUTED *sums,
                                                       VECTOR dy, VECTOR scale) {
  const VECTOR scaled = COMPUTE(multiply)(dy, scale);
  for (unsigned k = 0; k < PART; k += (unsigned)COMPUTE(lanes)()) {
    if (has_sums) {
      const VECTOR product = COMPUTE(multiply)(COMPUTE(multiply)(LOAD(w + k), scale), dy);
      const VECTOR kept = COMPUTE(keep)(COMPUTE(decisions)(bits, k), product);
      COMPUTE(store)(sums + k, COMPUTE(add)(COMPUTE(load)(sums + k), kept), false);
    }
    if (!has_dw) continue;
    VECTOR product = COMPUTE(keep)(COMPUTE(decisions)(bits, k), COMPUTE(multiply)(scaled, LOAD(x + k)));
    if (added != NULL) product = COMPUTE(add)(LOAD(added + k), product);
    STORE(dw + k, product, false);
  }
}

static ALWAYS_INLINE void TYPED(connect_gradient_loop)(bool has_dw, bool has_sums, size_t n, const uint64_t *words,
                                                       size_t first, const simdrop_connect_gradient_operands *operands) {
  const ELEMENT *const w = (const ELEMENT *)operands->w, *const x = (const ELEMENT *)operands->x;
  const ELEMENT *const added = (const ELEMENT *)operands->added;
  ELEMENT *const dw = (ELEMENT *)operands->dw;
  COMPUTED *const sums = (COMPUTED *)operands->sums;
  const VECTOR dy = COMPUTE(set)((COMPUTED)operands->dy), scale = COMPUTE(set)((COMPUTED)operands->scale);
  size_t k = 0;
  for (; k + PART <= n; k += PART) TYPED(connect_gradient_word)
  (has_dw, has_sums, simdrop_bits_from(words, first + k), has_sums ? w + k : NULL, has_dw ? x + k : NULL,
   added == NULL ? NULL : added + k, has_dw ? dw + k : NULL, has_sums ? sums + k : NULL, dy, scale);
  if (k == n) return;
  // What is left, through copies. Behind its last element nothing is kept: an infinite dy would make NaN of the zeros there,
  // and the sums are those of the columns that follow.
  const uint64_t bits = simdrop_bits_from(words, first + k) & low_bits(n - k);
  ELEMENT w_part[PART], x_part[PART], added_part[PART], dw_part[PART];
  if (has_sums) copy_part(n - k, sizeof *w, w + k, w_part);
  if (has_dw) copy_part(n - k, sizeof *x, x + k, x_part);
  if (added != NULL) copy_part(n - k, sizeof *added, added + k, added_part);
  TYPED(connect_gradient_word)
  (has_dw, has_sums, bits, w_part, x_part, added == NULL ? NULL : added_part, dw_part, has_sums ? sums + k : NULL, dy, scale);
  if (has_dw) memcpy(dw + k, dw_part, (n - k) * sizeof *dw);
}

void SIMDROP_LOCAL(TYPED(connect_gradient))(size_t n, const uint64_t *words, size_t first,
                                            const simdrop_connect_gradient_operands *operands) {
  if (operands->sums == NULL) {
    TYPED(connect_gradient_loop)(true, false, n, words, first, operands);
  } else if (operands->dw == NULL) {
    TYPED(connect_gradient_loop)(false, true, n, words, first, operands);
  } else {
    TYPED(connect_gradient_loop)(true, true, n, words, first, operands);
  }
}

#undef COMPUTED
#undef ELEMENT
#undef TYPED
#undef TYPE
