// Walks a call in chunks.
#include "core/driver.h"

#include "core/dispatch.h"
#include "core/mask_reader.h"
#include "core/parameters.h"

// A multiple of 64 elements of every type. A chunk's x and y stay in the first-level cache between the prefetch and the
// consumer (tuned with simdrop bench).
#define CHUNK_BYTES ((size_t)16384)

// Outputs from here on are stored past the caches, which saves reading them first.
#define STREAM_BYTES ((size_t)32 << 20)

// Below this, x and y are in the first-level cache already as far as they can be.
#define PREFETCH_BYTES ((size_t)32768)

static size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

static size_t chunk_elements(size_t size) { return minimum(CHUNK_BYTES / size, SIMDROP_CHUNK_ELEMENTS_MAX); }

static simdrop_scale_kernel *scale_kernel(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
    case SIMDROP_F32: return kernels->scale_f32;
    case SIMDROP_F64: return kernels->scale_f64;
    case SIMDROP_F16: return kernels->scale_f16;
    case SIMDROP_BF16: return kernels->scale_bf16;
  }
  return NULL;
}

static simdrop_select_kernel *select_kernel(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (simdrop_dtype_size(dtype)) {
    case 2: return kernels->select_16;
    case 4: return kernels->select_32;
    default: return kernels->select_64;
  }
}

static double scale_of(uint64_t threshold, simdrop_dtype dtype) {
  const double scale = simdrop_scale_of_threshold(threshold);
  return dtype == SIMDROP_F64 ? scale : (double)(float)scale;
}

// Where a call is: its current chunk, and how that is to be touched.
typedef struct chunk_walk {
  const char *x;
  char *y;
  size_t size, n, chunk;
  size_t done, count;  // elements before the current chunk, and in it
  bool stream, prefetch;
} chunk_walk;

static chunk_walk walk_begin(simdrop_dtype dtype, size_t n, const void *x, void *y) {
  const size_t size = simdrop_dtype_size(dtype);
  return (chunk_walk){
      .x = x,
      .y = y,
      .size = size,
      .n = n,
      .chunk = chunk_elements(size),
      .stream = x != y && n * size >= STREAM_BYTES,
      .prefetch = n * size >= PREFETCH_BYTES,
  };
}

// Moves on to the next chunk; false at the end.
static bool walk_next(chunk_walk *walk) {
  walk->done += walk->count;
  walk->count = minimum(walk->chunk, walk->n - walk->done);
  return walk->count > 0;
}

static const void *walk_x(const chunk_walk *walk) { return walk->x + walk->done * walk->size; }
static void *walk_y(const chunk_walk *walk) { return walk->y + walk->done * walk->size; }

static simdrop_prefetch walk_prefetch(const chunk_walk *walk) {
  simdrop_prefetch prefetch = {NULL, NULL, 0};
  if (walk->prefetch) {
    prefetch.read = walk_x(walk);
    if (!walk->stream && walk->x != walk->y) prefetch.write = walk_y(walk);
    prefetch.bytes = walk->count * walk->size;
  }
  return prefetch;
}

void simdrop_drive_scale(const simdrop_mask *mask, uint64_t threshold, simdrop_dtype dtype, size_t n, const void *x, void *y,
                         uint8_t *bits) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_scale_kernel *const scale_chunk = scale_kernel(kernels, dtype);
  const double scale = scale_of(threshold, dtype);
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, kernels, mask, threshold);
  for (chunk_walk walk = walk_begin(dtype, n, x, y); walk_next(&walk);) {
    const simdrop_prefetch prefetch = walk_prefetch(&walk);
    const uint64_t *const words = simdrop_reader_next(&reader, walk.count, &prefetch);
    if (bits != NULL) simdrop_pack_bits(walk.count, words, bits + walk.done / 8);
    scale_chunk(walk.count, words, walk_x(&walk), walk_y(&walk), scale, walk.stream);
  }
}

void simdrop_drive_stored_scale(uint64_t threshold, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x,
                                void *y) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_scale_kernel *const scale_chunk = scale_kernel(kernels, dtype);
  const double scale = scale_of(threshold, dtype);
  uint64_t words[SIMDROP_CHUNK_ELEMENTS_MAX / 64];
  for (chunk_walk walk = walk_begin(dtype, n, x, y); walk_next(&walk);) {
    simdrop_unpack_bits(walk.count, bits + walk.done / 8, words);
    scale_chunk(walk.count, words, walk_x(&walk), walk_y(&walk), scale, walk.stream);
  }
}

void simdrop_drive_stored_select(simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  simdrop_select_kernel *const select_chunk = select_kernel(simdrop_current_kernels(), dtype);
  uint64_t words[SIMDROP_CHUNK_ELEMENTS_MAX / 64];
  for (chunk_walk walk = walk_begin(dtype, n, x, y); walk_next(&walk);) {
    simdrop_unpack_bits(walk.count, bits + walk.done / 8, words);
    select_chunk(walk.count, words, walk_x(&walk), walk_y(&walk));
  }
}

void simdrop_drive_bits(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bits) {
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, simdrop_current_kernels(), mask, threshold);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(n - done, SIMDROP_CHUNK_ELEMENTS_MAX);
    simdrop_pack_bits(count, simdrop_reader_next(&reader, count, NULL), bits + done / 8);
  }
}

void simdrop_drive_bytes(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bytes) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, kernels, mask, threshold);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(n - done, SIMDROP_CHUNK_ELEMENTS_MAX);
    kernels->expand_bytes(count, simdrop_reader_next(&reader, count, NULL), bytes + done);
  }
}
