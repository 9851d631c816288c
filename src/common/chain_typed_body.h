// The chain for elements of one type. chain_body.h includes this file once for each, with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define ELEMENT TYPED(simdrop_element)
#define NUMBER TYPED(simdrop_computed)
#define OF_VECTOR(name) SIMDROP_JOIN_WORDS(name, VECTOR)

static ALWAYS_INLINE VECTOR TYPED(biased)(const ELEMENT *x, const ELEMENT *bias) { return COMPUTE(add)(LOAD(x), LOAD(bias)); }

// The first step of what goes through a buffer: x + bias of `count` elements, as whole words.
static NEVER_INLINE void TYPED(fill)(size_t count, const ELEMENT *x, const TYPED(operand) * bias, size_t k, NUMBER *values) {
  ELEMENT copies[2][WORD_ELEMENTS];
  for (size_t j = 0; j < count; j += WORD_ELEMENTS) {
    const ELEMENT *from = x + k + j, *added = TYPED(operand_at)(bias, k + j);
    if (count - j < WORD_ELEMENTS) {
      copy_part(count - j, sizeof(ELEMENT), from, copies[0]);
      copy_part(count - j, sizeof(ELEMENT), added, copies[1]);
      from = copies[0];
      added = copies[1];
    }
    for (size_t i = 0; i < WORD_ELEMENTS; i += COMPUTE(lanes)())
      COMPUTE(store)(values + j + i, TYPED(biased)(from + i, added + i), false);
  }
}

// How many elements are next in a buffer: up to where lines of the output begin, if there are any before that, or a block.
static ALWAYS_INLINE size_t TYPED(block_at)(bool non_temporal, const ELEMENT *output, size_t left) {
  const size_t lead = non_temporal ? elements_to_alignment(output, sizeof *output, left) : 0;
  if (lead > 0) return lead;
  return left < CHAIN_BLOCK ? left : (size_t)CHAIN_BLOCK;
}

// ---- forward

static ALWAYS_INLINE VECTOR TYPED(dropped)(bool is_relu, MASK is_kept, VECTOR sum, VECTOR scale) {
  const VECTOR zero = COMPUTE(set)(0);
  if (is_relu) sum = COMPUTE(select)(COMPUTE(less)(sum, zero), zero, sum);
  return COMPUTE(keep)(is_kept, COMPUTE(multiply)(sum, scale));
}

#if HAS_TWO

static ALWAYS_INLINE void TYPED(chain_word)(bool is_relu, bool has_residual, bool non_temporal, uint64_t bits, const ELEMENT *x,
                                            const ELEMENT *bias, const ELEMENT *residual, ELEMENT *y, VECTOR scale) {
  prefetch_page_of_word(non_temporal, y, sizeof *y);
  for (unsigned i = 0; i < WORD_ELEMENTS; i += 2 * (unsigned)COMPUTE(lanes)()) {
    MASK kept[2];
    VECTOR a[2], b[2];
    DECISIONS_TWO(bits, i, &kept[0], &kept[1]);
    LOAD_TWO(x + i, &a[0], &a[1]);
    LOAD_TWO(bias + i, &b[0], &b[1]);
    a[0] = TYPED(dropped)(is_relu, kept[0], COMPUTE(add)(a[0], b[0]), scale);
    a[1] = TYPED(dropped)(is_relu, kept[1], COMPUTE(add)(a[1], b[1]), scale);
    if (has_residual) {
      LOAD_TWO(residual + i, &b[0], &b[1]);
      a[0] = COMPUTE(add)(b[0], a[0]);
      a[1] = COMPUTE(add)(b[1], a[1]);
    }
    STORE_TWO(y + i, a[0], a[1], non_temporal);
  }
}

#else

