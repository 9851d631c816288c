// Batches of decisions are drawn, and then rows computed: they take much longer, so that nothing is gained by taking turns.
#include "fused/softmax.h"

#include <string.h>

#include "engine/driver.h"
#include "engine/own_frame.h"
#include "fused/computed.h"
#include "fused/far_output.h"
#include "fused/row_reader.h"
#include "machine/dispatch.h"

// Elements of one batch, at the most, unless a single row has more.
#define BATCH_ELEMENTS ((size_t)8192)

typedef struct softmax_kernels {
  simdrop_softmax_kernel *statistics, *forward, *sum, *gradient;
} softmax_kernels;

static softmax_kernels kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts)                                                            \
  case SIMDROP_##NAME:                                                                                                 \
    return (softmax_kernels){kernels->softmax_statistics_##name, kernels->softmax_##name, kernels->softmax_sum_##name, \
                             kernels->softmax_gradient_##name};
    SIMDROP_COMPUTED_TYPES(CASE, )
#undef CASE
    default: SIMDROP_NO_OTHER_TYPE;
  }
}

// A row at hand, and the part of it whose decisions are.
typedef struct softmax_segment {
  size_t row, columns;  // columns of the part, of which the piece has those that are not past the causal limit
} softmax_segment;

// What the rows have in common, and those that are at hand.
typedef struct softmax_job softmax_job;
struct softmax_job {
  const simdrop_softmax_operation *operation;
  softmax_kernels kernels;
  double factor;
  size_t size;
  void (*run)(softmax_job *job);  // does what there is to do with the segments
  size_t count, most;             // of them
  size_t numbers_in_buffer;       // that a row may leave there
  softmax_segment segments[SIMDROP_SOFTMAX_ROWS_MAX];
  simdrop_softmax_row rows[SIMDROP_SOFTMAX_ROWS_MAX];
  simdrop_softmax_piece pieces[SIMDROP_SOFTMAX_ROWS_MAX];
  simdrop_lanes lanes;
  simdrop_far_output output;  // y
};

simdrop_softmax_operation simdrop_softmax_part(const simdrop_softmax_operation *operation, size_t begin, size_t end) {
  simdrop_softmax_operation part = *operation;
  part.decisions.index += begin * part.index_stride;
  part.rows = end - begin;
  part.limit += (ptrdiff_t)begin;
  simdrop_rows *const all[] = {&part.x, &part.additive, &part.allowed,    &part.probabilities,
                               &part.y, &part.dy,       &part.statistics, NULL};
  for (size_t i = 0; all[i] != NULL; ++i) all[i]->first = simdrop_row_at(*all[i], begin);
  return part;
}

// Columns of row r that are looked at.
static size_t columns_of(const simdrop_softmax_operation *operation, size_t r) {
  if (!operation->is_causal) return operation->columns;
  const ptrdiff_t limit = operation->limit;
  if (limit < 0 && r <= (size_t)-limit) return 0;
  const size_t count = (size_t)limit + r;
  return count < operation->columns ? count : operation->columns;
}

static bool is_gradient(const softmax_job *job) { return job->operation->dy.first != NULL; }

static void begin_row(const softmax_job *job, size_t r, simdrop_softmax_row *row) {
  const simdrop_softmax_operation *const operation = job->operation;
  row->count = columns_of(operation, r);
  row->is_in_buffer = row->count <= job->numbers_in_buffer;
  row->x = simdrop_row_at(operation->x, r);
  row->additive = simdrop_row_at(operation->additive, r);
  row->allowed = (const uint8_t *)simdrop_row_at(operation->allowed, r);
  if (!is_gradient(job)) return;
  row->probabilities = simdrop_row_at(operation->probabilities, r);
  if (row->probabilities == NULL)
    simdrop_read_pair(operation->decisions.dtype, simdrop_row_at(operation->statistics, r), &row->maximum, &row->inverse);
}

// Elements of a segment, unless there are none.
static char *part_of(const softmax_job *job, simdrop_rows rows, const simdrop_segment *segment) {
  return simdrop_moved(simdrop_row_at(rows, segment->row), segment->column * job->size);
}

static simdrop_softmax_piece piece_of(const softmax_job *job, const simdrop_softmax_row *row, const simdrop_segment *segment) {
  const simdrop_softmax_operation *const operation = job->operation;
  const size_t left = segment->column < row->count ? row->count - segment->column : 0;
  return (simdrop_softmax_piece){
      .begin = segment->column,
      .count = segment->count < left ? segment->count : left,
      .words = segment->words,
      .first = segment->first,
      .factor = job->factor,
      .dy = part_of(job, operation->dy, segment),
      .y = part_of(job, operation->y, segment),
      .probabilities = is_gradient(job) ? NULL : part_of(job, operation->probabilities, segment),
  };
}

static void write_statistics(const softmax_job *job, size_t r, const simdrop_softmax_row *row) {
  const simdrop_softmax_operation *const operation = job->operation;
  simdrop_write_pair(operation->decisions.dtype, simdrop_row_at(operation->statistics, r), row->maximum, row->inverse);
}

static void clear_rest(const softmax_job *job, size_t i, char *elements) {
  const size_t done = job->pieces[i].count, count = job->segments[i].columns;
  if (elements != NULL && done < count) memset(elements + done * job->size, 0, (count - done) * job->size);
}

static void run_forward(softmax_job *job) {
  if (job->pieces[0].begin == 0) {
    job->kernels.statistics(job->count, job->rows, NULL);
    for (size_t i = 0; i < job->count; ++i) write_statistics(job, job->segments[i].row, &job->rows[i]);
  }
  job->kernels.forward(job->count, job->rows, job->pieces);
  for (size_t i = 0; i < job->count; ++i) {
    clear_rest(job, i, (char *)job->pieces[i].y);
    clear_rest(job, i, (char *)job->pieces[i].probabilities);
  }
}

