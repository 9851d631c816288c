// Two builds of the library in one process, turn by turn on the same arrays: how long the second takes, in terms of the first.
// The part of bench/tune.py and bench/compare_builds.py that must not be Python.
//
//   tune FIRST.so SECOND.so BACKEND KERNEL DTYPE N P ROUNDS
//
// KERNEL is forward, forward-bits, forward-bytes, forward-in-place, backward, apply-bits, mask-bits, mask-bytes, or, on rows of
// 1024, chain (with a bias and a residual), chain-gelu or softmax, or alpha or gaussian; DTYPE is f32, f64, f16 or bf16. Prints
// the median of the rounds' ratios, their tenth and ninetieth percentile, and both medians in ns an element. Exit status 1 if
// the builds' outputs differ, 2 if anything is missing.
#include <dlfcn.h>
#include <simdrop/simdrop.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/element_types.h"

#define TURN_SECONDS 2e-3
#define ROUNDS_MAX 1001

typedef simdrop_status select_function(const char *name);
typedef simdrop_status forward_function(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *x, void *y,
                                        uint8_t *bits);
typedef simdrop_status backward_function(const simdrop_mask *mask, simdrop_dtype dtype, size_t n, const void *dy, void *dx);
typedef simdrop_status apply_function(double p, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y);
typedef simdrop_status mask_function(const simdrop_mask *mask, size_t n, uint8_t *bits);

typedef simdrop_status chain_function(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                      const simdrop_matrix *matrix, const simdrop_chain *chain, const void *x, void *y,
                                      uint8_t *bits);
typedef simdrop_status softmax_function(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                        const simdrop_matrix *matrix, const simdrop_softmax *softmax, const void *x, void *y,
                                        void *probabilities, void *statistics);
typedef simdrop_status variant_function(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                        size_t n, const void *x, void *y);

typedef struct build {
  select_function *select_backend;
  forward_function *forward;
  backward_function *backward;
  apply_function *apply_bits;
  mask_function *mask_bits, *mask_bytes;
  // NULL in builds that have them not:
  forward_function *forward_bytes;
  chain_function *chain;
  softmax_function *softmax;
  variant_function *alpha, *gaussian;
} build;

typedef struct tune_case tune_case;
typedef simdrop_status kernel_call(const build *b, const tune_case *c, char *y);

struct tune_case {
  kernel_call *kernel;
  simdrop_dtype dtype;
  size_t n, y_size;
  simdrop_mask mask;
  const char *x;
  uint8_t *stored, *decisions;  // to be applied, and to be written, packed or a byte each
};

static simdrop_status forward(const build *b, const tune_case *c, char *y) {
  return b->forward(&c->mask, c->dtype, c->n, c->x, y, NULL);
}

static simdrop_status forward_bits(const build *b, const tune_case *c, char *y) {
  return b->forward(&c->mask, c->dtype, c->n, c->x, y, c->decisions);
}

static void fail(const char *what) {
  fprintf(stderr, "tune: %s\n", what);
  exit(2);
}

#define DEMAND(b, function, name) \
  if ((b)->function == NULL) fail("a build without " name)

static simdrop_status forward_bytes(const build *b, const tune_case *c, char *y) {
  DEMAND(b, forward_bytes, "simdrop_forward_bytes");
  return b->forward_bytes(&c->mask, c->dtype, c->n, c->x, y, c->decisions);
}

static simdrop_status forward_in_place(const build *b, const tune_case *c, char *y) {
  return b->forward(&c->mask, c->dtype, c->n, y, y, NULL);
}

static simdrop_status backward(const build *b, const tune_case *c, char *y) {
  return b->backward(&c->mask, c->dtype, c->n, c->x, y);
}

static simdrop_status apply_bits(const build *b, const tune_case *c, char *y) {
  return b->apply_bits(c->mask.p, c->dtype, c->n, c->stored, c->x, y);
}

static simdrop_status mask_bits(const build *b, const tune_case *c, char *y) {
  return b->mask_bits(&c->mask, c->n, (uint8_t *)y);
}

static simdrop_status mask_bytes(const build *b, const tune_case *c, char *y) {
  return b->mask_bytes(&c->mask, c->n, (uint8_t *)y);
}

#define COLUMNS 1024

