// The reference itself: against published known answers and golden masks, and its arithmetic against the processor's and the
// compiler's.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "support.h"

static void philox_known_answers(void **state) {
  (void)state;
  known_answer *answers;
  const size_t count = read_known_answers(&answers);
  assert_int_equal(count, 139);
  for (size_t i = 0; i < count; ++i) {
    uint32_t words[4];
    oracle_philox(10, answers[i].counter, answers[i].key, words);
    check_bytes(answers[i].words, words, sizeof words, "known answer %zu", i);
  }
  free(answers);
}

static void golden_masks(void **state) {
  (void)state;
  data_file *const file = open_data("mask_golden.txt");
  size_t count = 0;
  for (const char *line; (line = next_line(file)) != NULL; ++count) {
    double p;
    uint64_t seed, stream, offset, threshold;
    size_t n, kept_count, found_count = 0;
    static char hex[4096];
    assert_int_equal(sscanf(line, "%lf %" SCNx64 " %" SCNx64 " %" SCNx64 " %zu %" SCNu64 " %zu %4095s", &p, &seed, &stream,
                            &offset, &n, &threshold, &kept_count, hex),
                     8);
    assert_int_equal(oracle_threshold(p), threshold);
    uint32_t *const u = allocate(n * sizeof *u);
    uint8_t *const kept = allocate(n), *const bits = allocate(PACKED(n));
    oracle_u(seed, stream, offset, n, u);
    oracle_kept(p, n, u, kept);
    oracle_pack(n, kept, bits);
    for (size_t k = 0; k < n; ++k) found_count += kept[k];
    assert_int_equal(found_count, kept_count);
    assert_int_equal(strlen(hex), 2 * PACKED(n));
    for (size_t i = 0; i < PACKED(n); ++i) {
      unsigned expected;
      assert_int_equal(sscanf(hex + 2 * i, "%2x", &expected), 1);
      assert_int_equal(bits[i], expected);
    }
    free(u);
    free(kept);
    free(bits);
  }
  assert_int_equal(count, 22);
  close_data(file);
}

static uint32_t float_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static uint64_t double_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Against the processor's multiplications, and its rounding from binary64 to binary32.
static void products(void **state) {
  (void)state;
  uint64_t random = 1;
  for (int i = 0; i < 200000; ++i) {
    float x, s = 0;
    double wide_x, wide_s = 0;
    fill_values(SIMDROP_F32, 1, &random, &x);
    fill_values(SIMDROP_F64, 1, &random, &wide_x);
    while (!(s > 0 && isfinite(s))) fill_values(SIMDROP_F32, 1, &random, &s);
    while (!(wide_s > 0 && isfinite(wide_s))) fill_values(SIMDROP_F64, 1, &random, &wide_s);
    if (!isnan(x)) {
      const volatile float product = x * s;
      assert_int_equal(oracle_multiply(float_bits(x), oracle_binary32, float_bits(s), oracle_binary32, oracle_binary32),
                       float_bits(product));
    }
    if (!isnan(wide_x)) {
      const volatile double product = wide_x * wide_s;
      const volatile float narrow = (float)wide_x;
      assert_int_equal(
          oracle_multiply(double_bits(wide_x), oracle_binary64, double_bits(wide_s), oracle_binary64, oracle_binary64),
          double_bits(product));
      assert_int_equal(oracle_convert(double_bits(wide_x), oracle_binary64, oracle_binary32), float_bits(narrow));
    }
  }
}

// Narrowing to the smaller types is exact on what came from there, picks the nearer neighbour, and the even one of two.
static void narrowing(void **state) {
  (void)state;
  const oracle_format formats[] = {oracle_binary16, oracle_bfloat16, oracle_e4m3, oracle_e5m2};
  for (size_t f = 0; f < LENGTH(formats); ++f) {
    const uint32_t all_ones = (1u << (formats[f].exponent_bits + formats[f].fraction_bits)) - 1;
    const uint32_t infinity = formats[f].special == ORACLE_NO_INFINITY
                                  ? all_ones
                                  : ((1u << formats[f].exponent_bits) - 1) << formats[f].fraction_bits;
    for (uint32_t below = 0; below < infinity; ++below) {
      const uint32_t exact = (uint32_t)oracle_convert(below, formats[f], oracle_binary32);
      assert_int_equal(oracle_convert(exact, oracle_binary32, formats[f]), below);
      if (below + 1 == infinity) continue;
      const uint64_t above_bits = oracle_convert(below + 1, formats[f], oracle_binary64);
      const uint64_t below_bits = oracle_convert(below, formats[f], oracle_binary64);
      double low, high;
      memcpy(&low, &below_bits, sizeof low);
      memcpy(&high, &above_bits, sizeof high);
      const double half_way = low + (high - low) / 2;  // exact in binary64
      assert_int_equal(oracle_convert(double_bits(half_way), oracle_binary64, formats[f]), below + below % 2);
      assert_int_equal(oracle_convert(double_bits(nextafter(half_way, low)), oracle_binary64, formats[f]), below);
      assert_int_equal(oracle_convert(double_bits(nextafter(half_way, high)), oracle_binary64, formats[f]), below + 1);
    }
  }
  // From 65520 on, binary16 rounds to infinity.
  assert_int_equal(oracle_convert(float_bits(65519.996f), oracle_binary32, oracle_binary16), 0x7bff);
  assert_int_equal(oracle_convert(float_bits(65520.0f), oracle_binary32, oracle_binary16), 0x7c00);
  // A NaN comes out quiet, with its sign and upper payload bits.
  assert_int_equal(oracle_convert(0xff80a000, oracle_binary32, oracle_binary16), 0xfe05);
  assert_int_equal(oracle_convert(0x7f810000, oracle_binary32, oracle_bfloat16), 0x7fc1);
}

