// Softmax for elements of one type. softmax_body.h includes this file once for each, with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define OF_VECTOR(name) SIMDROP_JOIN_WORDS(name, VECTOR)
#define ELEMENT TYPED(simdrop_element)
#define NUMBER TYPED(simdrop_computed)
#define MOST_NUMBERS SIMDROP_SOFTMAX_NUMBERS(NUMBER)

// v of 64 scores; of those that are not allowed, -infinity.
static ALWAYS_INLINE void TYPED(take_word)(const simdrop_softmax_row *row, bool is_plain, const ELEMENT *x,
                                           const void *additive, uint64_t allowed, NUMBER *numbers) {
  const VECTOR scale = COMPUTE(set)((NUMBER)row->scale), masked = COMPUTE(set)(-(NUMBER)INFINITY);
  for (size_t k = 0; k < WORD_ELEMENTS; k += COMPUTE(lanes)()) {
    VECTOR v = COMPUTE(multiply)(LOAD(x + k), scale);
    if (!is_plain) {
#if TYPED(COMPUTES_F64)
      if (additive != NULL) v = COMPUTE(add)(v, LOAD((const ELEMENT *)additive + k));
#else
      if (additive != NULL && row->is_f32_additive) {
        v = COMPUTE(add)(v, COMPUTE(load)((const float *)additive + k));
      } else if (additive != NULL) {
        v = COMPUTE(add)(v, LOAD((const ELEMENT *)additive + k));
      }
#endif
      v = COMPUTE(select)(COMPUTE(decisions)(allowed, (unsigned)k), v, masked);
    }
    COMPUTE(store)(numbers + k, v, false);
  }
}

static inline const void *TYPED(additive_at)(const simdrop_softmax_row *row, size_t k) {
  if (row->additive == NULL) return NULL;
  return (const char *)row->additive + k * (row->is_f32_additive ? sizeof(float) : sizeof(ELEMENT));
}

// Fewer than 64 go through copies.
static NEVER_INLINE void TYPED(take_part)(const simdrop_softmax_row *row, size_t begin, size_t count, NUMBER *numbers) {
  ELEMENT x[WORD_ELEMENTS] = {0}, elements[WORD_ELEMENTS] = {0};
  float floats[TYPED(COMPUTES_F64) ? 1 : WORD_ELEMENTS] = {0};
  const void *additive = TYPED(additive_at)(row, begin);
  const uint64_t allowed = row->allowed == NULL ? ~UINT64_C(0) : bits_of_allowed(row->allowed + begin, count);
  memcpy(x, (const ELEMENT *)row->x + begin, count * sizeof *x);
  if (additive != NULL && !TYPED(COMPUTES_F64) && row->is_f32_additive) {
    additive = memcpy(floats, additive, count * sizeof *floats);
  } else if (additive != NULL) {
    additive = memcpy(elements, additive, count * sizeof *elements);
  }
  TYPED(take_word)(row, false, x, additive, allowed & low_decisions(count), numbers);
}

// v of scores from `begin` on, and -infinity until words are whole.
static NEVER_INLINE void TYPED(take_numbers)(const simdrop_softmax_row *row, size_t begin, size_t count, NUMBER *numbers) {
  const ELEMENT *const x = (const ELEMENT *)row->x + begin;
  const bool is_plain = row->additive == NULL && row->allowed == NULL;
  size_t k = 0;
  for (; k + WORD_ELEMENTS <= count; k += WORD_ELEMENTS) {
    if (is_plain) {
      TYPED(take_word)(row, true, x + k, NULL, 0, numbers + k);
    } else {
      const uint64_t allowed = row->allowed == NULL ? ~UINT64_C(0) : bits_of_allowed(row->allowed + begin + k, WORD_ELEMENTS);
      TYPED(take_word)(row, false, x + k, TYPED(additive_at)(row, begin + k), allowed, numbers + k);
    }
  }
  if (k < count) TYPED(take_part)(row, begin + k, count - k, numbers + k);
}

// The row's numbers from `begin` on that are in the buffer at a time: all of a row that is not long.
static inline size_t TYPED(count_in_buffer)(const simdrop_softmax_row *row, size_t begin) {
  return row->count - begin < MOST_NUMBERS ? row->count - begin : (size_t)MOST_NUMBERS;
}