static void run_sum(softmax_job *job) { job->kernels.sum(job->count, job->rows, job->pieces); }

static void run_gradient(softmax_job *job) {
  job->kernels.gradient(job->count, job->rows, job->pieces);
  for (size_t i = 0; i < job->count; ++i) clear_rest(job, i, (char *)job->pieces[i].y);
}

// Rows whose decisions are at hand, all of them.
static void run_backward(softmax_job *job) {
  run_sum(job);
  run_gradient(job);
}

static void run_segments(softmax_job *job) {
  if (job->count > 0) job->run(job);
  job->count = 0;
}

static void add_segment(softmax_job *job, const simdrop_segment *segment) {
  simdrop_softmax_row *const row = &job->rows[job->count];  // of a long row, the one that it was begun with
  if (segment->column == 0) begin_row(job, segment->row, row);
  job->segments[job->count] = (softmax_segment){segment->row, segment->count};
  job->pieces[job->count++] = piece_of(job, row, segment);
  if (job->count == job->most) run_segments(job);
}

// What rows keep between two kernels is on the stack only while nothing is drawn.
static SIMDROP_OWN_FRAME void run_batch(softmax_job *job, const simdrop_matrix_batch *batch) {
  _Alignas(64) union {
    float f32[SIMDROP_SOFTMAX_NUMBERS(float)];
    double f64[SIMDROP_SOFTMAX_NUMBERS(double)];
  } buffer;
  for (size_t i = 0; i < job->most; ++i)
    job->rows[i].buffer = (char *)&buffer + i * (SIMDROP_SOFTMAX_BUFFER_BYTES / SIMDROP_SOFTMAX_ROWS_MAX);
  simdrop_batch_cursor cursor = simdrop_batch_begin(batch);
  while (cursor.done < batch->elements) {
    const simdrop_segment segment = simdrop_batch_segment(batch, &cursor);
    add_segment(job, &segment);
    simdrop_batch_go_on(batch, &cursor, segment.count);
  }
  run_segments(job);
  for (size_t i = 0; i < job->most; ++i) job->rows[i].buffer = NULL;
}

static SIMDROP_OWN_FRAME void walk_rows(softmax_job *job, const simdrop_kernels *kernels, size_t begin, size_t end,
                                        void (*run)(softmax_job *job)) {
  const simdrop_softmax_operation *const operation = job->operation;
  const simdrop_read_rows rows = {.begin = begin,
                                  .end = end,
                                  .columns = operation->columns,
                                  .index_stride = operation->index_stride,
                                  .most = BATCH_ELEMENTS,
                                  .whole_rows = true};
  job->run = run;
  simdrop_row_reader reader;
  simdrop_row_reader_init(&reader, kernels, &operation->decisions, &rows);
  simdrop_matrix_batch batch;
  while (simdrop_row_reader_next(&reader, NULL, &batch)) {
    simdrop_far_output_go_on(&job->output, batch.elements);
    run_batch(job, &batch);
  }
}

// Decisions of a row so long are never at hand all at once. Its gradient goes through it twice.
static bool draws_twice(const simdrop_softmax_operation *operation) { return operation->columns > SIMDROP_CHUNK_ELEMENTS_MAX; }

static void start_job(softmax_job *job, const simdrop_softmax_operation *operation, const simdrop_kernels *kernels) {
  job->operation = operation;
  job->kernels = kernels_of(kernels, operation->decisions.dtype);
  job->factor = simdrop_scale_for(operation->decisions.threshold, operation->decisions.dtype, 0).value;
  job->size = operation->decisions.size;
  job->count = 0;
  const size_t numbers =
      operation->decisions.dtype == SIMDROP_F64 ? SIMDROP_SOFTMAX_NUMBERS(double) : SIMDROP_SOFTMAX_NUMBERS(float);
  job->most = operation->columns <= numbers / SIMDROP_SOFTMAX_ROWS_MAX ? SIMDROP_SOFTMAX_ROWS_MAX : 1;
  job->numbers_in_buffer = is_gradient(job) && draws_twice(operation) ? 0 : numbers / job->most;
  const char *const y = operation->y.first;
  simdrop_far_output_begin(&job->output, &operation->decisions, operation->y, operation->rows, operation->columns,
                           y == operation->x.first || y == operation->dy.first || y == operation->probabilities.first);
  if (is_gradient(job) && draws_twice(operation)) job->output.is_walked = false;  // nor is it written in one go
  for (size_t i = 0; i < job->most; ++i) {
    simdrop_softmax_row *const row = &job->rows[i];
    row->count = 0;
    row->scale = operation->scale;
    row->is_f32_additive = operation->is_f32_additive;
    row->f64_exp = operation->f64_exp;
    row->lanes = &job->lanes;
    row->probabilities = NULL;
  }
}

SIMDROP_OWN_FRAME void simdrop_drive_softmax(const simdrop_softmax_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  softmax_job job;
  start_job(&job, operation, kernels);
  if (!is_gradient(&job)) {
    walk_rows(&job, kernels, 0, operation->rows, run_forward);
  } else if (!draws_twice(operation)) {
    walk_rows(&job, kernels, 0, operation->rows, run_backward);
  } else {
    for (size_t r = 0; r < operation->rows; ++r) {
      walk_rows(&job, kernels, r, r + 1, run_sum);
      walk_rows(&job, kernels, r, r + 1, run_gradient);
    }
  }
}
