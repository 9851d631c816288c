// Walks a call in chunks.
#include "engine/driver.h"

#include <stdatomic.h>

#include "engine/mask_reader.h"
#include "engine/own_frame.h"
#include "engine/parameters.h"
#include "machine/cpu.h"
#include "machine/dispatch.h"

// A multiple of 64 elements of every type. While one chunk's mask is drawn, the chunk before is applied in small steps, so
// that the size matters little; the mask producer likes long chunks.
#define CHUNK_BYTES ((size_t)16384)

// Elements that are converted are applied so many at a time, unless stores are non-temporal: they keep the same ports busy as
// the mask, so that short steps gain nothing and cost something each. bf16, p = 0.1, L2, AVX-512 took 3.6 times memcpy's time,
// and 4.0 with steps of 256. With f32 it took 1.75 with steps of 256, and 2.2 with those of 2048 (Sapphire Rapids).
#define LONG_INTERLEAVE_ELEMENTS 2048

// From so many elements on it pays to find out whether bfloat16 has ties.
#define NEVER_TIES_ELEMENTS ((size_t)4096)

// Outputs of so many bytes always get non-temporal stores, which saves reading them first. With f32 and p = 0.1 that took
// 0.35 ns an element in place of 0.66 at 64 MiB, but 0.36 in place of 0.28 at 16 MiB (Sapphire Rapids, whose third cache holds
// hundreds of megabytes).
#define NON_TEMPORAL_BYTES ((size_t)32 << 20)

// And those that, with an input as long, leave little of the third cache free: from so many eighths of it on. Where it has 32
// MiB (Zen 4), f32 and p = 0.5 took 1.12 of the time with them at a quarter, and at three eighths 1.27 without. Elements of 16
// bits gained nothing there up to NON_TEMPORAL_BYTES, and so what is converted is left alone.
#define NON_TEMPORAL_CACHE_EIGHTHS 3
#define NON_TEMPORAL_BYTES_LEAST ((size_t)4 << 20)
#define CACHE_LINE ((size_t)64)

static size_t minimum(size_t a, size_t b) { return a < b ? a : b; }


// Masks that are stored and not applied are drawn in chunks of 1 KiB.
#define MASK_CHUNK_ELEMENTS ((size_t)8192)

static size_t chunk_elements(size_t size, simdrop_store store) {
  const size_t bytes = store == SIMDROP_STORE_NON_TEMPORAL ? simdrop_paged_chunk_bytes(size) : CHUNK_BYTES;
  return minimum(bytes / size, SIMDROP_CHUNK_ELEMENTS_MAX);
}

simdrop_scale_kernels simdrop_scale_kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return (simdrop_scale_kernels){kernels->scale_##name, kernels->scale_pages_##name};
    SIMDROP_ELEMENT_TYPES(CASE, )
#undef CASE
  }
  return (simdrop_scale_kernels){NULL, NULL};
}

// Whether the type is computed in binary32 in place of itself.
static bool converts(simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return converts;
    SIMDROP_ELEMENT_TYPES(CASE, )
#undef CASE
  }
  return false;
}

static simdrop_consume_kernel *select_kernel(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (8 * simdrop_dtype_size(dtype)) {
#define CASE(argument, bits) \
  case bits: return kernels->select_##bits;
    SIMDROP_ELEMENT_SIZES(CASE, )
#undef CASE
  }
  return NULL;
}

simdrop_multiplier simdrop_scale_for(uint64_t threshold, simdrop_dtype dtype, size_t n) {
  const double scale = simdrop_scale_of_threshold(threshold);
  return (simdrop_multiplier){
      .value = dtype == SIMDROP_F64 ? scale : (double)(float)scale,
      .never_ties = dtype == SIMDROP_BF16 && simdrop_never_ties((float)scale, n >= NEVER_TIES_ELEMENTS),
  };
}

// A call, and the chunk of it that is ready to be applied, in steps or at once.
typedef struct scale_job {
  simdrop_scale_kernels kernels;
  simdrop_decisions decisions;  // from the next element on,
  simdrop_operands operands;    // and so are these
  size_t size;                  // of an element
  size_t step;                  // elements at a time
  simdrop_store store;
} scale_job;

