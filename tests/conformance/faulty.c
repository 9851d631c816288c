// simdrop_faulty FAULT [options of simdrop verify]: the tests of simdrop verify on an implementation of dropout with one fault.
// simdrop_faulty --list prints the faults: name, the test that must catch it, the options that are enough for that, and what it
// is.
//
// The implementation is written from docs/numerics.md, one element at a time, and each fault is one departure from it. A test
// that does not fail for its fault is no test; with the fault "none" all of them must pass.
#include "faulty.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/report.h"
#include "verify/verify.h"

static const struct {
  const char *name, *test, *options, *what;
} faults[] = {
#define FAULT_ROW(name, test, options, what) {#name, test, options, what},
    FAULTS(FAULT_ROW)};
#define FAULT_COUNT (sizeof faults / sizeof faults[0])

fault_id active;

// ---- the generator

static int rounds_of_fault(void) {
  switch (active) {
    case FAULT_four_rounds: return 4;
    case FAULT_five_rounds: return 5;
    case FAULT_six_rounds: return 6;
    case FAULT_nine_rounds: return 9;
    default: return 10;
  }
}

void philox(const uint32_t counter[4], uint64_t seed, uint32_t out[4]) {
  uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
  if (has(FAULT_key_words_swapped)) {
    key1 = key0;
    key0 = (uint32_t)(seed >> 32);
  }
  memcpy(out, counter, 4 * sizeof *out);
  for (int round = 0; round < rounds_of_fault(); ++round) {
    const uint64_t a = UINT64_C(0xd2511f53) * out[0], b = UINT64_C(0xcd9e8d57) * out[2];
    out[0] = (uint32_t)(b >> 32) ^ out[1] ^ key0;
    out[1] = (uint32_t)b;
    out[2] = (uint32_t)(a >> 32) ^ out[3] ^ key1;
    out[3] = (uint32_t)a;
    key0 += has(FAULT_key_never_bumped) ? 0 : 0x9e3779b9u;
    key1 += has(FAULT_key_never_bumped) ? 0 : 0xbb67ae85u;
  }
  if (has(FAULT_output_words_permuted)) {
    const uint32_t word = out[1];
    out[1] = out[2];
    out[2] = word;
  }
  if (has(FAULT_word_3_is_word_0)) out[3] = out[0];
}

static uint64_t threshold_of(double p) {
  if (has(FAULT_random_8_bits)) p = floor(p * 0x1p8 + 0.5) * 0x1p-8;
  if (has(FAULT_random_16_bits)) p = floor(p * 0x1p16 + 0.5) * 0x1p-16;
  if (has(FAULT_rate_off)) p += 0.002;
  if (has(FAULT_rate_slightly_off)) p += 0.0006;
  if (p >= 1) return UINT64_C(1) << 32;
  const uint64_t threshold = (uint64_t)nearbyint(p * 0x1p32);
  if (has(FAULT_threshold_wraps)) return (uint32_t)threshold;
  return threshold < UINT64_C(1) << 32 ? threshold : (UINT64_C(1) << 32) - 1;
}

// The 32-bit numbers of a block, of which as many planes are drawn as T needs; the last block of each thread is kept.
typedef struct block_numbers {
  bool ready;
  uint64_t seed, stream, block;
  int planes;
  uint32_t u[128];
} block_numbers;
static _Thread_local block_numbers cached;

static int planes_of(uint64_t threshold) {
  int planes = 32;
  while (planes > 1 && (threshold >> (32 - planes) & 1) == 0) --planes;
  return planes;
}

static uint32_t number_of(uint64_t seed, uint64_t stream, uint64_t index, uint64_t threshold) {
  const uint64_t block = index / 128;
  const int planes = planes_of(threshold);
  if (!cached.ready || cached.seed != seed || cached.stream != stream || cached.block != block || cached.planes != planes) {
    cached = (block_numbers){.ready = true, .seed = seed, .stream = stream, .block = block, .planes = planes};
    for (int plane = 0; plane < planes; ++plane) {
      const uint32_t number = (uint32_t)plane + (has(FAULT_planes_from_1) && planes > 2);
      const uint32_t counter[4] = {(uint32_t)stream, (uint32_t)block, (uint32_t)(stream >> 32),
                                   (uint32_t)(block >> 32) | number << 25};
      uint32_t words[4];
      philox(counter, seed, words);
      for (int k = 0; k < 128; ++k) cached.u[k] |= (words[k / 32] >> k % 32 & 1) << (31 - plane);
    }
  }
  return cached.u[index % 128];
}

