// Dropout with libxsmm: its dropout kernel, made at run time for a tile of ROWS x COLUMNS elements, called for one tile after
// the other. Each thread has a generator of its own, whose state the kernel keeps up to date.
#include <libxsmm.h>

#include "peer.h"

#define ROWS 1024
#define COLUMNS 16
#define MAX_THREADS 256

static peer_case c;
static libxsmm_meltwfunction_unary kernel;
static unsigned int *generators[MAX_THREADS];

const char *peer_version(void) { return LIBXSMM_CONFIG_VERSION; }

const char *peer_open(const peer_case *new_case) {
  c = *new_case;
  if (c.n % (ROWS * COLUMNS) != 0) return "libxsmm's tile here has 16384 elements, of which n is no multiple";
  if (c.threads > MAX_THREADS) return "at most 256 threads are written for";
  libxsmm_init();
  const libxsmm_blasint stride = ROWS;
  const libxsmm_datatype type = c.is_bf16 ? LIBXSMM_DATATYPE_BF16 : LIBXSMM_DATATYPE_F32;
  const libxsmm_meltw_unary_shape shape =
      libxsmm_create_meltw_unary_shape(ROWS, COLUMNS, stride, stride, type, type, LIBXSMM_DATATYPE_F32);
  kernel = libxsmm_dispatch_meltw_unary(LIBXSMM_MELTW_TYPE_UNARY_DROPOUT, shape, LIBXSMM_MELTW_FLAG_UNARY_NONE);
  if (kernel == NULL) return "libxsmm makes no dropout kernel for this CPU";
  for (int i = 0; i < c.threads; ++i) generators[i] = libxsmm_rng_create_extstate(42u + (unsigned)i);
  return NULL;
}

int peer_run(uint64_t calls) {
  const size_t tile = ROWS * COLUMNS, tiles = c.n / tile, tile_bytes = tile * (c.is_bf16 ? 2 : 4);
  for (uint64_t i = 0; i < calls; ++i) {
#pragma omp parallel for num_threads(c.threads)
    for (int piece = 0; piece < c.threads; ++piece) {
      const size_t end = tiles * (size_t)(piece + 1) / (size_t)c.threads;
      float p = (float)c.p;
      libxsmm_meltw_unary_param arguments = {0};
      arguments.op.primary = &p;
      arguments.op.secondary = generators[piece];
      for (size_t k = tiles * (size_t)piece / (size_t)c.threads; k < end; ++k) {
        arguments.in.primary = (char *)c.x + tile_bytes * k;
        arguments.out.primary = (char *)c.y + tile_bytes * k;
        kernel(&arguments);
      }
    }
  }
  return 0;
}

const float *peer_output(void) { return c.y; }

void peer_close(void) {
  for (int i = 0; i < c.threads; ++i) libxsmm_rng_destroy_extstate(generators[i]);
}
