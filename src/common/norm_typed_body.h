// Norms of elements of one type. norm_body.h includes this file once for each, with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define ELEMENT TYPED(simdrop_element)
#define NUMBER TYPED(simdrop_computed)
#define ADD_TO_LANES SIMDROP_JOIN_WORDS(add_to_lanes, VECTOR)

// Where an operand's elements of a word are: in the operand, or in a copy, where there are fewer than 64.
typedef struct TYPED(norm_operand) {
  TYPED(operand) all;
  ELEMENT copy[WORD_ELEMENTS];
} TYPED(norm_operand);

static ALWAYS_INLINE void TYPED(norm_begin)(TYPED(norm_operand) * operand, const void *elements, ELEMENT if_missing) {
  operand->all = TYPED(operand_of)(elements, false, if_missing, operand->copy);
}

static NEVER_INLINE void TYPED(norm_copy)(TYPED(norm_operand) * operand, size_t k, size_t count) {
  copy_part(count, sizeof *operand->copy, operand->all.elements + k, operand->copy);
}

static ALWAYS_INLINE const ELEMENT *TYPED(norm_word)(TYPED(norm_operand) * operand, size_t k, size_t count) {
  if (count == WORD_ELEMENTS || operand->all.mask == 0) return TYPED(operand_at)(&operand->all, k);
  TYPED(norm_copy)(operand, k, count);
  return operand->copy;
}

static ALWAYS_INLINE size_t TYPED(norm_count)(size_t left, size_t most) { return left < most ? left : most; }

// Numbers of the elements that a last word does not have are +0, which changes no sum.
static ALWAYS_INLINE void TYPED(norm_clear)(NUMBER *numbers, size_t count) {
  if (count < WORD_ELEMENTS) memset(numbers + count, 0, (WORD_ELEMENTS - count) * sizeof *numbers);
}

// ---- h and its sum

static ALWAYS_INLINE void TYPED(norm_input_word)(uint64_t bits, const ELEMENT *x, const ELEMENT *bias, const ELEMENT *residual,
                                                 ELEMENT *h, NUMBER *numbers, VECTOR scale) {
  for (unsigned i = 0; i < WORD_ELEMENTS; i += (unsigned)COMPUTE(lanes)()) {
    const VECTOR t = COMPUTE(multiply)(COMPUTE(add)(LOAD(x + i), LOAD(bias + i)), scale);
    VECTOR sum = COMPUTE(add)(LOAD(residual + i), COMPUTE(keep)(COMPUTE(decisions)(bits, i), t));
    STORE(h + i, sum, false);
    if (TYPED(NORM_CONVERTS)) sum = LOAD(h + i);
    COMPUTE(store)(numbers + i, sum, false);
  }
}

void SIMDROP_LOCAL(TYPED(norm_input))(size_t n, const uint64_t *words, size_t first, const simdrop_norm_operands *operands) {
  TYPED(norm_operand) x, bias, residual;
  ELEMENT *const h = (ELEMENT *)operands->h, h_part[WORD_ELEMENTS];
  NUMBER numbers[NORM_BLOCK];
  const VECTOR scale = COMPUTE(set)((NUMBER)operands->scale);
  TYPED(norm_begin)(&x, operands->x, 0);
  TYPED(norm_begin)(&bias, operands->bias, TYPED(MINUS_ZERO));
  TYPED(norm_begin)(&residual, operands->residual, TYPED(MINUS_ZERO));
  for (size_t begin = 0; begin < n; begin += NORM_BLOCK) {
    size_t j = 0;
    for (; j < NORM_BLOCK && begin + j < n; j += WORD_ELEMENTS) {
      const size_t k = begin + j, count = TYPED(norm_count)(n - k, WORD_ELEMENTS);
      ELEMENT *const to = count < WORD_ELEMENTS ? h_part : h + k;
      TYPED(norm_input_word)
      (simdrop_bits_from(words, first + k), TYPED(norm_word)(&x, k, count), TYPED(norm_word)(&bias, k, count),
       TYPED(norm_word)(&residual, k, count), to, numbers + j, scale);
      if (count < WORD_ELEMENTS) memcpy(h + k, h_part, count * sizeof *h);
      TYPED(norm_clear)(numbers + j, count);
    }
    ADD_TO_LANES(numbers, j, (NUMBER *)operands->lanes);
  }
}

