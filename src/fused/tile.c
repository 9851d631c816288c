// Tiles: the blocks of mask that a tile's rows need are drawn together, and the rows scaled by them, or by stored decisions.
#include "fused/tile.h"

#include <stdbool.h>
#include <string.h>

#include "engine/bit_string.h"
#include "engine/driver.h"
#include "engine/mask_reader.h"
#include "engine/own_frame.h"
#include "machine/dispatch.h"

// A batch draws at most this many blocks for at most as many rows. Most tiles are one batch.
#define BATCH_BLOCKS ((size_t)128)

// Of longer rows, columns are taken so many at a time.
#define STRIP_COLUMNS ((size_t)8192)

// As many as put all planes of the schedule in it, or nearly all: no tile has to make them again.
#define SCHEDULED_BLOCKS 32

typedef struct tile_batch {
  size_t rows, listed;
  uint32_t first[BATCH_BLOCKS];  // the rows' first decisions, in bits of words
  bool is_string;                // the rows' decisions follow one another
  size_t row_bits;               // from each row's first decision to the next row's, 0 if they differ
  uint64_t blocks[BATCH_BLOCKS];
  _Alignas(64) uint64_t words[SIMDROP_BLOCK_WORDS * (BATCH_BLOCKS + 1 + SIMDROP_BLOCK_PADDING)];
} tile_batch;

static SIMDROP_OWN_FRAME void make_schedule(simdrop_tile_state *state) {
  uint64_t words[SIMDROP_BLOCK_WORDS * (SCHEDULED_BLOCKS + SIMDROP_BLOCK_PADDING)];
  const uint64_t last = UINT64_MAX / SIMDROP_BLOCK_ELEMENTS - (SCHEDULED_BLOCKS - 1);
  const uint64_t first = state->offset / SIMDROP_BLOCK_ELEMENTS;
  state->decisions.generator->draw(&state->decisions, first < last ? first : last, SCHEDULED_BLOCKS * SIMDROP_BLOCK_ELEMENTS,
                                   words, NULL);
}

void simdrop_tile_prepare(simdrop_tile_state *state, const simdrop_operation *operation, uint64_t index_stride) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  memset(state, 0, sizeof *state);
  state->work = operation->work;
  state->size = operation->size;
  state->offset = operation->index;
  state->index_stride = index_stride;
  state->scale = operation->work == SIMDROP_WORK_COPY ? simdrop_select_kernel_of(kernels, operation->dtype)
                                                      : simdrop_scale_kernels_of(kernels, operation->dtype).scale;
  state->scale_rows = simdrop_scale_rows_kernel_of(kernels, operation->dtype);
  state->factor = simdrop_scale_for(operation->threshold, operation->dtype, SIZE_MAX);
  simdrop_generate(&state->decisions, kernels, operation);
  make_schedule(state);
}

static char *row_at(const simdrop_tile_state *state, const simdrop_tile_rows *rows, size_t r) {
  return rows->x + (ptrdiff_t)r * rows->stride * (ptrdiff_t)state->size;
}

// Of rows that begin at the same place in a block, and share none. There is a row, and it has a block.
static void list_apart(const simdrop_tile_state *state, const simdrop_tile_rows *rows, size_t row_blocks, tile_batch *batch) {
  const size_t count = minimum(rows->rows, BATCH_BLOCKS / row_blocks);
  const size_t position = (size_t)(rows->index % SIMDROP_BLOCK_ELEMENTS);
  const uint64_t block_stride = state->index_stride / SIMDROP_BLOCK_ELEMENTS;
  uint64_t block = rows->index / SIMDROP_BLOCK_ELEMENTS, *to = batch->blocks;
  batch->row_bits = row_blocks * SIMDROP_BLOCK_ELEMENTS;
  size_t r = 0;
  do {
    size_t b = 0;
    do {
      to[b] = block + b;
    } while (++b < row_blocks);
    batch->first[r] = (uint32_t)(position + r * batch->row_bits);
    block += block_stride;
    to += row_blocks;
  } while (++r < count);
  batch->rows = count;
  batch->listed = count * row_blocks;
  batch->is_string = rows->columns == batch->row_bits;
}

