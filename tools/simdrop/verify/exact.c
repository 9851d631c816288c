// Comparisons with published answers, with the reference, and of one call with another. Outputs have a margin that must stay
// untouched.
#include "verify/exact.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "verify/exact_fused.h"
#include "verify/exact_parts.h"
#include "verify/reference.h"
#include "verify/values.h"

#define LONGEST 257  // calls of every length up to this one

// The masks of tests/data/golden_digests.txt.
#define GOLDEN_ELEMENTS ((size_t)1 << 20)
#define GOLDEN_SEED UINT64_C(0x0123456789abcdef)
#define GOLDEN_STREAM UINT64_C(0xfedcba9876543210)
#define GOLDEN_OFFSET ((UINT64_C(1) << 39) - GOLDEN_ELEMENTS / 2 - 5)

static const double probabilities[] = {0x1p-32,          1e-3,        0.1,      0.25, 0.3, 1.0 / 3, 0.5, 0.75, 0.875, 0.9, 0.99,
                                       0x1p-1 + 0x1p-32, 1 - 0x1p-32, 1 - 1e-12};
#define PROBABILITY_COUNT (sizeof probabilities / sizeof probabilities[0])

// ---- K1: published answers of Philox4x32-10, read off masks. With p = 1/2 a mask is the generator's output for plane 0; plane
// 1 is what the masks of 1/4 and 3/4 add to it.

typedef struct known_answer {
  uint32_t counter[4], key[2], words[4];
} known_answer;

// Random123, tests/kat_vectors and tests/old_kat_vectors (BSD-3, D. E. Shaw Research): those whose counter a mask can reach.
static const known_answer known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    {{1, 0, 0, 0}, {1, 0}, {0xac08141b, 0xdfc5ccbe, 0x79c07a47, 0xa7f66093}},
    {{0, 1, 0, 0}, {1, 0}, {0x833ff8dc, 0x225c963c, 0x232b88b3, 0x0b334b07}},
    {{0, 0, 1, 0}, {1, 0}, {0x07071c12, 0x428264b6, 0x3909104b, 0x6da2bda2}},
    {{0, 0xffffffff, 0, 0}, {1, 0}, {0x04e2eae1, 0x463cc999, 0xe7786310, 0x65b3dc49}},
    {{0, 0x80000000, 0, 0}, {1, 0}, {0x34a4d61d, 0x340e4017, 0xf6945830, 0xe9f52b96}},
    {{0, 0, 0xffffffff, 0}, {1, 0}, {0xfb0905e2, 0x78378790, 0xca37926b, 0xcdf58cfa}},
    {{1, 0, 0, 0}, {0, 1}, {0xccf3076a, 0x6306f434, 0xbea71965, 0xd96fe48a}},
};

static void draw_block(const dropout_functions *functions, const known_answer *answer, double p, uint8_t bits[16],
                       exact_result *result) {
  const uint64_t block = answer->counter[1] | (uint64_t)(answer->counter[3] & 0x1ffffff) << 32;
  const simdrop_mask mask = {p, answer->key[0] | (uint64_t)answer->key[1] << 32,
                             answer->counter[0] | (uint64_t)answer->counter[2] << 32, block * 128, 0};
  succeeds(result, functions->mask_bits(&mask, 128, bits));
}

static void check_answers(const dropout_functions *functions, exact_result *result) {
  for (size_t i = 0; i < sizeof known_answers / sizeof known_answers[0]; ++i) {
    const known_answer *const answer = &known_answers[i];
    uint8_t half[16], quarter[16], three_quarters[16];
    draw_block(functions, answer, 0.5, half, result);
    draw_block(functions, answer, 0.25, quarter, result);
    draw_block(functions, answer, 0.75, three_quarters, result);
    for (size_t k = 0; k < 128; ++k) {
      const bool expected = answer->words[k / 32] >> k % 32 & 1;
      const bool found =
          answer->counter[3] >> 25 == 0 ? bit_of(half, k) : bit_of(bit_of(half, k) ? three_quarters : quarter, k);
      if (found != expected) fails(result, "published answer %zu of Philox4x32-10: bit %zu", i, k);
    }
    result->elements += 128;
  }
  // K2: the 10000th number of C++26's std::philox4x32 with its default seed is word 3 of counter 2499.
  static const known_answer ten_thousandth = {{2499, 0, 0, 0}, {20111115, 0}, {0, 0, 0, 1955073260}};
  uint8_t bits[16];
  draw_block(functions, &ten_thousandth, 0.5, bits, result);
  for (size_t k = 96; k < 128; ++k)
    if (bit_of(bits, k) != (ten_thousandth.words[3] >> k % 32 & 1)) fails(result, "the 10000th number of std::philox4x32");
  result->elements += 32;
}

