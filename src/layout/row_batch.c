// Collects rows, draws their blocks, applies them.
#include "layout/row_batch.h"

#include <string.h>

#include "engine/bit_string.h"

// From here on it is quicker to handle the elements that share a decision by themselves than to write the decision out for
// each of them: a dropped run reads nothing. With non-temporal stores the kernel does it all: others would read their lines
// first.
#define LONG_SHARED_RUN (64 * SIMDROP_STRETCH_WORDS)

// A short string of decisions is written out to about this many, so that the kernels are not called for a few elements.
#define PERIODIC_LINE 2048

// Elements that are side by side, for which there is a kernel; packed bits have none.
static bool is_contiguous(const simdrop_row_sink *sink) {
  if (sink->work == SIMDROP_WORK_BITS) return false;
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o)
    if (sink->strides[o] != 1) return false;
  return true;
}

void simdrop_row_writer_init(simdrop_row_writer *writer, const simdrop_row_sink *sink, simdrop_row_kind kind, size_t repeat,
                             const simdrop_operation *operation) {
  writer->sink = sink;
  writer->kind = kind;
  writer->repeat = repeat;
  writer->is_plain = kind == SIMDROP_ROW_RUN && is_contiguous(sink);
  simdrop_generate(&writer->generator_state, sink->kernels, operation);
  writer->filling = 0;
  writer->next_row = writer->applied = writer->row_start = 0;
  writer->line_row = NULL;
  for (int i = 0; i < 2; ++i) {
    simdrop_row_batch *const batch = &writer->batches[i];
    batch->rows = batch->elements = batch->drawn = batch->listed = batch->last = 0;
  }
}

static size_t elements_of(const simdrop_row_writer *writer, const simdrop_row *row) {
  return writer->kind == SIMDROP_ROW_RUN ? row->count : row->count * writer->repeat;
}

// As many whole periods as are written out.
static size_t period_of(const simdrop_row *row) {
  return row->count < PERIODIC_LINE ? PERIODIC_LINE / row->count * row->count : row->count;
}

// Elements that have their decisions side by side.
typedef struct stretch {
  const uint64_t *words;  // NULL: all are `kept` or not
  size_t first, count;
  bool kept;
} stretch;

// Makes the line hold the decisions of a row's element k, and of those about it.
static void put_together(simdrop_row_writer *writer, const simdrop_row_batch *batch, const simdrop_row *row, size_t k) {
  if (writer->line_row == row && k >= writer->line_begin && k < writer->line_end) return;
  const size_t total = elements_of(writer, row);
  writer->line_row = row;
  if (writer->kind == SIMDROP_ROW_SHARED) {
    const size_t decisions = SIMDROP_LINE_ELEMENTS / writer->repeat, skipped = k / (decisions * writer->repeat) * decisions;
    const size_t count = row->count - skipped < decisions ? row->count - skipped : decisions;
    simdrop_stretch_bits(writer->line, batch->words, row->decision + skipped, count, writer->repeat);
    writer->line_begin = skipped * writer->repeat;
    writer->line_end = writer->line_begin + count * writer->repeat;
  } else {
    const size_t whole = period_of(row);
    simdrop_repeat_bits(writer->line, batch->words, row->decision, row->count, total < whole ? total : whole);
    writer->line_begin = 0;
    writer->line_end = total;
  }
}

static stretch stretch_at(simdrop_row_writer *writer, const simdrop_row_batch *batch, const simdrop_row *row, size_t k) {
  if (writer->kind == SIMDROP_ROW_RUN) return (stretch){batch->words, row->decision + k, row->count - k, false};
  if (writer->kind == SIMDROP_ROW_SHARED && writer->repeat >= LONG_SHARED_RUN) {
    const size_t decision = k / writer->repeat;
    return (stretch){NULL, 0, (decision + 1) * writer->repeat - k, simdrop_bit(batch->words, row->decision + decision)};
  }
  put_together(writer, batch, row, k);
  if (writer->kind == SIMDROP_ROW_SHARED) return (stretch){writer->line, k - writer->line_begin, writer->line_end - k, false};
  const size_t period = period_of(row), place = k % period;
  const size_t to_end = writer->line_end - k, to_period = period - place;
  return (stretch){writer->line, place, to_end < to_period ? to_end : to_period, false};
}

