// DropConnect: a matrix with dropped weights times a vector, and its gradients.
#include <simdrop/simdrop.h>

#include <string.h>

#include "common/float16.h"
#include "core/check_call.h"
#include "engine/driver.h"
#include "engine/mask_reader.h"
#include "engine/own_frame.h"
#include "fused/computed.h"
#include "fused/row_reader.h"
#include "fused/rows.h"
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

// An element's value, exact, and a number rounded to an element: a float's value, but for f64.
static double read_number(simdrop_dtype dtype, const void *element) {
  double wide;
  float narrow;
  switch (dtype) {
    case SIMDROP_F64: memcpy(&wide, element, sizeof wide); return wide;
    case SIMDROP_F16: return (double)simdrop_float_from_f16(*(const uint16_t *)element);
    case SIMDROP_BF16: return (double)simdrop_float_from_bf16(*(const uint16_t *)element);
    default: memcpy(&narrow, element, sizeof narrow); return (double)narrow;
  }
}

static void write_number(simdrop_dtype dtype, double number, void *element) {
  const float narrow = (float)number;
  switch (dtype) {
    case SIMDROP_F64: memcpy(element, &number, sizeof number); break;
    case SIMDROP_F16: *(uint16_t *)element = simdrop_f16_from_float(narrow); break;
    case SIMDROP_BF16: *(uint16_t *)element = simdrop_bf16_from_float(narrow); break;
    default: memcpy(element, &narrow, sizeof narrow); break;
  }
}

// Whole rows of decisions are drawn together, or pieces of one: a multiple of the lanes.
static SIMDROP_OWN_FRAME void run_rows(void *context, size_t begin, size_t end) {
  const connect_job *const job = (const connect_job *)context;
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
    const simdrop_dtype dtype = job->decisions.dtype;
    write_number(dtype, simdrop_take_lanes(dtype, &lanes), job->y + row * job->size);
  }
}

// Bytes from the first weight to the last; 0 if they cannot be counted.
static size_t bytes_of_weights(size_t rows, size_t columns, size_t stride, size_t size) {
  if (rows > 1 && stride > (SIZE_MAX - columns) / (rows - 1)) return 0;
  const size_t elements = (rows - 1) * stride + columns;
  return elements > PTRDIFF_MAX / size ? 0 : elements * size;
}

// What both directions are given.
typedef struct connect_call {
  const simdrop_mask *mask;
  simdrop_dtype dtype;
  size_t rows, columns, w_stride;
} connect_call;

// All but the arrays; and the bytes of an element, and of the weights.
static simdrop_status check_connect(const connect_call *call, size_t *size, size_t *w_bytes) {
  const size_t rows = call->rows, columns = call->columns;
  SIMDROP_RETURN_IF_ERROR(check_mask(call->mask, 0));
  if (!simdrop_is_computed(call->dtype)) return SIMDROP_ERROR_DTYPE;
  if (call->w_stride < columns) return SIMDROP_ERROR_SHAPE;
  *size = simdrop_dtype_size(call->dtype);
  *w_bytes = 0;
  if (rows > SIZE_MAX / *size || columns > SIZE_MAX / *size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  if (rows == 0 || columns == 0) return SIMDROP_OK;
  *w_bytes = bytes_of_weights(rows, columns, call->w_stride, *size);
  return *w_bytes == 0 ? SIMDROP_ERROR_SIZE_OVERFLOW : check_mask(call->mask, rows * columns);
}

// Decisions of all weights.
static simdrop_operation decisions_of(const connect_call *call, size_t size) {
  return (simdrop_operation){.dtype = call->dtype,
                             .size = (uint32_t)size,
                             .seed = call->mask->seed,
                             .stream = call->mask->stream,
                             .index = call->mask->offset,
                             .n = call->rows * call->columns,
                             .threshold = simdrop_threshold(call->mask->p)};
}

// Rows or columns, of so many elements, that are enough for a thread.
static size_t least_of(size_t elements) { return elements == 0 ? SIZE_MAX : SIMDROP_PIECE_ELEMENTS / elements + 1; }

simdrop_status simdrop_dropconnect(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype, size_t rows,
                                   size_t columns, const void *w, size_t w_stride, const void *x, void *y) {
  const connect_call call = {mask, dtype, rows, columns, w_stride};
  size_t size, w_bytes;
  SIMDROP_RETURN_IF_ERROR(check_connect(&call, &size, &w_bytes));
  if (rows == 0) return SIMDROP_OK;
  if (y == NULL || (columns > 0 && (w == NULL || x == NULL))) return SIMDROP_ERROR_NULL_POINTER;
  if (columns > 0 && (overlaps(w, w_bytes, y, rows * size) || overlaps(x, columns * size, y, rows * size)))
    return SIMDROP_ERROR_OVERLAP;
  connect_job job = {
      .decisions = decisions_of(&call, size),
      .kernel = kernel_of(dtype),
      .size = size,
      .columns = columns,
      .w_stride = w_stride,
      .w = (const char *)w,
      .x = (const char *)x,
      .y = (char *)y,
  };
  job.factor = simdrop_scale_of_threshold(job.decisions.threshold);
  simdrop_run_ranges(executor, rows, 1, least_of(columns), run_rows, &job);
  return SIMDROP_OK;
}

// ---- gradients

typedef struct gradient_job {
  simdrop_operation decisions;  // of all weights
  simdrop_connect_gradient_kernel *kernel;
  size_t rows, columns;
  double scale;
  simdrop_rows w, added, dw;
  const char *x, *dy;
  char *dx;
} gradient_job;

static simdrop_connect_gradient_kernel *gradient_kernel_of(simdrop_dtype dtype) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  SIMDROP_RETURN_KERNEL(SIMDROP_COMPUTED_TYPES, connect_gradient)
}