// ---- masks against the reference

static void compare_bits(const simdrop_mask *mask, size_t n, const uint8_t *bits, size_t size, exact_result *result) {
  reference_block block = {0};
  for (size_t k = 0; k < n; ++k)
    if (bit_of(bits, k) != reference_kept(&block, mask, k))
      fails(result, "p = %.17g, offset %" PRIu64 ", element %zu of %zu", mask->p, mask->offset, k, n);
  if (n % 8 != 0 && bits[n / 8] >> n % 8 != 0) fails(result, "unused bits of the last byte of %zu elements are not 0", n);
  for (size_t i = (n + 7) / 8; i < size; ++i)
    if (bits[i] != MARGIN_BYTE) fails(result, "a write behind a mask of %zu elements", n);
  result->elements += n;
}

static void compare_mask(const dropout_functions *functions, const simdrop_mask *mask, size_t n, exact_result *result) {
  uint8_t bits[(4 * LONGEST + 7) / 8 + MARGIN];
  memset(bits, MARGIN_BYTE, sizeof bits);
  succeeds(result, functions->mask_bits(mask, n, bits));
  compare_bits(mask, n, bits, sizeof bits, result);
}

// K3
static void check_carries(const dropout_functions *functions, exact_result *result) {
  static const unsigned carries[] = {7, 14, 20, 27, 31, 32, 33, 38, 39, 40, 63};
  for (size_t i = 0; i < sizeof carries / sizeof carries[0]; ++i) {
    for (uint64_t before = 0; before <= 300; before += 75) {
      const simdrop_mask mask = {0.3, 0x0123456789abcdef, 0xfedcba9876543210, (UINT64_C(1) << carries[i]) - before, 0};
      if (carries[i] >= 14 || before == 0) compare_mask(functions, &mask, LONGEST, result);
    }
  }
  for (size_t n = 1; n <= LONGEST; n += 16) {
    const simdrop_mask mask = {0.1, 5, 9, UINT64_MAX - n + 1, 0};
    compare_mask(functions, &mask, n, result);
  }
}

// K4: p just below, at and just above what an element's own U asks for, and p that are special.
static void check_thresholds(const dropout_functions *functions, exact_result *result) {
  reference_block block = {0};
  for (size_t k = 0; k < 128; ++k) {
    const uint32_t u = reference_u(&block, 11, 13, k);
    for (int above = u > 0 ? -1 : 0; above < 2; ++above) {
      const simdrop_mask mask = {((double)u + above) * 0x1p-32, 11, 13, 0, 0};
      uint8_t bits[16];
      succeeds(result, functions->mask_bits(&mask, 128, bits));
      if (bit_of(bits, k) != (above <= 0)) fails(result, "U = %" PRIu32 ", T = U %+d: element %zu", u, above, k);
      result->elements += 1;
    }
  }
  for (size_t i = 0; i < PROBABILITY_COUNT; ++i) {
    const simdrop_mask mask = {probabilities[i], 17, 19, 0, 0};
    for (uint64_t part = 0; part < 16; ++part) {
      const simdrop_mask moved = {mask.p, mask.seed, mask.stream, part * 1024, 0};
      compare_mask(functions, &moved, 1024, result);
    }
  }
  for (int certain = 0; certain < 2; ++certain) {
    const simdrop_mask mask = {certain, 17, 19, 0, 0};
    compare_mask(functions, &mask, 1024, result);
  }
}

// ---- outputs against the reference

static uint64_t expected_bits(simdrop_dtype dtype, double p, bool kept, uint64_t x) {
  return kept ? product_bits(dtype, keep_probability(p), x) : 0;
}

typedef struct output_arrays {
  uint64_t x[LONGEST + 8], y[LONGEST + 8 + MARGIN / 8];  // 8 bytes suffice for an element of any type
} output_arrays;

