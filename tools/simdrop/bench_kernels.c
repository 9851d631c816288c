// The kernels' calls, made from the list.
#include "bench_kernels.h"

#include <string.h>

#include "baseline.h"

static void run_baseline(const bench_case *c) {
  if (c->dtype == SIMDROP_F64) {
    baseline_dropout_f64(c->mask.seed, c->mask.stream, c->threshold, c->scale, c->n, c->x, c->y);
  } else {
    baseline_dropout_f32(c->mask.seed, c->mask.stream, c->threshold, c->scale, c->n, c->x, c->y);
  }
}

#define DEFINE_RUN(identifier, name, group, element_arrays, bit_arrays, byte_arrays, call) \
  static void run_##identifier(const bench_case *c, uint64_t repetitions) {                \
    for (uint64_t i = 0; i < repetitions; ++i) {                                           \
      call;                                                                                \
      BENCH_BARRIER();                                                                     \
    }                                                                                      \
  }
BENCH_KERNELS(DEFINE_RUN)

#define TABLE_ROW(identifier, name, group, element_arrays, bit_arrays, byte_arrays, call) \
  {name, group, element_arrays, bit_arrays, byte_arrays, run_##identifier},
const bench_kernel bench_kernels[] = {BENCH_KERNELS(TABLE_ROW)};
const int bench_kernel_count = sizeof bench_kernels / sizeof bench_kernels[0];

#define NAME_ONLY(identifier, name, group, element_arrays, bit_arrays, byte_arrays, call) name,
const char *const bench_kernel_names[] = {BENCH_KERNELS(NAME_ONLY) NULL};

static size_t packed_size(size_t n) { return n / 8 + (n % 8 != 0); }

double bench_bytes(const bench_kernel *kernel, const bench_case *c) {
  return (double)kernel->element_arrays * (double)c->n * (double)c->element_size +
         (double)kernel->bit_arrays * (double)packed_size(c->n) + (double)kernel->byte_arrays * (double)c->n;
}

size_t bench_copy_bytes(const bench_kernel *kernel, const bench_case *c) {
  if (kernel->element_arrays > 0) return c->n * c->element_size;
  return kernel->bit_arrays > 0 ? packed_size(c->n) : c->n;
}

void bench_copy(const bench_case *c, uint64_t repetitions) {
  for (uint64_t i = 0; i < repetitions; ++i) {
    memcpy(c->y, c->x, c->copy_bytes);
    BENCH_BARRIER();
  }
}
