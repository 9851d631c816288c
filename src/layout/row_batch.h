// Rows of elements with consecutive decisions, wherever these begin, taken in batches: the blocks of mask that a batch needs
// are drawn together, and while they are, the batch before is applied.
#ifndef SIMDROP_LAYOUT_ROW_BATCH_H
#define SIMDROP_LAYOUT_ROW_BATCH_H

#include <simdrop/simdrop.h>

#include "engine/mask_reader.h"
#include "layout/row_sink.h"

// How the decisions of a row go to its elements.
typedef enum simdrop_row_kind {
  SIMDROP_ROW_RUN,      // one each
  SIMDROP_ROW_SHARED,   // each to `repeat` elements that follow one another
  SIMDROP_ROW_PERIODIC  // one each, and all of them `repeat` times over
} simdrop_row_kind;

// The most decisions of one row.
#define SIMDROP_ROW_DECISIONS_MAX 2048

// A batch draws at most this many blocks, and has at most this many rows.
#define SIMDROP_BATCH_BLOCKS 64
#define SIMDROP_BATCH_ROWS 128

// Blocks of one row, and those of a batch: what it takes over, and what it draws.
#define SIMDROP_ROW_BLOCKS_MAX (SIMDROP_ROW_DECISIONS_MAX / SIMDROP_BLOCK_ELEMENTS + 1)
#define SIMDROP_BATCH_BLOCKS_MAX (SIMDROP_BATCH_BLOCKS + SIMDROP_ROW_BLOCKS_MAX)

typedef struct simdrop_row {
  ptrdiff_t at[SIMDROP_LAYOUT_OPERANDS];  // its first element, from the operands' pointers on
  uint32_t decision;                      // its first decision, in bits of the batch's words
  uint32_t count;                         // of decisions
} simdrop_row;

typedef struct simdrop_row_batch {
  size_t rows, elements;
  size_t drawn, listed;  // blocks that are there already, and in all
  size_t last;           // where the last row's blocks begin
  uint64_t blocks[SIMDROP_BATCH_BLOCKS_MAX];
  _Alignas(64) uint64_t words[SIMDROP_BLOCK_WORDS * (SIMDROP_BATCH_BLOCKS_MAX + SIMDROP_BLOCK_PADDING)];
  simdrop_row row[SIMDROP_BATCH_ROWS];
} simdrop_row_batch;

typedef struct simdrop_row_writer {
  const simdrop_row_sink *sink;
  simdrop_row_kind kind;
  size_t repeat;
  bool is_plain;  // the elements of a row are side by side, with a decision each
  simdrop_generator_state generator_state;
  int filling;  // the batch that takes rows; the other one waits to be applied
  // Where applying has got to, in rows and in elements, the elements before that row, and the decisions that were put together
  // last.
  size_t next_row, applied, row_start;
  const simdrop_row *line_row;
  size_t line_begin, line_end;
  uint64_t line[SIMDROP_LINE_WORDS];
  simdrop_row_batch batches[2];
} simdrop_row_writer;

void simdrop_row_writer_init(simdrop_row_writer *writer, const simdrop_row_sink *sink, simdrop_row_kind kind, size_t repeat,
                             const simdrop_operation *operation);

// One more row: `at` is where its first element is, `index` is the mask's index of its first decision, of 1 to
// SIMDROP_ROW_DECISIONS_MAX. It may be applied later.
void simdrop_row_writer_add(simdrop_row_writer *writer, uint64_t index, size_t count, const ptrdiff_t *at);

// Applies what has been added.
void simdrop_row_writer_finish(simdrop_row_writer *writer);

#endif