static void go_on(scale_job *job, size_t count) {
  job->decisions.first += count;
  job->operands.x = (const char *)job->operands.x + count * job->size;
  job->operands.y = (char *)job->operands.y + count * job->size;
}

static void scale_step(void *context, size_t begin, size_t end) {
  scale_job *const job = context;
  job->kernels.scale(end - begin, &job->decisions, &job->operands, job->store);
  go_on(job, end - begin);
}

static void scale_pages_step(void *context, size_t begin, size_t end) {
  scale_job *const job = context;
  const size_t count = simdrop_paged_chunk_bytes(job->size) / job->size;
  job->kernels.scale_pages(begin / SIMDROP_STEP_ELEMENTS, end / SIMDROP_STEP_ELEMENTS, &job->decisions, &job->operands);
  if (end == count) go_on(job, count);
}

static bool is_for_pages(const scale_job *job, size_t count) {
  return job->store == SIMDROP_STORE_NON_TEMPORAL && count * job->size == simdrop_paged_chunk_bytes(job->size);
}

// The steps end where a line of y does, so that non-temporal stores write whole lines.
static simdrop_interleave interleave_of(scale_job *job, size_t count) {
  if (is_for_pages(job, count))
    return (simdrop_interleave){.run = scale_pages_step, .context = job, .step = job->step, .count = count};
  const size_t past_line = (uintptr_t)job->operands.y % CACHE_LINE;
  return (simdrop_interleave){
      .run = scale_step,
      .context = job,
      .step = job->step,
      .first_extra = past_line == 0 ? 0 : (CACHE_LINE - past_line) / job->size,
      .count = count,
  };
}

// A chunk during which nothing is drawn.
static void scale_chunk(scale_job *job, size_t count) {
  if (is_for_pages(job, count)) {
    scale_pages_step(job, 0, count);
  } else {
    scale_step(job, 0, count);
  }
}

size_t simdrop_non_temporal_bytes(bool converts, uint64_t third_cache) {
  if (converts || third_cache == 0) return NON_TEMPORAL_BYTES;
  const uint64_t share = third_cache / 8 * NON_TEMPORAL_CACHE_EIGHTHS;
  if (share <= NON_TEMPORAL_BYTES_LEAST) return NON_TEMPORAL_BYTES_LEAST;
  return share < NON_TEMPORAL_BYTES ? (size_t)share : NON_TEMPORAL_BYTES;
}

// Decided once, 0 until then: under a hypervisor, CPUID takes longer than many a call. Threads that ask at once all store the
// same.
static _Atomic size_t decided_non_temporal_bytes;

static size_t non_temporal_bytes_here(void) {
  size_t bytes = atomic_load_explicit(&decided_non_temporal_bytes, memory_order_relaxed);
  if (bytes == 0) {
    const simdrop_cpuid_caches caches = simdrop_caches_probe();
    bytes = simdrop_non_temporal_bytes(false, simdrop_third_cache_from_cpuid(&caches));
    atomic_store_explicit(&decided_non_temporal_bytes, bytes, memory_order_relaxed);
  }
  return bytes;
}

simdrop_store simdrop_store_for(simdrop_dtype dtype, size_t n, const void *x, const void *y) {
  if (x == y || n < NON_TEMPORAL_BYTES_LEAST / sizeof(double)) return SIMDROP_STORE_CACHED;
  const size_t bytes = simdrop_dtype_size(dtype) * n;
  if (bytes < NON_TEMPORAL_BYTES_LEAST) return SIMDROP_STORE_CACHED;
  const bool is_large = bytes >= NON_TEMPORAL_BYTES || (!converts(dtype) && bytes >= non_temporal_bytes_here());
  return is_large ? SIMDROP_STORE_NON_TEMPORAL : SIMDROP_STORE_CACHED;
}