static void compare_outputs(simdrop_dtype dtype, const simdrop_mask *mask, size_t n, const void *x, const char *y,
                            const char *what, exact_result *result) {
  const size_t size = simdrop_dtype_size(dtype);
  reference_block block = {0};
  for (size_t k = 0; k < n; ++k) {
    const uint64_t expected =
        expected_bits(dtype, mask->p, reference_kept(&block, mask, k), value_bits(dtype, (const char *)x + k * size));
    if (value_bits(dtype, y + k * size) != expected)
      fails(result, "%s in %s, p = %g, element %zu of %zu is %" PRIx64 ", not %" PRIx64, what, simdrop_dtype_name(dtype),
            mask->p, k, n, value_bits(dtype, y + k * size), expected);
  }
  for (size_t i = n * size; i < n * size + MARGIN; ++i)
    if ((uint8_t)y[i] != MARGIN_BYTE)
      fails(result, "%s in %s: a write behind %zu elements", what, simdrop_dtype_name(dtype), n);
  result->elements += n;
}

// K5: every length from every kind of beginning, out of place with the mask and in place without.
static void check_outputs(const dropout_functions *functions, exact_result *result) {
  static const double ps[] = {0.3, 0.5, 0, 0.9, 1};
  output_arrays arrays;
  uint8_t bits[(LONGEST + 7) / 8 + MARGIN];
  for (int t = 0; t < VALUE_TYPES; ++t) {
    const simdrop_dtype dtype = (simdrop_dtype)t;
    for (size_t n = 0; n <= LONGEST; ++n) {
      const simdrop_mask mask = {ps[n % 5], n, 3, 37 * n, 0};
      const size_t shift = n % 7 * simdrop_dtype_size(dtype);  // an array that begins anywhere
      const char *const x = (const char *)arrays.x + shift;
      char *const y = (char *)arrays.y + shift;
      compare_mask(functions, &mask, n, result);
      fill_nasty(dtype, LONGEST + 8, arrays.x);
      memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
      memset(bits, MARGIN_BYTE, sizeof bits);
      succeeds(result, functions->forward(&mask, dtype, n, x, y, bits));
      compare_outputs(dtype, &mask, n, x, y, "forward", result);
      compare_bits(&mask, n, bits, sizeof bits, result);
      memset(arrays.y, MARGIN_BYTE, sizeof arrays.y);
      memcpy(y, x, n * simdrop_dtype_size(dtype));
      succeeds(result, functions->backward(&mask, dtype, n, y, y));
      compare_outputs(dtype, &mask, n, x, y, "backward in place", result);
    }
  }
}

// K6
static void check_cuts(const dropout_functions *functions, exact_result *result) {
  float x[LONGEST], whole[LONGEST], parts[LONGEST];
  for (size_t k = 0; k < LONGEST; ++k) x[k] = 1 + (float)k;
  for (size_t cut = 0; cut <= LONGEST; ++cut) {
    const simdrop_mask mask = {0.3, 23, 29, 1000 + cut, 0};
    simdrop_mask rest = mask;
    rest.offset += cut;
    succeeds(result, functions->forward(&mask, SIMDROP_F32, LONGEST, x, whole, NULL));
    succeeds(result, functions->forward(&mask, SIMDROP_F32, cut, x, parts, NULL));
    succeeds(result, functions->forward(&rest, SIMDROP_F32, LONGEST - cut, x + cut, parts + cut, NULL));
    if (memcmp(whole, parts, sizeof whole) != 0)
      fails(result, "two calls of %zu and %zu elements differ from one", cut, LONGEST - cut);
    result->elements += LONGEST;
  }
}

