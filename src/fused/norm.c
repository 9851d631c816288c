// A row is gone through while it is in the first cache: h and its sum, the squares' sum, y; the gradients' sums, the gradients.
// Sums of columns are made of 64 rows at a time, while these are in the second cache, where one thread does everything.
#include "fused/norm.h"

#include <math.h>
#include <string.h>

#include "engine/driver.h"
#include "engine/own_frame.h"
#include "fused/chain.h"
#include "fused/computed.h"
#include "fused/far_output.h"
#include "fused/row_reader.h"
#include "fused/rows.h"
#include "machine/dispatch.h"

// Elements of a batch of decisions, unless a row has more.
#define BATCH_ELEMENTS ((size_t)4096)

#define WORD_ELEMENTS ((size_t)64)

// ---- parts

simdrop_norm_operation simdrop_norm_part_of_rows(const simdrop_norm_operation *operation, size_t begin, size_t end) {
  simdrop_norm_operation part = *operation;
  simdrop_rows *const all[] = {&part.x,  &part.residual, &part.h,  &part.y,  &part.statistics,
                               &part.dy, &part.added,    &part.dh, &part.dx, NULL};
  for (size_t i = 0; all[i] != NULL; ++i) all[i]->first = simdrop_row_at(*all[i], begin);
  part.rows = end - begin;
  part.decisions.index += begin * part.index_stride;
  return part;
}

simdrop_norm_operation simdrop_norm_part_of_columns(const simdrop_norm_operation *operation, size_t begin, size_t end) {
  simdrop_norm_operation part = *operation;
  const size_t skipped = begin * part.decisions.size, skipped_sums = begin * simdrop_computed_size(part.decisions.dtype);
  simdrop_rows *const all[] = {&part.x, &part.residual, &part.h, &part.y, &part.dy, &part.added, &part.dh, &part.dx, NULL};
  for (size_t i = 0; all[i] != NULL; ++i) all[i]->first = simdrop_moved(all[i]->first, skipped);
  part.bias = simdrop_moved(part.bias, skipped);
  part.gamma = simdrop_moved(part.gamma, skipped);
  part.beta = simdrop_moved(part.beta, skipped);
  part.gamma_sums = simdrop_moved(part.gamma_sums, skipped_sums);
  part.beta_sums = simdrop_moved(part.beta_sums, skipped_sums);
  part.bias_sums = simdrop_moved(part.bias_sums, skipped_sums);
  part.columns = end - begin;
  part.decisions.index += begin;
  return part;
}

// ---- what is in float, or in double for f64

static bool is_double(const simdrop_norm_operation *operation) { return operation->decisions.dtype == SIMDROP_F64; }

typedef struct statistics {
  double mean, inverse;
} statistics;

static statistics read_statistics(const simdrop_norm_operation *operation, size_t row) {
  statistics of_row;
  simdrop_read_pair(operation->decisions.dtype, simdrop_row_at(operation->statistics, row), &of_row.mean, &of_row.inverse);
  if (!operation->has_mean) of_row.mean = 0;
  return of_row;
}

static void write_statistics(const simdrop_norm_operation *operation, size_t row, statistics of_row) {
  simdrop_write_pair(operation->decisions.dtype, simdrop_row_at(operation->statistics, row), of_row.mean, of_row.inverse);
}

// What a row's lanes come to, divided by the columns. They are +0 afterwards.
static double take_mean(const simdrop_norm_operation *operation, simdrop_lanes *lanes) {
  const double sum = simdrop_take_lanes(operation->decisions.dtype, lanes);
  if (is_double(operation)) return sum / (double)operation->norm_columns;
  return (double)((float)sum / (float)operation->norm_columns);
}

// 1 / sqrt(q + epsilon)
static double inverse_of(const simdrop_norm_operation *operation, double q) {
  if (is_double(operation)) return 1 / sqrt(q + operation->epsilon);
  return (double)(1 / sqrtf((float)q + (float)operation->epsilon));
}

static void clear_sums(const simdrop_norm_operation *operation, char *sums) {
  if (sums != NULL) memset(sums, 0, operation->columns * simdrop_computed_size(operation->decisions.dtype));
}

// ---- kernels

typedef struct norm_kernels {
  simdrop_norm_input_kernel *input;
  simdrop_norm_squares_kernel *squares;
  simdrop_norm_output_kernel *output;
  simdrop_norm_gradient_sums_kernel *gradient_sums, *column_sums;
  simdrop_norm_gradient_kernel *gradient;
} norm_kernels;

