// What a backend provides: one const table of kernels. The list below is the only place that names them; a backend defines
// simdrop_<backend>_<kernel> for each, and everything else (declarations, tables, tests) is made from the list.
#ifndef SIMDROP_COMMON_KERNEL_TABLE_H
#define SIMDROP_COMMON_KERNEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/background.h"
#include "common/cpu_features.h"
#include "common/mask_source.h"
#include "common/strict_arithmetic.h"

// A mask in memory is an array of 64-bit words: bit k is bit k % 64 of words[k / 64], 1 = kept. A consumer's first element has
// bit `first` of it; one word beyond the last that is needed may be read (and is ignored).

// Producer: the masks of block_count blocks from first_block on, which do not wrap past block 2^57. `words` has room for
// SIMDROP_BLOCK_PADDING blocks more, which may be overwritten with anything. Some of the background work, which may be NULL,
// is done on the way.
typedef void simdrop_mask_blocks_kernel(simdrop_mask_source *source, uint64_t first_block, size_t block_count, uint64_t *words,
                                        simdrop_background *background);

// Producer: the same for block_count blocks with any numbers, in any order.
typedef void simdrop_mask_listed_blocks_kernel(simdrop_mask_source *source, const uint64_t *blocks, size_t block_count,
                                               uint64_t *words, simdrop_background *background);

// bytes[k] = element k of the mask, 0 or 1.
typedef void simdrop_expand_bytes_kernel(size_t n, const uint64_t *words, size_t first, uint8_t *bytes);

// What kept elements are multiplied by.
typedef struct simdrop_multiplier {
  double value;  // exact in the type that the kernel computes in; at least 1, or 0
  bool untied;   // no product with a bfloat16 is half-way between two others, so that rounding needs no care for ties
} simdrop_multiplier;

// Consumer: y[k] = element k of the mask ? x[k] * scale : +0. x == y or no overlap. `stream` asks for stores past the caches,
// where there are such; stream_end ends a run of such calls.
typedef void simdrop_scale_kernel(size_t n, const uint64_t *words, size_t first, const void *x, void *y,
                                  simdrop_multiplier scale, bool stream);

// Consumer: the same with a mask of packed bytes (bit k is bit k % 8 of byte k / 8), of which (n + 7) / 8 are read. The mask
// is there already, so that this is all that goes on meanwhile.
typedef void simdrop_scale_packed_kernel(size_t n, const uint8_t *bits, const void *x, void *y, simdrop_multiplier scale);

// Consumer: the same past the caches, for a chunk of SIMDROP_STREAMS * SIMDROP_STREAM_BYTES bytes that is worked off in many
// places at once, because memory answers several pages sooner than one. A step is 64 elements, the chunk's steps are counted
// in whatever order the backend likes best, and steps begin .. end - 1 are done.
typedef void simdrop_scale_streams_kernel(size_t begin, size_t end, const uint64_t *words, size_t first, const void *x, void *y,
                                          simdrop_multiplier scale);

// A page is where the hardware's prefetchers stop. docs/performance.md has the figures.
#define SIMDROP_STREAMS 8
#define SIMDROP_STREAM_BYTES 4096
#define SIMDROP_STEP_ELEMENTS 64

// Consumers: the same with decisions for many elements. Runs: `length` elements that follow one another have one decision,
// element k that of bit first + k / length. Periods: element k has bit (first + k) % length of a string that is written out
// for 64 bits beyond its length; first < length. In both 64 <= length.
typedef void simdrop_scale_repeated_kernel(size_t n, const uint64_t *words, size_t first, size_t length, const void *x, void *y,
                                           simdrop_multiplier scale, bool stream);

#define SIMDROP_SHORTEST_REPEAT 64

// Orders the stores past the caches before what the thread does next; once after the last of them.
typedef void simdrop_stream_end_kernel(void);

// Consumer: y[k] = element k of the mask ? x[k] : 0, copying bits; for elements of 16, 32 and 64 bits.
typedef void simdrop_select_kernel(size_t n, const uint64_t *words, size_t first, const void *x, void *y);

//  X(kernel, type)
#define SIMDROP_KERNEL_LIST(X)                             \
  X(mask_blocks, simdrop_mask_blocks_kernel)               \
  X(mask_listed_blocks, simdrop_mask_listed_blocks_kernel) \
  X(expand_bytes, simdrop_expand_bytes_kernel)             \
  X(scale_f32, simdrop_scale_kernel)                       \
  X(scale_f64, simdrop_scale_kernel)                       \
  X(scale_f16, simdrop_scale_kernel)                       \
  X(scale_bf16, simdrop_scale_kernel)                      \
  X(scale_packed_f32, simdrop_scale_packed_kernel)         \
  X(scale_packed_f64, simdrop_scale_packed_kernel)         \
  X(scale_packed_f16, simdrop_scale_packed_kernel)         \
  X(scale_packed_bf16, simdrop_scale_packed_kernel)        \
  X(scale_streams_f32, simdrop_scale_streams_kernel)       \
  X(scale_streams_f64, simdrop_scale_streams_kernel)       \
  X(scale_streams_f16, simdrop_scale_streams_kernel)       \
  X(scale_streams_bf16, simdrop_scale_streams_kernel)      \
  X(scale_runs_f32, simdrop_scale_repeated_kernel)         \
  X(scale_runs_f64, simdrop_scale_repeated_kernel)         \
  X(scale_runs_f16, simdrop_scale_repeated_kernel)         \
  X(scale_runs_bf16, simdrop_scale_repeated_kernel)        \
  X(scale_periods_f32, simdrop_scale_repeated_kernel)      \
  X(scale_periods_f64, simdrop_scale_repeated_kernel)      \
  X(scale_periods_f16, simdrop_scale_repeated_kernel)      \
  X(scale_periods_bf16, simdrop_scale_repeated_kernel)     \
  X(stream_end, simdrop_stream_end_kernel)                 \
  X(select_16, simdrop_select_kernel)                      \
  X(select_32, simdrop_select_kernel)                      \
  X(select_64, simdrop_select_kernel)

typedef struct simdrop_kernels {
  const char *name;
  simdrop_cpu_features required;  // the features that the backend's files are compiled for
#define SIMDROP_KERNEL_FIELD(kernel, type) type *kernel;
  SIMDROP_KERNEL_LIST(SIMDROP_KERNEL_FIELD)
#undef SIMDROP_KERNEL_FIELD
} simdrop_kernels;

// For a backend's own files: SIMDROP_BACKEND is its name (its simd.h or bundle.h defines it), SIMDROP_LOCAL(kernel) the name of
// its kernel. SIMDROP_DECLARE_KERNELS; declares them all; SIMDROP_DEFINE_TABLE(required); in table.c defines the table;
// SIMDROP_DEFINE_NAMED_TABLE(name, required); does it where the backend's name is no C identifier.
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
