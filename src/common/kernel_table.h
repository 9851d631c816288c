// What a backend provides: one const table of kernels. The list below is the only place that names them; a backend defines
// simdrop_<backend>_<kernel> for each, and the declarations and the tables are made from the list.
#ifndef SIMDROP_COMMON_KERNEL_TABLE_H
#define SIMDROP_COMMON_KERNEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain.h"
#include "common/cpu_features.h"
#include "common/element_types.h"
#include "common/interleave.h"
#include "common/mask_source.h"
#include "common/norm.h"
#include "common/softmax.h"
#include "common/strict_arithmetic.h"

// A mask in memory is an array of 64-bit words: bit k is bit k % 64 of words[k / 64], 1 = kept.

// Producer: the masks of n elements, from the first of first_block on, whose blocks do not wrap past block 2^57. `words` has
// room for whole blocks and SIMDROP_BLOCK_PADDING more; what is past the n elements may be overwritten with anything. Some of
// the interleaved work, which may be NULL, is done on the way.
typedef void simdrop_mask_blocks_kernel(simdrop_mask_source *source, uint64_t first_block, size_t n, uint64_t *words,
                                        simdrop_interleave *interleave);

// Producer: the same for block_count whole blocks with any numbers, in any order.
typedef void simdrop_mask_listed_blocks_kernel(simdrop_mask_source *source, const uint64_t *blocks, size_t block_count,
                                               uint64_t *words, simdrop_interleave *interleave);

// Producer: Philox's words of planes first_plane .. first_plane + 31 of some blocks, which do not pass 2^57: SIMDROP_PLANES
// calls of four words for each block, as one array of 32-bit words in the machine's order.
typedef void simdrop_draw_words_kernel(simdrop_mask_source *source, unsigned first_plane, uint64_t first_block,
                                       size_t block_count, uint32_t *words);

// What numbers are made of such words, each of them one for an element: of whole blocks (docs/numerics.md).
typedef void simdrop_convert_words_kernel(size_t block_count, const uint32_t *words, float *values);

// Normal numbers of some blocks, which do not pass 2^57: what the two above make of the words of planes SIMDROP_NORMAL_PLANES
// on.
typedef void simdrop_draw_normals_kernel(simdrop_mask_source *source, uint64_t first_block, size_t block_count, float *values);

// How decisions go to elements.
typedef enum simdrop_repeat {
  SIMDROP_EACH,     // element k has decision first + k
  SIMDROP_RUNS,     // decision first + k / length: `length` elements that follow one another have one
  SIMDROP_PERIODS,  // decision (first + k) % length of a string that is written out for 64 bits beyond its length; first <
                    // length
} simdrop_repeat;

// The decisions of the elements of a call. They are bits of words, of which one word beyond the last that is needed may be
// read, and is ignored; or one for each element in packed bytes (bit k is bit k % 8 of byte k / 8), of which none is read that
// has no decision of the call.
typedef struct simdrop_decisions {
  const uint64_t *words;  // NULL: bytes
  union {
    const uint8_t *bytes;
    const float *values;  // in place of decisions, for the kernels that take numbers: element k has values[first + k]
  };
  size_t first;
  size_t length;  // SIMDROP_SHORTEST_REPEAT at least; nothing to SIMDROP_EACH
  simdrop_repeat repeat;
} simdrop_decisions;

#define SIMDROP_SHORTEST_REPEAT 64

// What kept elements are multiplied by.
typedef struct simdrop_multiplier {
  double value;     // exact in the type that the kernel computes in; positive, or 0
  bool never_ties;  // no product with a bfloat16 is half-way between two others, so that rounding needs no care for ties
} simdrop_multiplier;

// What affine kernels make of elements, exact in the type that they compute in: kept ones become x * factor + addend.
typedef struct simdrop_affine {
  double factor, addend, dropped;
} simdrop_affine;

// What a consumer works on. x == y or no overlap.
typedef struct simdrop_operands {
  const void *x;
  void *y;
  simdrop_multiplier factor;
  const simdrop_affine *affine;  // in place of the factor, for affine kernels
  size_t prefetch;               // with non-temporal stores, what is so many bytes behind is asked for; 0: nothing is
} simdrop_operands;

