// Walks a call in chunks.
#include "engine/driver.h"

#include <string.h>

#include "common/bits.h"
#include "engine/mask_reader.h"
#include "engine/memory_walk.h"
#include "engine/own_frame.h"
#include "engine/parameters.h"
#include "engine/value_reader.h"
#include "machine/dispatch.h"

// A multiple of 64 elements of every type. While one chunk's mask is drawn, the chunk before is applied in small steps, so
// that the size matters little from 8 KiB on; the mask producer likes long chunks.
#define CHUNK_BYTES ((size_t)16384)

// Where a producer scales lines between its rounds, it also likes long ones (f32, p = 0.1, 64 Ki elements: 0.90 of the time
// with AVX-512 and 0.96 with AVX2), if there are enough of them that the first and the last, which have nothing beside them,
// are few.
#define LINES_CHUNK_BYTES ((size_t)32768)
#define LINES_CHUNKS_LEAST 4

// Elements that are converted are applied so many at a time: they keep the same ports busy as the mask, so that short steps
// gain nothing and cost something each. bf16, p = 0.1, L2, AVX-512 took 3.6 times memcpy's time, and 4.0 with steps of 256.
// With f32 it took 1.75 with steps of 256, and 2.2 with those of 2048 (Sapphire Rapids).
#define LONG_INTERLEAVE_ELEMENTS 2048

// Those of far arrays: with steps of 256, f32 and p = 0.1 took 1.05 to 1.1 times as long with AVX2, and the same with AVX-512,
// with those of 1024 as long with AVX2 and 1.1 times with AVX-512 (Zen 4, 256 MiB). Nothing depends on it where a producer
// scales lines between its rounds.
#define FAR_INTERLEAVE_ELEMENTS 512

// From so many elements on it pays to find out whether bfloat16 has ties.
#define NEVER_TIES_ELEMENTS ((size_t)4096)

// Masks that are written and not applied are drawn in chunks of 2 KiB, and where each decision becomes a byte of 1 KiB: from
// 32 MiB on, longer chunks took 1.09 of the time (Zen 4).
#define MASK_CHUNK_ELEMENTS ((size_t)16384)
#define BYTE_CHUNK_ELEMENTS ((size_t)8192)

simdrop_scale_kernels simdrop_scale_kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return (simdrop_scale_kernels){kernels->scale_##name, kernels->scale_pages_##name};
    SIMDROP_ELEMENT_TYPES(CASE, )
#undef CASE
  }
  SIMDROP_NO_OTHER_TYPE;
}

simdrop_scale_rows_kernel *simdrop_scale_rows_kernel_of(const simdrop_kernels *kernels, simdrop_dtype dtype){
    SIMDROP_RETURN_KERNEL(SIMDROP_ELEMENT_TYPES, scale_rows)}

simdrop_consume_kernel *simdrop_select_kernel_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (8 * simdrop_dtype_size(dtype)) {
#define CASE(argument, bits) \
  case bits: return kernels->select_##bits;
    SIMDROP_ELEMENT_SIZES(CASE, )
    default: SIMDROP_NO_OTHER_TYPE;
#undef CASE
  }
}

static simdrop_multiplier multiplier_for(double scale, simdrop_dtype dtype, size_t n) {
  return (simdrop_multiplier){
      .value = dtype == SIMDROP_F64 ? scale : (double)(float)scale,
      .never_ties = dtype == SIMDROP_BF16 && simdrop_never_ties((float)scale, n >= NEVER_TIES_ELEMENTS),
  };
}

simdrop_multiplier simdrop_scale_for(uint64_t threshold, simdrop_dtype dtype, size_t n) {
  return multiplier_for(simdrop_scale_of_threshold(threshold), dtype, n);
}

static simdrop_scale_kernels affine_kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return (simdrop_scale_kernels){kernels->affine_##name, kernels->affine_pages_##name};
    SIMDROP_COMPUTED_TYPES(CASE, )
#undef CASE
    default: SIMDROP_NO_OTHER_TYPE;
  }
}