// K7: y, the mask that forward stores, dx, and the stored mask applied have the same elements dropped.
static void compare_passes(const dropout_functions *functions, simdrop_dtype dtype, const simdrop_mask *mask,
                           exact_result *result) {
  enum {
    N = 4099
  };
  const size_t size = simdrop_dtype_size(dtype);
  uint64_t x[N], y[N], dx[N], applied[N];  // 8 bytes suffice for an element of any type
  uint8_t stored[(N + 7) / 8 + MARGIN], drawn[(N + 7) / 8 + MARGIN];
  for (size_t k = 0; k < N; ++k) store_bits(dtype, bits_of_value(dtype, 1), (char *)x + k * size);
  succeeds(result, functions->forward(mask, dtype, N, x, y, stored));
  succeeds(result, functions->backward(mask, dtype, N, x, dx));
  succeeds(result, functions->mask_bits(mask, N, drawn));
  succeeds(result, functions->apply_bits(mask->p, dtype, N, stored, x, applied));
  for (size_t k = 0; k < N; ++k) {
    const uint64_t y_bits = value_bits(dtype, (const char *)y + k * size);
    const bool kept = y_bits != 0;
    if ((value_bits(dtype, (const char *)dx + k * size) != 0) != kept)
      fails(result, "%s, p = %g: forward and backward differ at element %zu", simdrop_dtype_name(dtype), mask->p, k);
    if (bit_of(stored, k) != kept || bit_of(drawn, k) != kept)
      fails(result, "%s, p = %g: forward and its mask differ at element %zu", simdrop_dtype_name(dtype), mask->p, k);
    if (value_bits(dtype, (const char *)applied + k * size) != y_bits)
      fails(result, "%s, p = %g: forward and the stored mask applied differ at element %zu", simdrop_dtype_name(dtype), mask->p,
            k);
  }
  result->elements += N;
}

static void check_backward(const dropout_functions *functions, exact_result *result) {
  static const double ps[] = {0, 0.001, 0.1, 1.0 / 3, 0.5, 0.99, 1};
  for (int t = 0; t < VALUE_TYPES; ++t) {
    for (size_t i = 0; i < sizeof ps / sizeof ps[0]; ++i) {
      const simdrop_mask mask = {ps[i], 31, 37, 41, 0};
      compare_passes(functions, (simdrop_dtype)t, &mask, result);
    }
  }
}

// K8: a plain loop over the indices, with the strides that docs/layouts.md gives. Channels first and last, shared time steps,
// rows, and a broadcast mask.
static void compare_layout(const dropout_functions *functions, const simdrop_layout *layout, const uint64_t *index_strides,
                           const char *what, exact_result *result) {
  enum {
    LARGEST = 4096
  };
  float x[LARGEST] = {0}, y[LARGEST], dx[LARGEST];
  const simdrop_mask mask = {0.3, 43, 47, 53, 0};
  reference_block block = {0};
  size_t count = 1;
  for (int a = 0; a < layout->rank; ++a) count *= layout->dims[a];
  for (size_t k = 0; k < count; ++k) x[k] = 1 + (float)k;
  succeeds(result, functions->forward_layout(&mask, SIMDROP_F32, layout, x, y));
  succeeds(result, functions->backward_layout(&mask, SIMDROP_F32, layout, x, dx));
  for (size_t k = 0; k < count; ++k) {
    uint64_t index = 0;
    size_t rest = k;
    for (int a = layout->rank - 1; a >= 0; --a) {
      index += rest % layout->dims[a] * index_strides[a];
      rest /= layout->dims[a];
    }
    float expected;
    store_bits(SIMDROP_F32,
               expected_bits(SIMDROP_F32, mask.p, reference_kept(&block, &mask, index), value_bits(SIMDROP_F32, &x[k])),
               &expected);
    if (y[k] != expected) fails(result, "%s: element %zu of %zu, forward", what, k, count);
    if (dx[k] != expected) fails(result, "%s: element %zu of %zu, backward", what, k, count);
  }
  result->elements += 2 * count;
}

static void check_layouts(const dropout_functions *functions, exact_result *result) {
  simdrop_layout layout = {.rank = 0};
  simdrop_layout_channels(SIMDROP_CHANNELS_FIRST, 2, 4, (const size_t[]){2, 300, 2, 3}, &layout);
  compare_layout(functions, &layout, (const uint64_t[]){300, 1, 0, 0}, "channels first", result);
  simdrop_layout_channels(SIMDROP_CHANNELS_LAST, 2, 4, (const size_t[]){2, 3, 2, 300}, &layout);
  compare_layout(functions, &layout, (const uint64_t[]){300, 0, 0, 1}, "channels last", result);
  simdrop_layout_time_shared(SIMDROP_BATCH_FIRST, 3, 7, 65, &layout);
  compare_layout(functions, &layout, (const uint64_t[]){65, 0, 1}, "time-shared", result);
  simdrop_layout_rows(130, 17, &layout);
  compare_layout(functions, &layout, (const uint64_t[]){1, 0}, "rows", result);
  simdrop_layout_broadcast(3, (const size_t[]){5, 33, 9}, (const size_t[]){5, 1, 9}, &layout);
  compare_layout(functions, &layout, (const uint64_t[]){9, 0, 1}, "broadcast", result);
  simdrop_layout_dense(2, (const size_t[]){31, 67}, &layout);
  compare_layout(functions, &layout, (const uint64_t[]){67, 1}, "dense", result);
}

