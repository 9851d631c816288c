// Walks a call in chunks.
#include "engine/driver.h"

#include <assert.h>
#include <stdatomic.h>

#include "engine/mask_reader.h"
#include "engine/own_frame.h"
#include "engine/parameters.h"
#include "machine/cpu.h"
#include "machine/dispatch.h"

// A multiple of 64 elements of every type. While one chunk's mask is drawn, the chunk before is applied in small steps, so
// that the size matters little; the mask producer likes long chunks.
#define CHUNK_BYTES ((size_t)16384)

// Elements of 16 bits are applied so many at a time, unless they go past the caches: they keep the same ports busy as the mask,
// so that turns gain nothing and cost something each. bf16, p = 0.1, L2, AVX-512 took 3.6 times memcpy's time, and 4.0 with
// turns of 256. With f32 it took 1.75 with turns of 256, and 2.2 with those of 2048 (Sapphire Rapids).
#define LONG_TURN_ELEMENTS 2048

// From so many elements on it pays to find out whether bfloat16 has ties.
#define UNTIED_ELEMENTS ((size_t)4096)

// Outputs of so many bytes are always stored past the caches, which saves reading them first. With f32 and p = 0.1 that took
// 0.35 ns an element in place of 0.66 at 64 MiB, but 0.36 in place of 0.28 at 16 MiB (Sapphire Rapids, whose third cache holds
// hundreds of megabytes).
#define STREAM_BYTES ((size_t)32 << 20)

// And those that, with an input as long, leave little of the third cache free: from so many eighths of it on. Where it has 32
// MiB (Zen 4), f32 and p = 0.5 took 1.12 of the time if stored past it at a quarter, and at three eighths 1.27 if not. Elements
// of 16 bits gained nothing there up to STREAM_BYTES, and are left alone.
#define STREAM_CACHE_EIGHTHS 3
#define STREAM_BYTES_LEAST ((size_t)4 << 20)
#define STREAM_ALIGNMENT ((size_t)64)

static size_t minimum(size_t a, size_t b) { return a < b ? a : b; }

// A chunk that is stored past the caches is worked off in many places at once.
#define STREAMED_CHUNK_BYTES ((size_t)SIMDROP_STREAMS * SIMDROP_STREAM_BYTES)
static_assert(STREAMED_CHUNK_BYTES / 2 <= SIMDROP_CHUNK_ELEMENTS_MAX, "a chunk of the smallest elements is too long");

// Masks that are stored and not applied are drawn in chunks of 1 KiB.
#define MASK_CHUNK_ELEMENTS ((size_t)8192)

static size_t chunk_elements(size_t size, bool stream) { return (stream ? STREAMED_CHUNK_BYTES : CHUNK_BYTES) / size; }

#define KERNELS_OF(dtype)                                                                                               \
  (simdrop_scale_kernels) {                                                                                             \
    kernels->scale_##dtype, kernels->scale_packed_##dtype, kernels->scale_streams_##dtype, kernels->scale_runs_##dtype, \
        kernels->scale_periods_##dtype                                                                                  \
  }

simdrop_scale_kernels simdrop_scale_kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
    case SIMDROP_F32: return KERNELS_OF(f32);
    case SIMDROP_F64: return KERNELS_OF(f64);
    case SIMDROP_F16: return KERNELS_OF(f16);
    default: return KERNELS_OF(bf16);
  }
}

static simdrop_select_kernel *select_kernel(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (simdrop_dtype_size(dtype)) {
    case 2: return kernels->select_16;
    case 4: return kernels->select_32;
    default: return kernels->select_64;
  }
}

simdrop_multiplier simdrop_scale_for(uint64_t threshold, simdrop_dtype dtype, size_t n) {
  const double scale = simdrop_scale_of_threshold(threshold);
  return (simdrop_multiplier){
      .value = dtype == SIMDROP_F64 ? scale : (double)(float)scale,
      .untied = dtype == SIMDROP_BF16 && simdrop_is_untied((float)scale, n >= UNTIED_ELEMENTS),
  };
}

// One chunk of a call, ready to be applied, in steps or at once.
typedef struct scale_job {
  simdrop_scale_kernels scale_elements;
  simdrop_mask_chunk mask;
  size_t size;  // of an element
  const char *x;
  char *y;
  simdrop_multiplier scale;
  bool stream;
} scale_job;

static void run_scale_job(const void *context, size_t begin, size_t end) {
  const scale_job *const job = context;
  const size_t position = job->mask.first + begin;
  job->scale_elements.each(end - begin, job->mask.words + position / 64, position % 64, job->x + begin * job->size,
                           job->y + begin * job->size, job->scale, job->stream);
}

static void run_streamed_job(const void *context, size_t begin, size_t end) {
  const scale_job *const job = context;
  job->scale_elements.streams(begin / SIMDROP_STEP_ELEMENTS, end / SIMDROP_STEP_ELEMENTS, job->mask.words, job->mask.first,
                              job->x, job->y, job->scale);
}

// The steps end where a line of y does, so that stores past the caches write whole lines.
static simdrop_background background_of(const scale_job *job, size_t count) {
  const size_t turn = job->size == 2 && !job->stream ? LONG_TURN_ELEMENTS : SIMDROP_TURN_ELEMENTS;
  if (job->stream && count * job->size == STREAMED_CHUNK_BYTES)
    return (simdrop_background){.run = run_streamed_job, .context = job, .turn = turn, .count = count};
  const size_t past_line = (uintptr_t)job->y % STREAM_ALIGNMENT;
  return (simdrop_background){
      .run = run_scale_job,
      .context = job,
      .turn = turn,
      .lead = past_line == 0 ? 0 : (STREAM_ALIGNMENT - past_line) / job->size,
      .count = count,
  };
}

