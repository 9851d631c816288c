// Concrete dropout, and its gradients.
#include <simdrop/simdrop.h>

#include <assert.h>
#include <string.h>

#include "core/check_call.h"
#include "engine/own_frame.h"
#include "engine/value_reader.h"
#include "layout/check.h"
#include "layout/row_sink.h"
#include "layout/walk.h"
#include "machine/dispatch.h"
#include "scalar/math.h"

// The elements of a call are cut into so many groups, each of which has a sum of its own, so that sums do not depend on the
// threads; and a group into chunks, from its beginning on.
enum {
  GROUPS = 64,
  CHUNK = 512,
  LANES = 8
};
static_assert(CHUNK <= SIMDROP_VALUES_MAX, "a chunk's numbers are handed out together");

// Groups for a thread have at least so many elements: they take about ten times as long as those of a mask.
#define LEAST ((size_t)4096)

// The elements of a layout in row-major order of its axes, row by row: x, and what lies as it does, at SIMDROP_X. The axes that
// are walked are those of rows; the last of them may be of one row alone.
typedef struct layout_rows {
  walk first;  // the first row's place
  simdrop_plan_axis row;
} layout_rows;

typedef struct concrete_job {
  simdrop_mask mask;
  const layout_rows *rows;  // NULL: elements follow one another, in every array and in the mask
  simdrop_concrete_kernel *kernel;
  simdrop_dtype dtype;
  size_t n, size;
  float shift, slope;  // of what the sigmoid is taken of
  simdrop_concrete_operands operands;
  double *sums;  // of each group, unless NULL
} concrete_job;

static simdrop_concrete_kernel *kernel_of(simdrop_dtype dtype) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  SIMDROP_RETURN_KERNEL(SIMDROP_COMPUTED_TYPES, concrete)
}

// Groups are whole chunks, as even as can be.
static size_t begin_of_group(size_t n, size_t group) {
  const size_t chunks = n / CHUNK + (n % CHUNK != 0);
  const size_t begin = (chunks / GROUPS * group + (group < chunks % GROUPS ? group : chunks % GROUPS)) * CHUNK;
  return begin < n ? begin : n;
}

typedef union chunk_terms {
  float f32[CHUNK];
  double f64[CHUNK];
} chunk_terms;