static simdrop_consume_kernel *gaussian_kernel_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  SIMDROP_RETURN_KERNEL(SIMDROP_COMPUTED_TYPES, gaussian)
}

// Backends widen numbers of 8 bits in ways that do for the scales of dropout, from 1 to 2^32: the scale takes a power of two,
// and infinity may pass for the number behind the largest. Of a caller's own scale, others are for the scalar kernels.
static bool needs_scalar_kernels(const simdrop_operation *operation) {
  return operation->rule == SIMDROP_RULE_GIVEN && operation->size == 1 &&
         !(operation->scale >= 1 && operation->scale <= 0x1p32);
}

simdrop_scale_kernels simdrop_multiplying_kernels_of(const simdrop_kernels *kernels, const simdrop_operation *operation) {
  if (needs_scalar_kernels(operation)) kernels = simdrop_backend_kernels(simdrop_backend_count() - 1);  // the last is scalar
  if (operation->work == SIMDROP_WORK_GAUSSIAN)
    return (simdrop_scale_kernels){gaussian_kernel_of(kernels, operation->dtype), NULL};
  if (operation->work == SIMDROP_WORK_AFFINE) return affine_kernels_of(kernels, operation->dtype);
  return simdrop_scale_kernels_of(kernels, operation->dtype);
}

simdrop_affine simdrop_affine_of(const simdrop_operation *operation) {
  const simdrop_alpha alpha = simdrop_alpha_of_threshold(operation->threshold);
  if (operation->dtype == SIMDROP_F64) return (simdrop_affine){alpha.scale, alpha.addend, alpha.dropped};
  return (simdrop_affine){(float)alpha.scale, (float)alpha.addend, (float)alpha.dropped};
}

// Of the rules that are not dropout's.
static SIMDROP_OWN_FRAME simdrop_multiplier other_multiplier_of(const simdrop_operation *operation) {
  double factor = operation->scale;
  if (operation->rule == SIMDROP_RULE_ALPHA) factor = simdrop_alpha_of_threshold(operation->threshold).scale;
  if (operation->rule == SIMDROP_RULE_GAUSSIAN) factor = simdrop_sigma_of_threshold(operation->threshold);
  return multiplier_for(factor, operation->dtype, operation->n);
}

static inline simdrop_multiplier multiplier_of(const simdrop_operation *operation) {
  if (operation->rule != SIMDROP_RULE_DROPOUT) return other_multiplier_of(operation);
  return multiplier_for(simdrop_scale_of_threshold(operation->threshold), operation->dtype, operation->n);
}

simdrop_multiplier simdrop_multiplier_of(const simdrop_operation *operation) { return multiplier_of(operation); }

// A call, and the chunk of it that is ready to be applied, in steps or at once.
typedef struct scale_job {
  simdrop_scale_kernels kernels;
  simdrop_decisions decisions;           // from the next element on,
  simdrop_operands operands;             // and so are these
  simdrop_affine affine;                 // of them, if the work is that
  simdrop_consume_kernel *expand_bytes;  // expands decisions
  uint8_t *bytes;                        // to these, unless NULL: from the next on that are not written yet
  size_t size;                           // of an element
  size_t step;                           // elements at a time
  simdrop_store store;
  simdrop_memory_walk walk;  // unless that is SIMDROP_STORE_CACHED
  simdrop_line_work lines;
  bool goes_by_lines;  // where elements follow one another, a producer may do what `lines` says
} scale_job;

static bool is_paged(const scale_job *job) { return job->store != SIMDROP_STORE_CACHED && job->walk.is_paged; }

static size_t chunk_elements(const scale_job *job, size_t n) {
  const bool has_long_chunks = job->goes_by_lines && n * job->size >= LINES_CHUNKS_LEAST * LINES_CHUNK_BYTES;
  const size_t unpaged_bytes = has_long_chunks ? LINES_CHUNK_BYTES : CHUNK_BYTES;
  const size_t bytes = is_paged(job) ? simdrop_paged_chunk_bytes(job->size) : unpaged_bytes;
  return minimum(bytes >> simdrop_trailing_zeros(job->size), SIMDROP_CHUNK_ELEMENTS_MAX);  // sizes are powers of two
}