// Far arrays lie in memory or in the last cache. Non-temporal stores are for such, and go past the caches where there are such
// stores; finish_stores ends a run of calls with them.
typedef enum simdrop_store {
  SIMDROP_STORE_CACHED,
  SIMDROP_STORE_CACHED_FAR,
  SIMDROP_STORE_NON_TEMPORAL,
} simdrop_store;

// A way of going through far arrays. Which is the quickest depends on the machine, and nothing else does.
typedef struct simdrop_memory_way {
  simdrop_store store;
  unsigned pages_log2;  // 2^this places of a chunk are worked off in turns
  size_t prefetch;      // from so many bytes behind those at hand, what is there is asked for; 0: nothing is
} simdrop_memory_way;

// Consumer of n elements, each with its decision:
//     scale_<type>     y[k] = kept ? x[k] * factor : +0
//     affine_<type>    y[k] = kept ? x[k] * factor + addend : dropped, each operation rounded for itself
//     gaussian_<type>  y[k] = x[k] * (1 + factor * value), each operation rounded for itself; factor may be anything finite
//     select_<bits>    y[k] = kept ? x[k] : 0, copying bits, and with cached stores whatever is asked for
//     expand_bytes     y[k] = kept ? 1 : 0, a byte; there is no x
// The last three take decisions that are repeated nowhere (SIMDROP_EACH), and gaussian_<type> has cached stores as well.
typedef void simdrop_consume_kernel(size_t n, const simdrop_decisions *decisions, const simdrop_operands *operands,
                                    simdrop_store store);

// One more pass over x, in the type that it is computed in, of which 1 / reciprocal were counted with this one:
//     d = x - mean, mean += d * reciprocal, squares += d * (x - mean)
typedef void simdrop_moments_kernel(size_t n, const void *x, void *mean, void *squares, double reciprocal);

// Of concrete dropout: shares of elements, sigmoid((logistic + shift) * slope).
typedef void simdrop_concrete_shares_kernel(size_t n, const float *logistics, float shift, float slope, float *shares);

// Concrete dropout, in the type that it is computed in: with kept the share that is, and noise = kept * scale,
//     y = x * noise                       where there is no dy; otherwise
//     y = dy * noise                      and, unless terms is NULL,
//     terms = (dy * x) * (noise * (1 - dropped * slope))
// x is read for what needs it alone. y may be x or dy.
typedef struct simdrop_concrete_operands {
  const void *x, *dy;
  void *y, *terms;
  const float *kept, *dropped;  // the latter for the terms alone
  double scale, slope;
} simdrop_concrete_operands;
typedef void simdrop_concrete_kernel(size_t n, const simdrop_concrete_operands *operands);

// DropConnect, in the type that it is computed in: sums[k % SIMDROP_SUM_LANES] += kept ? (w[k] * factor) * x[k] : +0.
#define SIMDROP_SUM_LANES 32
typedef void simdrop_connect_kernel(size_t n, const simdrop_decisions *decisions, const void *w, const void *x, double factor,
                                    void *sums);

// Its gradients for elements of one row of weights, of which dy is the output's, exact in the type that is computed in. What is
// not wanted is NULL, and what it alone is made of is not looked at:
//     dw[k] = added[k] + (kept ? (dy * scale) * x[k] : +0)     rounded to the type; without `added`, no addition
//     sums[k] += kept ? (w[k] * scale) * dy : +0               in the type that is computed in
// dw may be `added`. Sums are whole words of 64 elements: behind the last, anything may be added. Element k has bit first + k
// of words, of which one more than needed may be read.
typedef struct simdrop_connect_gradient_operands {
  const void *w, *x, *added;
  void *dw, *sums;
  double dy, scale;
} simdrop_connect_gradient_operands;
typedef void simdrop_connect_gradient_kernel(size_t n, const uint64_t *words, size_t first,
                                             const simdrop_connect_gradient_operands *operands);

