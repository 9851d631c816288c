// Batches of decisions are drawn, and the batch before is consumed meanwhile, row by row.
#include "fused/chain.h"

#include <string.h>

#include "engine/bit_string.h"
#include "engine/driver.h"
#include "engine/own_frame.h"
#include "fused/computed.h"
#include "fused/far_output.h"
#include "fused/row_reader.h"
#include "machine/dispatch.h"

// Of one batch. The mask producer likes long ones: with half of it, f32 and p = 0.1 took 1.08 of the time in L2 with AVX-512
// (Zen 4).
#define BATCH_BYTES ((size_t)32768)

// Elements that are consumed at a time while the next batch is drawn, as in engine/driver.c, but no shorter in the caches: a
// kernel's call takes longer here. With an activation that is computed for long, taking turns gains nothing.
#define CONVERTED_STEP 2048
#define STEP 512

// Elements at a time where a kernel makes bits.
#define POSITIVE_ELEMENTS ((size_t)1024)

// Sums of columns: 1024 of f32, or fewer where kernels may keep long vectors on the stack.
#if defined(__aarch64__)
#define SUMS_BYTES ((size_t)3072)
#else
#define SUMS_BYTES ((size_t)4096)
#endif
typedef union chain_group_sums {
  double f64[SIMDROP_GROUP_SUMS(SUMS_BYTES, double)];
  float f32[SIMDROP_GROUP_SUMS(SUMS_BYTES, float)];
} chain_group_sums;

simdrop_chain_operation simdrop_chain_rows(const simdrop_chain_operation *operation, size_t begin, size_t end) {
  simdrop_chain_operation part = *operation;
  simdrop_rows *const all[] = {&part.x, &part.residual, &part.y, &part.dy, &part.dx, NULL};
  for (size_t i = 0; all[i] != NULL; ++i) all[i]->first = simdrop_row_at(*all[i], begin);
  part.rows = end - begin;
  part.decisions.index += begin * part.index_stride;
  if (part.bias != NULL && part.bias_axis == SIMDROP_BIAS_OF_ROWS) part.bias += begin * part.decisions.size;
  if (part.sums != NULL && part.bias_axis == SIMDROP_BIAS_OF_ROWS)
    part.sums += begin * simdrop_computed_size(part.decisions.dtype);
  if (part.bits != NULL) part.bits += begin * part.columns / 8;
  return part;
}

simdrop_chain_operation simdrop_chain_columns(const simdrop_chain_operation *operation, size_t begin, size_t end) {
  simdrop_chain_operation part = *operation;
  const size_t skipped = begin * part.decisions.size;
  simdrop_rows *const all[] = {&part.x, &part.residual, &part.y, &part.dy, &part.dx, NULL};
  for (size_t i = 0; all[i] != NULL; ++i) all[i]->first = simdrop_moved(all[i]->first, skipped);
  part.columns = end - begin;
  part.decisions.index += begin;
  if (part.bias != NULL && part.bias_axis == SIMDROP_BIAS_OF_COLUMNS) part.bias += skipped;
  if (part.sums != NULL) part.sums += begin * simdrop_computed_size(part.decisions.dtype);
  if (part.bits != NULL) part.bits += begin / 8;
  return part;
}

// Bits of elements that follow one another, until they are whole bytes in memory.
typedef struct bit_writer {
  uint8_t *bytes;  // that are not written yet
  size_t held;     // bits that wait
  uint64_t words[SIMDROP_CHUNK_ELEMENTS_MAX / 64 + 3];
} bit_writer;

static void add_bits(bit_writer *writer, const uint64_t *words, size_t first, size_t count) {
  simdrop_append_bits(writer->words, writer->held, words, first, count);
  writer->held += count;
}

// Writes whole bytes, and at the end what is left.
static void write_bits(bit_writer *writer, bool is_end) {
  const size_t bytes = writer->held / 8, rest = writer->held % 8;
  simdrop_pack_bits(8 * bytes, (simdrop_mask_chunk){writer->words, 0}, writer->bytes);
  writer->bytes += bytes;
  writer->words[0] = writer->words[bytes / 8] >> (bytes % 8 * 8) & simdrop_low_bits(rest);
  writer->held = rest;
  if (is_end && rest > 0) *writer->bytes = (uint8_t)writer->words[0];
}