static void go_on(scale_job *job, size_t count) {
  job->decisions.first += count;
  job->operands.x = (const char *)job->operands.x + count * job->size;
  job->operands.y = (char *)job->operands.y + count * job->size;
}

static void scale_step(void *context, size_t begin, size_t end) {
  scale_job *const job = (scale_job *)context;
  job->kernels.scale(end - begin, &job->decisions, &job->operands, job->store);
  go_on(job, end - begin);
}

static void scale_pages_step(void *context, size_t begin, size_t end) {
  scale_job *const job = (scale_job *)context;
  const size_t count = simdrop_paged_chunk_bytes(job->size) / job->size;
  job->kernels.scale_pages(begin / SIMDROP_STEP_ELEMENTS, end / SIMDROP_STEP_ELEMENTS, &job->decisions, &job->operands,
                           job->walk.way);
  if (end == count) go_on(job, count);
}

// Bytes are written between the steps of y, and so while the next chunk's mask is drawn; past the caches as y is.
static void expand_step(scale_job *job, const simdrop_decisions *decisions, size_t count) {
  const simdrop_operands operands = {.y = job->bytes};
  job->expand_bytes(count, decisions, &operands, job->store);
  job->bytes += count;
}

static void scale_and_expand_step(void *context, size_t begin, size_t end) {
  scale_job *const job = (scale_job *)context;
  expand_step(job, &job->decisions, end - begin);
  scale_step(context, begin, end);
}

// The bytes of as many elements, which are others than those in pages.
static void scale_pages_and_expand_step(void *context, size_t begin, size_t end) {
  scale_job *const job = (scale_job *)context;
  simdrop_decisions decisions = job->decisions;
  decisions.first += begin;
  expand_step(job, &decisions, end - begin);
  scale_pages_step(context, begin, end);
}

// Whether the elements at hand, one after the other, are work of lines.
static bool has_lines(const scale_job *job) {
  if (!job->goes_by_lines) return false;
  return !is_paged(job) || (job->walk.way->pages_log2 == 0 && job->walk.way->prefetch == 0);
}

// Ordinary stores to one page after the other are what the kernel for any elements does, with less to count: in place, that
// took 0.95 of the time (Zen 4).
static bool is_for_pages(const scale_job *job, size_t count) {
  if (has_lines(job) || !is_paged(job) || count * job->size != simdrop_paged_chunk_bytes(job->size)) return false;
  const simdrop_memory_way *const way = job->walk.way;
  return way->store == SIMDROP_STORE_NON_TEMPORAL || way->pages_log2 > 0 || way->prefetch > 0;
}

