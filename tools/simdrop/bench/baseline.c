// Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), written plainly;
// what the compiler makes of the loop is part of the comparison.
#include "bench/baseline.h"

typedef struct philox_words {
  uint32_t word[4];
} philox_words;

static philox_words philox4x32_10(philox_words counter, uint32_t key_0, uint32_t key_1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product_0 = UINT64_C(0xD2511F53) * counter.word[0], product_1 = UINT64_C(0xCD9E8D57) * counter.word[2];
    counter = (philox_words){{(uint32_t)(product_1 >> 32) ^ counter.word[1] ^ key_0, (uint32_t)product_1,
                              (uint32_t)(product_0 >> 32) ^ counter.word[3] ^ key_1, (uint32_t)product_0}};
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  return counter;
}

static philox_words words_of_group(uint64_t seed, uint64_t stream, uint64_t group) {
  const philox_words counter = {{(uint32_t)group, (uint32_t)(group >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
  return philox4x32_10(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
}

#define DEFINE_DROPOUT(dtype, element)                                                                                      \
  void baseline_dropout_##dtype(uint64_t seed, uint64_t stream, uint64_t index, uint64_t threshold, double scale, size_t n, \
                                const element *x, element *y) {                                                             \
    const element factor = (element)scale;                                                                                  \
    for (size_t i = 0; i < n; i += 4) {                                                                                     \
      const philox_words random = words_of_group(seed, stream, (index + i) / 4);                                            \
      const size_t count = n - i < 4 ? n - i : 4;                                                                           \
      for (size_t k = 0; k < count; ++k) y[i + k] = random.word[k] < threshold ? 0 : x[i + k] * factor;                     \
    }                                                                                                                       \
  }

DEFINE_DROPOUT(f32, float)
DEFINE_DROPOUT(f64, double)

#define DEFINE_SCALE_LOOP(name, element)                                     \
  static void name(element factor, size_t n, const element *x, element *y) { \
    for (size_t i = 0; i < n; ++i) y[i] = x[i] * factor;                     \
  }

DEFINE_SCALE_LOOP(scale_loop_f32, float)
DEFINE_SCALE_LOOP(scale_loop_f64, double)

#if defined(__x86_64__) || defined(__i386__)
__attribute__((target("avx2"))) DEFINE_SCALE_LOOP(scale_loop_avx2_f32, float) __attribute__((target("avx2")))
DEFINE_SCALE_LOOP(scale_loop_avx2_f64, double)
#define SCALE_LOOP(dtype) (__builtin_cpu_supports("avx2") ? scale_loop_avx2_##dtype : scale_loop_##dtype)
#else
#define SCALE_LOOP(dtype) scale_loop_##dtype
#endif

    void baseline_scale_f32(double scale, size_t n, const float *x, float *y) {
  SCALE_LOOP(f32)((float)scale, n, x, y);
}

void baseline_scale_f64(double scale, size_t n, const double *x, double *y) { SCALE_LOOP(f64)(scale, n, x, y); }