// Consumer: scale_<type> or affine_<type> with SIMDROP_EACH for a chunk of simdrop_paged_chunk_bytes of far arrays, in some
// way, of which the store is not SIMDROP_STORE_CACHED. A step is 64 elements, the chunk's steps are counted in whatever order
// the way, or the backend, likes best, and steps begin .. end - 1 are done.
typedef void simdrop_consume_pages_kernel(size_t begin, size_t end, const simdrop_decisions *decisions,
                                          const simdrop_operands *operands, const simdrop_memory_way *way);

// Consumer: scale_<type> with SIMDROP_EACH for rows of elements that lie apart, in place. Row r begins at x + r * stride
// elements, and its first element has bit first[r] of words, of which one word more than needed may be read; or the first bit
// of byte r * bytes_stride of packed bytes, of which none is read that has no decision of the row.
typedef struct simdrop_scaled_rows {
  size_t rows, columns;
  const uint64_t *words;  // NULL: bytes
  const uint32_t *first;
  const uint8_t *bytes;
  size_t bytes_stride;
  void *x;
  ptrdiff_t stride;
  simdrop_multiplier factor;
} simdrop_scaled_rows;
typedef void simdrop_scale_rows_kernel(const simdrop_scaled_rows *rows);

// A page is where the hardware's prefetchers stop, and memory may answer several pages sooner than one. docs/measurements.md
// has the figures.
#define SIMDROP_PAGES_MAX 8
#define SIMDROP_PAGE_BYTES 4096
#define SIMDROP_STEP_ELEMENTS 64

// The most elements of one chunk. Its mask takes 2 KiB.
#define SIMDROP_CHUNK_ELEMENTS_MAX 16384

static inline size_t simdrop_paged_chunk_bytes(size_t element_size) {
  const size_t wanted = SIMDROP_PAGES_MAX * SIMDROP_PAGE_BYTES, most = SIMDROP_CHUNK_ELEMENTS_MAX * element_size;
  return wanted < most ? wanted : most;
}

// Orders non-temporal stores before what the thread does next; once after the last of them.
typedef void simdrop_finish_stores_kernel(void);

//  X(kernel, type)
#define SIMDROP_KERNEL_LIST(X)                              \
  X(mask_blocks, simdrop_mask_blocks_kernel)                \
  X(mask_listed_blocks, simdrop_mask_listed_blocks_kernel)  \
  X(draw_words, simdrop_draw_words_kernel)                  \
  X(normals, simdrop_convert_words_kernel)                  \
  X(draw_normals, simdrop_draw_normals_kernel)              \
  X(uniforms, simdrop_convert_words_kernel)                 \
  X(logistics, simdrop_convert_words_kernel)                \
  X(concrete_shares, simdrop_concrete_shares_kernel)        \
  X(expand_bytes, simdrop_consume_kernel)                   \
  SIMDROP_ELEMENT_TYPES(SIMDROP_KERNELS_OF_TYPE_, X)        \
  SIMDROP_COMPUTED_TYPES(SIMDROP_KERNELS_OF_COMPUTED_, X)   \
  SIMDROP_ELEMENT_SIZES(SIMDROP_KERNELS_OF_SIZE_, X)        \
  SIMDROP_COMPUTED_TYPES(SIMDROP_FUSED_KERNELS_OF_TYPE_, X) \
  X(finish_stores, simdrop_finish_stores_kernel)