static ALWAYS_INLINE void TYPED(chain_word)(bool is_relu, bool has_residual, bool non_temporal, uint64_t bits, const ELEMENT *x,
                                            const ELEMENT *bias, const ELEMENT *residual, ELEMENT *y, VECTOR scale) {
  prefetch_page_of_word(non_temporal, y, sizeof *y);
  for (unsigned i = 0; i < WORD_ELEMENTS; i += (unsigned)COMPUTE(lanes)()) {
    VECTOR d = TYPED(dropped)(is_relu, COMPUTE(decisions)(bits, i), TYPED(biased)(x + i, bias + i), scale);
    if (has_residual) d = COMPUTE(add)(LOAD(residual + i), d);
    STORE(y + i, d, non_temporal);
  }
}

#endif

static NEVER_INLINE void TYPED(chain_part)(bool is_relu, size_t count, uint64_t bits, const ELEMENT *x, const ELEMENT *bias,
                                           const TYPED(operand) * residual, size_t k, ELEMENT *y, NUMBER scale) {
  ELEMENT copies[4][WORD_ELEMENTS];
  copy_part(count, sizeof(ELEMENT), x, copies[0]);
  copy_part(count, sizeof(ELEMENT), bias, copies[1]);
  copy_part(count, sizeof(ELEMENT), TYPED(operand_at)(residual, k), copies[2]);
  TYPED(chain_word)(is_relu, true, false, bits, copies[0], copies[1], copies[2], copies[3], COMPUTE(set)(scale));
  memcpy(y, copies[3], count * sizeof *y);
}

// What the loops are given.
typedef struct TYPED(chain_terms) {
  const ELEMENT *x;
  TYPED(operand) bias, residual;
  ELEMENT *y;
  NUMBER scale;
} TYPED(chain_terms);

static ALWAYS_INLINE void TYPED(chain_loop)(bool is_relu, bool has_residual, bool non_temporal, size_t n, const uint64_t *words,
                                            size_t first, const TYPED(chain_terms) * terms) {
  const ELEMENT *const x = terms->x;
  ELEMENT *const y = terms->y;
  const TYPED(operand) bias = terms->bias, *const residual = &terms->residual;
  const VECTOR scales = COMPUTE(set)(terms->scale);
  size_t k = non_temporal ? elements_to_alignment(y, sizeof *y, n) : 0;
  if (k > 0) TYPED(chain_part)(is_relu, k, simdrop_bits_from(words, first), x, bias.elements, residual, 0, y, terms->scale);
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) TYPED(chain_word)
  (is_relu, has_residual, non_temporal, simdrop_bits_from(words, first + k), x + k, TYPED(operand_at)(&bias, k),
   residual->elements + (has_residual ? k : 0), y + k, scales);
  if (k < n) TYPED(chain_part)
  (is_relu, n - k, simdrop_bits_from(words, first + k), x + k, TYPED(operand_at)(&bias, k), residual, k, y + k, terms->scale);
}

// The last step of what goes through a buffer: what is in it is scaled and added to the residual.
static ALWAYS_INLINE void TYPED(finish_word)(bool non_temporal, uint64_t bits, const NUMBER *values, const ELEMENT *residual,
                                             ELEMENT *y, NUMBER scale) {
  const VECTOR scales = COMPUTE(set)(scale);
  prefetch_page_of_word(non_temporal, y, sizeof *y);
  for (unsigned i = 0; i < WORD_ELEMENTS; i += (unsigned)COMPUTE(lanes)()) {
    const VECTOR d = COMPUTE(keep)(COMPUTE(decisions)(bits, i), COMPUTE(multiply)(COMPUTE(load)(values + i), scales));
    STORE(y + i, COMPUTE(add)(LOAD(residual + i), d), non_temporal);
  }
}

static NEVER_INLINE void TYPED(finish_near)(uint64_t bits, const NUMBER *values, const ELEMENT *residual, ELEMENT *y,
                                            NUMBER scale) {
  TYPED(finish_word)(false, bits, values, residual, y, scale);
}

static NEVER_INLINE void TYPED(finish_far)(uint64_t bits, const NUMBER *values, const ELEMENT *residual, ELEMENT *y,
                                           NUMBER scale) {
  TYPED(finish_word)(true, bits, values, residual, y, scale);
}