// ---- the sum of squares

static ALWAYS_INLINE void TYPED(norm_squares_word)(const ELEMENT *h, NUMBER *numbers, VECTOR mean) {
  for (size_t i = 0; i < WORD_ELEMENTS; i += COMPUTE(lanes)()) {
    const VECTOR difference = COMPUTE(subtract)(LOAD(h + i), mean);
    COMPUTE(store)(numbers + i, COMPUTE(multiply)(difference, difference), false);
  }
}

void SIMDROP_LOCAL(TYPED(norm_squares))(size_t n, const simdrop_norm_operands *operands) {
  TYPED(norm_operand) h;
  NUMBER numbers[NORM_BLOCK];
  const VECTOR mean = COMPUTE(set)((NUMBER)operands->mean);
  TYPED(norm_begin)(&h, operands->h, 0);
  for (size_t begin = 0; begin < n; begin += NORM_BLOCK) {
    size_t j = 0;
    for (; j < NORM_BLOCK && begin + j < n; j += WORD_ELEMENTS) {
      const size_t k = begin + j, count = TYPED(norm_count)(n - k, WORD_ELEMENTS);
      TYPED(norm_squares_word)(TYPED(norm_word)(&h, k, count), numbers + j, mean);
      TYPED(norm_clear)(numbers + j, count);
    }
    ADD_TO_LANES(numbers, j, (NUMBER *)operands->lanes);
  }
}

// ---- y

// z
static ALWAYS_INLINE VECTOR TYPED(norm_of)(const ELEMENT *h, VECTOR mean, VECTOR inverse) {
  return COMPUTE(multiply)(COMPUTE(subtract)(LOAD(h), mean), inverse);
}

static ALWAYS_INLINE void TYPED(norm_output_word)(bool non_temporal, const ELEMENT *h, const ELEMENT *gamma,
                                                  const ELEMENT *beta, ELEMENT *y, VECTOR mean, VECTOR inverse) {
  prefetch_page_of_word(non_temporal, y, sizeof *y);
  for (size_t i = 0; i < WORD_ELEMENTS; i += COMPUTE(lanes)()) {
    const VECTOR product = COMPUTE(multiply)(TYPED(norm_of)(h + i, mean, inverse), LOAD(gamma + i));
    STORE(y + i, COMPUTE(add)(product, LOAD(beta + i)), non_temporal);
  }
}

static ALWAYS_INLINE void TYPED(norm_output_loop)(bool non_temporal, size_t n, const simdrop_norm_operands *operands) {
  TYPED(norm_operand) h, gamma, beta;
  ELEMENT *const y = (ELEMENT *)operands->y, y_part[WORD_ELEMENTS];
  const VECTOR mean = COMPUTE(set)((NUMBER)operands->mean), inverse = COMPUTE(set)((NUMBER)operands->inverse);
  TYPED(norm_begin)(&h, operands->h, 0);
  TYPED(norm_begin)(&gamma, operands->gamma, TYPED(ONE));
  TYPED(norm_begin)(&beta, operands->beta, TYPED(MINUS_ZERO));
  for (size_t k = 0; k < n; k += WORD_ELEMENTS) {
    const size_t count = TYPED(norm_count)(n - k, WORD_ELEMENTS);
    TYPED(norm_output_word)
    (non_temporal, TYPED(norm_word)(&h, k, count), TYPED(norm_word)(&gamma, k, count), TYPED(norm_word)(&beta, k, count),
     count < WORD_ELEMENTS ? y_part : y + k, mean, inverse);
    if (count < WORD_ELEMENTS) memcpy(y + k, y_part, count * sizeof *y);
  }
}

void SIMDROP_LOCAL(TYPED(norm_output))(size_t n, const simdrop_norm_operands *operands, bool non_temporal) {
  if (non_temporal) {
    TYPED(norm_output_loop)(true, n, operands);
  } else {
    TYPED(norm_output_loop)(false, n, operands);
  }
}

// ---- gradients

