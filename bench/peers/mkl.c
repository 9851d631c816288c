// Dropout with Intel MKL: viRngBernoulli draws a block of decisions, a loop multiplies. MKL_GENERATOR is the generator's
// number, MKL_LIBRARY the library's file. The few functions are declared here: the package with the headers is another one than
// the library's.
#include <dlfcn.h>

#include "peer.h"

#define BLOCK 4096  // elements; their decisions fit L1 with the elements themselves

static int (*new_stream)(void **stream, int generator, unsigned seed);
static int (*delete_stream)(void **stream);
static int (*skip_ahead)(void *stream, long long numbers);
static int (*bernoulli)(int method, void *stream, int n, int *decisions, double probability);
static void (*version_string)(char *text, int size);

static peer_case c;
static unsigned step;
static int failure;

static int load(void) {
  void *const library = dlopen(MKL_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) return 0;
  *(void **)&new_stream = dlsym(library, "vslNewStream");
  *(void **)&delete_stream = dlsym(library, "vslDeleteStream");
  *(void **)&skip_ahead = dlsym(library, "vslSkipAheadStream");
  *(void **)&bernoulli = dlsym(library, "viRngBernoulli");
  *(void **)&version_string = dlsym(library, "mkl_get_version_string");
  return new_stream != NULL && delete_stream != NULL && skip_ahead != NULL && bernoulli != NULL;
}

const char *peer_version(void) {
  static char text[256];
  if (load() && version_string != NULL) version_string(text, sizeof text - 1);
  return text;
}

const char *peer_open(const peer_case *new_case) {
  c = *new_case;
  return load() ? NULL : "libmkl_rt does not load, or lacks viRngBernoulli";
}

// The elements begin .. end - 1, with the decisions that they would have in one stream for all.
static int drop_out(size_t begin, size_t end) {
  const float scale = (float)(1 / (1 - c.p));
  int decisions[BLOCK];
  void *stream;
  int status = new_stream(&stream, MKL_GENERATOR, 1 + step);
  if (status != 0) return status;
  if (begin != 0) status = skip_ahead(stream, (long long)begin);
  for (; begin < end && status == 0; begin += BLOCK) {
    const size_t n = end - begin < BLOCK ? end - begin : BLOCK;
    const float *const x = c.x + begin;
    float *const y = c.y + begin;
    status = bernoulli(0, stream, (int)n, decisions, 1 - c.p);
    for (size_t k = 0; k < n; ++k) y[k] = x[k] * ((float)decisions[k] * scale);
  }
  delete_stream(&stream);
  return status;
}

int peer_run(uint64_t calls) {
  failure = 0;
  for (uint64_t i = 0; i < calls; ++i) {
#pragma omp parallel for num_threads(c.threads)
    for (int piece = 0; piece < c.threads; ++piece) {
      const size_t share = c.n / (size_t)c.threads / BLOCK * BLOCK, begin = share * (size_t)piece;
      const int status = drop_out(begin, piece + 1 == c.threads ? c.n : begin + share);
      if (status != 0) failure = status;
    }
    ++step;
  }
  return failure;
}

const float *peer_output(void) { return c.y; }

void peer_close(void) {}