// ---- the decision of one element

static uint64_t faulty_seed(const simdrop_mask *mask) {
  switch (active) {
    case FAULT_seed_32_bits: return (uint32_t)mask->seed;
    case FAULT_seed_halves_folded: return (uint32_t)(mask->seed ^ mask->seed >> 32);
    case FAULT_seed_low_bit: return mask->seed | 1;
    case FAULT_stream_plus_seed: return mask->seed + mask->stream;
    default: return mask->seed;
  }
}

static uint64_t faulty_stream(const simdrop_mask *mask) {
  switch (active) {
    case FAULT_stream_32_bits: return (uint32_t)mask->stream;
    case FAULT_stream_ignored:
    case FAULT_stream_plus_seed: return 0;
    default: return mask->stream;
  }
}

static uint64_t faulty_index(const simdrop_mask *mask, uint64_t k) {
  const uint64_t index = mask->offset + k;
  switch (active) {
    case FAULT_counter_starts_at_1: return index + 128;
    case FAULT_block_32_bits: return index & ((UINT64_C(1) << 39) - 1);
    case FAULT_offset_63_bits: return index & INT64_MAX;
    case FAULT_cut_at_bytes: return (mask->offset & ~UINT64_C(7)) + k;
    case FAULT_four_neighbours: return index & ~UINT64_C(3);
    case FAULT_block_twice: return (index / 256) * 128 + index % 128;
    case FAULT_counter_16_bits: return index & ((UINT64_C(1) << 23) - 1);
    case FAULT_counter_20_bits: return index & ((UINT64_C(1) << 27) - 1);
    case FAULT_index_32_bits: return (uint32_t)index;
    case FAULT_calls_overlap: return index - 128 * (mask->offset / 16384);
    case FAULT_lanes_copied: return index % 16 == 9 ? index - 7 : index;
    default: return index;
  }
}

double chance(uint64_t index) { return (double)(derived_seed(0x6661756c74, index) >> 11) * 0x1p-53; }

// A mask of which exactly p * 1024 of each 1024 elements are dropped: those with the least numbers.
static bool among_the_least(const simdrop_mask *mask, uint64_t index) {
  static _Thread_local struct {
    bool ready;
    simdrop_mask mask;
    uint64_t group, bound;
  } last;
  const uint64_t group = index / 1024, wanted = (uint64_t)nearbyint(mask->p * 1024), all = UINT32_MAX;
  if (!last.ready || last.group != group || last.mask.seed != mask->seed || last.mask.stream != mask->stream ||
      last.mask.p != mask->p) {
    uint64_t low = 0, high = all + 1;  // the bound below which so many are: found by halving
    uint32_t numbers[1024];
    for (uint64_t k = 0; k < 1024; ++k) numbers[k] = number_of(mask->seed, mask->stream, group * 1024 + k, 1);
    while (high - low > 1) {
      const uint64_t middle = (low + high) / 2;
      uint64_t below = 0;
      for (int k = 0; k < 1024; ++k) below += numbers[k] < middle;
      *(below > wanted ? &high : &low) = middle;
    }
    last.ready = true;
    last.mask = *mask;
    last.group = group;
    last.bound = low;
  }
  return number_of(mask->seed, mask->stream, index, 1) < last.bound;
}

static bool plain_kept(const simdrop_mask *mask, uint64_t index) {
  uint64_t threshold = threshold_of(mask->p);
  if (threshold == 0 || threshold == UINT64_C(1) << 32) return threshold == 0;
  if (has(FAULT_lane_biased) && index % 16 == 5) threshold += (UINT64_C(1) << 32) / 100;
  // Whoever looks at all bits draws all planes.
  const bool whole = has(FAULT_less_or_equal) || has(FAULT_lane_biased) || has(FAULT_signed_compare);
  const uint32_t u = number_of(faulty_seed(mask), faulty_stream(mask), index, whole ? 1 : threshold);
  if (has(FAULT_less_or_equal)) return u > threshold;
  if (has(FAULT_signed_compare)) return (int32_t)u >= (int32_t)(uint32_t)threshold;
  if (has(FAULT_last_plane_missing)) return u >> 1 >= threshold >> 1;
  return u >= threshold;
}

