// x * factor + addend, or what dropped elements become, for elements of one type, in the words of the backend's arithmetic.h.
// consumers_body.h includes this file once for each type, with TYPE its name. Less is made of each way in which decisions are
// found than for scale_<type>: all but one go through a function, and repeated ones are stored through the caches.
#define TYPED(name) SIMDROP_JOIN_WORDS(name, TYPE)
#define ELEMENT TYPED(simdrop_element)
#define COMPUTED TYPED(simdrop_computed)

static ALWAYS_INLINE void TYPED(affine_word)(uint64_t bits, const ELEMENT *x, ELEMENT *y, const simdrop_affine *numbers,
                                             bool non_temporal) {
  const VECTOR factor = COMPUTE(set)((COMPUTED)numbers->factor), addend = COMPUTE(set)((COMPUTED)numbers->addend);
  const VECTOR dropped = COMPUTE(set)((COMPUTED)numbers->dropped);
  const unsigned lanes = (unsigned)COMPUTE(lanes)();
#if HAS_TWO
  for (unsigned k = 0; k < WORD_ELEMENTS; k += 2 * lanes) {
    MASK is_kept[2];
    VECTOR kept[2];
    DECISIONS_TWO(bits, k, &is_kept[0], &is_kept[1]);
    LOAD_TWO(x + k, &kept[0], &kept[1]);
    for (int i = 0; i < 2; ++i) {
      kept[i] = COMPUTE(add)(COMPUTE(multiply)(kept[i], factor), addend);
      kept[i] = COMPUTE(select)(is_kept[i], kept[i], dropped);
    }
    STORE_TWO(y + k, kept[0], kept[1], non_temporal);
  }
#else
  for (unsigned k = 0; k < WORD_ELEMENTS; k += lanes) {
    const VECTOR kept = COMPUTE(add)(COMPUTE(multiply)(LOAD(x + k), factor), addend);
    STORE(y + k, COMPUTE(select)(COMPUTE(decisions)(bits, k), kept, dropped), non_temporal);
  }
#endif
}

static NEVER_INLINE void TYPED(affine_part)(size_t count, uint64_t bits, const ELEMENT *x, ELEMENT *y,
                                            const simdrop_affine *numbers) {
  ELEMENT part[WORD_ELEMENTS] = {0};
  memcpy(part, x, count * sizeof *x);
  TYPED(affine_word)(bits, part, part, numbers, false);
  memcpy(y, part, count * sizeof *y);
}

// The steps of a chunk, or of all elements.
static ALWAYS_INLINE void TYPED(affine_steps)(bool non_temporal, const paged_steps *steps, size_t begin, size_t end,
                                              size_t prefetch, const simdrop_decisions *decisions,
                                              const simdrop_operands *operands) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  const simdrop_affine numbers = *operands->affine;
  if (begin == 0 && steps->lead > 0) TYPED(affine_part)(steps->lead, decisions_at(decisions, 0, steps->lead), x, y, &numbers);
  for (size_t step = begin; step < end; ++step) {
    const size_t k = element_of_step(steps, step), left = steps->n - k;
    if (left < WORD_ELEMENTS) {
      TYPED(affine_part)(left, decisions_at(decisions, k, left), x + k, y + k, &numbers);
      continue;
    }
    if (prefetch != 0) prefetch_lines(x + k, sizeof *x, prefetch);
    if (non_temporal) prefetch_page(y + k, WORD_ELEMENTS * sizeof *y, prefetch != 0 ? prefetch : SIMDROP_PAGE_BYTES);
    TYPED(affine_word)(decisions_at(decisions, k, WORD_ELEMENTS), x + k, y + k, &numbers, non_temporal);
  }
}

static NEVER_INLINE void TYPED(affine_steps_past_caches)(const paged_steps *steps, size_t begin, size_t end, size_t prefetch,
                                                         const simdrop_decisions *decisions, const simdrop_operands *operands) {
  TYPED(affine_steps)(true, steps, begin, end, prefetch, decisions, operands);
}

void SIMDROP_LOCAL(TYPED(affine))(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                  simdrop_store store) {
  const ELEMENT *const x = (const ELEMENT *)operands->x;
  ELEMENT *const y = (ELEMENT *)operands->y;
  if (store == SIMDROP_STORE_NON_TEMPORAL && decisions->repeat == SIMDROP_EACH) {
    const paged_steps steps = {n, elements_to_alignment(y, sizeof *y, n), 0, 0};
    const size_t count = (n - steps.lead + WORD_ELEMENTS - 1) / WORD_ELEMENTS;
    TYPED(affine_steps_past_caches)(&steps, 0, count, operands->prefetch, decisions, operands);
    return;
  }
  const simdrop_affine numbers = *operands->affine;
  const decision_kind kind = kind_of_decisions(decisions);
  decision_cursor cursor = first_decisions(kind, decisions);
  size_t k = 0;
  for (; k + WORD_ELEMENTS <= n; k += WORD_ELEMENTS) {
    const uint64_t bits =
        kind == IN_WORDS ? next_of_words(&cursor, WORD_ELEMENTS) : next_decisions_of(kind, &cursor, WORD_ELEMENTS);
    TYPED(affine_word)(bits, x + k, y + k, &numbers, false);
  }
  if (k < n) TYPED(affine_part)(n - k, next_decisions_of(kind, &cursor, n - k), x + k, y + k, &numbers);
}

void SIMDROP_LOCAL(TYPED(affine_pages))(size_t begin, size_t end, const simdrop_decisions *decisions,
                                        const simdrop_operands *operands, const simdrop_memory_way *way) {
  const paged_steps steps = begin_paged_steps(operands->y, sizeof(ELEMENT), way);
  if (way->store == SIMDROP_STORE_NON_TEMPORAL) {
    TYPED(affine_steps_past_caches)(&steps, begin, end, way->prefetch, decisions, operands);
  } else {
    TYPED(affine_steps)(false, &steps, begin, end, way->prefetch, decisions, operands);
  }
}

#undef COMPUTED
#undef ELEMENT
#undef TYPED
#undef TYPE