// Part of the weights; their columns' sums, unless nobody asked for them.
typedef struct gradient_part {
  size_t first_row, end_row, first_column, columns;
  simdrop_group_sums *group, *totals;
} gradient_part;

static void run_segment(const gradient_job *job, const gradient_part *part, const simdrop_segment *segment) {
  const size_t size = job->decisions.size, column = part->first_column + segment->column;
  const size_t sums_before = segment->column * simdrop_computed_size(job->decisions.dtype);
  const simdrop_connect_gradient_operands operands = {
      .w = simdrop_moved(simdrop_row_at(job->w, segment->row), column * size),
      .x = simdrop_moved(job->x, column * size),
      .added = simdrop_moved(simdrop_row_at(job->added, segment->row), column * size),
      .dw = simdrop_moved(simdrop_row_at(job->dw, segment->row), column * size),
      .sums = part->group == NULL ? NULL : (char *)part->group + sums_before,
      .dy = read_number(job->decisions.dtype, job->dy + segment->row * size),
      .scale = job->scale,
  };
  job->kernel(segment->count, segment->words, segment->first, &operands);
}

static void run_part(const gradient_job *job, const gradient_part *part) {
  const simdrop_dtype dtype = job->decisions.dtype;
  simdrop_operation decisions = job->decisions;
  decisions.index += part->first_column;
  const simdrop_read_rows rows = {.begin = part->first_row,
                                  .end = part->end_row,
                                  .columns = part->columns,
                                  .index_stride = job->columns,
                                  .most = SIMDROP_CHUNK_ELEMENTS_MAX};
  simdrop_row_reader reader;
  simdrop_row_reader_init(&reader, simdrop_current_kernels(), &decisions, &rows);
  simdrop_matrix_batch batch;
  size_t group = 0;
  while (simdrop_row_reader_next(&reader, NULL, &batch)) {
    simdrop_batch_cursor cursor = simdrop_batch_begin(&batch);
    while (cursor.done < batch.elements) {
      const simdrop_segment segment = simdrop_batch_segment(&batch, &cursor);
      if (part->group != NULL && segment.row / SIMDROP_GROUP_ROWS != group) {
        simdrop_take_group(dtype, part->columns, (char *)part->totals, part->group);
        group = segment.row / SIMDROP_GROUP_ROWS;
      }
      run_segment(job, part, &segment);
      simdrop_batch_go_on(&batch, &cursor, segment.count);
    }
  }
  if (part->group != NULL) simdrop_take_group(dtype, part->columns, (char *)part->totals, part->group);
}