static norm_kernels kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts)                                                \
  case SIMDROP_##NAME:                                                                                     \
    return (norm_kernels){                                                                                 \
        kernels->norm_input_##name,         kernels->norm_squares_##name,     kernels->norm_output_##name, \
        kernels->norm_gradient_sums_##name, kernels->norm_column_sums_##name, kernels->norm_gradient_##name};
    SIMDROP_COMPUTED_TYPES(CASE, )
#undef CASE
    default: SIMDROP_NO_OTHER_TYPE;
  }
}

// Rows that are gone through, and the batch of decisions that is at hand.
typedef struct norm_job {
  const simdrop_norm_operation *operation;
  norm_kernels kernels;
  double scale;
  simdrop_far_output output;  // y, going forward
  const simdrop_matrix_batch *batch;
  simdrop_batch_cursor cursor;
  // Of the row: sums, and of gradients, the means of g and g * z.
  simdrop_lanes lanes, product_lanes;
  double mean_gradient, mean_product;
} norm_job;

static norm_job job_of(const simdrop_norm_operation *operation, const simdrop_kernels *kernels) {
  return (norm_job){
      .operation = operation,
      .kernels = kernels_of(kernels, operation->decisions.dtype),
      .scale = simdrop_scale_for(operation->decisions.threshold, operation->decisions.dtype, 0).value,
  };
}

// Consumes all segments of the batches of all rows: while the next is drawn, the rows of the one before.
static void walk(norm_job *job, const simdrop_kernels *kernels, void (*consume)(void *job, size_t begin, size_t end)) {
  const simdrop_norm_operation *const operation = job->operation;
  const simdrop_read_rows rows = {
      .end = operation->rows,
      .columns = operation->columns,
      .index_stride = operation->index_stride,
      .most = BATCH_ELEMENTS,
      .whole_rows = true,
  };
  simdrop_row_reader reader;
  simdrop_row_reader_init(&reader, kernels, &operation->decisions, &rows);
  simdrop_matrix_batch batch, next;
  bool has_next = simdrop_row_reader_next(&reader, NULL, &batch);
  while (has_next) {
    job->batch = &batch;
    job->cursor = simdrop_batch_begin(&batch);
    simdrop_far_output_go_on(&job->output, batch.elements);
    simdrop_interleave interleave = {
        .run = consume, .context = job, .step = SIMDROP_INTERLEAVE_ELEMENTS, .count = batch.elements};
    has_next = simdrop_row_reader_next(&reader, &interleave, &next);
    simdrop_interleave_finish(&interleave);
    batch = next;
  }
}

// ---- forward

// Columns begin .. end - 1 of y.
static void write_columns(const norm_job *job, const simdrop_norm_operands *row, size_t begin, size_t end, bool non_temporal) {
  const size_t skipped = begin * job->operation->decisions.size;
  simdrop_norm_operands operands = *row;
  operands.h = simdrop_moved(row->h, skipped);
  operands.gamma = simdrop_moved(row->gamma, skipped);
  operands.beta = simdrop_moved(row->beta, skipped);
  operands.y = simdrop_moved(row->y, skipped);
  if (begin < end) job->kernels.output(end - begin, &operands, non_temporal);
}

// Past the caches go whole lines of memory.
static void write_row(const norm_job *job, const simdrop_norm_operands *row) {
  const size_t columns = job->operation->columns, size = job->operation->decisions.size;
  if (job->output.store != SIMDROP_STORE_NON_TEMPORAL) {
    write_columns(job, row, 0, columns, false);
    return;
  }
  const size_t lead = elements_to_alignment(row->y, size, columns);
  const size_t end = lead + (columns - lead) / WORD_ELEMENTS * WORD_ELEMENTS;
  write_columns(job, row, 0, lead, false);
  write_columns(job, row, lead, end, true);
  write_columns(job, row, end, columns, false);
}

// Statistics and y of a row whose h, and the sum of it, are known.
static void finish_row(norm_job *job, size_t row) {
  const simdrop_norm_operation *const operation = job->operation;
  statistics of_row = {take_mean(operation, &job->lanes), 0};
  if (!operation->has_mean) of_row.mean = 0;
  simdrop_norm_operands operands = {
      .h = simdrop_row_at(operation->h, row),
      .gamma = operation->gamma,
      .beta = operation->beta,
      .y = simdrop_row_at(operation->y, row),
      .mean = of_row.mean,
      .lanes = &job->lanes,
  };
  job->kernels.squares(operation->columns, &operands);
  operands.inverse = of_row.inverse = inverse_of(operation, take_mean(operation, &job->lanes));
  write_row(job, &operands);
  write_statistics(operation, row, of_row);
}

