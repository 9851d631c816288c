// Batches of rows: a string of decisions in chunks, the decisions of one row for all, or listed blocks.
#include "fused/row_reader.h"

void simdrop_row_reader_init(simdrop_row_reader *reader, const simdrop_kernels *kernels, const simdrop_operation *operation,
                             const simdrop_read_rows *rows) {
  reader->rows = *rows;
  reader->row = rows->begin;
  reader->column = 0;
  reader->index = operation->index + rows->begin * rows->index_stride;
  if (rows->index_stride == rows->columns || rows->end - rows->begin == 1) {
    simdrop_operation first = *operation;
    first.index = reader->index;
    reader->placement = SIMDROP_ROWS_JOINED;
    simdrop_reader_init(&reader->of.joined, kernels, &first);
    return;
  }
  const bool can_be_same = rows->index_stride == 0 && rows->columns <= SIMDROP_CHUNK_ELEMENTS_MAX;
  reader->placement = can_be_same ? SIMDROP_ROWS_SAME : SIMDROP_ROWS_APART;
  reader->of.apart.current = 0;
  reader->of.apart.drawn = false;
  simdrop_generate(&reader->of.apart.state, kernels, operation);
}

// Elements from the reader's place on, at most `most` of them, or those of one row where batches are of whole rows.
static size_t elements_of_batch(const simdrop_row_reader *reader, size_t most) {
  const size_t columns = reader->rows.columns, in_row = columns - reader->column,
               rows_after = reader->rows.end - reader->row - 1;
  if (!reader->rows.whole_rows) {
    if (in_row >= most) return most;
    return rows_after >= (most - in_row) / columns + 1 ? most : minimum(most, in_row + rows_after * columns);
  }
  if (in_row >= most || reader->column != 0) return minimum(in_row, SIMDROP_CHUNK_ELEMENTS_MAX);
  return minimum(rows_after + 1, most / columns) * columns;
}

// The reader's place after so many elements.
static void go_on(simdrop_row_reader *reader, size_t count) {
  const size_t in_row = reader->rows.columns - reader->column;
  if (count < in_row) {
    reader->column += count;
    return;
  }
  const size_t rows = 1 + (count - in_row) / reader->rows.columns;
  reader->column = (count - in_row) % reader->rows.columns;
  reader->row += rows;
  reader->index += rows * reader->rows.index_stride;
}

static void read_joined(simdrop_row_reader *reader, simdrop_interleave *interleave, simdrop_matrix_batch *batch) {
  const simdrop_mask_chunk chunk = simdrop_reader_next(&reader->of.joined, batch->elements, interleave);
  batch->words = chunk.words;
  batch->first = chunk.first;
}

static void read_same(simdrop_row_reader *reader, simdrop_interleave *interleave, simdrop_matrix_batch *batch) {
  uint64_t *const words = reader->of.apart.words[0];
  const size_t first = reader->index % SIMDROP_BLOCK_ELEMENTS;
  if (!reader->of.apart.drawn) {
    simdrop_generator_state *const state = &reader->of.apart.state;
    state->generator->draw(state, reader->index / SIMDROP_BLOCK_ELEMENTS, first + reader->rows.columns, words, interleave);
    reader->of.apart.drawn = true;
  }
  batch->words = words;
  batch->first = first;
}

// Lists the blocks of a batch's rows, as many rows as there is room for.
static size_t list_rows(const simdrop_row_reader *reader, uint64_t *blocks, uint32_t *starts, simdrop_matrix_batch *batch) {
  const size_t wanted = batch->elements;
  size_t listed = 0, rows = 0, column = reader->column;
  uint64_t row_index = reader->index;
  batch->elements = 0;
  while (batch->elements < wanted && rows < SIMDROP_APART_ROWS) {
    const size_t in_row = reader->rows.columns - column, count = minimum(in_row, wanted - batch->elements);
    const uint64_t index = row_index + column, last = (index + (count - 1)) / SIMDROP_BLOCK_ELEMENTS;
    uint64_t next = index / SIMDROP_BLOCK_ELEMENTS;
    // A row may begin in a block of the row before. (Behind a piece of a row, the next one may begin before it: then it has
    // blocks of its own.)
    size_t place = listed;
    while (place > 0 && blocks[place - 1] >= next) --place;
    if (place < listed && blocks[place] != next) place = listed;
    starts[rows] = (uint32_t)(place * SIMDROP_BLOCK_ELEMENTS + index % SIMDROP_BLOCK_ELEMENTS);
    next += listed - place;
    if (last >= next && last - next >= SIMDROP_APART_BLOCKS - listed) break;
    while (next <= last) blocks[listed++] = next++;
    batch->elements += count;
    ++rows;
    column = 0;
    row_index += reader->rows.index_stride;
  }
  return listed;
}

static void read_apart(simdrop_row_reader *reader, simdrop_interleave *interleave, simdrop_matrix_batch *batch) {
  const int current = reader->of.apart.current;
  uint64_t *const words = reader->of.apart.words[current];
  uint32_t *const starts = reader->of.apart.starts[current];
  simdrop_generator_state *const state = &reader->of.apart.state;
  const size_t listed = list_rows(reader, reader->of.apart.blocks, starts, batch);
  state->generator->draw_listed(state, reader->of.apart.blocks, listed, words, interleave);
  reader->of.apart.current = !current;
  batch->words = words;
  batch->starts = starts;
}

bool simdrop_row_reader_next(simdrop_row_reader *reader, simdrop_interleave *interleave, simdrop_matrix_batch *batch) {
  if (reader->row == reader->rows.end) return false;
  *batch = (simdrop_matrix_batch){
      .row = reader->row,
      .column = reader->column,
      .elements = elements_of_batch(reader, reader->rows.most),
      .columns = reader->rows.columns,
      .placement = reader->placement,
  };
  switch (reader->placement) {
    case SIMDROP_ROWS_JOINED: read_joined(reader, interleave, batch); break;
    case SIMDROP_ROWS_SAME: read_same(reader, interleave, batch); break;
    case SIMDROP_ROWS_APART: read_apart(reader, interleave, batch); break;
  }
  go_on(reader, batch->elements);
  return true;
}