static NEVER_INLINE void TYPED(chain_in_blocks)(size_t n, const uint64_t *words, size_t first,
                                                const simdrop_chain_operands *operands, const TYPED(chain_terms) * terms,
                                                bool non_temporal) {
  ELEMENT *const y = terms->y;
  ELEMENT copies[2][WORD_ELEMENTS];
  NUMBER values[CHAIN_BLOCK];
  for (size_t k = 0, count; k < n; k += count) {
    count = TYPED(block_at)(non_temporal, y + k, n - k);
    TYPED(fill)(count, terms->x, &terms->bias, k, values);
    if (operands->positives != NULL)
      for (size_t j = 0; j < count; j += WORD_ELEMENTS)
        operands->positives[(k + j) / WORD_ELEMENTS] =
            simdrop_bits_from(words, first + k + j) & OF_VECTOR(positive_bits)(values + j);
    OF_VECTOR(activate)(&operands->input, whole_words(count), values);
    for (size_t j = 0; j < count; j += WORD_ELEMENTS) {
      const uint64_t bits = simdrop_bits_from(words, first + k + j);
      const ELEMENT *const residual = TYPED(operand_at)(&terms->residual, k + j);
      if (count - j < WORD_ELEMENTS) {
        copy_part(count - j, sizeof(ELEMENT), residual, copies[0]);
        TYPED(finish_near)(bits, values + j, copies[0], copies[1], terms->scale);
        memcpy(y + k + j, copies[1], (count - j) * sizeof *y);
      } else if (non_temporal) {
        TYPED(finish_far)(bits, values + j, residual, y + k + j, terms->scale);
      } else {
        TYPED(finish_near)(bits, values + j, residual, y + k + j, terms->scale);
      }
    }
  }
}

void SIMDROP_LOCAL(TYPED(chain))(size_t n, const uint64_t *words, size_t first, const simdrop_chain_operands *operands,
                                 bool non_temporal) {
  const simdrop_chain_input *const input = &operands->input;
  const bool is_relu = input->activation == SIMDROP_RELU, has_residual = operands->residual != NULL;
  ELEMENT copies[2][WORD_ELEMENTS];
  TYPED(chain_terms) terms;
  terms.x = (const ELEMENT *)input->x;
  terms.bias = TYPED(operand_of)(input->bias, input->is_shared_bias, TYPED(MINUS_ZERO), copies[0]);
  terms.residual = TYPED(operand_of)(operands->residual, false, TYPED(MINUS_ZERO), copies[1]);
  terms.y = (ELEMENT *)operands->y;
  terms.scale = (NUMBER)operands->scale;
  if (operands->positives != NULL || (!is_relu && input->activation != SIMDROP_ACTIVATION_NONE)) {
    TYPED(chain_in_blocks)(n, words, first, operands, &terms, non_temporal);
    return;
  }
  switch (is_relu * 4 + has_residual * 2 + non_temporal) {
    case 0: TYPED(chain_loop)(false, false, false, n, words, first, &terms); return;
    case 1: TYPED(chain_loop)(false, false, true, n, words, first, &terms); return;
    case 2: TYPED(chain_loop)(false, true, false, n, words, first, &terms); return;
    case 3: TYPED(chain_loop)(false, true, true, n, words, first, &terms); return;
    case 4: TYPED(chain_loop)(true, false, false, n, words, first, &terms); return;
    case 5: TYPED(chain_loop)(true, false, true, n, words, first, &terms); return;
    case 6: TYPED(chain_loop)(true, true, false, n, words, first, &terms); return;
    default: TYPED(chain_loop)(true, true, true, n, words, first, &terms); return;
  }
}

// ---- backward

