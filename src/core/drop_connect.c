// DropConnect: a matrix with dropped weights times a vector.
#include <simdrop/simdrop.h>

#include <string.h>

#include "common/float16.h"
#include "core/check_call.h"
#include "engine/driver.h"
#include "engine/mask_reader.h"
#include "engine/own_frame.h"
#include "fused/computed.h"
#include "machine/dispatch.h"

typedef struct connect_job {
  simdrop_operation decisions;  // of all weights
  simdrop_connect_kernel *kernel;
  size_t size, columns, w_stride;
  double factor;
  const char *w, *x;
  char *y;
} connect_job;

static simdrop_connect_kernel *kernel_of(simdrop_dtype dtype) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  SIMDROP_RETURN_KERNEL(SIMDROP_COMPUTED_TYPES, connect)
}

// Adds the lanes up, which are +0 afterwards, and rounds to the type.
static void finish_row(simdrop_dtype dtype, simdrop_lanes *lanes, void *y) {
  const double sum = simdrop_take_lanes(dtype, lanes);
  if (dtype == SIMDROP_F64) {
    memcpy(y, &sum, sizeof sum);
    return;
  }
  const float narrow = (float)sum;  // exact
  switch (dtype) {
    case SIMDROP_F16: *(uint16_t *)y = simdrop_f16_from_float(narrow); break;
    case SIMDROP_BF16: *(uint16_t *)y = simdrop_bf16_from_float(narrow); break;
    default: memcpy(y, &narrow, sizeof narrow); break;
  }
}

// Whole rows of decisions are drawn together, or pieces of one: a multiple of the lanes.
static SIMDROP_OWN_FRAME void run_rows(void *context, size_t begin, size_t end) {
  const connect_job *const job = context;
  const size_t most = SIMDROP_CHUNK_ELEMENTS_MAX;
  simdrop_operation decisions = job->decisions;
  decisions.index += begin * job->columns;
  simdrop_mask_reader reader;
  simdrop_reader_init(&reader, simdrop_current_kernels(), &decisions);
  simdrop_mask_chunk chunk = {NULL, 0};
  simdrop_lanes lanes = {{0}};
  size_t drawn = 0;  // of the chunk, still to be used
  for (size_t row = begin; row < end; ++row) {
    for (size_t column = 0, count; column < job->columns; column += count) {
      count = job->columns - column < most ? job->columns - column : most;
      if (drawn == 0) {
        const size_t whole = most / job->columns, rows = whole < end - row ? whole : end - row;
        drawn = whole == 0 ? count : rows * job->columns;
        chunk = simdrop_reader_next(&reader, drawn, NULL);
      }
      const simdrop_decisions bits = {.words = chunk.words, .first = chunk.first};
      job->kernel(count, &bits, job->w + (row * job->w_stride + column) * job->size, job->x + column * job->size, job->factor,
                  &lanes);
      chunk.first += count;
      drawn -= count;
    }
    finish_row(job->decisions.dtype, &lanes, job->y + row * job->size);
  }
}

// Bytes from the first weight to the last; 0 if they cannot be counted.
static size_t bytes_of_weights(size_t rows, size_t columns, size_t stride, size_t size) {
  if (rows > 1 && stride > (SIZE_MAX - columns) / (rows - 1)) return 0;
  const size_t elements = (rows - 1) * stride + columns;
  return elements > SIZE_MAX / size ? 0 : elements * size;
}

simdrop_status simdrop_dropconnect(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t rows,
                                   size_t columns, const void *w, size_t w_stride, const void *x, void *y) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, 0));
  if (!simdrop_is_computed(dtype)) return SIMDROP_ERROR_DTYPE;
  if (w_stride < columns) return SIMDROP_ERROR_SHAPE;
  if (rows == 0) return SIMDROP_OK;
  const size_t size = simdrop_dtype_size(dtype);
  const size_t w_bytes = columns == 0 ? size : bytes_of_weights(rows, columns, w_stride, size);
  if (w_bytes == 0 || rows > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, rows * columns));
  if (y == NULL || (columns > 0 && (w == NULL || x == NULL))) return SIMDROP_ERROR_NULL_POINTER;
  if (columns > 0 && (overlaps(w, w_bytes, y, rows * size) || overlaps(x, columns * size, y, rows * size)))
    return SIMDROP_ERROR_OVERLAP;
  const uint64_t threshold = simdrop_threshold(mask->p);
  connect_job job = {
      .decisions = {.dtype = dtype,
                    .threshold = threshold,
                    .seed = mask->seed,
                    .stream = mask->stream,
                    .index = mask->offset,
                    .n = rows * columns},
      .kernel = kernel_of(dtype),
      .size = size,
      .columns = columns,
      .w_stride = w_stride,
      .factor = simdrop_scale_of_threshold(threshold),
      .w = w,
      .x = x,
      .y = y,
  };
  simdrop_run_ranges(executor, rows, 1, columns == 0 ? rows : SIMDROP_PIECE_ELEMENTS / columns + 1, run_rows, &job);
  return SIMDROP_OK;
}