// The steps end where a line of y does, so that non-temporal stores write whole lines.
static simdrop_interleave interleave_of(scale_job *job, size_t count) {
  job->lines.non_temporal = job->store == SIMDROP_STORE_NON_TEMPORAL;
  if (is_for_pages(job, count))
    return (simdrop_interleave){.run = job->bytes == NULL ? scale_pages_step : scale_pages_and_expand_step,
                                .context = job,
                                .step = job->step,
                                .count = count};
  const size_t past_line = (uintptr_t)job->operands.y % SIMDROP_CACHE_LINE;
  return (simdrop_interleave){
      .run = job->bytes == NULL ? scale_step : scale_and_expand_step,
      .context = job,
      .step = job->step,
      .first_extra = past_line == 0 ? 0 : (SIMDROP_CACHE_LINE - past_line) / job->size,
      .count = count,
      .lines = has_lines(job) ? &job->lines : NULL,
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

static simdrop_operands operands_of(const simdrop_operation *operation) {
  return (simdrop_operands){
      .x = operation->x,
      .y = operation->y,
      .factor = multiplier_of(operation),
  };
}

static size_t step_of(const simdrop_operation *operation) {
  if (simdrop_dtype_converts(operation->dtype)) return LONG_INTERLEAVE_ELEMENTS;
  return operation->store == SIMDROP_STORE_CACHED ? SIMDROP_INTERLEAVE_ELEMENTS : FAR_INTERLEAVE_ELEMENTS;
}

// Whether there are lines of the elements.
static bool set_line_kind(simdrop_line_work *lines, simdrop_dtype dtype, simdrop_multiplier factor) {
  switch (dtype) {
    case SIMDROP_F32: lines->kind = SIMDROP_LINES_SCALE_F32; return true;
    case SIMDROP_F16: lines->kind = SIMDROP_LINES_SCALE_F16; return true;
    case SIMDROP_BF16: lines->kind = SIMDROP_LINES_SCALE_BF16; return factor.never_ties;
    default: return false;  // no lines
  }
}

// Field by field: a short call would notice that the whole of it is cleared first.
static void start_job(scale_job *job, const simdrop_operation *operation, const simdrop_kernels *kernels) {
  job->kernels = simdrop_multiplying_kernels_of(kernels, operation);
  job->decisions.words = NULL;
  job->decisions.bytes = operation->stored;
  job->decisions.first = 0;
  job->decisions.repeat = SIMDROP_EACH;
  job->operands = operands_of(operation);
  if (operation->work == SIMDROP_WORK_AFFINE) {
    job->affine = simdrop_affine_of(operation);
    job->operands.affine = &job->affine;
  }
  job->expand_bytes = kernels->expand_bytes;
  job->bytes = operation->bytes;
  job->size = operation->size;
  job->step = step_of(operation);
  job->store = operation->store;
  job->lines = (simdrop_line_work){.decisions = &job->decisions, .operands = &job->operands};
  job->goes_by_lines = operation->work == SIMDROP_WORK_SCALE && operation->bytes == NULL && simdrop_draws_much(operation) &&
                       set_line_kind(&job->lines, operation->dtype, job->operands.factor);
  if (job->store != SIMDROP_STORE_CACHED) simdrop_memory_walk_begin(&job->walk, operation, true);
}

// Before a chunk.
static void walk_on(scale_job *job, size_t count) {
  if (job->store == SIMDROP_STORE_CACHED) return;
  simdrop_memory_walk_on(&job->walk, count);
  job->store = job->walk.way->store;
}

static SIMDROP_OWN_FRAME void drive_scale(const simdrop_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const size_t n = operation->n;
  uint8_t *bits = operation->bits;
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, kernels, operation);
  scale_job job;
  start_job(&job, operation, kernels);
  const size_t chunk = chunk_elements(&job, n);
  size_t count = minimum(chunk, n);
  simdrop_mask_chunk mask_chunk = simdrop_reader_next(&reader, count, NULL);
  for (size_t left = n - count; count > 0;) {
    // Draw the next chunk's mask and apply this chunk meanwhile.
    job.decisions.words = mask_chunk.words;
    job.decisions.first = mask_chunk.first;
    walk_on(&job, count);
    const size_t next_count = minimum(chunk, left);
    simdrop_mask_chunk next_chunk = {NULL, 0};
    if (next_count > 0) {
      simdrop_interleave interleave = interleave_of(&job, count);
      next_chunk = simdrop_reader_next(&reader, next_count, &interleave);
      simdrop_interleave_finish(&interleave);
    } else {
      if (job.bytes != NULL) expand_step(&job, &job.decisions, count);
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
  if (operation->store == SIMDROP_STORE_NON_TEMPORAL) kernels->finish_stores();
}

// What few calls ask for, out of the way of the others.
static SIMDROP_OWN_FRAME void write_decisions(const simdrop_operation *operation, const simdrop_kernels *kernels,
                                              simdrop_mask_chunk chunk) {
  if (operation->bits != NULL) simdrop_pack_bits(operation->n, chunk, operation->bits);
  if (operation->bytes == NULL) return;
  const simdrop_decisions decisions = {.words = chunk.words, .first = chunk.first};
  const simdrop_operands operands = {.y = operation->bytes};
  kernels->expand_bytes(operation->n, &decisions, &operands, SIMDROP_STORE_CACHED);
}

// The same as simdrop_scale_kernels_of, without its jump.
static simdrop_consume_kernel *scale_kernel_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
#define OFFSET(argument, name, NAME, element, bits, converts) [SIMDROP_##NAME] = offsetof(simdrop_kernels, scale_##name),
  static const uint16_t offsets[] = {SIMDROP_ELEMENT_TYPES(OFFSET, )};
#undef OFFSET
  simdrop_consume_kernel *kernel;
  memcpy(&kernel, (const char *)kernels + offsets[dtype], sizeof kernel);
  return kernel;
}

// What fits one chunk has none to draw meanwhile: a short call would notice what it takes to make a job.
static SIMDROP_OWN_FRAME void drive_short_scale(const simdrop_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const size_t n = operation->n;
  // By hand: a compiler that aligns the frame moves it all.
  uint64_t room[SIMDROP_BLOCK_WORDS * (SIMDROP_CHUNK_BLOCKS_MAX + 1 + SIMDROP_BLOCK_PADDING) + SIMDROP_CACHE_LINE / 8];
  uint64_t *const words = room + -(uintptr_t)room % SIMDROP_CACHE_LINE / 8;
  const simdrop_mask_chunk chunk = {words, operation->index % SIMDROP_BLOCK_ELEMENTS};
  simdrop_operands operands = operands_of(operation);
  simdrop_affine affine;
  if (operation->work == SIMDROP_WORK_AFFINE) {
    affine = simdrop_affine_of(operation);
    operands.affine = &affine;
  }
  simdrop_generator_state state;
  simdrop_generate(&state, kernels, operation);
  state.generator->draw(&state, operation->index / SIMDROP_BLOCK_ELEMENTS, chunk.first + n, words, NULL);
  const simdrop_decisions decisions = {.words = words, .first = chunk.first};
  simdrop_consume_kernel *const consume = operation->work == SIMDROP_WORK_SCALE
                                              ? scale_kernel_of(kernels, operation->dtype)
                                              : simdrop_multiplying_kernels_of(kernels, operation).scale;
  consume(n, &decisions, &operands, SIMDROP_STORE_CACHED);
  if (operation->bits != NULL || operation->bytes != NULL) write_decisions(operation, kernels, chunk);
}

// A chunk at a time, for the sake of the ways of going through memory.
static void drive_stored_far(const simdrop_operation *operation, const simdrop_kernels *kernels) {
  scale_job job;
  start_job(&job, operation, kernels);
  const size_t chunk = chunk_elements(&job, operation->n);
  for (size_t done = 0, count; done < operation->n; done += count) {
    count = minimum(chunk, operation->n - done);
    walk_on(&job, count);
    scale_chunk(&job, count);
  }
  if (operation->store == SIMDROP_STORE_NON_TEMPORAL) kernels->finish_stores();
}

// Cached stores take the kernel at once: a short call would notice what it takes to make a job.
static SIMDROP_OWN_FRAME void drive_stored_scale(const simdrop_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  if (operation->store != SIMDROP_STORE_CACHED) {
    drive_stored_far(operation, kernels);
    return;
  }
  const simdrop_decisions decisions = {.bytes = operation->stored};
  const simdrop_operands operands = operands_of(operation);
  simdrop_multiplying_kernels_of(kernels, operation).scale(operation->n, &decisions, &operands, SIMDROP_STORE_CACHED);
}

static SIMDROP_OWN_FRAME void drive_stored_select(const simdrop_operation *operation) {
  const simdrop_decisions decisions = {.bytes = operation->stored};
  const simdrop_operands operands = {.x = operation->x, .y = operation->y};
  simdrop_select_kernel_of(simdrop_current_kernels(), operation->dtype)(operation->n, &decisions, &operands,
                                                                        SIMDROP_STORE_CACHED);
}

static SIMDROP_OWN_FRAME void drive_bits(const simdrop_operation *operation, uint8_t *bits) {
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, simdrop_current_kernels(), operation);
  for (size_t done = 0, count; done < operation->n; done += count) {
    count = minimum(operation->n - done, MASK_CHUNK_ELEMENTS);
    simdrop_pack_bits(count, simdrop_reader_next(&reader, count, NULL), bits + done / 8);
  }
}

static SIMDROP_OWN_FRAME void drive_bytes(const simdrop_operation *operation, uint8_t *bytes) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, kernels, operation);
  for (size_t done = 0, count; done < operation->n; done += count) {
    count = minimum(operation->n - done, BYTE_CHUNK_ELEMENTS);
    const simdrop_mask_chunk chunk = simdrop_reader_next(&reader, count, NULL);
    const simdrop_decisions decisions = {.words = chunk.words, .first = chunk.first};
    const simdrop_operands operands = {.y = bytes + done};
    kernels->expand_bytes(count, &decisions, &operands, SIMDROP_STORE_CACHED);
  }
}