static inline void TYPED(take_maximum)(simdrop_softmax_row *row) {
  NUMBER lanes[SIMDROP_SUM_LANES], *const buffer = (NUMBER *)row->buffer;
  for (size_t i = 0; i < SIMDROP_SUM_LANES; ++i) lanes[i] = -(NUMBER)INFINITY;
  for (size_t begin = 0, count; begin < row->count; begin += count) {
    count = TYPED(count_in_buffer)(row, begin);
    if (!row->is_in_buffer) TYPED(take_numbers)(row, begin, count, buffer);
    OF_VECTOR(raise_lanes)(buffer, whole_words(count), lanes);
  }
  const NUMBER maximum = OF_VECTOR(maximum_of_lanes)(lanes);
  row->maximum = maximum == -(NUMBER)INFINITY ? 0 : maximum + 0;
}

static inline void TYPED(take_inverse)(simdrop_softmax_row *row) {
  NUMBER lanes[SIMDROP_SUM_LANES], *const buffer = (NUMBER *)row->buffer;
  for (size_t i = 0; i < SIMDROP_SUM_LANES; ++i) lanes[i] = 0;
  for (size_t begin = 0, count; begin < row->count; begin += count) {
    count = TYPED(count_in_buffer)(row, begin);
    if (!row->is_in_buffer) {
      TYPED(take_numbers)(row, begin, count, buffer);
      OF_VECTOR(take_powers)(row, whole_words(count), buffer);
    }
    OF_VECTOR(add_to_lanes)(buffer, whole_words(count), lanes);
  }
  const NUMBER sum = OF_VECTOR(sum_of_lanes)(lanes);
  row->inverse = sum > 0 ? 1 / sum : sum;
}

// One step of all rows after the other.
void SIMDROP_LOCAL(TYPED(softmax_statistics))(size_t row_count, simdrop_softmax_row *rows,
                                              const simdrop_softmax_piece *pieces) {
  (void)pieces;
  for (size_t r = 0; r < row_count; ++r)
    if (rows[r].is_in_buffer) TYPED(take_numbers)(&rows[r], 0, rows[r].count, (NUMBER *)rows[r].buffer);
  for (size_t r = 0; r < row_count; ++r) TYPED(take_maximum)(&rows[r]);
  for (size_t r = 0; r < row_count; ++r)
    if (rows[r].is_in_buffer) OF_VECTOR(take_powers)(&rows[r], whole_words(rows[r].count), (NUMBER *)rows[r].buffer);
  for (size_t r = 0; r < row_count; ++r) TYPED(take_inverse)(&rows[r]);
}

// e of a word that the buffer does not have.
static NEVER_INLINE void TYPED(take_powers_again)(const simdrop_softmax_row *row, size_t begin, size_t count, NUMBER *numbers) {
  TYPED(take_numbers)(row, begin, count, numbers);
  OF_VECTOR(take_powers)(row, WORD_ELEMENTS, numbers);
}

static ALWAYS_INLINE void TYPED(keep_word)(const simdrop_softmax_row *row, const simdrop_softmax_piece *piece, uint64_t kept,
                                           const NUMBER *powers, ELEMENT *y, ELEMENT *probabilities) {
  const VECTOR inverse = COMPUTE(set)((NUMBER)row->inverse), factor = COMPUTE(set)((NUMBER)piece->factor);
  for (size_t k = 0; k < WORD_ELEMENTS; k += COMPUTE(lanes)()) {
    const VECTOR probability = COMPUTE(multiply)(COMPUTE(load)(powers + k), inverse);
    if (probabilities != NULL) STORE(probabilities + k, probability, false);
    STORE(y + k, COMPUTE(keep)(COMPUTE(decisions)(kept, (unsigned)k), COMPUTE(multiply)(probability, factor)), false);
  }
}