// g and g * z
static ALWAYS_INLINE void TYPED(norm_products_word)(const ELEMENT *h, const ELEMENT *dy, const ELEMENT *gamma,
                                                    NUMBER *gradients, NUMBER *products, VECTOR mean, VECTOR inverse) {
  for (size_t i = 0; i < WORD_ELEMENTS; i += COMPUTE(lanes)()) {
    const VECTOR g = COMPUTE(multiply)(LOAD(dy + i), LOAD(gamma + i));
    COMPUTE(store)(gradients + i, g, false);
    COMPUTE(store)(products + i, COMPUTE(multiply)(g, TYPED(norm_of)(h + i, mean, inverse)), false);
  }
}

void SIMDROP_LOCAL(TYPED(norm_gradient_sums))(size_t n, const simdrop_norm_gradient_operands *operands) {
  TYPED(norm_operand) h, dy, gamma;
  NUMBER gradients[NORM_BLOCK], products[NORM_BLOCK];
  const VECTOR mean = COMPUTE(set)((NUMBER)operands->mean), inverse = COMPUTE(set)((NUMBER)operands->inverse);
  TYPED(norm_begin)(&h, operands->h, 0);
  TYPED(norm_begin)(&dy, operands->dy, 0);
  TYPED(norm_begin)(&gamma, operands->gamma, TYPED(ONE));
  for (size_t begin = 0; begin < n; begin += NORM_BLOCK) {
    size_t j = 0;
    for (; j < NORM_BLOCK && begin + j < n; j += WORD_ELEMENTS) {
      const size_t k = begin + j, count = TYPED(norm_count)(n - k, WORD_ELEMENTS);
      TYPED(norm_products_word)
      (TYPED(norm_word)(&h, k, count), TYPED(norm_word)(&dy, k, count), TYPED(norm_word)(&gamma, k, count), gradients + j,
       products + j, mean, inverse);
      TYPED(norm_clear)(gradients + j, count);
      TYPED(norm_clear)(products + j, count);
    }
    ADD_TO_LANES(gradients, j, (NUMBER *)operands->gradient_lanes);
    ADD_TO_LANES(products, j, (NUMBER *)operands->product_lanes);
  }
}

static ALWAYS_INLINE void TYPED(norm_columns_word)(const ELEMENT *h, const ELEMENT *dy, NUMBER *gamma_sums, NUMBER *beta_sums,
                                                   VECTOR mean, VECTOR inverse) {
  for (size_t i = 0; i < WORD_ELEMENTS; i += COMPUTE(lanes)()) {
    const VECTOR gradient = LOAD(dy + i), product = COMPUTE(multiply)(gradient, TYPED(norm_of)(h + i, mean, inverse));
    COMPUTE(store)(gamma_sums + i, COMPUTE(add)(COMPUTE(load)(gamma_sums + i), product), false);
    COMPUTE(store)(beta_sums + i, COMPUTE(add)(COMPUTE(load)(beta_sums + i), gradient), false);
  }
}

void SIMDROP_LOCAL(TYPED(norm_column_sums))(size_t n, const simdrop_norm_gradient_operands *operands) {
  TYPED(norm_operand) h, dy;
  NUMBER *const gamma_sums = (NUMBER *)operands->gamma_sums, *const beta_sums = (NUMBER *)operands->beta_sums;
  const VECTOR mean = COMPUTE(set)((NUMBER)operands->mean), inverse = COMPUTE(set)((NUMBER)operands->inverse);
  TYPED(norm_begin)(&h, operands->h, 0);
  TYPED(norm_begin)(&dy, operands->dy, 0);
  for (size_t k = 0; k < n; k += WORD_ELEMENTS) {
    const size_t count = TYPED(norm_count)(n - k, WORD_ELEMENTS);
    TYPED(norm_columns_word)
    (TYPED(norm_word)(&h, k, count), TYPED(norm_word)(&dy, k, count), gamma_sums + k, beta_sums + k, mean, inverse);
  }
}

// Numbers that all words of a row have in common.
#define NORM_GRADIENT_NUMBERS(X) X(scale) X(mean) X(inverse) X(mean_gradient) X(mean_product)
#define NORM_PARAMETER(name) , VECTOR name
#define NORM_ARGUMENT(name) , name
#define NORM_VECTOR(name) const VECTOR name = COMPUTE(set)((NUMBER)operands->name);

