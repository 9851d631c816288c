// Dropout with Random123 (Salmon et al., SC 2011) as its users write it: Philox4x32-10 in counter mode, four elements a call.
#include <Random123/philox.h>

#include "peer.h"

static peer_case c;
static uint32_t step;

// The headers carry no version; the package that brought them does.
const char *peer_version(void) { return "philox4x32, 10 rounds"; }

const char *peer_open(const peer_case *new_case) {
  c = *new_case;
  return NULL;
}

// The groups of four begin .. end - 1, of which the last may have fewer elements.
static void drop_out(size_t begin, size_t end, const float *restrict x, float *restrict y) {
  const uint32_t threshold = (uint32_t)(c.p * 0x1p32), call = step;
  const float scale = (float)(1 / (1 - c.p));
  const philox4x32_key_t key = {{42, 0}};
  const size_t whole = end < c.n / 4 ? end : c.n / 4;
  for (size_t i = begin; i < whole; ++i) {
    const philox4x32_ctr_t counter = {{(uint32_t)i, (uint32_t)((uint64_t)i >> 32), call, 0}};
    const philox4x32_ctr_t random = philox4x32(counter, key);
    for (size_t j = 0; j < 4; ++j) y[4 * i + j] = x[4 * i + j] * (random.v[j] >= threshold ? scale : 0);
  }
  if (whole < end) {
    const philox4x32_ctr_t counter = {{(uint32_t)whole, (uint32_t)((uint64_t)whole >> 32), call, 0}};
    const philox4x32_ctr_t random = philox4x32(counter, key);
    for (size_t k = 4 * whole; k < c.n; ++k) y[k] = x[k] * (random.v[k % 4] >= threshold ? scale : 0);
  }
}

int peer_run(uint64_t calls) {
  const size_t fours = c.n / 4 + (c.n % 4 != 0), pieces = (size_t)c.threads;
  for (uint64_t i = 0; i < calls; ++i) {
#pragma omp parallel for num_threads(c.threads)
    for (size_t piece = 0; piece < pieces; ++piece) drop_out(fours * piece / pieces, fours * (piece + 1) / pieces, c.x, c.y);
    ++step;
  }
  return 0;
}

const float *peer_output(void) { return c.y; }

void peer_close(void) {}