static void consume_forward(void *context, size_t begin, size_t end) {
  norm_job *const job = (norm_job *)context;
  const simdrop_norm_operation *const operation = job->operation;
  (void)begin;
  while (job->cursor.done < end) {
    const simdrop_segment segment = simdrop_batch_segment(job->batch, &job->cursor);
    const size_t skipped = segment.column * operation->decisions.size;
    const simdrop_norm_operands operands = {
        .x = simdrop_row_at(operation->x, segment.row) + skipped,
        .bias = simdrop_moved(operation->bias, skipped),
        .residual = simdrop_moved(simdrop_row_at(operation->residual, segment.row), skipped),
        .h = simdrop_row_at(operation->h, segment.row) + skipped,
        .scale = job->scale,
        .lanes = &job->lanes,
    };
    job->kernels.input(segment.count, segment.words, segment.first, &operands);
    if (segment.column + segment.count == operation->columns) finish_row(job, segment.row);
    simdrop_batch_go_on(job->batch, &job->cursor, segment.count);
  }
}

void simdrop_drive_norm(const simdrop_norm_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const char *const y = operation->y.first;
  norm_job job = job_of(operation, kernels);
  simdrop_far_output_begin(&job.output, &operation->decisions, operation->y, operation->rows, operation->columns,
                           y == operation->x.first || y == operation->residual.first);
  walk(&job, kernels, consume_forward);
  if (operation->decisions.store == SIMDROP_STORE_NON_TEMPORAL) kernels->finish_stores();
}

// ---- gradients, row by row

static simdrop_norm_gradient_operands gradient_operands(const simdrop_norm_operation *operation, size_t row, size_t column) {
  const size_t skipped = column * operation->decisions.size;
  const statistics of_row = read_statistics(operation, row);
  return (simdrop_norm_gradient_operands){
      .h = simdrop_row_at(operation->h, row) + skipped,
      .dy = simdrop_row_at(operation->dy, row) + skipped,
      .gamma = simdrop_moved(operation->gamma, skipped),
      .added = simdrop_moved(simdrop_row_at(operation->added, row), skipped),
      .mean = of_row.mean,
      .inverse = of_row.inverse,
  };
}

static void sum_row(norm_job *job, size_t row) {
  const simdrop_norm_operation *const operation = job->operation;
  simdrop_norm_gradient_operands operands = gradient_operands(operation, row, 0);
  operands.gradient_lanes = &job->lanes;
  operands.product_lanes = &job->product_lanes;
  job->kernels.gradient_sums(operation->columns, &operands);
  job->mean_gradient = take_mean(operation, &job->lanes);
  if (!operation->has_mean) job->mean_gradient = 0;
  job->mean_product = take_mean(operation, &job->product_lanes);
}

// Elements of one row. Its sums are made before the first of it is written, which may be where dy or h was.
static void make_gradients(norm_job *job, const simdrop_segment *segment) {
  const simdrop_norm_operation *const operation = job->operation;
  const size_t row = segment->row, skipped = segment->column * operation->decisions.size;
  if (segment->column == 0) sum_row(job, row);
  simdrop_norm_gradient_operands operands = gradient_operands(operation, row, segment->column);
  operands.dh = simdrop_moved(simdrop_row_at(operation->dh, row), skipped);
  operands.dx = simdrop_moved(simdrop_row_at(operation->dx, row), skipped);
  operands.scale = job->scale;
  operands.mean_gradient = job->mean_gradient;
  operands.mean_product = job->mean_product;
  job->kernels.gradient(segment->count, segment->words, segment->first, &operands);
}

static void consume_gradient(void *context, size_t begin, size_t end) {
  norm_job *const job = (norm_job *)context;
  (void)begin;
  while (job->cursor.done < end) {
    const simdrop_segment segment = simdrop_batch_segment(job->batch, &job->cursor);
    make_gradients(job, &segment);
    simdrop_batch_go_on(job->batch, &job->cursor, segment.count);
  }
}

static SIMDROP_OWN_FRAME void drive_rows_with_dx(const simdrop_norm_operation *operation, const simdrop_kernels *kernels) {
  norm_job job = job_of(operation, kernels);
  walk(&job, kernels, consume_gradient);
}