bool kept(const simdrop_mask *mask, uint64_t k, size_t n) {
  const uint64_t index = faulty_index(mask, k);
  switch (active) {
    case FAULT_tail_kept: return k >= n / 8 * 8 || plain_kept(mask, index);
    case FAULT_copy_previous: return plain_kept(mask, index > 0 && chance(index) < 0.01 ? index - 1 : index);
    case FAULT_avoid_previous:
      return index > 0 && chance(index) < 0.02 ? !plain_kept(mask, index - 1) : plain_kept(mask, index);
    case FAULT_exact_count: return !among_the_least(mask, index);
    case FAULT_one_element_biased:
      return plain_kept(mask, index) || (k == 513 && chance(derived_seed(mask->seed, mask->stream)) < 0.3);
    default: return plain_kept(mask, index);
  }
}

// ---- the functions

static simdrop_status mask_bits(const simdrop_mask *mask, size_t n, uint8_t *bits) {
  memset(bits, 0, (n + 7) / 8);
  for (size_t k = 0; k < n; ++k) bits[k / 8] |= (uint8_t)(kept(mask, k, n) << k % 8);
  if (has(FAULT_tail_bits_set) && n % 8 != 0) bits[n / 8] |= (uint8_t)(0xff << n % 8);
  if (has(FAULT_write_behind) && n % 64 != 0) bits[n / 64 * 8 + 7] = n % 64 > 56 ? bits[n / 64 * 8 + 7] : 0;
  return SIMDROP_OK;
}

// The output of elements with these decisions: the library's product, then the fault.
static void apply(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y,
                  bool backward) {
  const size_t size = simdrop_dtype_size(dtype);
  const double keep = keep_probability(mask->p);
  const bool unscaled = has(FAULT_scale_missing) || (has(FAULT_gradient_unscaled) && backward);
  uint64_t half_scale = bits_of_value(SIMDROP_F16, 1 / keep);
  for (size_t k = 0; k < n; ++k) {
    const uint64_t in = value_bits(dtype, (const char *)x + k * size);
    const double value = value_of_bits(dtype, in);
    const bool is_kept = bits[k / 8] >> k % 8 & 1;
    uint64_t out = is_kept ? product_bits(dtype, keep, in) : 0;
    if (is_kept && unscaled) out = in;
    if (is_kept && has(FAULT_scale_twice)) out = product_bits(dtype, keep, out);
    if (is_kept && has(FAULT_scale_in_half)) out = bits_of_value(dtype, value * value_of_bits(SIMDROP_F16, half_scale));
    if (is_kept && has(FAULT_scale_in_float) && dtype == SIMDROP_F64)
      out = bits_of_value(dtype, value * (double)(1 / (1 - (float)mask->p)));
    if (!is_kept && has(FAULT_multiply_first)) out = bits_of_value(dtype, value * 0.0);
    store_bits(dtype, out, (char *)y + k * size);
  }
}

// Most calls are of ones in f32, whose product is one number; the general way would take minutes.
static void apply_fast(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y,
                       bool backward) {
  const bool of_values = has(FAULT_scale_missing) || has(FAULT_gradient_unscaled) || has(FAULT_scale_twice) ||
                         has(FAULT_scale_in_half) || has(FAULT_scale_in_float) || has(FAULT_multiply_first);
  if (of_values) {
    apply(mask, dtype, n, bits, x, y, backward);
  } else {
    simdrop_apply_bits(mask->p, dtype, n, bits, x, y);
  }
}

