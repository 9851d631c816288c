// DropBlock: bits with blocks cleared in them. Where a block begins is rare, so that it is quicker to look for these places and
// clear what they drop than to widen every row.
#include <simdrop/simdrop.h>

#include <string.h>

#include "core/check_call.h"
#include "engine/bit_string.h"
#include "engine/mask_reader.h"
#include "engine/own_frame.h"
#include "machine/dispatch.h"

// Bits of so many images begin with a byte.
#define GRAIN_IMAGES ((size_t)8)

typedef struct block_shape {
  size_t height, width, block_height, block_width;
  size_t rows, columns;  // of places where a block can begin
} block_shape;

typedef struct block_job {
  simdrop_mask mask;
  size_t images;
  block_shape shape;
  uint8_t *bits;
} block_job;

static bool make_shape(size_t height, size_t width, size_t block_height, size_t block_width, block_shape *shape) {
  if (block_height < 1 || block_height > height || block_width < 1 || block_width > width) return false;
  *shape = (block_shape){height, width, block_height, block_width, height - block_height + 1, width - block_width + 1};
  return true;
}

// Clears bits begin .. begin + count - 1.
static void clear_bits(uint8_t *bits, size_t begin, size_t count) {
  const size_t end = begin + count, first = begin / 8, last = end / 8;
  const uint8_t before = (uint8_t)simdrop_low_bits(begin % 8), after = (uint8_t)~simdrop_low_bits(end % 8);
  if (first == last) {
    bits[first] &= before | after;
    return;
  }
  bits[first] &= before;
  memset(bits + first + 1, 0, last - first - 1);
  if (end % 8 != 0) bits[last] &= after;
}

// Blocks that begin at `count` places, the first of them number `place`.
static void drop_blocks(const block_job *job, size_t place, size_t count) {
  const block_shape *const shape = &job->shape;
  while (count > 0) {
    const size_t column = place % shape->columns, row = place / shape->columns % shape->rows;
    const size_t image = place / shape->columns / shape->rows;
    const size_t run = count < shape->columns - column ? count : shape->columns - column;
    const size_t first = (image * shape->height + row) * shape->width + column;
    for (size_t r = 0; r < shape->block_height; ++r)
      clear_bits(job->bits, first + r * shape->width, run - 1 + shape->block_width);
    place += run;
    count -= run;
  }
}

// The places of a chunk, from number `place` on, at which the mask drops.
static void drop_chunk(const block_job *job, size_t place, size_t count, simdrop_mask_chunk chunk) {
  for (size_t k = 0; k < count; k += 64) {
    const size_t in_word = count - k < 64 ? count - k : 64;
    uint64_t dropped = ~simdrop_bits_from(chunk.words, chunk.first + k) & simdrop_low_bits(in_word);
    while (dropped != 0) {
      const size_t at = (size_t)simdrop_trailing_zeros(dropped);
      const uint64_t rest = ~(dropped >> at);
      const size_t run = rest == 0 ? 64 : (size_t)simdrop_trailing_zeros(rest);
      drop_blocks(job, place + k + at, run);
      dropped &= at + run >= 64 ? 0 : ~simdrop_low_bits(at + run);
    }
  }
}

static SIMDROP_OWN_FRAME void drop_images(void *context, size_t begin, size_t end) {
  const block_job *const job = (const block_job *)context;
  const block_shape *const shape = &job->shape;
  const size_t elements = shape->height * shape->width, places = shape->rows * shape->columns;
  const size_t first_byte = begin * elements / 8, past = end * elements;
  memset(job->bits + first_byte, 0xff, past / 8 - first_byte);
  if (past % 8 != 0) job->bits[past / 8] = (uint8_t)simdrop_low_bits(past % 8);
  const simdrop_operation decisions = {
      .seed = job->mask.seed,
      .stream = job->mask.stream,
      .index = job->mask.offset + begin * places,
      .n = (end - begin) * places,
      .threshold = simdrop_threshold(job->mask.p),
  };
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, simdrop_current_kernels(), &decisions);
  for (size_t done = 0, count; done < decisions.n; done += count) {
    count = decisions.n - done < SIMDROP_CHUNK_ELEMENTS_MAX ? decisions.n - done : SIMDROP_CHUNK_ELEMENTS_MAX;
    drop_chunk(job, begin * places + done, count, simdrop_reader_next(&reader, count, NULL));
  }
}

static uint64_t count_bits(const uint8_t *bits, size_t bytes) {
  uint64_t count = 0;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    memcpy(&word, bits + i, bytes - i < 8 ? bytes - i : 8);
    count += simdrop_count_ones(word);
  }
  return count;
}

simdrop_status simdrop_dropblock_gamma(double p, size_t height, size_t width, size_t block_height, size_t block_width,
                                       double *gamma) {
  block_shape shape;
  if (gamma == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(p)) return SIMDROP_ERROR_PROBABILITY;
  if (!make_shape(height, width, block_height, block_width, &shape)) return SIMDROP_ERROR_SHAPE;
  const double elements = (double)height * (double)width, block = (double)block_height * (double)block_width;
  const double wanted = p * elements / (block * ((double)shape.rows * (double)shape.columns));
  *gamma = wanted < 1 ? wanted : 1;
  return SIMDROP_OK;
}

// The elements of all images, unless they are more than can be counted.
static simdrop_status count_elements(size_t images, const block_shape *shape, size_t *count) {
  if (shape->height > SIZE_MAX / shape->width) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *count = shape->height * shape->width;
  if (images > SIZE_MAX / *count) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *count *= images;
  return SIMDROP_OK;
}

simdrop_status simdrop_dropblock_bits(const simdrop_executor *executor, const simdrop_mask *mask, size_t images, size_t height,
                                      size_t width, size_t block_height, size_t block_width, uint8_t *bits, uint64_t *kept) {
  block_job job = {.images = images, .bits = bits};
  size_t count;
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, 0));
  if (kept == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!make_shape(height, width, block_height, block_width, &job.shape)) return SIMDROP_ERROR_SHAPE;
  SIMDROP_RETURN_IF_ERROR(count_elements(images, &job.shape, &count));
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, images * job.shape.rows * job.shape.columns));
  if (count > 0 && bits == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (count > 0 && overlaps(bits, packed_size(count), kept, sizeof *kept)) return SIMDROP_ERROR_OVERLAP;
  job.mask = *mask;
  const size_t least = SIMDROP_PIECE_ELEMENTS / (height * width) + 1;
  if (count > 0)
    simdrop_run_ranges(executor, images, GRAIN_IMAGES, least < GRAIN_IMAGES ? GRAIN_IMAGES : least, drop_images, &job);
  *kept = count_bits(bits, packed_size(count));
  return SIMDROP_OK;
}