typedef struct chain_kernels {
  simdrop_chain_kernel *forward;
  simdrop_chain_gradient_kernel *gradient;
} chain_kernels;

static chain_kernels kernels_of(const simdrop_kernels *kernels, simdrop_dtype dtype) {
  switch (dtype) {
#define CASE(argument, name, NAME, element, bits, converts) \
  case SIMDROP_##NAME: return (chain_kernels){kernels->chain_##name, kernels->chain_gradient_##name};
    SIMDROP_COMPUTED_TYPES(CASE, )
#undef CASE
    default: SIMDROP_NO_OTHER_TYPE;
  }
}

// What is consumed, and how far that has got.
typedef struct chain_job {
  const simdrop_chain_operation *operation;
  chain_kernels kernels;
  double scale;
  simdrop_far_output output;
  bool begins_words;  // kernels may begin with less than a word: where lines do that are stored past the caches
  bit_writer *bits;   // NULL where there are none
  const simdrop_matrix_batch *batch;
  simdrop_batch_cursor cursor;
  // Sums of columns: those of a group of rows, which are added to the operation's when the next one begins. Sums of rows: the
  // lanes of a row.
  size_t group;
  chain_group_sums *group_sums;
  simdrop_lanes *lanes;
} chain_job;

static bool sums_columns(const simdrop_chain_operation *operation) {
  return operation->sums != NULL && operation->bias_axis == SIMDROP_BIAS_OF_COLUMNS;
}

static bool sums_rows(const simdrop_chain_operation *operation) {
  return operation->sums != NULL && operation->bias_axis == SIMDROP_BIAS_OF_ROWS;
}

static void add_group(chain_job *job) {
  const simdrop_chain_operation *const operation = job->operation;
  simdrop_take_group(operation->decisions.dtype, operation->columns, operation->sums, job->group_sums);
}

// The lanes' sums become the row's.
static void add_lanes(chain_job *job, size_t row) {
  const simdrop_dtype dtype = job->operation->decisions.dtype;
  const double sum = simdrop_take_lanes(dtype, job->lanes);
  if (dtype == SIMDROP_F64) {
    ((double *)job->operation->sums)[row] = sum;
  } else {
    ((float *)job->operation->sums)[row] = (float)sum;
  }
}

static simdrop_chain_input input_of(const simdrop_chain_operation *operation, size_t row, size_t column) {
  const bool is_shared = operation->bias_axis == SIMDROP_BIAS_OF_ROWS;
  const size_t size = operation->decisions.size;
  return (simdrop_chain_input){
      .x = simdrop_moved(simdrop_row_at(operation->x, row), column * size),
      .bias = simdrop_moved(operation->bias, (is_shared ? row : column) * size),
      .is_shared_bias = is_shared,
      .activation = operation->activation,
      .f64_function = operation->f64_function,
  };
}

static bool is_non_temporal(const chain_job *job) {
  return job->begins_words && job->output.store == SIMDROP_STORE_NON_TEMPORAL;
}

static simdrop_rows output_rows(const simdrop_chain_operation *operation) {
  return operation->is_gradient ? operation->dx : operation->y;
}

// What is written for a place.
static char *output_of(const simdrop_chain_operation *operation, size_t row, size_t column) {
  return simdrop_row_at(output_rows(operation), row) + column * operation->decisions.size;
}

static simdrop_chain_operands operands_of(const chain_job *job, const simdrop_segment *segment) {
  const simdrop_chain_operation *const operation = job->operation;
  return (simdrop_chain_operands){
      .input = input_of(operation, segment->row, segment->column),
      .residual = simdrop_moved(simdrop_row_at(operation->residual, segment->row), segment->column * operation->decisions.size),
      .y = output_of(operation, segment->row, segment->column),
      .scale = job->scale,
  };
}

