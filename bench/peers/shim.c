// The part of bench/peers.py that must not be Python: loops over calls of memcpy and simdrop, timed without the interpreter,
// and a look at what a peer made of x. Compiled when peers.py runs; SHIM_THREADS adds simdrop's executor on OpenMP's threads.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <simdrop/simdrop.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef SHIM_THREADS
#include <simdrop/openmp.h>
#endif

#define SMALLEST_PIECE 32768  // elements; simdrop cuts no call into smaller ones, and memcpy is cut as simdrop is

typedef struct shim_arrays {
  simdrop_dtype dtype;
  size_t n;
  double p;
  const char *x;
  char *y;
  const char *dy;  // of the backward pass; NULL if there is none
  char *dx;
} shim_arrays;

static simdrop_executor executor;
static uint64_t calls_so_far;  // every call has a stream of its own, as every step of a training has

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// 0, or -1 if there are no threads in this shim.
int shim_open(int threads);
int shim_open(int threads) {
  executor = (simdrop_executor){0};
#ifdef SHIM_THREADS
  executor = simdrop_openmp_executor((size_t)threads);
  return 0;
#else
  return threads == 1 ? 0 : -1;
#endif
}

const char *shim_backend(void);
const char *shim_backend(void) { return simdrop_backend_current(); }

const char *shim_version(void);
const char *shim_version(void) { return simdrop_version_string(); }

static size_t pieces_of(size_t n) {
  const size_t pieces = n / SMALLEST_PIECE;
  return executor.parallel_for == NULL || pieces < 2 ? 1 : pieces < executor.threads ? pieces : executor.threads;
}

typedef struct copy_task {
  char *to;
  const char *from;
  size_t n, size, pieces;
} copy_task;

static void copy_piece(void *context, size_t piece) {
  const copy_task *const t = context;
  size_t begin, end;
  simdrop_cut(t->n, t->pieces, piece, &begin, &end);
  memcpy(t->to + t->size * begin, t->from + t->size * begin, t->size * (end - begin));
}

static void copy(const shim_arrays *a, char *to, const char *from) {
  copy_task task = {to, from, a->n, simdrop_dtype_size(a->dtype), pieces_of(a->n)};
  if (task.pieces == 1) {
    memcpy(to, from, a->n * task.size);
  } else {
    executor.parallel_for(executor.context, task.pieces, copy_piece, &task);
  }
  __asm__ volatile("" : : "r"(to) : "memory");  // the copy is made, though nobody reads it
}

// Seconds that so many copies take, of x, and of dy if there is one.
double shim_copy(const shim_arrays *a, uint64_t calls);
double shim_copy(const shim_arrays *a, uint64_t calls) {
  const double start = seconds();
  for (uint64_t i = 0; i < calls; ++i) {
    copy(a, a->y, a->x);
    if (a->dy != NULL) copy(a, a->dx, a->dy);
  }
  return seconds() - start;
}

// Seconds that so many calls take: forward, and after each a backward if there is a dy. Below 0: minus simdrop's status.
double shim_simdrop(const shim_arrays *a, uint64_t calls);
double shim_simdrop(const shim_arrays *a, uint64_t calls) {
  const bool is_one = executor.parallel_for == NULL;  // a short call would notice the executor
  simdrop_mask mask = {.p = a->p, .seed = 42};
  simdrop_status status = SIMDROP_OK;
  const double start = seconds();
  for (uint64_t i = 0; i < calls && status == SIMDROP_OK; ++i) {
    mask.stream = calls_so_far++;
    status = is_one ? simdrop_forward(&mask, a->dtype, a->n, a->x, a->y, NULL)
                    : simdrop_parallel_forward(&executor, &mask, a->dtype, a->n, a->x, a->y, NULL);
    if (a->dy != NULL && status == SIMDROP_OK)
      status = is_one ? simdrop_backward(&mask, a->dtype, a->n, a->dy, a->dx)
                      : simdrop_parallel_backward(&executor, &mask, a->dtype, a->n, a->dy, a->dx);
  }
  return status == SIMDROP_OK ? seconds() - start : -(double)status;
}

void *shim_allocate(size_t bytes);
void *shim_allocate(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, bytes) != 0) return NULL;
  memset(memory, 0, bytes);
  return memory;
}

void shim_free(void *memory);
void shim_free(void *memory) { free(memory); }

static float value_at(simdrop_dtype dtype, const void *elements, size_t k) {
  if (dtype == SIMDROP_F32) return ((const float *)elements)[k];
  const uint32_t bits = (uint32_t)((const uint16_t *)elements)[k] << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// f32 or bf16, +-[0.5, 1): no zero, so that a zero in an output is a dropped element.
void shim_fill(int dtype, size_t n, void *elements);
void shim_fill(int dtype, size_t n, void *elements) {
  uint32_t random = 1;
  for (size_t k = 0; k < n; ++k) {
    random = random * 1664525u + 1013904223u;  // Numerical Recipes' quick generator is enough here
    const uint32_t bits = (random & 0x80000000u) | 0x3f000000u | (random >> 8 & 0x7fffffu);
    if (dtype == SIMDROP_F32) {
      memcpy((float *)elements + k, &bits, sizeof bits);
    } else {
      ((uint16_t *)elements)[k] = (uint16_t)(bits >> 16);
    }
  }
}

// What y is as a dropout of x.
typedef struct shim_finding {
  uint64_t zeros;  // elements
  uint64_t wrong;  // kept elements that are not x * scale within the relative tolerance
  double ratio;    // y / x of the first of those
} shim_finding;

// Also packs which elements are zero, (n + 7) / 8 bytes, so that masks can be compared.
void shim_check(int dtype, size_t n, double scale, double tolerance, const void *x, const void *y, uint8_t *dropped,
                shim_finding *finding);
void shim_check(int dtype, size_t n, double scale, double tolerance, const void *x, const void *y, uint8_t *dropped,
                shim_finding *finding) {
  *finding = (shim_finding){0};
  memset(dropped, 0, (n + 7) / 8);
  for (size_t k = 0; k < n; ++k) {
    const float result = value_at((simdrop_dtype)dtype, y, k);
    if (result == 0) {
      ++finding->zeros;
      dropped[k / 8] |= (uint8_t)(1u << k % 8);
      continue;
    }
    const double ratio = (double)result / (double)value_at((simdrop_dtype)dtype, x, k);
    if (fabs(ratio - scale) <= tolerance * scale) continue;  // not so for NaN
    if (finding->wrong++ == 0) finding->ratio = ratio;
  }
}
