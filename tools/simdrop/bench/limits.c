// Multiplications are measured in chains that do not wait for one another, written so that no compiler can leave one out.
#include "bench/limits.h"

#include <math.h>
#include <string.h>

#include "shared/clock.h"

#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

#define BLOCK_ELEMENTS 128
#define PLANES BENCH_PLANES
// Philox has ten rounds of two multiplications; the first three depend on the block or on the plane alone, so that they can be
// shared between a block's planes, or a plane's blocks.
#define ROUNDS_OF_A_PLANE 7
#define PRODUCTS_OF_A_ROUND 2

#define TRIAL_SECONDS 5e-4
#define TRIALS 20

uint64_t bench_threshold(double p) {
  if (p >= 1) return UINT64_C(1) << PLANES;
  const double nearest = rint(ldexp(p, PLANES));  // halves go to even
  return nearest < 0x1p32 ? (uint64_t)nearest : UINT32_MAX;
}

// The planes from the highest down to the threshold's last 1 decide everything. Until then, an element is undecided as long as
// its bits are the threshold's: after j planes with probability 2^-j, each element for itself.
double bench_expected_planes(uint64_t threshold) {
  if (threshold == 0 || threshold >> PLANES != 0) return 0;
  int planes = PLANES;
  while ((threshold >> (PLANES - planes) & 1) == 0) --planes;
  double expected = 1;  // nothing is decided before the first
  for (int j = 1; j < planes; ++j) expected += -expm1(BLOCK_ELEMENTS * log1p(-ldexp(1, -j)));  // 1 - (1 - 2^-j)^128
  return expected;
}

double bench_products_per_element(double planes) { return planes * ROUNDS_OF_A_PLANE * PRODUCTS_OF_A_ROUND / BLOCK_ELEMENTS; }

// The empty instruction takes the value as changed, so that the next product depends on this one.
#define DEFINE_MULTIPLY(name, attributes, vector, set, product, kind)             \
  attributes static void name(uint64_t steps) {                                   \
    vector chains[BENCH_CHAINS], factor = set(0xD2511F53u);                       \
    UNROLLED for (int i = 0; i < BENCH_CHAINS; ++i) chains[i] = set(0x9E3779B9u); \
    __asm__ volatile("" : "+" kind(factor));                                      \
    for (; steps > 0; --steps) {                                                  \
      UNROLLED for (int i = 0; i < BENCH_CHAINS; ++i) {                           \
        chains[i] = product(chains[i], factor);                                   \
        __asm__ volatile("" : "+" kind(chains[i]));                               \
      }                                                                           \
    }                                                                             \
  }

// A register's width: on 32-bit machines that is half of a product, which takes no longer than the whole.
#define WORD_PRODUCT(a, b) ((a) * (b))
DEFINE_MULTIPLY(multiply_words, , size_t, (size_t), WORD_PRODUCT, "r")

#if defined(__SSE2__)
DEFINE_MULTIPLY(multiply_128, , __m128i, _mm_set1_epi32, _mm_mul_epu32, "x")
DEFINE_MULTIPLY(multiply_256, __attribute__((target("avx2"))), __m256i, _mm256_set1_epi32, _mm256_mul_epu32, "x")
DEFINE_MULTIPLY(multiply_512, __attribute__((target("avx512f"))), __m512i, _mm512_set1_epi32, _mm512_mul_epu32, "v")
#elif defined(__aarch64__)
// The lower half of the pair of products is multiplied next, so that nothing but multiplications is needed.
#define NEON_PRODUCT(a, b) vreinterpretq_u32_u64(vmull_u32(vget_low_u32(a), vget_low_u32(b)))
DEFINE_MULTIPLY(multiply_128, , uint32x4_t, vdupq_n_u32, NEON_PRODUCT, "w")
#endif

static const bench_multiplier multipliers[] = {
#if defined(__SSE2__)
    {"avx512", 8, multiply_512},   {"avx3", 8, multiply_512},  {"avx2", 4, multiply_256},
    {"sse4", 2, multiply_128},     {"ssse3", 2, multiply_128}, {"sse2", 2, multiply_128},
#elif defined(__aarch64__)
    {"neon", 2, multiply_128},
#endif
    {"scalar", 1, multiply_words},
};

const bench_multiplier *bench_multiplier_of(const char *backend) {
  for (size_t i = 0; i < sizeof multipliers / sizeof multipliers[0]; ++i) {
    const size_t length = strlen(backend), ending = strlen(multipliers[i].backend_ending);
    if (length >= ending && strcmp(backend + length - ending, multipliers[i].backend_ending) == 0) return &multipliers[i];
  }
  return NULL;
}

static double time_multiplications(const bench_multiplier *multiplier, uint64_t steps) {
  const double start = clock_seconds();
  multiplier->multiply(steps);
  return clock_seconds() - start;
}

// The fastest of a few trials: whatever disturbs can only make them slower.
double bench_multiplier_rate(const bench_multiplier *multiplier) {
  uint64_t steps = 1024;
  while (time_multiplications(multiplier, steps) < TRIAL_SECONDS) steps *= 2;
  double shortest = time_multiplications(multiplier, steps);
  for (int trial = 1; trial < TRIALS; ++trial) {
    const double seconds = time_multiplications(multiplier, steps);
    if (seconds < shortest) shortest = seconds;
  }
  return 1e-9 * (double)steps * BENCH_CHAINS / shortest;
}
