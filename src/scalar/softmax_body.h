// Softmax for elements of one type. softmax.c includes this file once for each, with TYPE its name and COMPUTED the type that
// it is computed in.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define OF_COMPUTED(name) SIMDROP_JOIN_WORDS(name, COMPUTED)
#define ELEMENT TYPED(simdrop_element)

// v; of what is masked, nothing is looked at.
static COMPUTED TYPED(value)(const simdrop_softmax_row *row, size_t k) {
  if (row->allowed != NULL && row->allowed[k] == 0) return -(COMPUTED)INFINITY;
  const COMPUTED scaled = TYPED(scalar_value)(((const ELEMENT *)row->x)[k]) * (COMPUTED)row->scale;
  if (row->additive == NULL) return scaled;
  if (row->is_f32_additive) return scaled + (COMPUTED)((const float *)row->additive)[k];
  return scaled + TYPED(scalar_value)(((const ELEMENT *)row->additive)[k]);
}

static COMPUTED TYPED(power)(const simdrop_softmax_row *row, size_t k) {
  return OF_COMPUTED(exp)(row, TYPED(value)(row, k) - (COMPUTED)row->maximum);
}

static COMPUTED TYPED(probability)(const simdrop_softmax_row *row, size_t k) {
  if (row->probabilities != NULL) return TYPED(scalar_value)(((const ELEMENT *)row->probabilities)[k]);
  return TYPED(power)(row, k) * (COMPUTED)row->inverse;
}

static COMPUTED TYPED(sum_of_lanes)(const COMPUTED *sums) {
  COMPUTED lanes[SIMDROP_SUM_LANES];
  for (size_t i = 0; i < SIMDROP_SUM_LANES; ++i) lanes[i] = sums[i];
  for (size_t half = SIMDROP_SUM_LANES / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

static void TYPED(take_statistics)(simdrop_softmax_row *row) {
  COMPUTED maximum = -(COMPUTED)INFINITY, sums[SIMDROP_SUM_LANES] = {0};
  for (size_t k = 0; k < row->count; ++k) {
    const COMPUTED value = TYPED(value)(row, k);
    if (value > maximum) maximum = value;
  }
  row->maximum = maximum == -(COMPUTED)INFINITY ? 0 : maximum + 0;  // of +0 and -0, always +0
  for (size_t k = 0; k < row->count; ++k) sums[k % SIMDROP_SUM_LANES] += TYPED(power)(row, k);
  const COMPUTED sum = TYPED(sum_of_lanes)(sums);
  row->inverse = sum > 0 ? 1 / sum : sum;
}

static void TYPED(softmax_of_row)(const simdrop_softmax_row *row, const simdrop_softmax_piece *piece) {
  ELEMENT *const y = (ELEMENT *)piece->y, *const probabilities = (ELEMENT *)piece->probabilities;
  for (size_t k = 0; k < piece->count; ++k) {
    const COMPUTED probability = TYPED(probability)(row, piece->begin + k);
    if (probabilities != NULL) probabilities[k] = TYPED(scalar_element)(probability);
    y[k] = TYPED(scalar_element)(scalar_is_kept(piece->words, piece->first + k) ? probability * (COMPUTED)piece->factor : 0);
  }
}

static COMPUTED TYPED(gradient_of_probability)(const simdrop_softmax_piece *piece, size_t k) {
  return scalar_is_kept(piece->words, piece->first + k)
             ? TYPED(scalar_value)(((const ELEMENT *)piece->dy)[k]) * (COMPUTED)piece->factor
             : 0;
}

static void TYPED(softmax_sum_of_row)(simdrop_softmax_row *row, const simdrop_softmax_piece *piece) {
  COMPUTED *const sums = (COMPUTED *)row->lanes;
  if (piece->begin == 0) memset(sums, 0, SIMDROP_SUM_LANES * sizeof *sums);
  for (size_t k = 0; k < piece->count; ++k) {
    const COMPUTED probability = TYPED(probability)(row, piece->begin + k);
    const COMPUTED gradient = TYPED(gradient_of_probability)(piece, k);
    sums[k % SIMDROP_SUM_LANES] += probability > 0 ? gradient * probability : 0;
  }
  row->sum = TYPED(sum_of_lanes)(sums);
}

static void TYPED(softmax_gradient_of_row)(const simdrop_softmax_row *row, const simdrop_softmax_piece *piece) {
  ELEMENT *const dx = (ELEMENT *)piece->y;
  for (size_t k = 0; k < piece->count; ++k) {
    const COMPUTED probability = TYPED(probability)(row, piece->begin + k);
    const COMPUTED gradient = TYPED(gradient_of_probability)(piece, k);
    const COMPUTED d = (probability * (gradient - (COMPUTED)row->sum)) * (COMPUTED)row->scale;
    dx[k] = TYPED(scalar_element)(probability > 0 ? d : probability);
  }
}

void SIMDROP_LOCAL(TYPED(softmax_statistics))(size_t row_count, simdrop_softmax_row *rows,
                                              const simdrop_softmax_piece *pieces) {
  (void)pieces;
  for (size_t r = 0; r < row_count; ++r) TYPED(take_statistics)(&rows[r]);
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

#undef ELEMENT
#undef OF_COMPUTED
#undef TYPED
#undef COMPUTED
#undef TYPE