SIMDROP_OWN_FRAME void simdrop_drive_scale(const simdrop_mask *mask, uint64_t threshold, simdrop_dtype dtype, size_t n,
                                           const void *x, void *y, uint8_t *bits, simdrop_store store) {
  if (n == 0) return;
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const size_t size = simdrop_dtype_size(dtype), chunk = chunk_elements(size, store);
  simdrop_mask_reader reader;
  simdrop_generate_mask(&reader.state, kernels, mask, threshold);
  simdrop_reader_init(&reader, mask->offset);
  scale_job job = {
      .kernels = simdrop_scale_kernels_of(kernels, dtype),
      .operands = {.x = x, .y = y, .factor = simdrop_scale_for(threshold, dtype, n)},
      .size = size,
      .step = converts(dtype) && store == SIMDROP_STORE_CACHED ? LONG_INTERLEAVE_ELEMENTS : SIMDROP_INTERLEAVE_ELEMENTS,
      .store = store,
  };
  size_t count = minimum(chunk, n);
  simdrop_mask_chunk mask_chunk = simdrop_reader_next(&reader, count, NULL);
  for (size_t left = n - count; count > 0;) {
    // Draw the next chunk's mask and apply this chunk meanwhile.
    job.decisions.words = mask_chunk.words;
    job.decisions.first = mask_chunk.first;
    const size_t next_count = minimum(chunk, left);
    simdrop_mask_chunk next_chunk = {NULL, 0};
    if (next_count > 0) {
      simdrop_interleave interleave = interleave_of(&job, count);
      next_chunk = simdrop_reader_next(&reader, next_count, &interleave);
      simdrop_interleave_finish(&interleave);
    } else {
      scale_chunk(&job, count);
    }
    if (bits != NULL) {
      simdrop_pack_bits(count, mask_chunk, bits);
      bits += count / 8;  // every chunk but the last is whole bytes
    }
    mask_chunk = next_chunk;
    left -= next_count;
    count = next_count;
  }
  if (store == SIMDROP_STORE_NON_TEMPORAL) kernels->finish_stores();
}

// The decisions of a whole call, which are there already.
static void drive_at_once(const simdrop_kernels *kernels, simdrop_scale_kernels scale_kernels, size_t size, size_t n,
                          const simdrop_decisions *decisions, const simdrop_operands *operands) {
  scale_job job = {
      .kernels = scale_kernels,
      .decisions = *decisions,
      .operands = *operands,
      .size = size,
      .store = SIMDROP_STORE_NON_TEMPORAL,
  };
  const size_t chunk = chunk_elements(size, SIMDROP_STORE_NON_TEMPORAL);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(chunk, n - done);
    scale_chunk(&job, count);
  }
  kernels->finish_stores();
}

void simdrop_drive_stored_scale(uint64_t threshold, simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y,
                                simdrop_store store) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const simdrop_scale_kernels scale_kernels = simdrop_scale_kernels_of(kernels, dtype);
  const simdrop_decisions decisions = {.bytes = bits};
  const simdrop_operands operands = {.x = x, .y = y, .factor = simdrop_scale_for(threshold, dtype, n)};
  if (store == SIMDROP_STORE_CACHED) {
    scale_kernels.scale(n, &decisions, &operands, store);
  } else {
    drive_at_once(kernels, scale_kernels, simdrop_dtype_size(dtype), n, &decisions, &operands);
  }
}

void simdrop_drive_stored_select(simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  const simdrop_decisions decisions = {.bytes = bits};
  const simdrop_operands operands = {.x = x, .y = y};
  select_kernel(simdrop_current_kernels(), dtype)(n, &decisions, &operands, SIMDROP_STORE_CACHED);
}

SIMDROP_OWN_FRAME void simdrop_drive_bits(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bits) {
  simdrop_mask_reader reader;
  simdrop_generate_mask(&reader.state, simdrop_current_kernels(), mask, threshold);
  simdrop_reader_init(&reader, mask->offset);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(n - done, MASK_CHUNK_ELEMENTS);
    simdrop_pack_bits(count, simdrop_reader_next(&reader, count, NULL), bits + done / 8);
  }
}

SIMDROP_OWN_FRAME void simdrop_drive_bytes(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bytes) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_mask_reader reader;
  simdrop_generate_mask(&reader.state, kernels, mask, threshold);
  simdrop_reader_init(&reader, mask->offset);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(n - done, MASK_CHUNK_ELEMENTS);
    const simdrop_mask_chunk chunk = simdrop_reader_next(&reader, count, NULL);
    const simdrop_decisions decisions = {.words = chunk.words, .first = chunk.first};
    const simdrop_operands operands = {.y = bytes + done};
    kernels->expand_bytes(count, &decisions, &operands, SIMDROP_STORE_CACHED);
  }
}