static void consume_forward(chain_job *job, const simdrop_segment *segment) {
  const simdrop_chain_operation *const operation = job->operation;
  const bool makes_bits = job->bits != NULL && operation->activation == SIMDROP_RELU;
  uint64_t positives[POSITIVE_ELEMENTS / 64 + 1];  // one more may be read
  simdrop_chain_operands operands = operands_of(job, segment);
  if (makes_bits) operands.positives = positives;
  job->kernels.forward(segment->count, segment->words, segment->first, &operands, is_non_temporal(job));
  if (makes_bits) {
    add_bits(job->bits, positives, 0, segment->count);
  } else if (job->bits != NULL) {
    add_bits(job->bits, segment->words, segment->first, segment->count);
  }
}

static void consume_gradient(chain_job *job, const simdrop_segment *segment) {
  const simdrop_chain_operation *const operation = job->operation;
  const size_t row = segment->row, column = segment->column, count = segment->count;
  const size_t sum_size = simdrop_computed_size(operation->decisions.dtype);
  if (sums_columns(operation) && row / SIMDROP_GROUP_ROWS != job->group) {
    add_group(job);
    job->group = row / SIMDROP_GROUP_ROWS;
  }
  const simdrop_chain_gradient_operands operands = {
      .input = input_of(operation, row, column),
      .dy = simdrop_row_at(operation->dy, row) + column * operation->decisions.size,
      .dx = output_of(operation, row, column),
      .scale = job->scale,
      .column_sums = sums_columns(operation) ? (char *)job->group_sums + column * sum_size : NULL,
      .lane_sums = sums_rows(operation) ? job->lanes : NULL,
  };
  job->kernels.gradient(count, segment->words, segment->first, &operands, is_non_temporal(job));
  if (sums_rows(operation) && column + count == operation->columns) add_lanes(job, row);
}

// How much of a segment is consumed at once, if `wanted` elements are: kernels' calls end where lines of the output do, so that
// the next one begins there, and where bits are made or rows are summed, after multiples of 64.
static size_t cut_segment(const chain_job *job, const simdrop_segment *segment, size_t wanted) {
  const simdrop_chain_operation *const operation = job->operation;
  const size_t most = job->bits == NULL ? segment->count : minimum(segment->count, POSITIVE_ELEMENTS);
  if (wanted >= most) return most;
  if (sums_rows(operation) || job->bits != NULL) return minimum(most, (wanted + 63) / 64 * 64);
  const size_t size = operation->decisions.size;
  const char *const end = output_of(operation, segment->row, segment->column) + wanted * size;
  return wanted + elements_to_alignment(end, size, most - wanted);
}

// The batch that waits, up to element `end`, or a little more. What is before `begin` was done by lines, if it was not here.
static void consume(void *context, size_t begin, size_t end) {
  chain_job *const job = (chain_job *)context;
  if (job->cursor.done < begin) simdrop_batch_skip(job->batch, &job->cursor, begin - job->cursor.done);
  while (job->cursor.done < end) {
    simdrop_segment segment = simdrop_batch_segment(job->batch, &job->cursor);
    segment.count = cut_segment(job, &segment, end - job->cursor.done);
    if (job->operation->is_gradient) {
      consume_gradient(job, &segment);
    } else {
      consume_forward(job, &segment);
    }
    simdrop_batch_go_on(job->batch, &job->cursor, segment.count);
  }
}

static bool is_cheap(simdrop_activation activation) {
  return activation == SIMDROP_ACTIVATION_NONE || activation == SIMDROP_RELU;
}

static size_t step_of(const simdrop_chain_operation *operation) {
  if (!is_cheap(operation->activation)) return SIMDROP_CHUNK_ELEMENTS_MAX;
  return simdrop_dtype_converts(operation->decisions.dtype) ? CONVERTED_STEP : STEP;
}