// The values that the tables of "OCP 8-bit Floating Point Specification (OFP8)", revision 1.0, list for both formats.
static void ofp8_tables(void **state) {
  (void)state;
  static const struct {
    uint8_t e4m3, e5m2;
    float e4m3_value, e5m2_value;
  } listed[] = {
      {0x00, 0x00, 0, 0},                                // zero
      {0x80, 0x80, -0.0f, -0.0f},                        // zero
      {0x7e, 0x7b, 448, 57344},                          // largest normal
      {0xfe, 0xfb, -448, -57344},                        //
      {0x08, 0x04, 0x1p-6f, 0x1p-14f},                   // smallest normal
      {0x07, 0x03, 0.875f * 0x1p-6f, 0.75f * 0x1p-14f},  // largest subnormal
      {0x01, 0x01, 0x1p-9f, 0x1p-16f},                   // smallest subnormal
      {0x38, 0x3c, 1, 1},                                // the exponent's bias
      {0x7f, 0x7c, NAN, INFINITY},                       //
      {0xff, 0xfc, -NAN, -INFINITY},                     //
  };
  for (size_t i = 0; i < LENGTH(listed); ++i) {
    const uint64_t e4m3 = oracle_convert(listed[i].e4m3, oracle_e4m3, oracle_binary32);
    if (!isnan(listed[i].e4m3_value)) assert_int_equal(e4m3, float_bits(listed[i].e4m3_value));
    assert_int_equal(oracle_convert(listed[i].e5m2, oracle_e5m2, oracle_binary32), float_bits(listed[i].e5m2_value));
  }
  for (unsigned nan = 0x7d; nan <= 0x7f; ++nan) {
    assert_int_equal(oracle_convert(nan, oracle_e5m2, oracle_e5m2), 0x7f);
    assert_int_equal(oracle_convert(nan | 0x80, oracle_e5m2, oracle_e4m3), 0xff);
  }
  assert_int_equal(oracle_convert(0x7f, oracle_e4m3, oracle_e5m2), 0x7f);
  // Beyond the largest number.
  assert_int_equal(oracle_convert(float_bits(464), oracle_binary32, oracle_e4m3), 0x7e);
  assert_int_equal(oracle_convert(float_bits(nextafterf(464, 500)), oracle_binary32, oracle_e4m3), 0x7e);
  assert_int_equal(oracle_convert(float_bits(-INFINITY), oracle_binary32, oracle_e4m3), 0xfe);
  assert_int_equal(oracle_convert(float_bits(nextafterf(61440, 0)), oracle_binary32, oracle_e5m2), 0x7b);
  assert_int_equal(oracle_convert(float_bits(61440), oracle_binary32, oracle_e5m2), 0x7c);
}

#if defined(__FLT16_MAX__) && defined(__SSE2__)
// Against the compiler's own type.
static void compilers_binary16(void **state) {
  (void)state;
  uint64_t random = 2;
  for (uint32_t half = 0; half < 0x10000; ++half) {
    const uint16_t bits = (uint16_t)half;
    __extension__ _Float16 value;
    memcpy(&value, &bits, sizeof value);
    if (!isnan((float)value))
      assert_int_equal(oracle_convert(bits, oracle_binary16, oracle_binary32), float_bits((float)value));
  }
  for (int i = 0; i < 200000; ++i) {
    float x;
    fill_values(SIMDROP_F32, 1, &random, &x);
    if (isnan(x)) continue;
    __extension__ const _Float16 narrow = (_Float16)x;
    uint16_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    assert_int_equal(oracle_convert(float_bits(x), oracle_binary32, oracle_binary16), bits);
  }
}
#else
static void compilers_binary16(void **state) {
  (void)state;
  print_message("compilers_binary16 skipped: this compiler has no _Float16 here\n");
  skip();
}
#endif

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(philox_known_answers),
      cmocka_unit_test(golden_masks),
      cmocka_unit_test(products),
      cmocka_unit_test(narrowing),
      cmocka_unit_test(ofp8_tables),
      cmocka_unit_test(compilers_binary16),
  };
  return RUN_TESTS(argc, argv, tests);
}