// Whole rows, or one row of all elements.
static simdrop_matrix rows_of(const tune_case *c) {
  const size_t columns = c->n < COLUMNS ? c->n : COLUMNS;
  const ptrdiff_t stride = (ptrdiff_t)columns;
  return (simdrop_matrix){c->n / columns, columns, stride, stride, stride, columns, 0};
}

static simdrop_status run_chain(simdrop_activation activation, const build *b, const tune_case *c, char *y) {
  const simdrop_matrix matrix = rows_of(c);
  const simdrop_chain chain = {.activation = activation, .bias = c->x, .residual = c->x};
  DEMAND(b, chain, "simdrop_chain_forward");
  return b->chain(NULL, &c->mask, c->dtype, &matrix, &chain, c->x, y, NULL);
}

static simdrop_status chain(const build *b, const tune_case *c, char *y) { return run_chain(SIMDROP_ACTIVATION_NONE, b, c, y); }

static simdrop_status chain_gelu(const build *b, const tune_case *c, char *y) { return run_chain(SIMDROP_GELU, b, c, y); }

static simdrop_status softmax(const build *b, const tune_case *c, char *y) {
  const simdrop_matrix matrix = rows_of(c);
  const simdrop_softmax plain = {.scale = 0.125, .probability_stride = (ptrdiff_t)matrix.columns};
  DEMAND(b, softmax, "simdrop_softmax_forward");
  return b->softmax(NULL, &c->mask, c->dtype, &matrix, &plain, c->x, y, NULL, NULL);
}

static simdrop_status alpha(const build *b, const tune_case *c, char *y) {
  DEMAND(b, alpha, "simdrop_alpha_forward");
  return b->alpha(NULL, &c->mask, c->dtype, c->n, c->x, y);
}

static simdrop_status gaussian(const build *b, const tune_case *c, char *y) {
  DEMAND(b, gaussian, "simdrop_gaussian_forward");
  return b->gaussian(NULL, &c->mask, c->dtype, c->n, c->x, y);
}

static const struct {
  const char *name;
  kernel_call *call;
} kernels[] = {
    {"forward", forward},
    {"forward-bits", forward_bits},
    {"forward-bytes", forward_bytes},
    {"forward-in-place", forward_in_place},
    {"backward", backward},
    {"apply-bits", apply_bits},
    {"mask-bits", mask_bits},
    {"mask-bytes", mask_bytes},
    {"chain", chain},
    {"chain-gelu", chain_gelu},
    {"softmax", softmax},
    {"alpha", alpha},
    {"gaussian", gaussian},
};

// ISO C has no conversion from void * to pointers to functions; POSIX wants their bits to be the same.
static void find_if_there(void *library, const char *name, void *function) {
  void *const symbol = dlsym(library, name);
  memcpy(function, &symbol, sizeof symbol);
}

static void find(void *library, const char *name, void *function) {
  if (dlsym(library, name) == NULL) fail(dlerror());
  find_if_there(library, name, function);
}

