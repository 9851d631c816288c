// Tests that draw for themselves.
#include "verify/draws.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/popcount.h"
#include "shared/report.h"
#include "verify/sequence.h"
#include "verify/significance.h"
#include "verify/values.h"

static void tell(const verify_subject *subject, uint64_t n) {
  if (subject->counted != NULL) subject->counted(subject->context, n);
}

// ---- S3: calls of every length up to TAIL_LENGTH, each with a stream of its own; kept elements by place from the end.

#define TAIL_LENGTH 257
#define TAIL_WORDS ((TAIL_LENGTH + 63) / 64)
enum {
  TAIL_CELLS = TAIL_LENGTH * (TAIL_LENGTH + 1) / 2
};

bool tails_in(verify_form form) { return form_is_of_decisions(form) && !form_is_channels(form); }

// 2^25 bits for a sequence of 2^24, 2^27 in the long mode.
static uint64_t tail_calls(const verify_subject *subject) {
  const uint64_t bits = subject->is_long ? UINT64_C(1) << 27 : 2 * subject->elements;
  return bits / TAIL_CELLS;
}

uint64_t tails_drawn(const verify_subject *subject) { return tail_calls(subject) * TAIL_CELLS; }

bool draw_tails(const verify_subject *subject, verify_figure *figure) {
  const uint64_t calls = tail_calls(subject);
  figure->applies = calls >= 16;
  if (!figure->applies) return true;
  uint64_t *const cells = verify_allocate(TAIL_CELLS, sizeof *cells);
  draw_buffer *const buffer = verify_allocate(1, sizeof *buffer);
  if (cells != NULL && buffer != NULL) {
    draw_buffer_begin(buffer);
    uint64_t *row = cells;  // of one length: kept at its places, the last one first
    for (size_t n = 1; n <= TAIL_LENGTH; row += n, ++n) {
      for (uint64_t call = 0; call < calls; ++call) {
        uint64_t words[TAIL_WORDS];
        const simdrop_mask mask = {subject->p, subject->seed, TAIL_LENGTH * call + n, 0, 0};
        draw_bits(subject->functions, subject->form, &mask, n, words, buffer);
        for (size_t k = 0; k < n; ++k) row[n - 1 - k] += words[k / 64] >> k % 64 & 1;
      }
      tell(subject, calls * n);
    }
    binomial_worst worst;
    worst_binomial(TAIL_CELLS, cells, (double)calls, subject->keep, &worst);
    size_t length = 1, place = worst.index;
    while (place >= length) place -= length++;
    figure->elements = calls * TAIL_CELLS;
    figure->statistic = worst.deviations;
    figure->p_value = smallest_of(worst.p_value, TAIL_CELLS);
    figure->smallest = smallest_rise((double)calls, fmin(subject->keep, 1 - subject->keep), subject->level, TAIL_CELLS);
    figure->conservative = true;
    figure->unit = "rate of a place";
    snprintf(figure->where, sizeof figure->where, "%u from the end of %u", (unsigned)place, (unsigned)length);
  }
  free(buffer);
  free(cells);
  return cells != NULL && buffer != NULL;
}

// ---- S9: windows whose first indices have one or two bits set, so that an index cut short anywhere repeats one of them.

void duplicates_figure(uint64_t duplicates, uint64_t windows, uint64_t window_bits, double keep, verify_figure *figure) {
  figure->elements = windows * window_bits;
  figure->statistic = (double)duplicates;
  figure->p_value = duplicates > 0 ? fmin(1, duplicate_chance(keep, windows, window_bits)) : 1;
  figure->smallest = (double)(figure->elements - window_bits);
  figure->unit = "longest period, in whole windows";
  snprintf(figure->where, sizeof figure->where, "windows of %llu", (unsigned long long)window_bits);
}

bool duplicates_in(verify_form form) { return form == FORM_MASK || form == FORM_CHANNELS; }

static unsigned first_index_bit(uint64_t window_bits) {
  unsigned bit = 0;
  while (UINT64_C(1) << bit < window_bits) ++bit;
  return bit;
}