// Whether the kernels for repeated decisions can take the row: its elements are side by side, and the repeats long enough.
static bool is_for_kernel(const simdrop_row_writer *writer, const simdrop_row *row) {
  const simdrop_row_sink *const sink = writer->sink;
  if (!simdrop_takes_repeats(sink->work) || !is_contiguous(sink)) return false;
  if (writer->kind == SIMDROP_ROW_SHARED)
    return writer->repeat >= SIMDROP_SHORTEST_REPEAT &&
           (writer->repeat < LONG_SHARED_RUN || sink->store == SIMDROP_STORE_NON_TEMPORAL);
  return writer->kind == SIMDROP_ROW_PERIODIC && row->count * writer->repeat >= SIMDROP_SHORTEST_REPEAT;
}

static void apply_by_kernel(simdrop_row_writer *writer, const simdrop_row_batch *batch, const simdrop_row *row) {
  const simdrop_row_sink *const sink = writer->sink;
  const size_t count = elements_of(writer, row);
  simdrop_decisions decisions = {
      .words = batch->words, .first = row->decision, .length = writer->repeat, .repeat = SIMDROP_RUNS};
  if (writer->kind == SIMDROP_ROW_PERIODIC) {
    size_t period = row->count;
    while (period < SIMDROP_SHORTEST_REPEAT) period += row->count;
    simdrop_repeat_bits(writer->line, batch->words, row->decision, row->count, period + 64);
    decisions = (simdrop_decisions){.words = writer->line, .length = period, .repeat = SIMDROP_PERIODS};
  }
  simdrop_sink_contiguous(sink, count, &decisions, row->at);
}

// Where a row's element k is.
static void go_to(const simdrop_row_sink *sink, const simdrop_row *row, size_t k, ptrdiff_t *at) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) at[o] = row->at[o] + (ptrdiff_t)k * sink->strides[o];
}

static void apply_in_stretches(simdrop_row_writer *writer, const simdrop_row_sink *sink, const simdrop_row_batch *batch,
                               const simdrop_row *row, size_t begin, size_t end) {
  ptrdiff_t at[SIMDROP_LAYOUT_OPERANDS];
  for (size_t k = begin; k < end;) {
    stretch part = stretch_at(writer, batch, row, k);
    if (part.count > end - k) part.count = end - k;
    go_to(sink, row, k, at);
    if (part.words != NULL) {
      simdrop_sink_row(sink, part.count, part.words, part.first, at);
    } else {
      simdrop_sink_shared(sink, part.count, part.kept, at);
    }
    k += part.count;
  }
}

static void apply_row(simdrop_row_writer *writer, const simdrop_row_batch *batch, const simdrop_row *row, size_t begin,
                      size_t end) {
  const simdrop_row_sink *const sink = writer->sink;
  if (writer->is_plain) {
    const simdrop_decisions decisions = {.words = batch->words, .first = row->decision + begin};
    ptrdiff_t at[SIMDROP_LAYOUT_OPERANDS];
    go_to(sink, row, begin, at);
    simdrop_sink_contiguous(sink, end - begin, &decisions, at);
  } else if (is_for_kernel(writer, row)) {
    apply_by_kernel(writer, batch, row);  // such rows are not cut: begin and end are the row's
  } else {
    apply_in_stretches(writer, sink, batch, row, begin, end);
  }
  if (sink->beside != NULL) apply_in_stretches(writer, sink->beside, batch, row, begin, end);
}

// Rows up to this many elements are not cut into steps.
#define WHOLE_ROW_ELEMENTS 1024

// Shorter rows that follow one another in memory go to the kernel together, up to so many elements.
#define SHORT_ROW_ELEMENTS 256
#define JOINED_ELEMENTS 1024

// Whether a row follows `count` contiguous elements from the first row on.
static bool goes_on(const simdrop_row *first, size_t count, const simdrop_row *row) {
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o)
    if (row->at[o] != first->at[o] + (ptrdiff_t)count) return false;
  return true;
}

// Applies the next row and those that can be joined to it; returns how many it was.
static size_t apply_joined_rows(simdrop_row_writer *writer, const simdrop_row_batch *batch) {
  const simdrop_row_sink *const sink = writer->sink;
  const simdrop_row *const first = &batch->row[writer->next_row], *const end = batch->row + batch->rows;
  const simdrop_row *row = first;
  size_t count = 0;
  writer->line[0] = 0;
  do {
    simdrop_append_bits(writer->line, count, batch->words, row->decision, row->count);
    count += row->count;
    ++row;
  } while (row < end && goes_on(first, count, row) && count + row->count <= JOINED_ELEMENTS);
  const simdrop_decisions decisions = {.words = writer->line};
  simdrop_sink_contiguous(sink, count, &decisions, first->at);
  if (sink->beside != NULL) simdrop_sink_row(sink->beside, count, writer->line, 0, first->at);
  writer->applied += count;
  return (size_t)(row - first);
}

