// What softmax does with the numbers in the buffer. softmax_body.h includes this file once for each type that is computed in,
// with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define OF_VECTOR(name) SIMDROP_JOIN_WORDS(name, VECTOR)
#define NUMBER TYPED(simdrop_computed)

// Lane i = word(lane i, lane i + half) for half = 16, 8, 4, 2, 1, the last three in registers. Lanes are not needed any more.
#define JOIN_LANES(name, join)                                                                                 \
  static inline NUMBER OF_VECTOR(name)(NUMBER * lanes) {                                                       \
    for (size_t i = 0; i < 16; ++i) lanes[i] = join(lanes[i], lanes[i + 16]);                                  \
    for (size_t i = 0; i < 8; ++i) lanes[i] = join(lanes[i], lanes[i + 8]);                                    \
    const NUMBER a = join(lanes[0], lanes[4]), b = join(lanes[1], lanes[5]);                                   \
    const NUMBER c = join(lanes[2], lanes[6]), d = join(lanes[3], lanes[7]), ac = join(a, c), bd = join(b, d); \
    return join(ac, bd);                                                                                       \
  }
#define SUM_OF(a, b) ((a) + (b))
#define LARGER_OF(a, b) ((a) > (b) ? (a) : (b))
JOIN_LANES(sum_of_lanes, SUM_OF)
JOIN_LANES(maximum_of_lanes, LARGER_OF)
#undef LARGER_OF
#undef SUM_OF
#undef JOIN_LANES

// exp(number - maximum), of whole words.
static inline void OF_VECTOR(take_powers)(const simdrop_softmax_row *row, size_t count, NUMBER *numbers) {
  const VECTOR maximum = COMPUTE(set)((NUMBER)row->maximum);
  const size_t width = COMPUTE(lanes)();
#if TYPED(COMPUTES_F64)
  for (size_t word = 0; word < count; word += WORD_ELEMENTS) {
    for (size_t k = word; k < word + WORD_ELEMENTS; k += width)
      COMPUTE(store)(numbers + k, COMPUTE(subtract)(COMPUTE(load)(numbers + k), maximum), false);
    row->f64_exp(WORD_ELEMENTS, numbers + word);
  }
#else
  for (size_t k = 0; k < count; k += width)
    COMPUTE(store)(numbers + k, math_exp(COMPUTE(subtract)(COMPUTE(load)(numbers + k), maximum)), false);
#endif
}

static inline void OF_VECTOR(multiply_numbers)(size_t count, NUMBER factor, NUMBER *numbers) {
  const VECTOR factors = COMPUTE(set)(factor);
  for (size_t k = 0; k < count; k += COMPUTE(lanes)())
    COMPUTE(store)(numbers + k, COMPUTE(multiply)(COMPUTE(load)(numbers + k), factors), false);
}

#undef NUMBER
#undef OF_VECTOR
#undef TYPED