// With factors, of which there is one for each element, or for ReLU with x. Values receive what is not rounded, if that is
// asked for; they may be the factors.
static ALWAYS_INLINE void TYPED(gradient_word)(bool is_relu, bool has_factors, bool has_sums, bool non_temporal, uint64_t bits,
                                               const ELEMENT *x, const ELEMENT *bias, const ELEMENT *dy, ELEMENT *dx,
                                               NUMBER *values, VECTOR scale) {
  prefetch_page_of_word(non_temporal, dx, sizeof *dx);
  for (unsigned i = 0; i < WORD_ELEMENTS; i += (unsigned)COMPUTE(lanes)()) {
    VECTOR g = COMPUTE(multiply)(LOAD(dy + i), scale);
    if (has_factors) g = COMPUTE(multiply)(g, COMPUTE(load)(values + i));
    g = COMPUTE(keep)(COMPUTE(decisions)(bits, i), g);
    if (is_relu) g = COMPUTE(keep)(COMPUTE(less)(COMPUTE(set)(0), TYPED(biased)(x + i, bias + i)), g);
    if (has_sums) COMPUTE(store)(values + i, g, false);
    STORE(dx + i, g, non_temporal);
  }
}

static NEVER_INLINE void TYPED(gradient_near)(uint64_t bits, const ELEMENT *dy, ELEMENT *dx, NUMBER *values, NUMBER scale) {
  TYPED(gradient_word)(false, true, true, false, bits, NULL, NULL, dy, dx, values, COMPUTE(set)(scale));
}

static NEVER_INLINE void TYPED(gradient_far)(uint64_t bits, const ELEMENT *dy, ELEMENT *dx, NUMBER *values, NUMBER scale) {
  TYPED(gradient_word)(false, true, true, true, bits, NULL, NULL, dy, dx, values, COMPUTE(set)(scale));
}

// Fewer than 64 elements; values are the factors. Behind the last, dy's copy is +0, and so are the values then.
static NEVER_INLINE void TYPED(gradient_part)(size_t count, uint64_t bits, const ELEMENT *dy, ELEMENT *dx, NUMBER *values,
                                              NUMBER scale) {
  ELEMENT copies[2][WORD_ELEMENTS];
  copy_part(count, sizeof(ELEMENT), dy, copies[0]);
  TYPED(gradient_near)(bits, copies[0], copies[1], values, scale);
  memcpy(dx, copies[1], count * sizeof *dx);
}

// The same where activations are cheap: with factors 0 and 1 in place of ReLU's decisions, which the bits have taken over.
static NEVER_INLINE void TYPED(cheap_gradient_part)(bool is_relu, size_t count, uint64_t bits, const ELEMENT *x,
                                                    const TYPED(operand) * bias, size_t k, const ELEMENT *dy, ELEMENT *dx,
                                                    NUMBER *values, NUMBER scale) {
  if (is_relu) {
    TYPED(fill)(count, x, bias, k, values);
    bits &= OF_VECTOR(positive_bits)(values);
  }
  for (size_t i = 0; i < WORD_ELEMENTS; ++i) values[i] = 1;
  TYPED(gradient_part)(count, bits, dy + k, dx + k, values, scale);
}

static ALWAYS_INLINE void TYPED(gradient_loop)(bool is_relu, bool has_sums, bool non_temporal, size_t n, const uint64_t *words,
                                               size_t first, const simdrop_chain_gradient_operands *operands,
                                               const TYPED(operand) * bias) {
  const ELEMENT *const dy = (const ELEMENT *)operands->dy, *const x = (const ELEMENT *)operands->input.x;
  ELEMENT *const dx = (ELEMENT *)operands->dx;
  NUMBER values[WORD_ELEMENTS];
  const NUMBER scale = (NUMBER)operands->scale;
  const VECTOR scales = COMPUTE(set)(scale);
  size_t k = non_temporal ? elements_to_alignment(dx, sizeof *dx, n) : 0;
  if (k > 0) {
    TYPED(cheap_gradient_part)(is_relu, k, simdrop_bits_from(words, first), x, bias, 0, dy, dx, values, scale);
    if (has_sums) OF_VECTOR(add_to_sums)(operands, 0, values);
  }
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) {
    TYPED(gradient_word)
    (is_relu, false, has_sums, non_temporal, simdrop_bits_from(words, first + k), is_relu ? x + k : NULL,
     is_relu ? TYPED(operand_at)(bias, k) : NULL, dy + k, dx + k, values, scales);
    if (has_sums) OF_VECTOR(add_to_sums)(operands, k, values);
  }
  if (k < n) {
    TYPED(cheap_gradient_part)(is_relu, n - k, simdrop_bits_from(words, first + k), x, bias, k, dy, dx, values, scale);
    if (has_sums) OF_VECTOR(add_to_sums)(operands, k, values);
  }
}

