// K3 and K4: which elements are dropped. Goldens, offsets around every carry, the threshold at the exact values where
// comparisons go wrong, every number of planes, and the two ways to write a mask.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/parameters.h"
#include "golden.h"
#include "oracle.h"
#include "support.h"

enum {
  BLOCK = 128,
  MARGIN = 64
};

// Draws a mask in both forms between margins that must stay as they are, and compares it with the reference's.
static void check_mask(const char *backend, const simdrop_mask *mask, size_t n, const uint32_t *u) {
  static uint8_t kept[40000], expected[5000], bits[MARGIN + 5000 + MARGIN], bytes[MARGIN + 40000 + MARGIN];
  assert_true(n <= sizeof kept);
  oracle_kept(mask->p, n, u, kept);
  oracle_pack(n, kept, expected);
  memset(bits, 0xA5, MARGIN + PACKED(n) + MARGIN);
  memset(bytes, 0xA5, MARGIN + n + MARGIN);
  assert_int_equal(simdrop_mask_bits(mask, n, bits + MARGIN), SIMDROP_OK);
  assert_int_equal(simdrop_mask_bytes(mask, n, bytes + MARGIN), SIMDROP_OK);
#define WHERE "%s, p %.17g, seed %#" PRIx64 ", stream %#" PRIx64 ", offset %#" PRIx64 ", n %zu"
#define WHERE_VALUES backend, mask->p, mask->seed, mask->stream, mask->offset, n
  check_bytes(expected, bits + MARGIN, PACKED(n), "bits of " WHERE, WHERE_VALUES);
  check_bytes(kept, bytes + MARGIN, n, "bytes of " WHERE, WHERE_VALUES);
  check_filled(bits, MARGIN, 0xA5, "before bits of " WHERE, WHERE_VALUES);
  check_filled(bytes, MARGIN, 0xA5, "before bytes of " WHERE, WHERE_VALUES);
  check_filled(bits + MARGIN + PACKED(n), MARGIN, 0xA5, "after bits of " WHERE, WHERE_VALUES);
  check_filled(bytes + MARGIN + n, MARGIN, 0xA5, "after bytes of " WHERE, WHERE_VALUES);
}

// The same on every backend, against the reference drawn once.
static void check_everywhere(const simdrop_mask *mask, size_t n) {
  uint32_t *const u = allocate(n * sizeof *u);
  oracle_u(mask->seed, mask->stream, mask->offset, n, u);
  FOR_EACH_BACKEND(backend) { check_mask(backend, mask, n, u); }
  free(u);
}

static void golden_masks(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_masks_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

// K3. Blocks carry at 2^7, their lower half at 2^39; indices cut to 32 or 63 bits would show at 2^32 and 2^63. Long calls as
// well as short ones, which take other ways through the vector backends.
static void offsets_around_every_carry(void **state) {
  (void)state;
  static const uint64_t carries[] = {UINT64_C(1) << 7,  UINT64_C(1) << 31, UINT64_C(1) << 32,
                                     UINT64_C(1) << 38, UINT64_C(1) << 39, UINT64_C(1) << 40,
                                     UINT64_C(5) << 39, UINT64_C(1) << 63, 0};
  static const size_t lengths[] = {1, 127, 128, 129, 300, 1100, 2500, 8192, 17000};
  static const int64_t starts[] = {0, -1, 1, -64, -100, -128, -129, -257, -1000, -2048, -8192, -8200, -16000};
  static const double probabilities[] = {0.2, 0.5, 0.75, 0.9};
  uint64_t random = 3;
  for (size_t c = 0; c < LENGTH(carries); ++c) {
    for (size_t s = 0; s < LENGTH(starts); ++s) {
      for (size_t l = 0; l < LENGTH(lengths); ++l) {
        const uint64_t offset = carries[c] + (uint64_t)starts[s];
        size_t n = lengths[l];
        if (offset + n < offset && offset + n != 0) n = (size_t)(0 - offset);
        if (!full_effort() && (c + s + l) % 8 != 0) continue;
        const simdrop_mask mask = {probabilities[(c + s + l) % 4], next_random(&random), next_random(&random), offset, 0};
        check_everywhere(&mask, n);
      }
    }
  }
}

// The last elements that there are: offset + n = 2^64 for every n, and one more is refused.
static void last_indices(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    for (size_t n = 1; n <= 257; ++n) {
      uint32_t u[257];
      simdrop_mask mask = {0.3, 0x0123456789abcdef, 0xfedcba9876543210, 0 - (uint64_t)n, 0};
      oracle_u(mask.seed, mask.stream, mask.offset, n, u);
      check_mask(backend, &mask, n, u);
      uint8_t bits[33];
      assert_int_equal(simdrop_mask_bits(&mask, n + 1, bits), SIMDROP_ERROR_INDEX_OVERFLOW);
    }
  }
}

