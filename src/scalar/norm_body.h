// Normalisation of elements of one type. norm.c includes this file once for each, with TYPE its name.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define ELEMENT TYPED(simdrop_element)
#define COMPUTED TYPED(simdrop_computed)

void SIMDROP_LOCAL(TYPED(norm_input))(size_t n, const uint64_t *words, size_t first, const simdrop_norm_operands *operands) {
  const ELEMENT *const x = (const ELEMENT *)operands->x, *const bias = (const ELEMENT *)operands->bias,
                       *const residual = (const ELEMENT *)operands->residual;
  ELEMENT *const h = (ELEMENT *)operands->h;
  COMPUTED *const lanes = (COMPUTED *)operands->lanes;
  const COMPUTED scale = (COMPUTED)operands->scale;
  for (size_t k = 0; k < n; ++k) {
    const COMPUTED value = TYPED(scalar_value)(x[k]), sum = bias == NULL ? value : value + TYPED(scalar_value)(bias[k]);
    const COMPUTED d = scalar_is_kept(words, first + k) ? sum * scale : 0;
    h[k] = TYPED(scalar_element)(residual == NULL ? d : TYPED(scalar_value)(residual[k]) + d);
    lanes[k % SIMDROP_SUM_LANES] += TYPED(scalar_value)(h[k]);
  }
}

void SIMDROP_LOCAL(TYPED(norm_squares))(size_t n, const simdrop_norm_operands *operands) {
  const ELEMENT *const h = (const ELEMENT *)operands->h;
  COMPUTED *const lanes = (COMPUTED *)operands->lanes;
  const COMPUTED mean = (COMPUTED)operands->mean;
  for (size_t k = 0; k < n; ++k) {
    const COMPUTED difference = TYPED(scalar_value)(h[k]) - mean;
    lanes[k % SIMDROP_SUM_LANES] += difference * difference;
  }
}

void SIMDROP_LOCAL(TYPED(norm_output))(size_t n, const simdrop_norm_operands *operands, bool non_temporal) {
  const ELEMENT *const h = (const ELEMENT *)operands->h, *const gamma = (const ELEMENT *)operands->gamma,
                       *const beta = (const ELEMENT *)operands->beta;
  ELEMENT *const y = (ELEMENT *)operands->y;
  const COMPUTED mean = (COMPUTED)operands->mean, inverse = (COMPUTED)operands->inverse;
  (void)non_temporal;  // there is no portable store past the caches
  for (size_t k = 0; k < n; ++k) {
    COMPUTED value = (TYPED(scalar_value)(h[k]) - mean) * inverse;
    if (gamma != NULL) value = value * TYPED(scalar_value)(gamma[k]);
    if (beta != NULL) value = value + TYPED(scalar_value)(beta[k]);
    y[k] = TYPED(scalar_element)(value);
  }
}

// z, what gamma was multiplied by.
static COMPUTED TYPED(normalised)(const simdrop_norm_gradient_operands *operands, size_t k) {
  const ELEMENT *const h = (const ELEMENT *)operands->h;
  return (TYPED(scalar_value)(h[k]) - (COMPUTED)operands->mean) * (COMPUTED)operands->inverse;
}

// g, the gradient with respect to that.
static COMPUTED TYPED(gradient_of_normalised)(const simdrop_norm_gradient_operands *operands, size_t k) {
  const ELEMENT *const dy = (const ELEMENT *)operands->dy, *const gamma = (const ELEMENT *)operands->gamma;
  const COMPUTED gradient = TYPED(scalar_value)(dy[k]);
  return gamma == NULL ? gradient : gradient * TYPED(scalar_value)(gamma[k]);
}

void SIMDROP_LOCAL(TYPED(norm_gradient_sums))(size_t n, const simdrop_norm_gradient_operands *operands) {
  COMPUTED *const gradients = (COMPUTED *)operands->gradient_lanes, *const products = (COMPUTED *)operands->product_lanes;
  for (size_t k = 0; k < n; ++k) {
    const COMPUTED g = TYPED(gradient_of_normalised)(operands, k);
    gradients[k % SIMDROP_SUM_LANES] += g;
    products[k % SIMDROP_SUM_LANES] += g * TYPED(normalised)(operands, k);
  }
}

void SIMDROP_LOCAL(TYPED(norm_column_sums))(size_t n, const simdrop_norm_gradient_operands *operands) {
  const ELEMENT *const dy = (const ELEMENT *)operands->dy;
  COMPUTED *const gamma_sums = (COMPUTED *)operands->gamma_sums, *const beta_sums = (COMPUTED *)operands->beta_sums;
  for (size_t k = 0; k < n; ++k) {
    gamma_sums[k] += TYPED(scalar_value)(dy[k]) * TYPED(normalised)(operands, k);
    beta_sums[k] += TYPED(scalar_value)(dy[k]);
  }
}

void SIMDROP_LOCAL(TYPED(norm_gradient))(size_t n, const uint64_t *words, size_t first,
                                         const simdrop_norm_gradient_operands *operands) {
  const ELEMENT *const added = (const ELEMENT *)operands->added;
  ELEMENT *const dh = (ELEMENT *)operands->dh, *const dx = (ELEMENT *)operands->dx;
  const COMPUTED scale = (COMPUTED)operands->scale, inverse = (COMPUTED)operands->inverse;
  const COMPUTED mean_gradient = (COMPUTED)operands->mean_gradient, mean_product = (COMPUTED)operands->mean_product;
  for (size_t k = 0; k < n; ++k) {
    const COMPUTED z = TYPED(normalised)(operands, k), g = TYPED(gradient_of_normalised)(operands, k);
    const COMPUTED own = ((g - mean_gradient) - z * mean_product) * inverse;
    const ELEMENT sum = TYPED(scalar_element)(added == NULL ? own : TYPED(scalar_value)(added[k]) + own);
    if (dh != NULL) dh[k] = sum;
    if (dx != NULL) dx[k] = TYPED(scalar_element)(scalar_is_kept(words, first + k) ? TYPED(scalar_value)(sum) * scale : 0);
  }
}

#undef COMPUTED
#undef ELEMENT
#undef TYPED
#undef TYPE