// Numbers for elements, some blocks at a time, and what is done with them. They take so long to make that nothing is gained by
// doing both in turns.
static SIMDROP_OWN_FRAME void drive_values(const simdrop_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const bool has_elements = operation->x != NULL;
  simdrop_consume_kernel *const consume = has_elements ? simdrop_multiplying_kernels_of(kernels, operation).scale : NULL;
  simdrop_operands operands = {.x = operation->x, .y = operation->y};
  if (has_elements) operands.factor = multiplier_of(operation);
  simdrop_value_reader reader;
  const simdrop_value_kind kind = operation->work == SIMDROP_WORK_UNIFORMS ? SIMDROP_UNIFORM_VALUES : SIMDROP_NORMAL_VALUES;
  simdrop_value_reader_init(&reader, kernels, kind, operation->seed, operation->stream);
  for (size_t done = 0, count; done < operation->n; done += count) {
    count = minimum(operation->n - done, SIMDROP_VALUES_MAX);
    const simdrop_decisions decisions = {.values = simdrop_values_from(&reader, operation->index + done, count)};
    operands.y = operation->y + done * operation->size;
    if (has_elements) {
      operands.x = operation->x + done * operation->size;
      consume(count, &decisions, &operands, SIMDROP_STORE_CACHED);
    } else {
      memcpy(operands.y, decisions.values, count * sizeof *decisions.values);
    }
  }
}