static void thresholds(void **state) {
  (void)state;
  static const struct {
    double p;
    uint64_t threshold;
  } known[] = {
      {0, 0},
      {-0.0, 0},
      {0x1p-1074, 0},
      {1e-12, 0},
      {0x1p-33, 0},                // a half, to even
      {0x1.0000000000001p-33, 1},  // just above a half
      {0x1p-32, 1},                //
      {0x1.8p-32, 2},              // one and a half, to even
      {0x1.4p-31, 2},              // two and a half, to even
      {1e-3, 4294967},             //
      {0.1, 429496730},            //
      {0.25, UINT64_C(1) << 30},   //
      {0.3, 1288490189},           //
      {1.0 / 3, 1431655765},       //
      {0.5, UINT64_C(1) << 31},    //
      {0.9, 3865470566},           //
      {0.99, 4252017623},          //
      {1 - 0x1p-32, 4294967295},   //
      {1 - 0x1p-33, 4294967295},   // would round to 2^32
      {1 - 1e-12, 4294967295},     //
      {0x1.fffffffffffffp-1, 4294967295},
      {1, UINT64_C(1) << 32},
  };
  for (size_t i = 0; i < LENGTH(known); ++i) {
    assert_int_equal(simdrop_threshold(known[i].p), known[i].threshold);
    assert_int_equal(oracle_threshold(known[i].p), known[i].threshold);
  }
  uint64_t random = 4;
  for (int i = 0; i < 100000; ++i) {
    const uint64_t draw = next_random(&random);
    // Uniform ones, small ones, and ones that lie half way between two thresholds.
    const double p = i % 3 == 0   ? ldexp((double)(draw >> 11), -53)
                     : i % 3 == 1 ? ldexp((double)(draw >> 11), -53 - (int)(draw % 40))
                                  : ldexp((double)(draw >> 31), -33);
    assert_int_equal(simdrop_threshold(p), oracle_threshold(p));
  }
}