static uint64_t sparse_windows(uint64_t window_bits) {
  const uint64_t bits = 64 - first_index_bit(window_bits);
  return 1 + bits + bits * (bits - 1) / 2;
}

// The windows' length, such that chance makes no two of them equal.
static uint64_t sparse_window_bits(double keep) {
  uint64_t bits = POSITIONS;
  while (bits <= DRAW_MAX && duplicate_chance(keep, sparse_windows(bits), bits) >= 1e-12) bits *= 2;
  return bits;
}

uint64_t duplicates_drawn(const verify_subject *subject) {
  const uint64_t bits = sparse_window_bits(subject->keep);
  return bits <= DRAW_MAX ? bits * sparse_windows(bits) : 0;
}

bool draw_sparse_duplicates(const verify_subject *subject, verify_figure *figure) {
  const uint64_t bits = sparse_window_bits(subject->keep), windows = sparse_windows(bits);
  window_set set = {.slots = NULL};
  figure->applies = bits <= DRAW_MAX;
  if (!figure->applies) return true;
  draw_buffer *const buffer = verify_allocate(1, sizeof *buffer);
  const bool ready = buffer != NULL && window_set_begin(&set, windows);
  if (ready) {
    uint64_t words[DRAW_MAX / 64], duplicates = 0;
    draw_buffer_begin(buffer);
    for (unsigned high = first_index_bit(bits) - 1; high < 64; ++high) {
      for (unsigned low = first_index_bit(bits) - 1; low < high || (low == high && high == first_index_bit(bits) - 1); ++low) {
        // The bit below the first one stands for none.
        const uint64_t index =
            (high >= first_index_bit(bits) ? UINT64_C(1) << high : 0) | (low >= first_index_bit(bits) ? UINT64_C(1) << low : 0);
        const simdrop_mask mask = {subject->p, subject->seed, 1, index, 0};
        draw_bits(subject->functions, subject->form, &mask, (size_t)bits, words, buffer);
        duplicates += window_set_add(&set, words, (size_t)bits / 64);
      }
    }
    tell(subject, bits * windows);
    duplicates_figure(duplicates, windows, bits, subject->keep, figure);
    figure->smallest = 0x1p63;
    figure->unit = "longest period, a power of 2";
    snprintf(figure->where, sizeof figure->where, "at 2^i + 2^k");
  }
  window_set_end(&set);
  free(buffer);
  return ready;
}

// ---- S10: a mask against those whose parameters differ in one bit, or are neighbours.

#define STREAM_OFFSET_BIT 16  // the first bit of the offset that is flipped: those below move inside of a mask
#define STREAM_PARTNERS (64 + 64 + (64 - STREAM_OFFSET_BIT) + 4)

bool streams_in(verify_form form) { return form == FORM_MASK; }

static size_t stream_words(const verify_subject *subject) {
  const uint64_t elements = subject->is_long ? UINT64_C(1) << STREAM_OFFSET_BIT : subject->elements >> 8;
  const uint64_t most = UINT64_C(1) << STREAM_OFFSET_BIT;
  return (size_t)((elements < most ? elements : most) / 64);
}

uint64_t streams_drawn(const verify_subject *subject) { return (STREAM_PARTNERS + 1) * 64 * (uint64_t)stream_words(subject); }

static uint64_t halves_exchanged(uint64_t x) { return x << 32 | x >> 32; }