static double add_terms(simdrop_dtype dtype, const chunk_terms *terms, size_t count) {
  double lanes[LANES] = {0};
  for (size_t k = 0; k < count; ++k) lanes[k % LANES] += dtype == SIMDROP_F64 ? terms->f64[k] : terms->f32[k];
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

static const void *element(const void *array, size_t k, size_t size) {
  return array == NULL ? NULL : (const char *)array + k * size;
}

// The share of each element, what is made of it, and the sum of what the gradient by p is made of.
static SIMDROP_OWN_FRAME double run_elements(const concrete_job *job, const simdrop_kernels *kernels, size_t count,
                                             const float *logistics, simdrop_concrete_operands operands) {
  chunk_terms terms;
  float kept[CHUNK], dropped[CHUNK];
  operands.kept = kept;
  kernels->concrete_shares(count, logistics, job->shift, -job->slope, kept);
  if (job->sums != NULL) {
    kernels->concrete_shares(count, logistics, job->shift, job->slope, dropped);
    operands.dropped = dropped;
    operands.terms = &terms;
  }
  job->kernel(count, &operands);
  return job->sums == NULL ? 0 : add_terms(job->dtype, &terms, count);
}

static double run_chunk(const concrete_job *job, simdrop_value_reader *reader, size_t k, size_t count) {
  simdrop_concrete_operands operands = job->operands;
  operands.x = element(operands.x, k, job->size);
  operands.dy = element(operands.dy, k, job->size);
  operands.y = (char *)operands.y + k * job->size;
  return run_elements(job, reader->kernels, count, simdrop_values_from(reader, job->mask.offset + k, count), operands);
}

// ---- layouts

static layout_rows rows_of(const simdrop_layout *layout, uint64_t offset) {
  layout_rows rows = {.first = {.now = {.index = offset}}, .row = {.count = 1}};
  for (int a = 0; a < layout->rank; ++a) {
    const simdrop_plan_axis axis = {layout->dims[a], {layout->x_strides[a], layout->y_strides[a]}, layout->index_strides[a]};
    if (axis.count == 1) continue;
    if (rows.row.count > 1 && simdrop_axes_are_one(&rows.row, &axis)) {
      rows.row =
          (simdrop_plan_axis){rows.row.count * axis.count, {axis.strides[SIMDROP_X], axis.strides[SIMDROP_Y]}, axis.index};
      continue;
    }
    if (rows.row.count > 1) add_axis(&rows.first, rows.row);
    rows.row = axis;
  }
  return rows;
}

// Where a piece of elements that follow one another in row-major order has got to.
typedef struct row_cursor {
  walk rows;
  size_t column;
} row_cursor;

static row_cursor cursor_at(const layout_rows *rows, size_t k) {
  row_cursor cursor = {rows->first, k % rows->row.count};
  k /= rows->row.count;
  for (int a = cursor.rows.rank - 1; a >= 0; --a) {
    const simdrop_plan_axis *const axis = &cursor.rows.axes[a];
    cursor.rows.done[a] = k % axis->count;
    step(&cursor.rows.now, axis, (ptrdiff_t)cursor.rows.done[a]);
    k /= axis->count;
  }
  return cursor;
}

// What is left of a row, as much of it as `most` elements; they begin at *begin.
static size_t next_run(const layout_rows *rows, row_cursor *cursor, size_t most, place *begin) {
  const size_t count = minimum(rows->row.count - cursor->column, most);
  *begin = cursor->rows.now;
  step(begin, &rows->row, (ptrdiff_t)cursor->column);
  cursor->column += count;
  if (cursor->column == rows->row.count) {
    cursor->column = 0;
    (void)advance(&cursor->rows);
  }
  return count;
}

// A chunk's elements side by side.
typedef union chunk_elements {
  uint64_t alignment;
  char bytes[CHUNK * sizeof(double)];
} chunk_elements;

typedef struct staged_chunk {
  chunk_elements x, dy;
  float logistics[CHUNK];
} staged_chunk;

static const char *place_at(const void *array, const place *at, simdrop_layout_operand operand, size_t size) {
  return (const char *)array + at->at[operand] * (ptrdiff_t)size;
}

static void stage(const concrete_job *job, simdrop_value_reader *reader, row_cursor cursor, size_t count,
                  staged_chunk *staged) {
  const simdrop_plan_axis *const row = &job->rows->row;
  const size_t size = job->size;
  place at;
  for (size_t done = 0, run; done < count; done += run) {
    run = next_run(job->rows, &cursor, count - done, &at);
    simdrop_values_gather(reader, at.index, row->index, run, staged->logistics + done);
    simdrop_gather_row(size, run, place_at(job->operands.x, &at, SIMDROP_X, size), row->strides[SIMDROP_X],
                       staged->x.bytes + done * size);
    if (job->operands.dy == NULL) continue;
    simdrop_gather_row(size, run, place_at(job->operands.dy, &at, SIMDROP_Y, size), row->strides[SIMDROP_Y],
                       staged->dy.bytes + done * size);
  }
}

// What was computed goes where it belongs, y as the layout's y, dx as x, and the cursor behind the chunk.
static void put_back(const concrete_job *job, row_cursor *cursor, size_t count, const char *from) {
  const simdrop_layout_operand operand = job->operands.dy == NULL ? SIMDROP_Y : SIMDROP_X;
  const size_t size = job->size;
  place at;
  for (size_t done = 0, run; done < count; done += run) {
    run = next_run(job->rows, cursor, count - done, &at);
    char *const to = (char *)job->operands.y + at.at[operand] * (ptrdiff_t)size;
    simdrop_scatter_row(size, run, from + done * size, to, job->rows->row.strides[operand]);
  }
}

static SIMDROP_OWN_FRAME double run_layout_chunk(const concrete_job *job, simdrop_value_reader *reader, row_cursor *cursor,
                                                 size_t count) {
  staged_chunk staged;
  stage(job, reader, *cursor, count, &staged);
  simdrop_concrete_operands operands = job->operands;
  operands.x = operands.y = staged.x.bytes;
  if (operands.dy != NULL) operands.dy = staged.dy.bytes;
  const double sum = run_elements(job, reader->kernels, count, staged.logistics, operands);
  put_back(job, cursor, count, staged.x.bytes);
  return sum;
}

static SIMDROP_OWN_FRAME void run_groups(void *context, size_t begin, size_t end) {
  const concrete_job *const job = (const concrete_job *)context;
  simdrop_value_reader reader;
  simdrop_value_reader_init(&reader, simdrop_current_kernels(), SIMDROP_LOGISTIC_VALUES, job->mask.seed, job->mask.stream);
  row_cursor cursor = {.column = 0};
  if (job->rows != NULL) cursor = cursor_at(job->rows, begin_of_group(job->n, begin));
  for (size_t group = begin; group < end; ++group) {
    const size_t last = begin_of_group(job->n, group + 1);
    double sum = 0;
    for (size_t k = begin_of_group(job->n, group), count; k < last; k += count) {
      count = minimum(last - k, CHUNK);
      sum += job->rows == NULL ? run_chunk(job, &reader, k, count) : run_layout_chunk(job, &reader, &cursor, count);
    }
    if (job->sums != NULL) job->sums[group] = sum;
  }
}

static void run(const simdrop_executor *executor, concrete_job *job) {
  const size_t groups_for_thread = LEAST / (job->n / GROUPS + 1) + 1;
  simdrop_run_ranges(executor, GROUPS, 1, groups_for_thread, run_groups, job);
}

// The gradient by p.
static double run_with_sums(const simdrop_executor *executor, concrete_job *job) {
  double sums[GROUPS], sum = 0;
  job->sums = sums;
  run(executor, job);
  for (size_t group = 0; group < GROUPS; ++group) sum += sums[group];
  return sum * job->operands.scale;
}

// ---- the public functions

// ln p - ln(1 - p)
static float logit(double p) { return (scalar_minus_two_log((float)(1 - p)) - scalar_minus_two_log((float)p)) * 0.5f; }

static simdrop_status make_job(const simdrop_mask *mask, double temperature, simdrop_dtype dtype, size_t n, concrete_job *job) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, n));
  if (!(mask->p >= 0x1p-32 && mask->p <= 1 - 0x1p-32)) return SIMDROP_ERROR_PROBABILITY;
  if (!(temperature >= 0x1p-20 && temperature <= 0x1p20)) return SIMDROP_ERROR_SHAPE;
  if (!simdrop_is_computed(dtype)) return SIMDROP_ERROR_DTYPE;
  const size_t size = simdrop_dtype_size(dtype);
  if (n > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *job = (concrete_job){
      .mask = *mask,
      .kernel = kernel_of(dtype),
      .dtype = dtype,
      .n = n,
      .size = size,
      .shift = logit(mask->p),
      .slope = (float)(1 / temperature),
      .operands = {.scale = 1 / (1 - mask->p), .slope = 1 / (temperature * mask->p)},
  };
  return SIMDROP_OK;
}

