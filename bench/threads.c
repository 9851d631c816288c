// Two threads, or as many as the argument says, against one: simdrop_parallel_forward on OpenMP's threads and simdrop_forward
// take turns of a millisecond or more on the same arrays, and the speed-up is the median over the turns. simdrop bench
// --threads measures every kernel on the tool's own pool, whose threads sleep until they are woken; OpenMP's wait in a loop, so
// that only this program shows from which size on cutting pays with them. Writes the same as JSON if a file is named.
#include <simdrop/openmp.h>
#include <simdrop/simdrop.h>
#include <stdbool.h>
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

static void measure(const bench_arrays *a, FILE *json) {
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
  const double one_call = 1e6 * median(one), many_call = 1e6 * median(many), speed_up = median(ratio);
  const double low = ratio[ROUNDS / 10], high = ratio[ROUNDS - 1 - ROUNDS / 10];
  printf("%10zu  %4g  %10.2f  %10.2f  %5.2f  %5.2f-%.2f\n", a->n, a->mask.p, one_call, many_call, speed_up, low, high);
  fflush(stdout);
  if (json == NULL) return;
  fprintf(json, "%s\n  {\"n\": %zu, \"p\": %g, \"one_thread_us\": %.6g, \"threads_us\": %.6g,", ftell(json) > 0 ? "," : "",
          a->n, a->mask.p, one_call, many_call);
  fprintf(json, " \"speed_up\": {\"median\": %.6g, \"p10\": %.6g, \"p90\": %.6g}}", speed_up, low, high);
}

// Rows, collected in memory: the file is written when all is done.
static bool save(const char *name, unsigned long threads, const char *rows) {
  FILE *const file = fopen(name, "w");
  bool saved =
      file != NULL && fprintf(file,
                              "{\"context\": {\"executable\": \"bench_threads\", \"threads\": %lu, \"backend\": \"%s\"},\n"
                              " \"rows\": [%s]}\n",
                              threads, simdrop_backend_current(), rows) > 0;
  saved = file != NULL && fclose(file) == 0 && saved;
  if (!saved) fprintf(stderr, "bench_threads: cannot write %s\n", name);
  return saved;
}

int main(int argc, char **argv) {
  char *end = NULL;
  const unsigned long threads = argc >= 2 ? strtoul(argv[1], &end, 10) : 2;
  if (argc > 3 || (end != NULL && *end != '\0') || threads == 0 || threads > 1024) {
    fprintf(stderr, "usage: %s [THREADS [FILE.json]]: 1 to 1024 threads, 2 if not given\n", argv[0]);
    return 2;
  }
  char *rows = NULL;
  size_t rows_size = 0;
  FILE *const json = argc == 3 ? open_memstream(&rows, &rows_size) : NULL;
  if (argc == 3 && json == NULL) {
    fprintf(stderr, "%s: there is no memory for the rows\n", argv[0]);
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
      free(a.x);
      free(a.y);
      return 2;
    }
    for (size_t k = 0; k < n; ++k) a.x[k] = a.y[k] = (float)k;
    for (int k = 0; k < 2; ++k) {
      a.mask.p = k == 0 ? 0.1 : 0.5;
      measure(&a, json);
    }
    free(a.x);
    free(a.y);
  }
  if (json == NULL) return 0;
  const bool saved = fclose(json) == 0 && save(argv[2], threads, rows);
  free(rows);
  return saved ? 0 : 2;
}