// So many rows have been applied, and no part of the next.
static void next_row(simdrop_row_writer *writer, size_t rows) {
  writer->next_row += rows;
  writer->row_start = writer->applied;
}

// The batch that waits, up to element `end`, or the end of that element's row if the row is not long.
static void run_batch(void *context, size_t begin, size_t end) {
  simdrop_row_writer *const writer = (simdrop_row_writer *)context;
  const simdrop_row_batch *const batch = &writer->batches[!writer->filling];
  (void)begin;
  while (writer->applied < end) {
    const simdrop_row *const row = &batch->row[writer->next_row];
    if (writer->is_plain && row->count <= SHORT_ROW_ELEMENTS) {
      next_row(writer, apply_joined_rows(writer, batch));
      continue;
    }
    const size_t count = elements_of(writer, row), skipped = writer->applied - writer->row_start;
    const bool whole = count <= WHOLE_ROW_ELEMENTS || end - writer->row_start >= count;
    const size_t stop = whole ? count : end - writer->row_start;
    apply_row(writer, batch, row, skipped, stop);
    writer->applied = writer->row_start + stop;
    if (whole) next_row(writer, 1);
  }
}

// Draws the mask of the filling batch and applies the other one meanwhile; then they change places.
static void swap_batches(simdrop_row_writer *writer) {
  simdrop_row_batch *const filled = &writer->batches[writer->filling];
  simdrop_row_batch *const waiting = &writer->batches[!writer->filling];
  writer->next_row = writer->applied = writer->row_start = 0;
  writer->line_row = NULL;
  simdrop_interleave interleave = {
      .run = run_batch, .context = writer, .step = SIMDROP_INTERLEAVE_ELEMENTS, .count = waiting->elements};
  if (filled->listed > filled->drawn) {
    // Decisions for many elements each are drawn in no time; interleaving would only cut their rows into small steps.
    const bool interleaves = writer->kind == SIMDROP_ROW_RUN && waiting->elements > 0;
    writer->generator_state.generator->draw_listed(
        &writer->generator_state, filled->blocks + filled->drawn, filled->listed - filled->drawn,
        filled->words + SIMDROP_BLOCK_WORDS * filled->drawn, interleaves ? &interleave : NULL);
  }
  simdrop_interleave_finish(&interleave);
  // The next row is likely to need blocks of the last one, and begins with them.
  const size_t kept = filled->listed - filled->last;
  memcpy(waiting->blocks, filled->blocks + filled->last, kept * sizeof *waiting->blocks);
  memcpy(waiting->words, filled->words + SIMDROP_BLOCK_WORDS * filled->last,
         kept * SIMDROP_BLOCK_WORDS * sizeof *waiting->words);
  waiting->rows = waiting->elements = waiting->last = 0;
  waiting->drawn = waiting->listed = kept;
  writer->filling = !writer->filling;
}

void simdrop_row_writer_add(simdrop_row_writer *writer, uint64_t index, size_t count, const ptrdiff_t *at) {
  simdrop_row_batch *batch = &writer->batches[writer->filling];
  const uint64_t first = index / SIMDROP_BLOCK_ELEMENTS, last = (index + (count - 1)) / SIMDROP_BLOCK_ELEMENTS;
  const size_t most = batch->listed - batch->drawn + (size_t)(last - first) + 1;  // blocks to draw, with this row's
  if (batch->rows == SIMDROP_BATCH_ROWS || (most > SIMDROP_BATCH_BLOCKS && batch->rows > 0)) {
    swap_batches(writer);
    batch = &writer->batches[writer->filling];
  }
  uint64_t next = first;  // the first block that is not listed
  const size_t had = batch->listed - batch->last;
  if (had != 0 && first >= batch->blocks[batch->last] && first - batch->blocks[batch->last] <= had) {
    // The blocks of the row before go on with this row's.
    batch->last += (size_t)(first - batch->blocks[batch->last]);
    next = first + (batch->listed - batch->last);
  } else {
    batch->last = batch->listed;
  }
  while (next <= last) batch->blocks[batch->listed++] = next++;
  simdrop_row *const row = &batch->row[batch->rows++];
  for (int o = 0; o < SIMDROP_LAYOUT_OPERANDS; ++o) row->at[o] = at[o];
  row->decision = (uint32_t)(batch->last * SIMDROP_BLOCK_ELEMENTS + index % SIMDROP_BLOCK_ELEMENTS);
  row->count = (uint32_t)count;
  batch->elements += elements_of(writer, row);
}

void simdrop_row_writer_finish(simdrop_row_writer *writer) {
  swap_batches(writer);  // draws the last batch
  swap_batches(writer);  // applies it
}
