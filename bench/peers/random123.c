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

static void drop_out(void) {
  const uint32_t threshold = (uint32_t)(c.p * 0x1p32);
  const float scale = (float)(1 / (1 - c.p));
  const philox4x32_key_t key = {{42, 0}};
  const size_t fours = c.n / 4;
  const float *const x = c.x;
  float *const y = c.y;
#pragma omp parallel for num_threads(c.threads) schedule(static)
  for (size_t i = 0; i < fours; ++i) {
    const philox4x32_ctr_t counter = {{(uint32_t)i, (uint32_t)((uint64_t)i >> 32), step, 0}};
    const philox4x32_ctr_t random = philox4x32(counter, key);
    for (size_t j = 0; j < 4; ++j) y[4 * i + j] = random.v[j] >= threshold ? x[4 * i + j] * scale : 0;
  }
  if (c.n % 4 != 0) {
    const philox4x32_ctr_t counter = {{(uint32_t)fours, (uint32_t)((uint64_t)fours >> 32), step, 0}};
    const philox4x32_ctr_t random = philox4x32(counter, key);
    for (size_t j = 0; j < c.n % 4; ++j) y[4 * fours + j] = random.v[j] >= threshold ? x[4 * fours + j] * scale : 0;
  }
  ++step;
}

int peer_run(uint64_t calls) {
  for (uint64_t i = 0; i < calls; ++i) drop_out();
  return 0;
}

const float *peer_output(void) { return c.y; }

void peer_close(void) {}