// K9: a kept 1 becomes s = 2^32 / (2^32 - T), correctly rounded to double and from there to the type, whether the mask is drawn
// or stored. Here is one that keeps all.
static void check_scale(const dropout_functions *functions, exact_result *result) {
  enum {
    N = 300
  };
  uint64_t x[N], y[N], applied[N];  // 8 bytes suffice for an element of any type
  uint8_t ones[(N + 7) / 8];
  memset(ones, 0xff, sizeof ones);
  for (size_t i = 0; i < VALUE_TYPES * PROBABILITY_COUNT; ++i) {
    const simdrop_dtype dtype = (simdrop_dtype)(i / PROBABILITY_COUNT);
    const simdrop_mask mask = {probabilities[i % PROBABILITY_COUNT], 59, 61, 0, 0};
    const size_t size = simdrop_dtype_size(dtype);
    const uint64_t one = bits_of_value(dtype, 1), scale = product_bits(dtype, keep_probability(mask.p), one);
    for (size_t k = 0; k < N; ++k) store_bits(dtype, one, (char *)x + k * size);
    succeeds(result, functions->forward(&mask, dtype, N, x, y, NULL));
    succeeds(result, functions->apply_bits(mask.p, dtype, N, ones, x, applied));
    for (size_t k = 0; k < N; ++k) {
      const uint64_t drawn = value_bits(dtype, (const char *)y + k * size);
      const uint64_t stored = value_bits(dtype, (const char *)applied + k * size);
      if ((drawn != 0 && drawn != scale) || stored != scale)
        fails(result, "%s, p = %.17g: a kept 1 becomes %.17g, not %.17g", simdrop_dtype_name(dtype), mask.p,
              value_of_bits(dtype, stored != scale ? stored : drawn), value_of_bits(dtype, scale));
    }
    result->elements += 2 * N;
  }
}

// K10: digests (FNV-1a, 64 bits) of whole masks, which never change.
static void check_goldens(const dropout_functions *functions, exact_result *result) {
  static const struct {
    double p;
    uint64_t digest;
  } goldens[] = {{0.1, 0xb6d205f5bb43b7c1}, {0.5, 0x99e0d27b5253213d}, {0.9, 0x47716b71f5910828}};
  uint8_t *const bits = malloc(GOLDEN_ELEMENTS / 8);
  if (bits == NULL) {
    fails(result, "not enough memory");
    return;
  }
  for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; ++i) {
    const simdrop_mask mask = {goldens[i].p, GOLDEN_SEED, GOLDEN_STREAM, GOLDEN_OFFSET, 0};
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    succeeds(result, functions->mask_bits(&mask, GOLDEN_ELEMENTS, bits));
    for (size_t k = 0; k < GOLDEN_ELEMENTS / 8; ++k) digest = (digest ^ bits[k]) * UINT64_C(0x100000001b3);
    if (digest != goldens[i].digest)
      fails(result, "p = %g: digest %016" PRIx64 ", not %016" PRIx64, mask.p, digest, goldens[i].digest);
    result->elements += GOLDEN_ELEMENTS;
  }
  free(bits);
}

const exact_test exact_tests[EXACT_TEST_COUNT] = {
    {"K1", "published answers", check_answers},
    {"K3", "carries of the index", check_carries},
    {"K4", "thresholds", check_thresholds},
    {"K5", "every length, every value", check_outputs},
    {"K6", "any cut", check_cuts},
    {"K7", "backward = forward = stored", check_backward},
    {"K8", "layouts against a loop", check_layouts},
    {"K9", "scale", check_scale},
    {"K10", "golden masks", check_goldens},
    {"K11", "chain against its formulas", check_chain},
    {"K12", "chain's gradients", check_chain_gradients},
    {"K13", "softmax against its formulas", check_softmax},
    {"K14", "tiles against the mask", check_tiles},
    {"K15", "alpha dropout", check_alpha},
    {"K16", "normals and Gaussian dropout", check_gaussian},
    {"K17", "concrete dropout", check_concrete},
    {"K18", "DropBlock, DropConnect, moments", check_masked},
    {"K19", "norms against their formulas", check_norm},
    {"K20", "calls on executors", check_executors},
};