// Of any rows. They may share blocks: those of numbers that follow one another, and all rows where they share decisions.
static void list_any(const simdrop_tile_state *state, const simdrop_tile_rows *rows, tile_batch *batch) {
  const size_t row_blocks = (rows->columns + 2 * (SIMDROP_BLOCK_ELEMENTS - 1)) / SIMDROP_BLOCK_ELEMENTS;  // at the most
  const size_t count = minimum(rows->rows, BATCH_BLOCKS / row_blocks);
  size_t r = 0, listed = 0, begin = 0;  // the row before has its blocks from here on
  size_t next_first = 0;
  uint64_t index = rows->index;
  batch->is_string = true;
  do {
    uint64_t block = index / SIMDROP_BLOCK_ELEMENTS;
    const uint64_t last = (index + (rows->columns - 1)) / SIMDROP_BLOCK_ELEMENTS;
    if (listed > 0 && block - batch->blocks[begin] < listed - begin) {
      begin += (size_t)(block - batch->blocks[begin]);
      block = batch->blocks[listed - 1];
    } else {
      begin = listed;
      batch->blocks[listed++] = block;
    }
    while (block < last) batch->blocks[listed++] = ++block;
    const size_t first = begin * SIMDROP_BLOCK_ELEMENTS + (size_t)(index % SIMDROP_BLOCK_ELEMENTS);
    if (r > 0 && first != next_first) batch->is_string = false;
    next_first = first + rows->columns;
    batch->first[r] = (uint32_t)first;
    index += state->index_stride;
  } while (++r < count);
  batch->rows = count;
  batch->listed = listed;
  batch->row_bits = batch->is_string ? rows->columns : 0;
}

// Lists the blocks of as many of the rows as a batch may have.
static void list_blocks(const simdrop_tile_state *state, const simdrop_tile_rows *rows, tile_batch *batch) {
  const size_t position = (size_t)(rows->index % SIMDROP_BLOCK_ELEMENTS),
               row_blocks = simdrop_blocks_of(position + rows->columns);
  const uint64_t stride = state->index_stride;
  if (stride % SIMDROP_BLOCK_ELEMENTS == 0 && stride / SIMDROP_BLOCK_ELEMENTS >= row_blocks) {
    list_apart(state, rows, row_blocks, batch);
  } else {
    list_any(state, rows, batch);
  }
}

static void draw_batch(simdrop_tile_state *state, tile_batch *batch) {
  simdrop_generator_state *const decisions = &state->decisions;
  const uint64_t first = batch->blocks[0];
  if (batch->blocks[batch->listed - 1] - first == batch->listed - 1) {  // blocks rise: they are all that lie between
    decisions->generator->draw(decisions, first, batch->listed * SIMDROP_BLOCK_ELEMENTS, batch->words, NULL);
  } else {
    decisions->generator->draw_listed(decisions, batch->blocks, batch->listed, batch->words, NULL);
  }
}

// Puts the rows' decisions together, for rows whose elements follow one another.
static void join_decisions(const tile_batch *batch, size_t columns, uint64_t *line) {
  line[0] = 0;
  for (size_t r = 0, done = 0; r < batch->rows; ++r, done += columns) {
    const size_t first = batch->first[r];
    if ((first | columns) % 64 != 0) {
      simdrop_append_bits(line, done, batch->words, first, columns);
    } else {
      for (size_t k = 0; k < columns / 64; ++k) line[done / 64 + k] = batch->words[first / 64 + k];
    }
  }
}

// Whether rows' decisions are packed bytes as they are in memory.
static bool are_bytes(const tile_batch *batch) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return batch->row_bits != 0 && (batch->row_bits | batch->first[0]) % 8 == 0;
#else
  (void)batch;
  return false;
#endif
}

static void scale_apart(const simdrop_tile_state *state, const simdrop_tile_rows *rows, const tile_batch *batch) {
  const bool in_bytes = are_bytes(batch);
  const simdrop_scaled_rows apart = {.rows = batch->rows,
                                     .columns = rows->columns,
                                     .words = in_bytes ? NULL : batch->words,
                                     .first = batch->first,
                                     .bytes = (const uint8_t *)batch->words + batch->first[0] / 8,
                                     .bytes_stride = batch->row_bits / 8,
                                     .x = rows->x,
                                     .stride = rows->stride,
                                     .factor = state->factor};
  state->scale_rows(&apart);
}

static void scale_joined(const simdrop_tile_state *state, const simdrop_tile_rows *rows, const tile_batch *batch) {
  uint64_t line[SIMDROP_BLOCK_WORDS * BATCH_BLOCKS + 2];
  simdrop_decisions decisions = {.words = batch->words, .first = batch->first[0]};
  const simdrop_operands operands = {.x = rows->x, .y = rows->x, .factor = state->factor};
  if (!batch->is_string) {
    join_decisions(batch, rows->columns, line);
    decisions.words = line;
    decisions.first = 0;
  }
  state->scale(batch->rows * rows->columns, &decisions, &operands, SIMDROP_STORE_CACHED);
}

static void scale_batch(const simdrop_tile_state *state, const simdrop_tile_rows *rows, const tile_batch *batch) {
  if (rows->stride == (ptrdiff_t)rows->columns && (batch->is_string || !are_bytes(batch))) {
    scale_joined(state, rows, batch);
  } else {
    scale_apart(state, rows, batch);
  }
}