static build open_build(const char *path, const char *backend) {
  build b;
  void *const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail(dlerror());
  find(library, "simdrop_backend_select", &b.select_backend);
  find(library, "simdrop_forward", &b.forward);
  find(library, "simdrop_backward", &b.backward);
  find(library, "simdrop_apply_bits", &b.apply_bits);
  find(library, "simdrop_mask_bits", &b.mask_bits);
  find(library, "simdrop_mask_bytes", &b.mask_bytes);
  find_if_there(library, "simdrop_forward_bytes", &b.forward_bytes);
  find_if_there(library, "simdrop_chain_forward", &b.chain);
  find_if_there(library, "simdrop_softmax_forward", &b.softmax);
  find_if_there(library, "simdrop_alpha_forward", &b.alpha);
  find_if_there(library, "simdrop_gaussian_forward", &b.gaussian);
  if (b.select_backend(backend) != SIMDROP_OK) fail("this machine has not that backend");
  return b;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void call(const build *b, const tune_case *c, char *y) {
  if (c->kernel(b, c, y) != SIMDROP_OK) fail("a call fails");
}

// Seconds a call. Each has a stream of its own, as every step of a training has: what a short call draws depends on chance.
static double run(const build *b, tune_case *c, char *y, size_t calls) {
  const double start = seconds();
  for (c->mask.stream = 0; c->mask.stream < calls; ++c->mask.stream) call(b, c, y);
  return (seconds() - start) / (double)calls;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static bool equal_outputs(const build builds[2], tune_case *c, char *y) {
  const size_t size = c->n + 1;  // of decisions, a byte each
  char *const other = malloc(c->y_size);
  uint8_t *const decisions = calloc(size, 1), *const other_decisions = calloc(size, 1);
  if (other == NULL || decisions == NULL || other_decisions == NULL) fail("not enough memory");
  memcpy(other, y, c->y_size);
  c->decisions = decisions;
  call(&builds[0], c, y);
  c->decisions = other_decisions;
  call(&builds[1], c, other);
  const bool equal = memcmp(y, other, c->y_size) == 0 && memcmp(decisions, other_decisions, size) == 0;
  free(other);
  free(decisions);
  free(other_decisions);
  return equal;
}

static void measure(const build builds[2], tune_case *c, char *y, size_t rounds) {
  static double first[ROUNDS_MAX], second[ROUNDS_MAX], ratio[ROUNDS_MAX];
  size_t calls = 1;
  while (run(&builds[0], c, y, calls) * (double)calls < TURN_SECONDS) calls *= 2;
  for (size_t round = 0; round < rounds; ++round) {
    // Each goes first in every other round.
    const bool exchanged = round % 2 == 1;
    const double one = run(&builds[exchanged], c, y, calls), two = run(&builds[!exchanged], c, y, calls);
    first[round] = exchanged ? two : one;
    second[round] = exchanged ? one : two;
    ratio[round] = second[round] / first[round];
  }
  qsort(first, rounds, sizeof *first, compare);
  qsort(second, rounds, sizeof *second, compare);
  qsort(ratio, rounds, sizeof *ratio, compare);
  printf("%.6g %.6g %.6g %.6g %.6g\n", ratio[rounds / 2], ratio[rounds / 10], ratio[rounds - 1 - rounds / 10],
         1e9 * first[rounds / 2] / (double)c->n, 1e9 * second[rounds / 2] / (double)c->n);
}

int main(int argc, char **argv) {
#define NAME_OF(argument, name, NAME, element, bits, converts) #name,
#define SIZE_OF(argument, name, NAME, element, bits, converts) bits / 8,
  static const char *const dtypes[] = {SIMDROP_ELEMENT_TYPES(NAME_OF, )};
  static const size_t sizes[] = {SIMDROP_ELEMENT_TYPES(SIZE_OF, )};
#undef NAME_OF
#undef SIZE_OF
  const size_t kernel_count = sizeof kernels / sizeof kernels[0];
  if (argc != 9) fail("usage: tune FIRST.so SECOND.so BACKEND KERNEL DTYPE N P ROUNDS");
  const build builds[2] = {open_build(argv[1], argv[3]), open_build(argv[2], argv[3])};
  size_t kernel = 0, dtype = 0;
  while (kernel < kernel_count && strcmp(argv[4], kernels[kernel].name) != 0) ++kernel;
  while (dtype < SIMDROP_ELEMENT_TYPE_COUNT && strcmp(argv[5], dtypes[dtype]) != 0) ++dtype;
  const size_t n = strtoul(argv[6], NULL, 10), rounds = strtoul(argv[8], NULL, 10);
  if (dtype == SIMDROP_ELEMENT_TYPE_COUNT || n == 0 || rounds < 1 || rounds > ROUNDS_MAX || kernel == kernel_count)
    fail("a bad argument");
  tune_case c = {
      .kernel = kernels[kernel].call,
      .dtype = (simdrop_dtype)dtype,
      .n = n,
      .y_size = n * sizes[dtype],
      .mask = {.p = strtod(argv[7], NULL), .seed = 42, .stream = 7},
  };
  const size_t room = c.y_size / 4096 * 4096 + 4096;
  char *const x = aligned_alloc(4096, room), *const y = aligned_alloc(4096, room);
  c.stored = malloc(n / 8 + 1);
  if (x == NULL || y == NULL || c.stored == NULL) fail("not enough memory");
  memset(x, 0x3f, c.y_size);  // an ordinary number in every type
  memset(y, 0, c.y_size);     // which stays what it is under any scale, where a kernel works in place
  c.x = x;
  if (builds[0].mask_bits(&c.mask, n, c.stored) != SIMDROP_OK) fail("a call fails");
  if (!equal_outputs(builds, &c, y)) {
    fprintf(stderr, "tune: the outputs of the two builds differ\n");
    return 1;
  }
  c.decisions = malloc(n + 1);
  if (c.decisions == NULL) fail("not enough memory");
  measure(builds, &c, y, rounds);
  return 0;
}