static simdrop_mask partner_of(simdrop_mask mask, unsigned partner, size_t size, char *name) {
  if (partner < 64) {
    mask.seed ^= UINT64_C(1) << partner;
    snprintf(name, size, "seed's bit %u", partner);
  } else if (partner < 128) {
    mask.stream ^= UINT64_C(1) << (partner - 64);
    snprintf(name, size, "stream's bit %u", partner - 64);
  } else if (partner < STREAM_PARTNERS - 4) {
    mask.offset ^= UINT64_C(1) << (partner - 128 + STREAM_OFFSET_BIT);
    snprintf(name, size, "offset's bit %u", partner - 128 + STREAM_OFFSET_BIT);
  } else if (partner == STREAM_PARTNERS - 4) {
    ++mask.seed;
    snprintf(name, size, "the next seed");
  } else if (partner == STREAM_PARTNERS - 3) {
    ++mask.stream;
    snprintf(name, size, "the next stream");
  } else if (partner == STREAM_PARTNERS - 2) {
    mask.seed = halves_exchanged(mask.seed);
    snprintf(name, size, "seed's halves exchanged");
  } else {
    const uint64_t seed = mask.seed;
    mask.seed = mask.stream;
    mask.stream = seed;
    snprintf(name, size, "seed and stream exchanged");
  }
  return mask;
}

static void draw_words(const verify_subject *subject, simdrop_mask mask, size_t words, uint64_t *out, draw_buffer *buffer) {
  drawn_sequence sequence = {subject->functions, subject->form, mask, buffer};
  bit_source source = bit_source_draw(&sequence);
  source.next(&source, words, out);
  tell(subject, 64 * words);
}

bool draw_streams(const verify_subject *subject, verify_figure *figure) {
  const size_t words = stream_words(subject);
  const double n = 64 * (double)words, rare = fmin(subject->keep, 1 - subject->keep);
  const uint64_t flip = subject->keep < 0.5 ? 0 : ~UINT64_C(0);
  figure->applies = words > 0 && n * rare >= 16;
  if (!figure->applies) return true;
  const simdrop_mask mask = {subject->p, derived_seed(subject->seed, 1), derived_seed(subject->seed, 2),
                             derived_seed(subject->seed, 3) << STREAM_OFFSET_BIT, 0};
  uint64_t *const base = verify_allocate(2 * words, sizeof *base), *const other = base + words;
  draw_buffer *const buffer = verify_allocate(1, sizeof *buffer);
  if (base != NULL && buffer != NULL) {
    uint64_t both[STREAM_PARTNERS] = {0};
    char name[sizeof figure->where];
    binomial_worst worst;
    draw_buffer_begin(buffer);
    draw_words(subject, mask, words, base, buffer);
    for (unsigned partner = 0; partner < STREAM_PARTNERS; ++partner) {
      draw_words(subject, partner_of(mask, partner, sizeof name, name), words, other, buffer);
      for (size_t k = 0; k < words; ++k) both[partner] += count_word((base[k] ^ flip) & (other[k] ^ flip));
    }
    worst_binomial(STREAM_PARTNERS, both, n, rare * rare, &worst);
    figure->elements = (STREAM_PARTNERS + 1) * 64 * (uint64_t)words;
    figure->statistic = worst.deviations;
    figure->p_value = smallest_of(worst.p_value, STREAM_PARTNERS);
    figure->smallest = smallest_coincidence(n, rare, subject->level, STREAM_PARTNERS);
    figure->conservative = true;
    figure->unit = "correlation of masks";
    partner_of(mask, (unsigned)worst.index, sizeof figure->where, figure->where);
  }
  free(buffer);
  free(base);
  return base != NULL && buffer != NULL;
}

// ---- S11: the mean of outputs is the input. A long tensor's sum in f32 and f64, and the mean over many masks of each of
// FIXED_INPUTS elements in every type. A kept element's product is known, so the mean over masks is within exact bounds of the
// input exactly if the number of masks that keep it is, and the product is.

#define FIXED_INPUTS 1024
#define SUM_TESTS 2

bool outputs_in(verify_form form) { return form_is_of_decisions(form) && form != FORM_MASK; }

static size_t output_seeds(const verify_subject *subject) {
  return (size_t)(subject->is_long ? UINT64_C(1) << 14 : subject->elements >> 12);
}

// Draws of DRAW_MAX elements.
static uint64_t sum_draws(const verify_subject *subject) {
  return (subject->is_long ? UINT64_C(1) << 26 : subject->elements >> 2) / DRAW_MAX;
}

static uint64_t sum_elements(const verify_subject *subject) { return sum_draws(subject) * DRAW_MAX; }