// K4 with real elements: data/threshold_cases.txt lists indices of seed 0, stream 0 whose U is exactly a threshold, or one of
// its neighbours, or one of 0, 2^31 - 1, 2^31 and 2^32 - 1; the reference confirms each before it is used.
static void exact_thresholds(void **state) {
  (void)state;
  static const double probabilities[] = {0,   0x1p-32, 1e-3, 0.1, 0.25,        0.3,       1.0 / 3,
                                         0.5, 0.9,     0.99, 1,   1 - 0x1p-32, 1 - 1e-12, 0x1p-33};
  enum {
    ROOM = 100
  };
  static struct {
    uint32_t u;
    uint64_t index;
  } cases[ROOM];
  size_t count = 0;
  data_file *const file = open_data("threshold_cases.txt");
  for (const char *line; (line = next_line(file)) != NULL; ++count) {
    assert_true(count < ROOM);
    assert_int_equal(sscanf(line, "%" SCNu32 " %" SCNu64, &cases[count].u, &cases[count].index), 2);
    uint32_t u;
    oracle_u(0, 0, cases[count].index, 1, &u);
    assert_int_equal(u, cases[count].u);
  }
  close_data(file);

  // Every probability meets its threshold and both neighbours, as far as there are such U.
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    const uint64_t threshold = oracle_threshold(probabilities[i]);
    for (uint64_t u = threshold == 0 ? 0 : threshold - 1; u <= threshold + 1 && u <= UINT32_MAX; ++u) {
      size_t c = 0;
      while (c < count && cases[c].u != u) ++c;
      if (c == count) fail_msg("threshold_cases.txt has no index with U = %" PRIu64, u);
    }
  }

  static const size_t positions[] = {0, 1, 5, 31, 64, 127, 128, 200, 700, 1000, 1500, 2047};
  static const size_t behind[] = {1, 2, 100, 400, 1200, 2048};
  FOR_EACH_BACKEND(backend) {
    for (size_t c = 0; c < count; ++c) {
      for (size_t i = 0; i < LENGTH(probabilities); ++i) {
        const double p = probabilities[i];
        const unsigned expected = (uint64_t)cases[c].u < oracle_threshold(p) ? 0 : 1;
        for (size_t s = 0; s < LENGTH(positions); ++s) {
          const size_t n = positions[s] + behind[(c + i + s) % LENGTH(behind)];
          const simdrop_mask mask = {p, 0, 0, cases[c].index - positions[s], 0};
          uint8_t bits[5000 / 8];
          assert_int_equal(simdrop_mask_bits(&mask, n, bits), SIMDROP_OK);
          const unsigned found = bits[positions[s] / 8] >> positions[s] % 8 & 1;
          if (found != expected)
            fail_msg("%s: U = %" PRIu32 " at p = %.17g (T = %" PRIu64 ") is %s", backend, cases[c].u, p, oracle_threshold(p),
                     found ? "kept" : "dropped");
        }
      }
    }
  }
}

// The threshold put at an element's own U, and one above it: all 32 planes decide. Any element, in calls of any length.
static void threshold_at_an_elements_u(void **state) {
  (void)state;
  enum {
    MOST = 70 * BLOCK
  };
  static uint32_t u[MOST];
  uint64_t random = 5;
  const int rounds = full_effort() ? 300 : 40;
  FOR_EACH_BACKEND(backend) {
    for (int round = 0; round < rounds; ++round) {
      simdrop_mask mask = {0, next_random(&random), next_random(&random), next_random(&random) >> 8 << 7, 0};
      const size_t n = 1 + next_random(&random) % (round % 2 ? 5 * BLOCK : MOST);
      oracle_u(mask.seed, mask.stream, mask.offset, n, u);
      const uint64_t at = u[next_random(&random) % n];
      mask.p = ldexp((double)at, -32);
      check_mask(backend, &mask, n, u);
      mask.p = ldexp((double)(at + 1), -32);
      check_mask(backend, &mask, n, u);
    }
  }
}

// Each of the 32 planes in turn is the one that decides an element: T agrees with its U above the plane, differs in it, and
// holds anything below, or nothing. In calls of every length that the vector backends treat in a way of its own.
static void every_plane_decides(void **state) {
  (void)state;
  enum {
    MOST = 20 * BLOCK
  };
  static uint32_t u[MOST];
  uint64_t random = 8;
  const int rounds = full_effort() ? 20 : 3;
  FOR_EACH_BACKEND(backend) {
    for (int round = 0; round < rounds; ++round) {
      simdrop_mask mask = {0, next_random(&random), next_random(&random), next_random(&random) >> 8 << 7, 0};
      oracle_u(mask.seed, mask.stream, mask.offset, MOST, u);
      for (size_t blocks = 1; blocks <= MOST / BLOCK; blocks += blocks < 5 ? 1 : 5)
        for (int plane = 0; plane < 32; ++plane) {
          const uint32_t own_bit = UINT32_C(1) << (31 - plane), below = own_bit - 1;
          // In the first block, or the last.
          const size_t element = (round % 2 ? blocks - 1 : 0) * BLOCK + next_random(&random) % BLOCK;
          const uint32_t differs = (u[element] ^ own_bit) & ~below;
          mask.p = ldexp((double)(differs | ((uint32_t)next_random(&random) & below)), -32);
          check_mask(backend, &mask, blocks * BLOCK, u);
          mask.p = ldexp((double)(differs | own_bit), -32);
          check_mask(backend, &mask, blocks * BLOCK, u);
        }
    }
  }
}

