// What bench/neon_model.py has a model of a processor look at: calls of the library between two marks, each with few and with
// many elements, so that the difference is what an element takes. Prints a line for each pair of marks.
#include <simdrop/simdrop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kernel_table.h"
#include "common/philox.h"
#include "engine/driver.h"
#include "engine/mask_reader.h"
#include "engine/parameters.h"
#include "words_per_element.h"

extern const simdrop_kernels simdrop_neon_kernels;

enum {
  MOST_ELEMENTS = 40960,
};

static const double probabilities[] = {0.1, 0.5};
static _Alignas(64) double input[MOST_ELEMENTS], output[MOST_ELEMENTS];
static _Alignas(64) uint64_t mask_words[MOST_ELEMENTS / 64 + SIMDROP_BLOCK_PADDING * SIMDROP_BLOCK_WORDS];

// The two are told apart by what they contain, so that they stay two functions.
__attribute__((noinline, noclone)) void neon_model_begin(void) { __asm__ volatile("" ::: "memory"); }
__attribute__((noinline, noclone)) void neon_model_end(void) { __asm__ volatile("nop" ::: "memory"); }

static void announce(const char *name, double p, size_t n) { printf("%s %g %zu\n", name, p, n); }

static void trace_producer(double p, size_t n) {
  const simdrop_mask mask = {.p = p, .seed = 42, .stream = 7};
  simdrop_mask_source source;
  simdrop_source_init(&source, mask.seed, mask.stream, simdrop_threshold(p));
  announce("producer", p, n);
  neon_model_begin();
  simdrop_neon_kernels.mask_blocks(&source, 0, n, mask_words, NULL);
  neon_model_end();
}

static void trace_consumer(const char *name, simdrop_consume_kernel *consume, size_t n) {
  const simdrop_decisions decisions = {.words = mask_words};
  const simdrop_multiplier factor = simdrop_scale_for(simdrop_threshold(0.1), SIMDROP_F32, n);  // any type takes as long
  const simdrop_operands operands = {.x = input, .y = output, .factor = factor};
  announce(name, 0.1, n);
  neon_model_begin();
  consume(n, &decisions, &operands, SIMDROP_STORE_CACHED);
  neon_model_end();
}

static void trace_forward(const char *name, double p, uint64_t seed, size_t n) {
  const simdrop_mask mask = {.p = p, .seed = seed, .stream = 7};
  announce(name, p, n);
  neon_model_begin();
  const simdrop_status status = simdrop_forward(&mask, SIMDROP_F32, n, input, output, NULL);
  neon_model_end();
  if (status != SIMDROP_OK) abort();
}

// That the comparison does what it says.
static void check_words(const words_source *source, size_t n, const uint8_t *bits) {
  for (size_t k = 0; k < n; ++k) {
    const uint32_t counter[4] = {(uint32_t)(k / 16 * 4 + k % 4), 0, source->stream[0], source->stream[1]};
    uint32_t words[4];
    simdrop_philox4x32_10(counter, source->key, words);
    const bool kept = words[k / 4 % 4] >= source->threshold;
    if (kept != (bits[k / 8] >> (k % 8) & 1)) {
      fprintf(stderr, "neon_model: the comparison decides element %zu wrongly\n", k);
      exit(2);
    }
  }
}

static void trace_words(int in_flight, size_t n) {
  const words_source source = {{42, 0}, {7, 0}, (uint32_t)simdrop_threshold(0.1)};
  char name[32];
  memset(mask_words, 0x55, sizeof mask_words);
  snprintf(name, sizeof name, "words-mask-%d", in_flight);
  announce(name, 0.1, n);
  neon_model_begin();
  words_mask_in_flight[in_flight - 1](&source, n, (uint8_t *)mask_words);
  neon_model_end();
  check_words(&source, n, (const uint8_t *)mask_words);
  snprintf(name, sizeof name, "words-forward-%d", in_flight);
  announce(name, 0.1, n);
  neon_model_begin();
  words_forward_in_flight[in_flight - 1](&source, n, (const float *)input, (float *)output, 1.0F);
  neon_model_end();
}

int main(void) {
  if (simdrop_backend_select("neon") != SIMDROP_OK) {
    fprintf(stderr, "neon_model: the NEON backend cannot be selected\n");
    return 2;
  }
  memset(input, 0x3c, sizeof input);
  for (size_t i = 0; i < sizeof probabilities / sizeof *probabilities; ++i) {
    const double p = probabilities[i];
    trace_producer(p, 8192);  // a batch, and five
    trace_producer(p, 40960);
    trace_forward("forward", p, 42, 8192);  // two chunks, and six
    trace_forward("forward", p, 42, 24576);
  }
  // How much is left undecided, and so what a short call takes, is another for each seed.
  for (size_t n = 128; n <= 512; n += 128)
    for (uint64_t seed = 1; seed <= 16; ++seed) trace_forward("short", 0.1, seed, n);
  for (size_t n = 512; n <= 1536; n += 1024) {
#define TRACE(argument, name, NAME, element, bits, converts) trace_consumer(#name, simdrop_neon_kernels.scale_##name, n);
    SIMDROP_ELEMENT_TYPES(TRACE, )
#undef TRACE
  }
  for (int in_flight = 1; in_flight <= WORDS_MOST_IN_FLIGHT; ++in_flight) {
    trace_words(in_flight, 2 * WORDS_STEP);
    trace_words(in_flight, 8 * WORDS_STEP);
  }
  return 0;
}
