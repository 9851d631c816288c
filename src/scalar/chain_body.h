// The chain for elements of one type. chain.c includes this file once for each, with TYPE its name and COMPUTED the type that
// it is computed in.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define OF_COMPUTED(name) SIMDROP_JOIN_WORDS(name, COMPUTED)

static COMPUTED TYPED(biased)(const simdrop_chain_input *input, size_t k) {
  const TYPED(simdrop_element) *const x = (const TYPED(simdrop_element) *)input->x, *const bias = (const TYPED(
                                                                                        simdrop_element) *)input->bias;
  const COMPUTED value = TYPED(scalar_value)(x[k]);
  return bias == NULL ? value : value + TYPED(scalar_value)(bias[input->is_shared_bias ? 0 : k]);
}

void SIMDROP_LOCAL(TYPED(chain))(size_t n, const uint64_t *words, size_t first, const simdrop_chain_operands *operands,
                                 bool non_temporal) {
  const TYPED(simdrop_element) *const residual = (const TYPED(simdrop_element) *)operands->residual;
  TYPED(simdrop_element) *const y = (TYPED(simdrop_element) *)operands->y;
  const COMPUTED scale = (COMPUTED)operands->scale;
  (void)non_temporal;  // there is no portable store past the caches
  for (size_t k = 0; k < n; ++k) {
    const bool kept = scalar_is_kept(words, first + k);
    const COMPUTED t = TYPED(biased)(&operands->input, k);
    const COMPUTED d = kept ? OF_COMPUTED(activate)(&operands->input, t) * scale : 0;
    if (operands->positives != NULL) set_bit(operands->positives, k, kept && t > 0);
    y[k] = TYPED(scalar_element)(residual == NULL ? d : TYPED(scalar_value)(residual[k]) + d);
  }
}

static COMPUTED TYPED(gradient)(const simdrop_chain_input *input, size_t k, COMPUTED g) {
  if (input->activation == SIMDROP_ACTIVATION_NONE) return g;
  const COMPUTED t = TYPED(biased)(input, k);
  if (input->activation == SIMDROP_RELU) return t > 0 ? g : 0;
  return g * OF_COMPUTED(derivative_of)(input, t);
}

void SIMDROP_LOCAL(TYPED(chain_gradient))(size_t n, const uint64_t *words, size_t first,
                                          const simdrop_chain_gradient_operands *operands, bool non_temporal) {
  const TYPED(simdrop_element) *const dy = (const TYPED(simdrop_element) *)operands->dy;
  TYPED(simdrop_element) *const dx = (TYPED(simdrop_element) *)operands->dx;
  COMPUTED *const column_sums = (COMPUTED *)operands->column_sums, *const lane_sums = (COMPUTED *)operands->lane_sums;
  const COMPUTED scale = (COMPUTED)operands->scale;
  (void)non_temporal;
  for (size_t k = 0; k < n; ++k) {
    const COMPUTED d =
        scalar_is_kept(words, first + k) ? TYPED(gradient)(&operands->input, k, TYPED(scalar_value)(dy[k]) * scale) : 0;
    dx[k] = TYPED(scalar_element)(d);
    if (column_sums != NULL) column_sums[k] += d;
    if (lane_sums != NULL) lane_sums[k % SIMDROP_SUM_LANES] += d;
  }
}

#undef OF_COMPUTED
#undef TYPED
#undef COMPUTED
#undef TYPE