// Every number of planes that a threshold can need, with every number of blocks around the vectors' and batches' sizes.
static void every_plane_count(void **state) {
  (void)state;
  enum {
    MOST = 140 * BLOCK
  };
  static uint32_t u[MOST];
  uint64_t random = 6;
  simdrop_mask mask = {0, next_random(&random), next_random(&random), next_random(&random) >> 8 << 7, 0};
  oracle_u(mask.seed, mask.stream, mask.offset, MOST, u);
  FOR_EACH_BACKEND(backend) {
    for (int planes = 1; planes <= 32; ++planes) {
      for (size_t blocks = 1; blocks <= 140; ++blocks) {
        if (blocks > 72 && blocks % 8 > 1 && blocks < 126) continue;
        if (!full_effort() && (blocks + (size_t)planes) % 8 != 0 && blocks > 5) continue;
        const uint64_t threshold = (next_random(&random) >> (64 - planes) | 1) << (32 - planes);
        mask.p = ldexp((double)threshold, -32);
        check_mask(backend, &mask, blocks * BLOCK - blocks % 3, u);
      }
    }
  }
}

// For one (seed, stream), what a smaller p drops a larger p drops too.
static void larger_p_drops_more(void **state) {
  (void)state;
  enum {
    N = 20000
  };
  static uint8_t smaller[N], larger[N];
  FOR_EACH_BACKEND(backend) {
    simdrop_mask mask = {0, 77, 88, 99, 0};
    assert_int_equal(simdrop_mask_bytes(&mask, N, smaller), SIMDROP_OK);
    for (size_t i = 1; i < LENGTH(some_probabilities); ++i) {
      mask.p = some_probabilities[i];
      assert_true(some_probabilities[i - 1] < mask.p);
      assert_int_equal(simdrop_mask_bytes(&mask, N, larger), SIMDROP_OK);
      for (size_t k = 0; k < N; ++k)
        if (larger[k] && !smaller[k]) fail_msg("%s: element %zu is kept at p = %g but not below", backend, k, mask.p);
      memcpy(smaller, larger, N);
    }
  }
}

// Every length and every position of the start in its block, at every probability.
static void every_length_and_start(void **state) {
  (void)state;
  enum {
    MOST = 257 + 128
  };
  uint32_t u[MOST];
  uint64_t random = 7;
  simdrop_mask mask = {0, 0x123456789, 0xabcdef012345, UINT64_C(0x1000000000) << 7, 0};
  const uint64_t base = mask.offset;
  oracle_u(mask.seed, mask.stream, base, MOST, u);
  FOR_EACH_BACKEND(backend) {
    for (size_t n = 0; n <= 257; ++n) {
      for (size_t start = 0; start < 128; start += full_effort() ? 1 : 1 + next_random(&random) % 16) {
        mask.p = some_probabilities[next_random(&random) % LENGTH(some_probabilities)];
        mask.offset = base + start;
        check_mask(backend, &mask, n, u + start);
      }
    }
  }
}