uint64_t outputs_drawn(const verify_subject *subject) {
  return VALUE_TYPES * FIXED_INPUTS * (uint64_t)output_seeds(subject) + SUM_TESTS * sum_elements(subject);
}

// One call on n elements; in the form of channels, a channel is two elements.
static void call(const verify_subject *subject, const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x,
                 void *y) {
  const dropout_functions *const functions = subject->functions;
  if (form_is_channels(subject->form)) {
    const size_t dims[] = {n / 2, 2};
    simdrop_layout layout = {.rank = 0};
    simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 1, 2, dims, &layout);
    (form_is_backward(subject->form) ? functions->backward_layout : functions->forward_layout)(mask, dtype, &layout, x, y);
  } else if (form_is_backward(subject->form)) {
    functions->backward(mask, dtype, n, x, y);
  } else {
    functions->forward(mask, dtype, n, x, y, NULL);
  }
}

// What may be wrong with a type's outputs, and how unlikely it is.
typedef struct output_result {
  double p_value, statistic;
  char where[WHERE_SIZE];
} output_result;

// One call's outputs: whether each is kept, and whether a kept one is anything but its product.
#define DEFINE_TALLY(width)                                                                                             \
  static void tally_##width(size_t n, const void *outputs, const uint64_t *products, uint64_t *kept, uint64_t *wrong) { \
    for (size_t k = 0; k < n; ++k) {                                                                                    \
      uint##width##_t y;                                                                                                \
      memcpy(&y, (const char *)outputs + k * sizeof y, sizeof y);                                                       \
      kept[k] += y != 0;                                                                                                \
      wrong[k] |= (uint64_t)((y != 0) & (y != products[k]));                                                            \
    }                                                                                                                   \
  }

DEFINE_TALLY(8)
DEFINE_TALLY(16)
DEFINE_TALLY(32)
DEFINE_TALLY(64)

static void fixed_inputs(const verify_subject *subject, simdrop_dtype dtype, output_result *result) {
  const size_t seeds = output_seeds(subject), size = simdrop_dtype_size(dtype);
  uint64_t x[FIXED_INPUTS], y[FIXED_INPUTS];  // 8 bytes suffice for an element of any type
  uint64_t products[FIXED_INPUTS], kept[FIXED_INPUTS] = {0}, wrong[FIXED_INPUTS] = {0};
  fill_fixed_inputs(dtype, subject->p, FIXED_INPUTS, x);
  for (size_t k = 0; k < FIXED_INPUTS; ++k)
    products[k] = product_bits(dtype, subject->keep, value_bits(dtype, (const char *)x + k * size));
  for (size_t seed = 0; seed < seeds; ++seed) {
    const simdrop_mask mask = {subject->p, subject->seed + seed, (uint64_t)dtype, 0, 0};
    call(subject, &mask, dtype, FIXED_INPUTS, x, y);
    (size == 1 ? tally_8 : size == 2 ? tally_16 : size == 4 ? tally_32 : tally_64)(FIXED_INPUTS, y, products, kept, wrong);
  }
  tell(subject, (uint64_t)seeds * FIXED_INPUTS);
  binomial_worst worst;
  worst_binomial(FIXED_INPUTS, kept, (double)seeds, subject->keep, &worst);
  result->p_value = worst.p_value;
  result->statistic = worst.deviations;
  snprintf(result->where, sizeof result->where, "%s, element %zu", simdrop_dtype_name(dtype), worst.index);
  for (size_t k = 0; k < FIXED_INPUTS; ++k) {
    if (wrong[k] == 0) continue;
    result->p_value = 0;  // no statistics needed
    snprintf(result->where, sizeof result->where, "%s, value of element %zu", simdrop_dtype_name(dtype), k);
    return;
  }
}