size_t simdrop_stream_bytes(size_t size, uint64_t third_cache) {
  if (size == 2 || third_cache == 0) return STREAM_BYTES;
  const uint64_t share = third_cache / 8 * STREAM_CACHE_EIGHTHS;
  if (share <= STREAM_BYTES_LEAST) return STREAM_BYTES_LEAST;
  return share < STREAM_BYTES ? (size_t)share : STREAM_BYTES;
}

// Decided once, 0 until then: under a hypervisor, CPUID takes longer than many a call. Threads that ask at once all store the
// same.
static _Atomic size_t decided_stream_bytes;

static size_t stream_bytes_here(size_t size) {
  if (size == 2) return simdrop_stream_bytes(size, 0);
  size_t bytes = atomic_load_explicit(&decided_stream_bytes, memory_order_relaxed);
  if (bytes == 0) {
    const simdrop_cpuid_caches caches = simdrop_caches_probe();
    bytes = simdrop_stream_bytes(size, simdrop_third_cache_from_cpuid(&caches));
    atomic_store_explicit(&decided_stream_bytes, bytes, memory_order_relaxed);
  }
  return bytes;
}

bool simdrop_should_stream(size_t size, size_t n, const void *x, const void *y) {
  const size_t bytes = size * n;
  if (x == y || bytes < STREAM_BYTES_LEAST) return false;
  return bytes >= STREAM_BYTES || bytes >= stream_bytes_here(size);
}

SIMDROP_OWN_FRAME void simdrop_drive_scale(const simdrop_mask *mask, uint64_t threshold, simdrop_dtype dtype, size_t n,
                                           const void *x, void *y, uint8_t *bits, bool stream) {
  if (n == 0) return;
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const size_t size = simdrop_dtype_size(dtype), chunk = chunk_elements(size, stream);
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, kernels, mask, threshold);
  scale_job job = {
      .scale_elements = simdrop_scale_kernels_of(kernels, dtype),
      .size = size,
      .x = x,
      .y = y,
      .scale = simdrop_scale_for(threshold, dtype, n),
      .stream = stream,
  };
  size_t count = minimum(chunk, n);
  job.mask = simdrop_reader_next(&reader, count, NULL);
  for (size_t left = n - count; count > 0;) {
    // Draw the next chunk's mask and apply this chunk meanwhile.
    simdrop_background background = background_of(&job, count);
    const size_t next_count = minimum(chunk, left);
    simdrop_mask_chunk next_mask = {NULL, 0};
    if (next_count > 0) next_mask = simdrop_reader_next(&reader, next_count, &background);
    simdrop_background_finish(&background);
    if (bits != NULL) {
      simdrop_pack_bits(count, job.mask, bits);
      bits += count / 8;  // every chunk but the last is whole bytes
    }
    job.mask = next_mask;
    job.x += count * size;
    job.y += count * size;
    left -= next_count;
    count = next_count;
  }
  if (job.stream) kernels->stream_end();
}

SIMDROP_OWN_FRAME void simdrop_drive_stored_scale(uint64_t threshold, simdrop_dtype dtype, size_t n, const uint8_t *bits,
                                                  const void *x, void *y, bool stream) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const simdrop_scale_kernels scale_elements = simdrop_scale_kernels_of(kernels, dtype);
  const simdrop_multiplier scale = simdrop_scale_for(threshold, dtype, n);
  if (!stream) {
    scale_elements.packed(n, bits, x, y, scale);
    return;
  }
  const size_t size = simdrop_dtype_size(dtype), chunk = chunk_elements(size, true);
  uint64_t words[SIMDROP_CHUNK_ELEMENTS_MAX / 64 + 1] = {0};
  scale_job job = {
      .scale_elements = scale_elements,
      .mask = {words, 0},
      .size = size,
      .x = x,
      .y = y,
      .scale = scale,
      .stream = true,
  };
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(chunk, n - done);
    simdrop_unpack_bits(count, bits + done / 8, words);
    simdrop_background whole = background_of(&job, count);
    simdrop_background_finish(&whole);
    job.x += count * size;
    job.y += count * size;
  }
  kernels->stream_end();
}

SIMDROP_OWN_FRAME void simdrop_drive_stored_select(simdrop_dtype dtype, size_t n, const uint8_t *bits, const void *x, void *y) {
  simdrop_select_kernel *const select_elements = select_kernel(simdrop_current_kernels(), dtype);
  const size_t size = simdrop_dtype_size(dtype), chunk = chunk_elements(size, false);
  uint64_t words[SIMDROP_CHUNK_ELEMENTS_MAX / 64 + 1] = {0};
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(chunk, n - done);
    simdrop_unpack_bits(count, bits + done / 8, words);
    select_elements(count, words, 0, (const char *)x + done * size, (char *)y + done * size);
  }
}

SIMDROP_OWN_FRAME void simdrop_drive_bits(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bits) {
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, simdrop_current_kernels(), mask, threshold);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(n - done, MASK_CHUNK_ELEMENTS);
    simdrop_pack_bits(count, simdrop_reader_next(&reader, count, NULL), bits + done / 8);
  }
}

SIMDROP_OWN_FRAME void simdrop_drive_bytes(const simdrop_mask *mask, uint64_t threshold, size_t n, uint8_t *bytes) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, kernels, mask, threshold);
  for (size_t done = 0, count; done < n; done += count) {
    count = minimum(n - done, MASK_CHUNK_ELEMENTS);
    const simdrop_mask_chunk chunk = simdrop_reader_next(&reader, count, NULL);
    kernels->expand_bytes(count, chunk.words + chunk.first / 64, chunk.first % 64, bytes + done);
  }
}