// Whether rows follow one another, in all arrays that there are and in the mask.
static bool are_joined(const simdrop_chain_operation *operation) {
  const ptrdiff_t stride = (ptrdiff_t)(operation->columns * operation->decisions.size);
  if (operation->index_stride != operation->columns) return false;
  const simdrop_rows all[] = {operation->x, operation->residual, operation->y, operation->dy, operation->dx};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
    if (all[i].first != NULL && all[i].stride != stride) return false;
  return true;
}

// Whether the elements of batches are work of lines: of f32 without an activation, with nothing between one row and the next,
// nor anything to be made of them beside the output. A bias begins again in the middle of no line.
static bool has_lines(const chain_job *job) {
  const simdrop_chain_operation *const operation = job->operation;
  if (operation->activation != SIMDROP_ACTIVATION_NONE || operation->decisions.dtype != SIMDROP_F32) return false;
  if (job->bits != NULL || operation->sums != NULL || !simdrop_draws_much(&operation->decisions)) return false;
  if (!operation->is_gradient && operation->bias != NULL &&
      (operation->bias_axis == SIMDROP_BIAS_OF_ROWS || operation->columns % (SIMDROP_CACHE_LINE / sizeof(float)) != 0))
    return false;
  return operation->rows == 1 || are_joined(operation);
}

// The batch that waits, as lines, and what they point to.
typedef struct batch_lines {
  simdrop_line_work work;
  simdrop_chain_lines chain;
  simdrop_decisions decisions;  // where nothing is added
  simdrop_operands operands;
} batch_lines;

// Past the caches, stores are of whole lines, where a bias' lines have to begin as well.
static bool begin_lines(batch_lines *lines, const chain_job *job) {
  const simdrop_chain_operation *const operation = job->operation;
  const simdrop_matrix_batch *const batch = job->batch;
  const simdrop_segment first = {.row = batch->row, .column = batch->column};
  lines->work.non_temporal = is_non_temporal(job);
  if (operation->is_gradient || (operation->bias == NULL && operation->residual.first == NULL)) {
    const simdrop_rows from = operation->is_gradient ? operation->dy : operation->x;
    lines->decisions = (simdrop_decisions){.words = batch->words, .first = batch->first, .repeat = SIMDROP_EACH};
    lines->operands = (simdrop_operands){
        .x = simdrop_row_at(from, batch->row) + batch->column * operation->decisions.size,
        .y = output_of(operation, batch->row, batch->column),
        .factor = {.value = job->scale},
    };
    lines->work.kind = SIMDROP_LINES_SCALE_F32;
    lines->work.decisions = &lines->decisions;
    lines->work.operands = &lines->operands;
    return true;
  }
  lines->chain = (simdrop_chain_lines){
      .operands = operands_of(job, &first),
      .columns = batch->columns,
      .column = batch->column,
      .words = batch->words,
      .first = batch->first,
  };
  lines->work.kind = SIMDROP_LINES_CHAIN_F32;
  lines->work.chain = &lines->chain;
  return !lines->work.non_temporal || operation->bias == NULL || (uintptr_t)lines->chain.operands.y % SIMDROP_CACHE_LINE == 0;
}

static void walk(chain_job *job, const simdrop_kernels *kernels) {
  const simdrop_chain_operation *const operation = job->operation;
  const simdrop_read_rows rows = {
      .end = operation->rows,
      .columns = operation->columns,
      .index_stride = operation->index_stride,
      .most = BATCH_BYTES / operation->decisions.size,
      .whole_rows = sums_rows(operation),
  };
  simdrop_row_reader reader;
  simdrop_row_reader_init(&reader, kernels, &operation->decisions, &rows);
  simdrop_matrix_batch batch, next;
  const bool goes_by_lines = has_lines(job);
  bool has_next = simdrop_row_reader_next(&reader, NULL, &batch);
  while (has_next) {
    job->batch = &batch;
    job->cursor = simdrop_batch_begin(&batch);
    simdrop_far_output_go_on(&job->output, batch.elements);
    simdrop_interleave interleave = {.run = consume, .context = job, .step = step_of(operation), .count = batch.elements};
    batch_lines lines;
    if (goes_by_lines && begin_lines(&lines, job)) interleave.lines = &lines.work;
    has_next = simdrop_row_reader_next(&reader, is_cheap(operation->activation) ? &interleave : NULL, &next);
    simdrop_interleave_finish(&interleave);
    if (job->bits != NULL) write_bits(job->bits, !has_next);
    batch = next;
  }
  job->batch = NULL;
}