// Where all decisions are alike.
static SIMDROP_OWN_FRAME void drive_certain(const simdrop_operation *operation) {
  const size_t bytes = operation->n * operation->size;
  if (operation->work == SIMDROP_WORK_ZERO) {
    memset(operation->y, 0, bytes);
  } else if (operation->x != operation->y) {
    memcpy(operation->y, operation->x, bytes);
  }
  if (operation->bits != NULL) drive_bits(operation, operation->bits);
  if (operation->bytes != NULL) drive_bytes(operation, operation->bytes);
}

void simdrop_drive(const simdrop_operation *operation) {
  // Before the others, whose jump a short call would notice.
  if (operation->work == SIMDROP_WORK_SCALE && operation->stored == NULL && operation->n * operation->size <= CHUNK_BYTES) {
    drive_short_scale(operation);
    return;
  }
  switch (operation->work) {
    case SIMDROP_WORK_SCALE:
    case SIMDROP_WORK_AFFINE:
      if (operation->stored != NULL) {
        drive_stored_scale(operation);
      } else if (operation->n * operation->size <= CHUNK_BYTES) {
        drive_short_scale(operation);
      } else {
        drive_scale(operation);
      }
      return;
    case SIMDROP_WORK_GAUSSIAN:
    case SIMDROP_WORK_NORMALS:
    case SIMDROP_WORK_UNIFORMS: drive_values(operation); return;
    case SIMDROP_WORK_SELECT: drive_stored_select(operation); return;
    case SIMDROP_WORK_BYTES: drive_bytes(operation, (uint8_t *)operation->y); return;
    case SIMDROP_WORK_BITS: drive_bits(operation, (uint8_t *)operation->y); return;
    case SIMDROP_WORK_COPY:
    case SIMDROP_WORK_ZERO: drive_certain(operation); return;
  }
}