// Where the bias has sums, dx comes with them; dh goes where dx will be, if nobody wants it.
static SIMDROP_OWN_FRAME void drive_rows_without_dx(const simdrop_norm_operation *operation, const simdrop_kernels *kernels) {
  simdrop_norm_operation without_dx = *operation;
  if (operation->dh.first == NULL) without_dx.dh = operation->dx;
  without_dx.dx.first = NULL;
  norm_job job = job_of(&without_dx, kernels);
  for (size_t row = 0; row < operation->rows; ++row) {
    const simdrop_segment whole = {.row = row, .count = operation->columns};
    make_gradients(&job, &whole);
  }
}

void simdrop_drive_norm_rows(const simdrop_norm_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  if (operation->bias_sums == NULL) {
    drive_rows_with_dx(operation, kernels);
  } else {
    drive_rows_without_dx(operation, kernels);
  }
}

// ---- gradients, column by column

// Adds a group of rows to the sums of gamma and beta.
static SIMDROP_OWN_FRAME void add_group(const simdrop_norm_operation *operation, const simdrop_kernels *kernels) {
  const simdrop_dtype dtype = operation->decisions.dtype;
  const size_t most = SIMDROP_GROUP_BYTES / simdrop_computed_size(dtype);
  const norm_kernels of_type = kernels_of(kernels, dtype);
  simdrop_group_sums gamma_group = {{0}}, beta_group = {{0}};
  for (size_t begin = 0; begin < operation->columns; begin += most) {
    const size_t end = minimum(begin + most, operation->columns);
    const simdrop_norm_operation strip = simdrop_norm_part_of_columns(operation, begin, end);
    for (size_t row = 0; row < strip.rows; ++row) {
      simdrop_norm_gradient_operands operands = gradient_operands(&strip, row, 0);
      operands.gamma_sums = &gamma_group;
      operands.beta_sums = &beta_group;
      of_type.column_sums(strip.columns, &operands);
    }
    simdrop_take_group(dtype, strip.columns, strip.gamma_sums, &gamma_group);
    simdrop_take_group(dtype, strip.columns, strip.beta_sums, &beta_group);
  }
}

static simdrop_norm_operation group_of(const simdrop_norm_operation *operation, size_t begin) {
  return simdrop_norm_part_of_rows(operation, begin, minimum(begin + SIMDROP_GROUP_ROWS, operation->rows));
}

void simdrop_drive_norm_column_sums(const simdrop_norm_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  clear_sums(operation, operation->gamma_sums);
  clear_sums(operation, operation->beta_sums);
  for (size_t begin = 0; begin < operation->rows; begin += SIMDROP_GROUP_ROWS) {
    const simdrop_norm_operation group = group_of(operation, begin);
    add_group(&group, kernels);
  }
}

// From dh, the gradient of a chain without an activation is dx, and the bias takes the same sums.
static simdrop_chain_operation chain_of(const simdrop_norm_operation *operation) {
  const simdrop_rows dh = operation->dh.first == NULL ? operation->dx : operation->dh;
  return (simdrop_chain_operation){
      .decisions = operation->decisions,
      .rows = operation->rows,
      .columns = operation->columns,
      .index_stride = operation->index_stride,
      .activation = SIMDROP_ACTIVATION_NONE,
      .bias_axis = SIMDROP_BIAS_OF_COLUMNS,
      .is_gradient = true,
      .dy = dh,
      .dx = operation->dx,
      .sums = operation->bias_sums,
  };
}

void simdrop_drive_norm_bias_sums(const simdrop_norm_operation *operation) {
  const simdrop_chain_operation chain = chain_of(operation);
  simdrop_drive_chain(&chain);
}

void simdrop_drive_norm_gradients(const simdrop_norm_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  const bool sums_columns = operation->gamma_sums != NULL || operation->beta_sums != NULL;
  if (!sums_columns && operation->bias_sums == NULL) {
    simdrop_drive_norm_rows(operation);
    return;
  }
  clear_sums(operation, operation->gamma_sums);
  clear_sums(operation, operation->beta_sums);
  clear_sums(operation, operation->bias_sums);
  for (size_t begin = 0; begin < operation->rows; begin += SIMDROP_GROUP_ROWS) {
    const simdrop_norm_operation group = group_of(operation, begin);
    if (sums_columns) add_group(&group, kernels);
    simdrop_drive_norm_rows(&group);
    if (group.bias_sums == NULL) continue;
    simdrop_chain_operation chain = chain_of(&group);
    chain.continues_sums = true;
    simdrop_drive_chain(&chain);
  }
}