static NEVER_INLINE void TYPED(keep_part)(const simdrop_softmax_row *row, const simdrop_softmax_piece *piece, size_t count,
                                          uint64_t kept, const NUMBER *powers, ELEMENT *y, ELEMENT *probabilities) {
  ELEMENT y_part[WORD_ELEMENTS], probability_part[WORD_ELEMENTS];
  TYPED(keep_word)(row, piece, kept, powers, y_part, probability_part);
  memcpy(y, y_part, count * sizeof *y);
  if (probabilities != NULL) memcpy(probabilities, probability_part, count * sizeof *probabilities);
}

static inline void TYPED(softmax_of_row)(const simdrop_softmax_row *row, const simdrop_softmax_piece *piece) {
  NUMBER again[WORD_ELEMENTS];
  ELEMENT *const y = (ELEMENT *)piece->y, *const probabilities = (ELEMENT *)piece->probabilities;
  for (size_t k = 0, count; k < piece->count; k += count) {
    count = piece->count - k < WORD_ELEMENTS ? piece->count - k : (size_t)WORD_ELEMENTS;
    const NUMBER *powers = (const NUMBER *)row->buffer + piece->begin + k;
    if (!row->is_in_buffer) {
      TYPED(take_powers_again)(row, piece->begin + k, count, again);
      powers = again;
    }
    const uint64_t kept = simdrop_bits_from(piece->words, piece->first + k);
    ELEMENT *const stored = probabilities == NULL ? NULL : probabilities + k;
    if (count < WORD_ELEMENTS) {
      TYPED(keep_part)(row, piece, count, kept, powers, y + k, stored);
    } else if (stored == NULL) {
      TYPED(keep_word)(row, piece, kept, powers, y + k, NULL);
    } else {
      TYPED(keep_word)(row, piece, kept, powers, y + k, stored);
    }
  }
}

// P of a word, and +0 until it is whole.
static NEVER_INLINE void TYPED(take_probabilities)(const simdrop_softmax_row *row, size_t begin, size_t count,
                                                   NUMBER *numbers) {
  if (row->probabilities == NULL) {
    TYPED(take_powers_again)(row, begin, count, numbers);
    OF_VECTOR(multiply_numbers)(WORD_ELEMENTS, (NUMBER)row->inverse, numbers);
    return;
  }
  ELEMENT part[WORD_ELEMENTS] = {0};
  const ELEMENT *probabilities = (const ELEMENT *)row->probabilities + begin;
  if (count < WORD_ELEMENTS) {
    memcpy(part, probabilities, count * sizeof *part);
    probabilities = part;
  }
  for (size_t k = 0; k < WORD_ELEMENTS; k += COMPUTE(lanes)()) COMPUTE(store)(numbers + k, LOAD(probabilities + k), false);
}

// g of a vector.
static ALWAYS_INLINE VECTOR TYPED(gradient_at)(const ELEMENT *dy, uint64_t kept, VECTOR factor, size_t k) {
  return COMPUTE(keep)(COMPUTE(decisions)(kept, (unsigned)k), COMPUTE(multiply)(LOAD(dy + k), factor));
}

// dy of a word, from a copy where there are fewer.
static ALWAYS_INLINE const ELEMENT *TYPED(dy_at)(const simdrop_softmax_piece *piece, size_t k, size_t count, ELEMENT *part) {
  const ELEMENT *const dy = (const ELEMENT *)piece->dy + k;
  if (count == WORD_ELEMENTS) return dy;
  copy_part(count, sizeof *part, dy, part);
  return part;
}

static inline void TYPED(softmax_sum_of_row)(simdrop_softmax_row *row, const simdrop_softmax_piece *piece) {
  ELEMENT part[WORD_ELEMENTS];
  NUMBER again[WORD_ELEMENTS], terms[WORD_ELEMENTS], lanes[SIMDROP_SUM_LANES], *const sums = (NUMBER *)row->lanes;
  const VECTOR factor = COMPUTE(set)((NUMBER)piece->factor), zero = COMPUTE(set)(0);
  if (piece->begin == 0) memset(sums, 0, sizeof lanes);
  for (size_t k = 0, count; k < piece->count; k += count) {
    count = piece->count - k < WORD_ELEMENTS ? piece->count - k : (size_t)WORD_ELEMENTS;
    NUMBER *const probabilities = row->is_in_buffer ? (NUMBER *)row->buffer + piece->begin + k : again;
    TYPED(take_probabilities)(row, piece->begin + k, count, probabilities);
    const ELEMENT *const dy = TYPED(dy_at)(piece, k, count, part);
    const uint64_t kept = simdrop_bits_from(piece->words, piece->first + k);
    for (size_t i = 0; i < WORD_ELEMENTS; i += COMPUTE(lanes)()) {
      const VECTOR probability = COMPUTE(load)(probabilities + i);
      const VECTOR product = COMPUTE(multiply)(TYPED(gradient_at)(dy, kept, factor, i), probability);
      COMPUTE(store)(terms + i, COMPUTE(keep)(COMPUTE(less)(zero, probability), product), false);
    }
    OF_VECTOR(add_to_lanes)(terms, WORD_ELEMENTS, sums);
  }
  memcpy(lanes, sums, sizeof lanes);
  row->sum = OF_VECTOR(sum_of_lanes)(lanes);
}