static ALWAYS_INLINE void TYPED(norm_gradient_word)(bool has_dh, bool has_dx, uint64_t bits, const ELEMENT *h,
                                                    const ELEMENT *dy, const ELEMENT *gamma, const ELEMENT *added, ELEMENT *dh,
                                                    ELEMENT *dx NORM_GRADIENT_NUMBERS(NORM_PARAMETER)) {
  ELEMENT *const rounded = has_dh ? dh : dx;
  for (unsigned i = 0; i < WORD_ELEMENTS; i += (unsigned)COMPUTE(lanes)()) {
    const VECTOR z = TYPED(norm_of)(h + i, mean, inverse), g = COMPUTE(multiply)(LOAD(dy + i), LOAD(gamma + i));
    const VECTOR centred = COMPUTE(subtract)(COMPUTE(subtract)(g, mean_gradient), COMPUTE(multiply)(z, mean_product));
    VECTOR sum = COMPUTE(add)(LOAD(added + i), COMPUTE(multiply)(centred, inverse));
    if (has_dh || TYPED(NORM_CONVERTS)) STORE(rounded + i, sum, false);
    if (!has_dx) continue;
    if (TYPED(NORM_CONVERTS)) sum = LOAD(rounded + i);
    STORE(dx + i, COMPUTE(keep)(COMPUTE(decisions)(bits, i), COMPUTE(multiply)(sum, scale)), false);
  }
}

static ALWAYS_INLINE void TYPED(norm_gradient_loop)(bool has_dh, bool has_dx, size_t n, const uint64_t *words, size_t first,
                                                    const simdrop_norm_gradient_operands *operands) {
  TYPED(norm_operand) h, dy, gamma, added;
  ELEMENT *const dh = (ELEMENT *)operands->dh, *const dx = (ELEMENT *)operands->dx;
  ELEMENT dh_part[WORD_ELEMENTS], dx_part[WORD_ELEMENTS];
  NORM_GRADIENT_NUMBERS(NORM_VECTOR)
  TYPED(norm_begin)(&h, operands->h, 0);
  TYPED(norm_begin)(&dy, operands->dy, 0);
  TYPED(norm_begin)(&gamma, operands->gamma, TYPED(ONE));
  TYPED(norm_begin)(&added, operands->added, TYPED(MINUS_ZERO));
  for (size_t k = 0; k < n; k += WORD_ELEMENTS) {
    const size_t count = TYPED(norm_count)(n - k, WORD_ELEMENTS);
    const bool is_part = count < WORD_ELEMENTS;
    TYPED(norm_gradient_word)
    (has_dh, has_dx, has_dx ? simdrop_bits_from(words, first + k) : 0, TYPED(norm_word)(&h, k, count),
     TYPED(norm_word)(&dy, k, count), TYPED(norm_word)(&gamma, k, count), TYPED(norm_word)(&added, k, count),
     is_part || !has_dh ? dh_part : dh + k, is_part || !has_dx ? dx_part : dx + k NORM_GRADIENT_NUMBERS(NORM_ARGUMENT));
    if (is_part && has_dh) memcpy(dh + k, dh_part, count * sizeof *dh);
    if (is_part && has_dx) memcpy(dx + k, dx_part, count * sizeof *dx);
  }
}

void SIMDROP_LOCAL(TYPED(norm_gradient))(size_t n, const uint64_t *words, size_t first,
                                         const simdrop_norm_gradient_operands *operands) {
  if (operands->dx == NULL) {
    TYPED(norm_gradient_loop)(true, false, n, words, first, operands);
  } else if (operands->dh == NULL) {
    TYPED(norm_gradient_loop)(false, true, n, words, first, operands);
  } else {
    TYPED(norm_gradient_loop)(true, true, n, words, first, operands);
  }
}

#undef NORM_VECTOR
#undef NORM_ARGUMENT
#undef NORM_PARAMETER
#undef NORM_GRADIENT_NUMBERS
#undef ADD_TO_LANES
#undef NUMBER
#undef ELEMENT
#undef TYPED
#undef TYPE
