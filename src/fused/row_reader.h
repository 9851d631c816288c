// Reads the decisions of a matrix's rows a batch at a time, wherever in the mask the rows lie.
#ifndef SIMDROP_FUSED_ROW_READER_H
#define SIMDROP_FUSED_ROW_READER_H

#include <stdbool.h>

#include "engine/mask_reader.h"

// Which rows are read, and how.
typedef struct simdrop_read_rows {
  size_t begin, end;      // rows begin .. end - 1, at least one,
  size_t columns;         // of as many elements, at least one
  uint64_t index_stride;  // between the indices of rows that follow one another: any number
  size_t most;            // elements of a batch, at most: a multiple of 64, up to SIMDROP_CHUNK_ELEMENTS_MAX
  bool whole_rows;        // batches end where rows do; rows that are longer than SIMDROP_CHUNK_ELEMENTS_MAX are cut at its
                          // multiples. A batch then has more than `most` elements where a single row has.
} simdrop_read_rows;

// How a batch's decisions lie.
typedef enum simdrop_row_placement {
  SIMDROP_ROWS_JOINED,  // row after row, as those of a matrix that is alone in its mask
  SIMDROP_ROWS_SAME,    // once for all rows
  SIMDROP_ROWS_APART    // each row's by themselves
} simdrop_row_placement;

// The most rows of one batch that lie apart, and the blocks that it draws: those of the longest piece of a row.
#define SIMDROP_APART_ROWS 128
#define SIMDROP_APART_BLOCKS (SIMDROP_CHUNK_BLOCKS_MAX + 1)

// Elements of a matrix that follow one another, row by row, and their decisions. Made by the reader; segments come from
// simdrop_first_segment and simdrop_next_segment.
typedef struct simdrop_matrix_batch {
  size_t row, column;  // of the first element
  size_t elements;
  size_t columns;  // of the matrix
  simdrop_row_placement placement;
  const uint64_t *words;   // one more than needed may be read
  size_t first;            // bit of the first element, or where rows are the same, of column 0
  const uint32_t *starts;  // where they lie apart: of each row's first element in the batch
} simdrop_matrix_batch;

// Elements of one row, the first of which has bit `first` of words.
typedef struct simdrop_segment {
  size_t row, column, count;
  const uint64_t *words;
  size_t first;
} simdrop_segment;

// What has been gone through of a batch.
typedef struct simdrop_batch_cursor {
  size_t row, column;  // of the next element
  size_t done;
} simdrop_batch_cursor;

static inline simdrop_batch_cursor simdrop_batch_begin(const simdrop_matrix_batch *batch) {
  return (simdrop_batch_cursor){batch->row, batch->column, 0};
}

// What is left of the row of the batch's next element; there is one.
static inline simdrop_segment simdrop_batch_segment(const simdrop_matrix_batch *batch, const simdrop_batch_cursor *cursor) {
  const size_t in_row = batch->columns - cursor->column, in_batch = batch->elements - cursor->done;
  simdrop_segment segment = {.row = cursor->row,
                             .column = cursor->column,
                             .count = in_row < in_batch ? in_row : in_batch,
                             .words = batch->words,
                             .first = batch->first};
  switch (batch->placement) {
    case SIMDROP_ROWS_JOINED: segment.first += cursor->done; break;
    case SIMDROP_ROWS_SAME: segment.first += cursor->column; break;
    case SIMDROP_ROWS_APART:
      segment.first = batch->starts[cursor->row - batch->row] + cursor->column;
      if (cursor->row == batch->row) segment.first -= batch->column;
      break;
  }
  return segment;
}

// So many elements, no more than are left of the row, have been gone through.
static inline void simdrop_batch_go_on(const simdrop_matrix_batch *batch, simdrop_batch_cursor *cursor, size_t count) {
  cursor->done += count;
  cursor->column += count;
  if (cursor->column == batch->columns) {
    cursor->column = 0;
    ++cursor->row;
  }
}

// So many elements of the batch, of whatever rows.
static inline void simdrop_batch_skip(const simdrop_matrix_batch *batch, simdrop_batch_cursor *cursor, size_t count) {
  const size_t column = cursor->column + count;
  cursor->done += count;
  cursor->row += column / batch->columns;
  cursor->column = column % batch->columns;
}

typedef struct simdrop_row_reader {
  simdrop_read_rows rows;
  simdrop_row_placement placement;
  size_t row, column;  // of the first element that is not read yet
  uint64_t index;      // of the decision of that row's first element
  union {
    simdrop_mask_reader joined;
    struct {
      simdrop_generator_state state;
      int current;  // the buffers that are drawn to next; the others still serve the batch before
      bool drawn;   // rows that are the same: once is enough
      uint64_t blocks[SIMDROP_APART_BLOCKS];
      uint32_t starts[2][SIMDROP_APART_ROWS];
      _Alignas(64) uint64_t words[2][SIMDROP_BLOCK_WORDS * (SIMDROP_APART_BLOCKS + SIMDROP_BLOCK_PADDING)];
    } apart;
  } of;
} simdrop_row_reader;

// Reads decisions of an operation, whose first one is that of row 0 and column 0.
void simdrop_row_reader_init(simdrop_row_reader *reader, const simdrop_kernels *kernels, const simdrop_operation *operation,
                             const simdrop_read_rows *rows);

// The next batch, valid until the next call but one; false behind the last row, when nothing is drawn and *batch stays as it
// was. Some of the interleaved work, which may be NULL, is done on the way.
bool simdrop_row_reader_next(simdrop_row_reader *reader, simdrop_interleave *interleave, simdrop_matrix_batch *batch);

#endif