// Rows of at most STRIP_COLUMNS.
static SIMDROP_OWN_FRAME void scale_rows(simdrop_tile_state *state, simdrop_tile_rows rows) {
  tile_batch batch;
  for (;;) {
    list_blocks(state, &rows, &batch);
    draw_batch(state, &batch);
    scale_batch(state, &rows, &batch);
    if (batch.rows == rows.rows) return;  // behind the last row there may be no place that can be counted
    rows.x = row_at(state, &rows, batch.rows);
    rows.index += batch.rows * state->index_stride;
    rows.rows -= batch.rows;
  }
}

// Rows of at most STRIP_COLUMNS.
static SIMDROP_OWN_FRAME void draw_rows(simdrop_tile_state *state, simdrop_tile_rows rows, uint8_t *bits, size_t bits_stride) {
  tile_batch batch;
  for (;;) {
    list_blocks(state, &rows, &batch);
    draw_batch(state, &batch);
    for (size_t r = 0; r < batch.rows; ++r)
      simdrop_pack_bits(rows.columns, (simdrop_mask_chunk){batch.words, batch.first[r]}, bits + r * bits_stride);
    if (batch.rows == rows.rows) return;
    bits += batch.rows * bits_stride;
    rows.index += batch.rows * state->index_stride;
    rows.rows -= batch.rows;
  }
}

// Rows that follow one another as their decisions do are one.
static simdrop_tile_rows merge_rows(const simdrop_tile_state *state, const simdrop_tile_rows *rows) {
  simdrop_tile_rows merged = *rows;
  if (rows->stride == (ptrdiff_t)rows->columns && state->index_stride == rows->columns) {
    merged.columns *= rows->rows;
    merged.rows = 1;
  }
  return merged;
}

// Strip by strip: the columns from `done` on.
static simdrop_tile_rows strip_of(const simdrop_tile_state *state, const simdrop_tile_rows *rows, size_t done) {
  simdrop_tile_rows strip = *rows;
  strip.columns = minimum(rows->columns - done, STRIP_COLUMNS);
  strip.index = rows->index + done;
  strip.x = rows->x + done * state->size;
  return strip;
}

static void fill_with_zeros(const simdrop_tile_state *state, const simdrop_tile_rows *rows) {
  for (size_t r = 0; r < rows->rows; ++r) memset(row_at(state, rows, r), 0, rows->columns * state->size);
}

void simdrop_drive_tile(simdrop_tile_state *state, const simdrop_tile_rows *rows) {
  switch (state->work) {
    case SIMDROP_WORK_COPY: return;
    case SIMDROP_WORK_ZERO: fill_with_zeros(state, rows); return;
    default: {
      const simdrop_tile_rows merged = merge_rows(state, rows);
      for (size_t done = 0; done < merged.columns; done += STRIP_COLUMNS) scale_rows(state, strip_of(state, &merged, done));
    }
  }
}

void simdrop_draw_tile_bits(simdrop_tile_state *state, const simdrop_tile_rows *rows, uint8_t *bits, size_t bits_stride) {
  for (size_t done = 0; done < rows->columns; done += STRIP_COLUMNS) {
    const simdrop_tile_rows strip = {
        .index = rows->index + done, .rows = rows->rows, .columns = minimum(rows->columns - done, STRIP_COLUMNS)};
    draw_rows(state, strip, bits + done / 8, bits_stride);
  }
}

static void select_rows(const simdrop_tile_state *state, const simdrop_tile_rows *rows, const uint8_t *bits,
                        size_t bits_stride) {
  for (size_t r = 0; r < rows->rows; ++r) {
    char *const x = row_at(state, rows, r);
    const simdrop_decisions decisions = {.bytes = bits + r * bits_stride};
    const simdrop_operands operands = {.x = x, .y = x};
    state->scale(rows->columns, &decisions, &operands, SIMDROP_STORE_CACHED);
  }
}

void simdrop_drive_tile_bits(const simdrop_tile_state *state, const simdrop_tile_rows *rows, const uint8_t *bits,
                             size_t bits_stride) {
  switch (state->work) {
    case SIMDROP_WORK_COPY: select_rows(state, rows, bits, bits_stride); return;
    case SIMDROP_WORK_ZERO: fill_with_zeros(state, rows); return;
    default: {
      const simdrop_scaled_rows stored = {.rows = rows->rows,
                                          .columns = rows->columns,
                                          .bytes = bits,
                                          .bytes_stride = bits_stride,
                                          .x = rows->x,
                                          .stride = rows->stride,
                                          .factor = state->factor};
      state->scale_rows(&stored);
    }
  }
}