#define SIMDROP_KERNELS_OF_TYPE_(X, name, NAME, element, bits, converts) \
  X(scale_##name, simdrop_consume_kernel)                                \
  X(scale_rows_##name, simdrop_scale_rows_kernel)                        \
  X(scale_pages_##name, simdrop_consume_pages_kernel)
#define SIMDROP_KERNELS_OF_COMPUTED_(X, name, NAME, element, bits, converts) \
  X(affine_##name, simdrop_consume_kernel)                                   \
  X(affine_pages_##name, simdrop_consume_pages_kernel)                       \
  X(gaussian_##name, simdrop_consume_kernel)                                 \
  X(moments_##name, simdrop_moments_kernel)                                  \
  X(concrete_##name, simdrop_concrete_kernel)                                \
  X(connect_##name, simdrop_connect_kernel)                                  \
  X(connect_gradient_##name, simdrop_connect_gradient_kernel)
#define SIMDROP_KERNELS_OF_SIZE_(X, bits) X(select_##bits, simdrop_consume_kernel)
#define SIMDROP_FUSED_KERNELS_OF_TYPE_(X, name, NAME, element, bits, converts) \
  X(chain_##name, simdrop_chain_kernel)                                        \
  X(chain_gradient_##name, simdrop_chain_gradient_kernel)                      \
  X(norm_input_##name, simdrop_norm_input_kernel)                              \
  X(norm_squares_##name, simdrop_norm_squares_kernel)                          \
  X(norm_output_##name, simdrop_norm_output_kernel)                            \
  X(norm_gradient_sums_##name, simdrop_norm_gradient_sums_kernel)              \
  X(norm_column_sums_##name, simdrop_norm_gradient_sums_kernel)                \
  X(norm_gradient_##name, simdrop_norm_gradient_kernel)                        \
  X(softmax_statistics_##name, simdrop_softmax_kernel)                         \
  X(softmax_##name, simdrop_softmax_kernel)                                    \
  X(softmax_sum_##name, simdrop_softmax_kernel)                                \
  X(softmax_gradient_##name, simdrop_softmax_kernel)

typedef struct simdrop_kernels {
  const char *name;
  simdrop_cpu_features required;  // the features that the backend's files are compiled for
#define SIMDROP_KERNEL_FIELD(kernel, type) type *kernel;
  SIMDROP_KERNEL_LIST(SIMDROP_KERNEL_FIELD)
#undef SIMDROP_KERNEL_FIELD
} simdrop_kernels;

// The body of a function of `kernels` and `dtype`, one of the types of a list: its <kernel>_<type>.
#define SIMDROP_RETURN_KERNEL(types, kernel) \
  switch (dtype) { types(SIMDROP_RETURN_KERNEL_OF_TYPE_, kernel) default : SIMDROP_NO_OTHER_TYPE; }
#define SIMDROP_RETURN_KERNEL_OF_TYPE_(kernel, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return kernels->kernel##_##name;

// For a backend's own files: SIMDROP_BACKEND is its name (its bundle.h, or scalar's backend.h, defines it),
// SIMDROP_LOCAL(kernel) the name of its kernel. SIMDROP_DECLARE_KERNELS; declares them all; SIMDROP_DEFINE_TABLE(required); in
// table.c defines the table; SIMDROP_DEFINE_NAMED_TABLE(name, required); does it where the backend's name is no C identifier.
#define SIMDROP_JOIN_(backend, name) simdrop_##backend##_##name
#define SIMDROP_JOIN(backend, name) SIMDROP_JOIN_(backend, name)
#define SIMDROP_LOCAL(name) SIMDROP_JOIN(SIMDROP_BACKEND, name)
#define SIMDROP_QUOTE_(name) #name
#define SIMDROP_QUOTE(name) SIMDROP_QUOTE_(name)

#define SIMDROP_DECLARE_KERNEL_(kernel, type) extern type SIMDROP_LOCAL(kernel);
#define SIMDROP_DECLARE_KERNELS                \
  SIMDROP_KERNEL_LIST(SIMDROP_DECLARE_KERNEL_) \
  extern const simdrop_kernels SIMDROP_LOCAL(kernels)

#define SIMDROP_TABLE_ENTRY_(kernel, type) .kernel = SIMDROP_LOCAL(kernel),
#define SIMDROP_DEFINE_NAMED_TABLE(backend_name, required_features) \
  const simdrop_kernels SIMDROP_LOCAL(kernels) = {                  \
      .name = (backend_name), .required = (required_features), SIMDROP_KERNEL_LIST(SIMDROP_TABLE_ENTRY_)}
#define SIMDROP_DEFINE_TABLE(required_features) SIMDROP_DEFINE_NAMED_TABLE(SIMDROP_QUOTE(SIMDROP_BACKEND), required_features)

#endif