static ALWAYS_INLINE void TYPED(gradient_word)(const simdrop_softmax_row *row, const NUMBER *probabilities, const ELEMENT *dy,
                                               uint64_t kept, NUMBER factor, ELEMENT *dx) {
  const VECTOR factors = COMPUTE(set)(factor), zero = COMPUTE(set)(0), sum = COMPUTE(set)((NUMBER)row->sum);
  const VECTOR scale = COMPUTE(set)((NUMBER)row->scale);
  for (size_t k = 0; k < WORD_ELEMENTS; k += COMPUTE(lanes)()) {
    const VECTOR probability = COMPUTE(load)(probabilities + k);
    const VECTOR difference = COMPUTE(subtract)(TYPED(gradient_at)(dy, kept, factors, k), sum);
    const VECTOR d = COMPUTE(multiply)(COMPUTE(multiply)(probability, difference), scale);
    STORE(dx + k, COMPUTE(select)(COMPUTE(less)(zero, probability), d, probability), false);
  }
}

static inline void TYPED(softmax_gradient_of_row)(const simdrop_softmax_row *row, const simdrop_softmax_piece *piece) {
  ELEMENT dy_part[WORD_ELEMENTS], dx_part[WORD_ELEMENTS], *const dx = (ELEMENT *)piece->y;
  NUMBER again[WORD_ELEMENTS];
  for (size_t k = 0, count; k < piece->count; k += count) {
    count = piece->count - k < WORD_ELEMENTS ? piece->count - k : (size_t)WORD_ELEMENTS;
    const NUMBER *probabilities = (const NUMBER *)row->buffer + piece->begin + k;
    if (!row->is_in_buffer) {
      TYPED(take_probabilities)(row, piece->begin + k, count, again);
      probabilities = again;
    }
    const ELEMENT *const dy = TYPED(dy_at)(piece, k, count, dy_part);
    const uint64_t kept = simdrop_bits_from(piece->words, piece->first + k);
    TYPED(gradient_word)(row, probabilities, dy, kept, (NUMBER)piece->factor, count < WORD_ELEMENTS ? dx_part : dx + k);
    if (count < WORD_ELEMENTS) memcpy(dx + k, dx_part, count * sizeof *dx);
  }
}

void SIMDROP_LOCAL(TYPED(softmax))(size_t row_count, simdrop_softmax_row *rows, const simdrop_softmax_piece *pieces) {
  for (size_t r = 0; r < row_count; ++r) TYPED(softmax_of_row)(&rows[r], &pieces[r]);
}

void SIMDROP_LOCAL(TYPED(softmax_sum))(size_t row_count, simdrop_softmax_row *rows, const simdrop_softmax_piece *pieces) {
  for (size_t r = 0; r < row_count; ++r) TYPED(softmax_sum_of_row)(&rows[r], &pieces[r]);
}

void SIMDROP_LOCAL(TYPED(softmax_gradient))(size_t row_count, simdrop_softmax_row *rows, const simdrop_softmax_piece *pieces) {
  for (size_t r = 0; r < row_count; ++r) TYPED(softmax_gradient_of_row)(&rows[r], &pieces[r]);
}

#undef MOST_NUMBERS
#undef NUMBER
#undef ELEMENT
#undef OF_VECTOR
#undef TYPED