static NEVER_INLINE void TYPED(gradient_in_blocks)(size_t n, const uint64_t *words, size_t first,
                                                   const simdrop_chain_gradient_operands *operands, const TYPED(operand) * bias,
                                                   bool non_temporal) {
  const ELEMENT *const dy = (const ELEMENT *)operands->dy, *const x = (const ELEMENT *)operands->input.x;
  ELEMENT *const dx = (ELEMENT *)operands->dx;
  NUMBER values[CHAIN_BLOCK];
  const NUMBER scale = (NUMBER)operands->scale;
  for (size_t k = 0, count; k < n; k += count) {
    count = TYPED(block_at)(non_temporal, dx + k, n - k);
    TYPED(fill)(count, x, bias, k, values);
    OF_VECTOR(derive)(&operands->input, whole_words(count), values);
    for (size_t j = 0; j < count; j += WORD_ELEMENTS) {
      const uint64_t bits = simdrop_bits_from(words, first + k + j);
      if (count - j < WORD_ELEMENTS) {
        TYPED(gradient_part)(count - j, bits, dy + k + j, dx + k + j, values + j, scale);
      } else if (non_temporal) {
        TYPED(gradient_far)(bits, dy + k + j, dx + k + j, values + j, scale);
      } else {
        TYPED(gradient_near)(bits, dy + k + j, dx + k + j, values + j, scale);
      }
      OF_VECTOR(add_to_sums)(operands, k + j, values + j);
    }
  }
}

void SIMDROP_LOCAL(TYPED(chain_gradient))(size_t n, const uint64_t *words, size_t first,
                                          const simdrop_chain_gradient_operands *operands, bool non_temporal) {
  const simdrop_chain_input *const input = &operands->input;
  const bool is_relu = input->activation == SIMDROP_RELU;
  const bool has_sums = operands->column_sums != NULL || operands->lane_sums != NULL;
  ELEMENT copies[WORD_ELEMENTS];
  TYPED(operand) bias = {NULL, 0};
  if (input->activation != SIMDROP_ACTIVATION_NONE)
    bias = TYPED(operand_of)(input->bias, input->is_shared_bias, TYPED(MINUS_ZERO), copies);
  if (!is_relu && input->activation != SIMDROP_ACTIVATION_NONE) {
    TYPED(gradient_in_blocks)(n, words, first, operands, &bias, non_temporal);
    return;
  }
  switch (is_relu * 4 + has_sums * 2 + non_temporal) {
    case 0: TYPED(gradient_loop)(false, false, false, n, words, first, operands, &bias); return;
    case 1: TYPED(gradient_loop)(false, false, true, n, words, first, operands, &bias); return;
    case 2: TYPED(gradient_loop)(false, true, false, n, words, first, operands, &bias); return;
    case 3: TYPED(gradient_loop)(false, true, true, n, words, first, operands, &bias); return;
    case 4: TYPED(gradient_loop)(true, false, false, n, words, first, operands, &bias); return;
    case 5: TYPED(gradient_loop)(true, false, true, n, words, first, operands, &bias); return;
    case 6: TYPED(gradient_loop)(true, true, false, n, words, first, operands, &bias); return;
    default: TYPED(gradient_loop)(true, true, true, n, words, first, operands, &bias); return;
  }
}

#undef OF_VECTOR
#undef NUMBER
#undef ELEMENT
#undef TYPED
#undef TYPE