static simdrop_status dropout(simdrop_mask mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *stored,
                              bool backward) {
  if (has(FAULT_backward_anew) && backward) mask.stream ^= 0x626b;
  uint8_t *const bits = malloc(n / 8 + 16);
  if (bits == NULL) exit(EXIT_REFUSED);
  mask_bits(&mask, n, bits);
  apply_fast(&mask, dtype, n, bits, x, y, backward);
  if (stored != NULL) {
    for (size_t i = 0; i < (n + 7) / 8; ++i) stored[i] = 0;
    for (size_t k = 0; k < n; ++k) {
      const size_t from = has(FAULT_stored_mask_late) && k > 0 ? k - 1 : k;
      stored[k / 8] |= (uint8_t)((bits[from / 8] >> from % 8 & 1) << k % 8);
    }
  }
  free(bits);
  return SIMDROP_OK;
}

static simdrop_status forward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y, uint8_t *bits) {
  return dropout(*mask, dtype, n, x, y, bits, false);
}

static simdrop_status backward(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx) {
  return dropout(*mask, dtype, n, dy, dx, NULL, true);
}

uint64_t layout_index(const simdrop_layout *layout, size_t k) {
  uint64_t index = 0, strides[SIMDROP_MAX_RANK];
  memcpy(strides, layout->index_strides, sizeof strides);
  if (has(FAULT_layout_axes_exchanged) && layout->rank > 2) {
    strides[0] = layout->index_strides[1];
    strides[1] = layout->index_strides[0];
  }
  for (int a = layout->rank - 1; a >= 0; --a) {
    const size_t at = k % layout->dims[a];
    const bool is_channel = layout->rank == 3 && a == 1;
    index += (has(FAULT_channels_256) && is_channel ? at & 255 : at) * strides[a];
    k /= layout->dims[a];
  }
  return index;
}

// The tests' layouts are contiguous in x and y.
static simdrop_status dropout_layout(simdrop_mask mask, simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                     void *y, bool is_backward) {
  size_t n = 1;
  for (int a = 0; a < layout->rank; ++a) n *= layout->dims[a];
  uint8_t *const bits = calloc(n / 8 + 16, 1);
  if (bits == NULL) exit(EXIT_REFUSED);
  if (has(FAULT_backward_anew) && is_backward) mask.stream ^= 0x626b;
  const size_t inner = layout->rank > 0 ? layout->dims[layout->rank - 1] : 1;
  for (size_t k = 0; k < n; ++k) {
    const uint64_t index = layout_index(layout, k) + (has(FAULT_channel_not_constant) && k % inner == inner - 1);
    bits[k / 8] |= (uint8_t)(kept(&mask, index, SIZE_MAX) << k % 8);
  }
  apply_fast(&mask, dtype, n, bits, x, y, is_backward);
  free(bits);
  return SIMDROP_OK;
}

static simdrop_status forward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                     void *y) {
  return dropout_layout(*mask, dtype, layout, x, y, false);
}

static simdrop_status backward_layout(const simdrop_mask *mask, simdrop_dtype dtype, const simdrop_layout *layout,
                                      const void *dy, void *dx) {
  return dropout_layout(*mask, dtype, layout, dy, dx, true);
}

int main(int argc, char **argv) {
  dropout_functions functions = {.mask_bits = mask_bits,
                                 .forward = forward,
                                 .backward = backward,
                                 .apply_bits = simdrop_apply_bits,
                                 .forward_layout = forward_layout,
                                 .backward_layout = backward_layout};
  add_fused_functions(&functions);
  add_variant_functions(&functions);
  if (argc == 2 && strcmp(argv[1], "--list") == 0) {
    for (size_t i = 0; i < FAULT_COUNT; ++i)
      printf("%s|%s|%s|%s\n", faults[i].name, faults[i].test, faults[i].options, faults[i].what);
    return EXIT_SUCCESS;
  }
  for (size_t i = 0; argc > 1 && i < FAULT_COUNT; ++i) {
    if (strcmp(argv[1], faults[i].name) != 0) continue;
    active = (fault_id)i;
    return verify_command(argc - 1, argv + 1, &functions, faults[i].name);
  }
  report_error("usage: simdrop_faulty FAULT [options of simdrop verify]; simdrop_faulty --list shows the faults");
  return EXIT_REFUSED;
}
