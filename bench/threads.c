// Two threads, or as many as the argument says, against one: simdrop_parallel_forward on OpenMP's threads and simdrop_forward
// take turns of a millisecond or more on the same arrays, and the speed-up is the median over the turns. simdrop bench
// --threads measures every kernel on the tool's own pool, whose threads sleep until they are woken; OpenMP's wait in a loop, so
// that only this program shows from which size on cutting pays with them.
#include <simdrop/openmp.h>
#include <simdrop/simdrop.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 31
#define TURN_SECONDS 1e-3

typedef struct bench_arrays {
  simdrop_mask mask;
  simdrop_executor executor;
  size_t n;
  float *x, *y;
} bench_arrays;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Seconds a call.
static double run(const bench_arrays *a, const simdrop_executor *executor, size_t calls) {
  const double start = seconds();
  for (size_t k = 0; k < calls; ++k) simdrop_parallel_forward(executor, &a->mask, SIMDROP_F32, a->n, a->x, a->y, NULL);
  return (seconds() - start) / (double)calls;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values) {
  qsort(values, ROUNDS, sizeof *values, compare);
  return values[ROUNDS / 2];
}

static void measure(const bench_arrays *a) {
  double one[ROUNDS], many[ROUNDS], ratio[ROUNDS];
  size_t calls = 1;
  while (run(a, NULL, calls) * (double)calls < TURN_SECONDS) calls *= 2;
  for (int round = 0; round < ROUNDS; ++round) {
    // The first calls of a turn bring the arrays into the caches of the cores that work on them.
    run(a, NULL, calls / 8 + 1);
    one[round] = run(a, NULL, calls);
    run(a, &a->executor, calls / 8 + 1);
    many[round] = run(a, &a->executor, calls);
    ratio[round] = one[round] / many[round];
  }
  const double speed_up = median(ratio);
  printf("%10zu  %4g  %10.2f  %10.2f  %5.2f  %5.2f-%.2f\n", a->n, a->mask.p, 1e6 * median(one), 1e6 * median(many), speed_up,
         ratio[ROUNDS / 10], ratio[ROUNDS - 1 - ROUNDS / 10]);
  fflush(stdout);
}

int main(int argc, char **argv) {
  char *end = NULL;
  const unsigned long threads = argc == 2 ? strtoul(argv[1], &end, 10) : 2;
  if (argc > 2 || (end != NULL && *end != '\0') || threads == 0 || threads > 1024) {
    fprintf(stderr, "usage: %s [THREADS]: 1 to 1024 threads, 2 if not given\n", argv[0]);
    return 2;
  }
  printf("%lu threads and one; f32, backend %s; microseconds a call\n", threads, simdrop_backend_current());
  printf("%10s  %4s  %10s  %10s  %5s  %s\n", "elements", "p", "one", "threads", "times", "10-90 %");
  for (size_t n = (size_t)1 << 10; n <= (size_t)1 << 26; n *= n >= (size_t)1 << 20 ? 8 : 2) {
    bench_arrays a = {.mask = {.seed = 42}, .executor = simdrop_openmp_executor(threads), .n = n};
    a.x = malloc(n * sizeof *a.x);
    a.y = malloc(n * sizeof *a.y);
    if (a.x == NULL || a.y == NULL) {
      fprintf(stderr, "%s: there is no memory for %zu elements\n", argv[0], n);
      return 2;
    }
    for (size_t k = 0; k < n; ++k) a.x[k] = a.y[k] = (float)k;
    for (int k = 0; k < 2; ++k) {
      a.mask.p = k == 0 ? 0.1 : 0.5;
      measure(&a);
    }
    free(a.x);
    free(a.y);
  }
  return 0;
}
