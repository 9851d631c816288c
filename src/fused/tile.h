// Tiles of a matrix, dropped in place: what is worked out once, and the walk over a tile's rows.
#ifndef SIMDROP_FUSED_TILE_H
#define SIMDROP_FUSED_TILE_H

#include <simdrop/simdrop.h>

#include "engine/generator.h"
#include "engine/operation.h"

// What a simdrop_tile holds.
typedef struct simdrop_tile_state {
  simdrop_work work;  // scale, copy or zero; stored decisions select where those that are drawn copy
  uint32_t size;      // bytes of an element
  uint64_t offset, index_stride;
  simdrop_consume_kernel *scale;  // or select
  simdrop_scale_rows_kernel *scale_rows;
  simdrop_multiplier factor;
  simdrop_generator_state decisions;
} simdrop_tile_state;

_Static_assert(sizeof(simdrop_tile_state) <= sizeof(simdrop_tile), "the public structure has room for the state");

// Rows of `columns` elements side by side: row r begins at x + r * stride elements, and its first decision has the index
// index + r * index_stride.
typedef struct simdrop_tile_rows {
  uint64_t index;
  size_t rows, columns;
  char *x;
  ptrdiff_t stride;
} simdrop_tile_rows;

// For operations without elements: their work, type, seed, stream, threshold and index count.
void simdrop_tile_prepare(simdrop_tile_state *state, const simdrop_operation *operation, uint64_t index_stride);

// Rows that were checked, of which there are some. The state's decisions may change while they are drawn, the state does not.
void simdrop_drive_tile(simdrop_tile_state *state, const simdrop_tile_rows *rows);

// Only their decisions, packed, those of row r from bits + r * bits_stride on. The rows' x and stride are not looked at.
void simdrop_draw_tile_bits(simdrop_tile_state *state, const simdrop_tile_rows *rows, uint8_t *bits, size_t bits_stride);

// By such decisions, whatever the rows' indices and the state's. The state's decisions are not looked at.
void simdrop_drive_tile_bits(const simdrop_tile_state *state, const simdrop_tile_rows *rows, const uint8_t *bits,
                             size_t bits_stride);

#endif