// An output is in place if it is where one of the inputs is, of which there may be none.
static void start_job(chain_job *job, const simdrop_chain_operation *operation, const simdrop_kernels *kernels) {
  const simdrop_rows written = output_rows(operation);
  const char *const first = written.first;
  *job = (chain_job){
      .operation = operation,
      .kernels = kernels_of(kernels, operation->decisions.dtype),
      .scale = simdrop_scale_for(operation->decisions.threshold, operation->decisions.dtype, 0).value,
      .begins_words = true,
  };
  simdrop_far_output_begin(&job->output, &operation->decisions, written, operation->rows, operation->columns,
                           first == operation->x.first || first == operation->residual.first || first == operation->dy.first);
}

static SIMDROP_OWN_FRAME void drive_elements(const simdrop_chain_operation *operation, const simdrop_kernels *kernels) {
  chain_job job;
  start_job(&job, operation, kernels);
  walk(&job, kernels);
}

static SIMDROP_OWN_FRAME void drive_with_bits(const simdrop_chain_operation *operation, const simdrop_kernels *kernels) {
  chain_job job;
  start_job(&job, operation, kernels);
  bit_writer bits;
  bits.bytes = operation->bits;
  bits.held = 0;
  bits.words[0] = 0;
  job.bits = &bits;
  job.begins_words = operation->activation != SIMDROP_RELU;  // of which bits are made in whole words
  walk(&job, kernels);
}

static SIMDROP_OWN_FRAME void drive_row_sums(const simdrop_chain_operation *operation, const simdrop_kernels *kernels) {
  chain_job job;
  start_job(&job, operation, kernels);
  simdrop_lanes lanes = {{0}};
  job.lanes = &lanes;
  job.begins_words = false;
  walk(&job, kernels);
}

// A group of rows at a time, in strips of columns whose sums there is room for.
static SIMDROP_OWN_FRAME void drive_column_sums(const simdrop_chain_operation *operation, const simdrop_kernels *kernels) {
  const size_t sum_size = simdrop_computed_size(operation->decisions.dtype), most = SUMS_BYTES / sum_size;
  chain_group_sums sums = {{0}};
  if (!operation->continues_sums) memset(operation->sums, 0, operation->columns * sum_size);
  const size_t rows_at_once = operation->columns <= most ? operation->rows : SIMDROP_GROUP_ROWS;
  for (size_t row = 0; row < operation->rows; row += rows_at_once) {
    const simdrop_chain_operation group = simdrop_chain_rows(operation, row, minimum(row + rows_at_once, operation->rows));
    for (size_t begin = 0; begin < operation->columns; begin += most) {
      const simdrop_chain_operation strip = simdrop_chain_columns(&group, begin, minimum(begin + most, operation->columns));
      chain_job job;
      start_job(&job, &strip, kernels);
      job.group_sums = &sums;
      walk(&job, kernels);
      add_group(&job);
    }
  }
}

// Whether the matrix is as good as one row.
static bool is_flat(const simdrop_chain_operation *operation) {
  return operation->rows != 1 && operation->bias == NULL && operation->sums == NULL && are_joined(operation);
}

void simdrop_drive_chain(const simdrop_chain_operation *operation) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  simdrop_chain_operation flat = *operation;
  if (is_flat(operation)) {
    flat.columns *= flat.rows;
    flat.rows = 1;
  }
  if (sums_columns(&flat)) {
    drive_column_sums(&flat, kernels);
  } else if (sums_rows(&flat)) {
    drive_row_sums(&flat, kernels);
  } else if (flat.bits != NULL) {
    drive_with_bits(&flat, kernels);
  } else {
    drive_elements(&flat, kernels);
  }
  if (flat.decisions.store == SIMDROP_STORE_NON_TEMPORAL) kernels->finish_stores();
}