// (sum of y - sum of x) / sqrt(dropped / kept * sum of x^2), for x between 1/2 and 3/2.
#define DEFINE_SUM_OF_OUTPUTS(dtype, type, code)                                                                             \
  static void sum_of_outputs_##dtype(const verify_subject *subject, void *x_memory, void *y_memory, output_result *result) { \
    type *const x = x_memory, *const y = y_memory;                                                                           \
    double sum_x = 0, sum_y = 0, squares = 0;                                                                                \
    simdrop_mask mask = {subject->p, subject->seed, UINT64_C(1) << 40 | code, 0, 0};                                         \
    for (size_t k = 0; k < DRAW_MAX; ++k) x[k] = (type)(0.5 + (double)(derived_seed(code, k) >> 40) * 0x1p-24);              \
    for (uint64_t done = 0; done < sum_elements(subject); done += DRAW_MAX) {                                                \
      call(subject, &mask, code, DRAW_MAX, x, y);                                                                            \
      for (size_t k = 0; k < DRAW_MAX; ++k) {                                                                                \
        sum_x += (double)x[k];                                                                                               \
        sum_y += (double)y[k];                                                                                               \
        squares += (double)x[k] * (double)x[k];                                                                              \
      }                                                                                                                      \
      mask.offset += DRAW_MAX;                                                                                               \
    }                                                                                                                        \
    tell(subject, sum_elements(subject));                                                                                    \
    /* A channel's two elements are dropped together, which doubles the variance and adds the product of neighbours. */      \
    double pairs = 0;                                                                                                        \
    for (size_t k = 0; k < DRAW_MAX; k += 2) pairs += (double)x[k] * (double)x[k + 1];                                       \
    if (form_is_channels(subject->form)) squares += 2 * pairs * (double)sum_draws(subject);                                  \
    result->statistic = (sum_y - sum_x) / sqrt((1 - subject->keep) / subject->keep * squares);                               \
    result->p_value = isfinite(result->statistic) ? two_sided_normal(result->statistic) : 0;                                 \
    snprintf(result->where, sizeof result->where, "sum in %s", simdrop_dtype_name(code));                                    \
  }

DEFINE_SUM_OF_OUTPUTS(f32, float, SIMDROP_F32)
DEFINE_SUM_OF_OUTPUTS(f64, double, SIMDROP_F64)

bool draw_outputs(const verify_subject *subject, verify_figure *figure) {
  const double seeds = (double)output_seeds(subject), n = (double)sum_elements(subject);
  const double tests = VALUE_TYPES * FIXED_INPUTS + SUM_TESTS;
  figure->applies = seeds >= 16 && n * fmin(subject->keep, 1 - subject->keep) >= ENOUGH_FOR_NORMAL;
  if (!figure->applies) return true;
  output_result results[SUM_TESTS + VALUE_TYPES];
  void *const x = verify_allocate(2 * DRAW_MAX, sizeof(double));
  if (x == NULL) return false;
  sum_of_outputs_f32(subject, x, (double *)x + DRAW_MAX, &results[0]);
  sum_of_outputs_f64(subject, x, (double *)x + DRAW_MAX, &results[1]);
  free(x);
  for (int t = 0; t < VALUE_TYPES; ++t) fixed_inputs(subject, (simdrop_dtype)t, &results[SUM_TESTS + t]);
  int worst = 0;
  for (int i = 1; i < SUM_TESTS + VALUE_TYPES; ++i)
    if (is_less_likely(results[i].p_value, results[worst].p_value)) worst = i;
  figure->elements = outputs_drawn(subject);
  figure->statistic = results[worst].statistic;
  figure->p_value = smallest_of(results[worst].p_value, tests);
  // The mean of x^2 over that of x, squared, is 13/12 for x uniform between 1/2 and 3/2; two elements that share their decision
  // add the product of two, 1.
  const double square = form_is_channels(subject->form) ? 25.0 / 12 : 13.0 / 12;
  figure->smallest = seen_deviations(subject->level, tests) * sqrt((1 - subject->keep) / subject->keep * square / n);
  figure->conservative = true;
  figure->unit = "scale, relative";
  memcpy(figure->where, results[worst].where, sizeof figure->where);
  return true;
}