static bool meets(const void *a, const void *b, size_t size) { return a != b && overlaps(a, size, b, size); }

simdrop_status simdrop_concrete_forward(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                        simdrop_dtype dtype, size_t n, const void *x, void *y) {
  concrete_job job;
  SIMDROP_RETURN_IF_ERROR(make_job(mask, temperature, dtype, n, &job));
  if (n == 0) return SIMDROP_OK;
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (meets(x, y, n * job.size)) return SIMDROP_ERROR_OVERLAP;
  job.operands.x = x;
  job.operands.y = y;
  run(executor, &job);
  return SIMDROP_OK;
}

simdrop_status simdrop_concrete_backward(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                         simdrop_dtype dtype, size_t n, const void *x, const void *dy, void *dx,
                                         double *p_gradient) {
  concrete_job job;
  SIMDROP_RETURN_IF_ERROR(make_job(mask, temperature, dtype, n, &job));
  if (p_gradient == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (n == 0) {
    *p_gradient = 0;
    return SIMDROP_OK;
  }
  if (x == NULL || dy == NULL || dx == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t bytes = n * job.size;
  if (meets(x, dx, bytes) || meets(dy, dx, bytes)) return SIMDROP_ERROR_OVERLAP;
  if (overlaps(x, bytes, p_gradient, sizeof *p_gradient) || overlaps(dy, bytes, p_gradient, sizeof *p_gradient) ||
      overlaps(dx, bytes, p_gradient, sizeof *p_gradient))
    return SIMDROP_ERROR_OVERLAP;
  job.operands.x = x;
  job.operands.dy = dy;
  job.operands.y = dx;
  *p_gradient = run_with_sums(executor, &job);
  return SIMDROP_OK;
}

// A layout of which each array has the strides of one of the layout's own.
static simdrop_layout with_strides(const simdrop_layout *layout, const ptrdiff_t *x_strides, const ptrdiff_t *y_strides) {
  simdrop_layout other = *layout;
  memcpy(other.x_strides, x_strides, sizeof other.x_strides);
  memcpy(other.y_strides, y_strides, sizeof other.y_strides);
  return other;
}

static simdrop_status make_layout_job(const simdrop_mask *mask, double temperature, simdrop_dtype dtype,
                                      const simdrop_layout *layout, concrete_job *job) {
  SIMDROP_RETURN_IF_ERROR(make_job(mask, temperature, dtype, 0, job));
  if (layout == NULL) return SIMDROP_ERROR_NULL_POINTER;
  return simdrop_check_layout(layout, mask->offset, &job->n);
}

simdrop_status simdrop_concrete_forward_layout(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                               simdrop_dtype dtype, const simdrop_layout *layout, const void *x, void *y) {
  concrete_job job;
  SIMDROP_RETURN_IF_ERROR(make_layout_job(mask, temperature, dtype, layout, &job));
  if (job.n == 0) return SIMDROP_OK;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_arrays(layout, job.size, x, y));
  const layout_rows rows = rows_of(layout, mask->offset);
  job.rows = &rows;
  job.operands.x = x;
  job.operands.y = y;
  run(executor, &job);
  return SIMDROP_OK;
}

simdrop_status simdrop_concrete_backward_layout(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                                simdrop_dtype dtype, const simdrop_layout *layout, const void *x,
                                                const void *dy, void *dx, double *p_gradient) {
  concrete_job job;
  SIMDROP_RETURN_IF_ERROR(make_layout_job(mask, temperature, dtype, layout, &job));
  if (p_gradient == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (job.n == 0) {
    *p_gradient = 0;
    return SIMDROP_OK;
  }
  const ptrdiff_t *const xs = layout->x_strides, *const ys = layout->y_strides;
  const simdrop_layout x_and_dx = with_strides(layout, xs, xs), dy_and_dx = with_strides(layout, ys, xs);
  const size_t size = job.size, sum_size = sizeof *p_gradient;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_arrays(&x_and_dx, size, x, dx));
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_arrays(&dy_and_dx, size, dy, dx));
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_bits(layout, xs, size, x, p_gradient, sum_size));
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_bits(layout, ys, size, dy, p_gradient, sum_size));
  SIMDROP_RETURN_IF_ERROR(simdrop_check_layout_bits(layout, xs, size, dx, p_gradient, sum_size));
  const layout_rows rows = rows_of(layout, mask->offset);
  job.rows = &rows;
  job.operands.x = x;
  job.operands.dy = dy;
  job.operands.y = dx;
  *p_gradient = run_with_sums(executor, &job);
  return SIMDROP_OK;
}
