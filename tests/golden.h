// K10: golden masks, and digests of masks and outputs, which every backend must give on every machine, of either byte order and
// any width. Shared by the tests and by the program for machines without cmocka; public interface only.
//
// Digests are FNV-1a of 64 bits (Fowler, Noll, Vo) over the bytes of a mask, and over the values' bytes in little-endian order.
#ifndef SIMDROP_TESTS_GOLDEN_H
#define SIMDROP_TESTS_GOLDEN_H

#include "plain.h"

enum {
  GOLDEN_ELEMENTS = 1 << 20,
  GOLDEN_CALLS = 3,
  GOLDEN_LAYOUTS = 10,
  GOLDEN_DIGESTS = 1 + SIMDROP_ELEMENT_TYPE_COUNT,  // of a mask, and of each type's outputs
  GOLDEN_FIRST_DIGESTS = 5,                         // those that the files' first lines have
  GOLDEN_VARIANTS = 7,
  GOLDEN_VARIANT_DIGESTS = 4,  // of each type that they have, or of the first numbers and of all
};

uint64_t digest_bytes(const uint8_t *bytes, size_t size);
uint64_t digest_values(simdrop_dtype dtype, size_t n, const void *values);

// The masks of the calls in data/golden_digests.txt, and the values of all of them.
simdrop_mask golden_call(size_t i);
void golden_values(simdrop_dtype dtype, size_t n, void *x);

// The layouts of data/golden_layouts.txt. Their elements fill an array of x and one of y, from x_first and y_first elements
// before the layout's first on.
typedef struct golden_layout {
  const char *name;
  simdrop_mask mask;
  simdrop_layout layout;
  size_t count, x_first, y_first;
} golden_layout;
golden_layout golden_layout_of(size_t i);

// The digests that the files have: in a line for each call or layout, and for the types that came later in a line of their own
// below all of those.
void read_golden_call(size_t i, uint64_t digests[GOLDEN_DIGESTS]);
void read_golden_layout(size_t i, uint64_t digests[GOLDEN_DIGESTS]);

// Digests of the chain of a type with an activation: y, the bits, dx, and the sums of columns and of rows. NaNs of all sorts
// are one.
enum {
  GOLDEN_CHAINS = 17,  // lines of data/golden_chains.txt: types and activations, but for those of f64 that take a library
  GOLDEN_CHAIN_DIGESTS = 5,
};
typedef struct golden_chain {
  simdrop_dtype dtype;
  simdrop_activation activation;
} golden_chain;
golden_chain golden_chain_of(size_t i);
void golden_chain_digests(golden_chain chain, uint64_t digests[GOLDEN_CHAIN_DIGESTS]);

// Digests of the norms of a type, LayerNorm or RMSNorm: h, y, the statistics, dh, dx, and the gradients of gamma, beta and the
// bias.
enum {
  GOLDEN_NORMS = 8,  // lines of data/golden_norms.txt: types and kinds
  GOLDEN_NORM_DIGESTS = 8,
};
typedef struct golden_norm {
  simdrop_dtype dtype;
  simdrop_norm_kind kind;
} golden_norm;
golden_norm golden_norm_of(size_t i);
void golden_norm_digests(golden_norm norm, uint64_t digests[GOLDEN_NORM_DIGESTS]);

// Digests of the softmax of a type, without masks or with all of them: y, the probabilities, the statistics, and dx from
// either.
enum {
  GOLDEN_SOFTMAXES = 6,  // lines of data/golden_softmaxes.txt: types without f64, which takes a library, and masks
  GOLDEN_SOFTMAX_DIGESTS = 5,
};
typedef struct golden_softmax {
  simdrop_dtype dtype;
  bool has_masks;
} golden_softmax;
golden_softmax golden_softmax_of(size_t i);
void golden_softmax_digests(golden_softmax softmax, uint64_t digests[GOLDEN_SOFTMAX_DIGESTS]);
// The relatives of dropout in data/golden_variants.txt, and what the backend that is chosen makes of each; 0 is none.
const char *golden_variant_name(size_t i);
void golden_variant_digests(size_t i, uint64_t digests[GOLDEN_VARIANT_DIGESTS]);

// What the backend that is chosen makes of all masks, calls or layouts: NULL if it is golden, otherwise a sentence about the
// first thing that is not.
const char *golden_masks_problem(void);
const char *golden_calls_problem(void);
const char *golden_layouts_problem(void);
const char *golden_chains_problem(void);
const char *golden_norms_problem(void);
const char *golden_softmaxes_problem(void);
const char *golden_variants_problem(void);

#endif