// A short call draws no more than its elements need, of which the last is decided by the last plane here.
static void calls_of_few_elements(void **state) {
  (void)state;
  enum {
    MOST = 3 * BLOCK
  };
  static const size_t starts[] = {0, 5, 64, 127, 0};
  static uint32_t u[MOST + BLOCK];
  static uint8_t kept[MOST];
  static float x[MOST], y[MOST], expected[MOST];
  uint64_t random = 9;
  for (size_t k = 0; k < MOST; ++k) x[k] = (float)(1 + k);
  simdrop_mask mask = {0, next_random(&random), next_random(&random), next_random(&random) >> 8 << 7, 0};
  const uint64_t base = mask.offset;
  oracle_u(mask.seed, mask.stream, base, LENGTH(u), u);
  FOR_EACH_BACKEND(backend) {
    for (size_t n = 1; n <= MOST; ++n) {
      const size_t start = starts[n % LENGTH(starts)];
      mask.offset = base + start;
      for (uint64_t above = 0; above < 2; ++above) {
        mask.p = ldexp((double)(u[start + n - 1] + above), -32);
        oracle_kept(mask.p, n, u + start, kept);
        oracle_apply(mask.p, SIMDROP_F32, n, kept, x, expected);
        assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, n, x, y, NULL), SIMDROP_OK);
        check_bytes(expected, y, n * sizeof *y, "%s, p %.17g, %zu elements from place %zu on", backend, mask.p, n, start);
      }
    }
  }
}

// One element or two, the first of a block or others, of which the first one's number differs from the threshold first in each
// of the planes, or nowhere.
static void calls_of_one_or_two(void **state) {
  (void)state;
  static const size_t places[] = {0, 0, 1, 64};
  uint64_t random = 10;
  FOR_EACH_BACKEND(backend) {
    for (int round = 0; round < 200; ++round) {
      simdrop_mask mask = {0, next_random(&random), next_random(&random), next_random(&random) >> 8 << 7, 0};
      mask.offset += places[round % LENGTH(places)];
      const float x[2] = {1, 1};
      float y[2];
      uint32_t u;
      oracle_u(mask.seed, mask.stream, mask.offset, 1, &u);
      for (int plane = 0; plane <= 32; ++plane) {
        const uint64_t own_bit = UINT64_C(1) << 31 >> plane, below = own_bit - (own_bit != 0);
        const uint64_t threshold = (u ^ own_bit) & ~below;
        if (threshold == 0) continue;
        mask.p = ldexp((double)threshold, -32);
        for (size_t n = 1; n <= 2; ++n) {
          assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, n, x, y, NULL), SIMDROP_OK);
          if ((y[0] != 0) != (u >= threshold)) fail_msg("%s, %zu: u %#x, threshold %#" PRIx64, backend, n, u, threshold);
        }
      }
    }
  }
}

// The mask's description may lie where the mask is written.
static void description_in_the_output(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const simdrop_mask mask = {0.4, 1, 2, 3, 0};
    uint8_t expected[20000 / 8], expected_bytes[20000];
    assert_int_equal(simdrop_mask_bits(&mask, 20000, expected), SIMDROP_OK);
    assert_int_equal(simdrop_mask_bytes(&mask, 20000, expected_bytes), SIMDROP_OK);
    union {
      simdrop_mask mask;
      uint8_t bytes[20000];
    } output;
    output.mask = mask;
    assert_int_equal(simdrop_mask_bits(&output.mask, 20000, output.bytes), SIMDROP_OK);
    check_bytes(expected, output.bytes, sizeof expected, "%s: bits over their description", backend);
    output.mask = mask;
    assert_int_equal(simdrop_mask_bytes(&output.mask, 20000, output.bytes), SIMDROP_OK);
    check_bytes(expected_bytes, output.bytes, sizeof expected_bytes, "%s: bytes over their description", backend);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(golden_masks),
      cmocka_unit_test(offsets_around_every_carry),
      cmocka_unit_test(last_indices),
      cmocka_unit_test(thresholds),
      cmocka_unit_test(exact_thresholds),
      cmocka_unit_test(threshold_at_an_elements_u),
      cmocka_unit_test(every_plane_decides),
      cmocka_unit_test(every_plane_count),
      cmocka_unit_test(larger_p_drops_more),
      cmocka_unit_test(every_length_and_start),
      cmocka_unit_test(calls_of_few_elements),
      cmocka_unit_test(calls_of_one_or_two),
      cmocka_unit_test(description_in_the_output),
  };
  return RUN_TESTS(argc, argv, tests);
}