static SIMDROP_OWN_FRAME void run_gradient_rows(void *context, size_t begin, size_t end) {
  const gradient_job *const job = (const gradient_job *)context;
  const gradient_part part = {.first_row = begin, .end_row = end, .columns = job->columns};
  run_part(job, &part);
}

// Strips of columns, whose sums there is room for.
static SIMDROP_OWN_FRAME void run_gradient_columns(void *context, size_t begin, size_t end) {
  const gradient_job *const job = (const gradient_job *)context;
  const simdrop_dtype dtype = job->decisions.dtype;
  const size_t size = job->decisions.size, most = SIMDROP_GROUP_BYTES / simdrop_computed_size(dtype);
  simdrop_group_sums group = {{0}}, totals;
  for (size_t column = begin, count; column < end; column += count) {
    count = minimum(most, end - column);
    memset(&totals, 0, sizeof totals);
    const gradient_part part = {
        .end_row = job->rows, .first_column = column, .columns = count, .group = &group, .totals = &totals};
    run_part(job, &part);
    for (size_t k = 0; k < count; ++k)
      write_number(dtype, dtype == SIMDROP_F64 ? totals.f64[k] : (double)totals.f32[k], job->dx + (column + k) * size);
  }
}

// Whether an output has bytes in common with another array, which may not be there.
static bool meets(const void *output, size_t bytes, const void *other, size_t other_bytes) {
  return output != NULL && other != NULL && overlaps(output, bytes, other, other_bytes);
}

simdrop_status simdrop_dropconnect_backward(const simdrop_executor *executor, const simdrop_mask *mask, simdrop_dtype dtype,
                                            size_t rows, size_t columns, const void *w, size_t w_stride, const void *x,
                                            const void *dy, const void *dw_added, void *dw, void *dx) {
  const connect_call call = {mask, dtype, rows, columns, w_stride};
  size_t size, w_bytes;
  SIMDROP_RETURN_IF_ERROR(check_connect(&call, &size, &w_bytes));
  if (columns == 0) return SIMDROP_OK;
  if (dw == NULL && dx == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t x_bytes = columns * size, y_bytes = rows * size;
  if (rows == 0) {
    if (dx != NULL) memset(dx, 0, x_bytes);
    return SIMDROP_OK;
  }
  // What is not needed plays no part.
  const void *const weights = dx == NULL ? NULL : w, *const input = dw == NULL ? NULL : x;
  const void *const added = dw == NULL ? NULL : dw_added;
  if (dy == NULL || (dx != NULL && w == NULL) || (dw != NULL && x == NULL)) return SIMDROP_ERROR_NULL_POINTER;
  if (meets(dw, w_bytes, weights, w_bytes) || meets(dw, w_bytes, input, x_bytes) || meets(dw, w_bytes, dy, y_bytes) ||
      meets(dw, w_bytes, dx, x_bytes) || (dw != added && meets(dw, w_bytes, added, w_bytes)))
    return SIMDROP_ERROR_OVERLAP;
  if (meets(dx, x_bytes, weights, w_bytes) || meets(dx, x_bytes, input, x_bytes) || meets(dx, x_bytes, dy, y_bytes) ||
      meets(dx, x_bytes, added, w_bytes))
    return SIMDROP_ERROR_OVERLAP;
  gradient_job job = {
      .decisions = decisions_of(&call, size),
      .kernel = gradient_kernel_of(dtype),
      .rows = rows,
      .columns = columns,
      .w = simdrop_rows_of(weights, (ptrdiff_t)w_stride, size, rows),
      .added = simdrop_rows_of(added, (ptrdiff_t)w_stride, size, rows),
      .dw = simdrop_rows_of(dw, (ptrdiff_t)w_stride, size, rows),
      .x = (const char *)input,
      .dy = (const char *)dy,
      .dx = (char *)dx,
  };
  job.scale = simdrop_scale_of_threshold(job.decisions.threshold);
  if (dx == NULL) {
    simdrop_run_ranges(executor, rows, 1, least_of(columns), run_gradient_rows, &job);
  } else {
    const size_t least = least_of(rows);
    simdrop_run_ranges(executor, columns, 64, least < 64 ? 64 : least, run_gradient_columns, &job);
  }
  return SIMDROP_OK;
}
