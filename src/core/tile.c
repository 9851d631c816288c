// Tiles: the public functions and their checks.
#include "fused/tile.h"

#include <stddef.h>
#include <string.h>

#include "core/check_call.h"

simdrop_status simdrop_tile_init(const simdrop_mask *mask, simdrop_dtype dtype, uint64_t index_stride, simdrop_tile *tile) {
  if (tile == NULL) return SIMDROP_ERROR_NULL_POINTER;
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, 0));
  const size_t size = simdrop_element_size(dtype);
  if (size == 0) return SIMDROP_ERROR_DTYPE;
  const simdrop_call call = {.verb = SIMDROP_FORWARD, .dtype = dtype, .mask = mask};
  simdrop_operation operation;
  simdrop_tile_state state;
  make_operation(&call, size, 0, &operation);
  simdrop_tile_prepare(&state, &operation, index_stride);
  memset(tile, 0, sizeof *tile);
  memcpy(tile->opaque, &state, sizeof state);
  return SIMDROP_OK;
}

// The index of the first element, unless that of the last passes 2^64 - 1.
static simdrop_status find_index(const simdrop_tile_state *state, uint64_t row, uint64_t column, size_t rows, size_t columns,
                                 uint64_t *index) {
  uint64_t left = UINT64_MAX - state->offset;
  if (column > left || columns - 1 > left - column || rows - 1 > UINT64_MAX - row) return SIMDROP_ERROR_INDEX_OVERFLOW;
  left -= column + (columns - 1);
  const uint64_t last_row = row + (rows - 1), stride = state->index_stride;
  // Factors below 2^32 need no division, which a small tile would notice.
  const bool is_small = (last_row | stride) >> 32 == 0;
  if (is_small ? last_row * stride > left : stride != 0 && last_row > left / stride) return SIMDROP_ERROR_INDEX_OVERFLOW;
  *index = state->offset + row * stride + column;
  return SIMDROP_OK;
}

// That the elements lie apart, and within PTRDIFF_MAX bytes.
static simdrop_status check_places(size_t size, size_t rows, size_t columns, ptrdiff_t stride) {
  const size_t most = PTRDIFF_MAX / sizeof(double);  // no type has longer elements
  const size_t distance = stride < 0 ? (size_t)0 - (size_t)stride : (size_t)stride;
  if (rows > 1 && distance < columns) return SIMDROP_ERROR_OVERLAP;
  if (rows == 1 && columns <= most) return SIMDROP_OK;
  if (((rows | distance | columns) >> (sizeof(size_t) * 4 - 3)) == 0) return SIMDROP_OK;  // no product is too large
  const size_t elements = PTRDIFF_MAX / size;
  if (columns > elements) return SIMDROP_ERROR_SIZE_OVERFLOW;
  return rows > 1 && distance > (elements - columns) / (rows - 1) ? SIMDROP_ERROR_SIZE_OVERFLOW : SIMDROP_OK;
}

// The first bytes of what the tile holds, which is never written, for a call on an array.
static simdrop_status copy_state(const simdrop_tile *tile, const void *array, size_t bytes, simdrop_tile_state *state) {
  if (array == NULL) return SIMDROP_ERROR_NULL_POINTER;
  memcpy(state, tile->opaque, bytes);
  return state->size == 0 ? SIMDROP_ERROR_DTYPE : SIMDROP_OK;  // zeros: simdrop_tile_init did not make it
}

simdrop_status simdrop_tile_apply(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows, size_t columns, void *x,
                                  ptrdiff_t stride) {
  if (tile == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (rows == 0 || columns == 0) return SIMDROP_OK;
  simdrop_tile_state state;
  SIMDROP_RETURN_IF_ERROR(copy_state(tile, x, sizeof state, &state));
  simdrop_tile_rows tile_rows = {0, rows, columns, (char *)x, rows == 1 ? (ptrdiff_t)columns : stride};
  SIMDROP_RETURN_IF_ERROR(find_index(&state, row, column, rows, columns, &tile_rows.index));
  SIMDROP_RETURN_IF_ERROR(check_places(state.size, rows, columns, stride));
  simdrop_drive_tile(&state, &tile_rows);
  return SIMDROP_OK;
}

// That rows of packed decisions lie apart, unless they are read and may be the same, and within PTRDIFF_MAX bytes; `length`
// receives how many bytes there are from the first to the last.
static simdrop_status check_bits(size_t rows, size_t columns, size_t stride, bool may_be_shared, size_t *length) {
  const size_t row = packed_size(columns);
  if (rows > 1 && stride < row && !(may_be_shared && stride == 0)) return SIMDROP_ERROR_OVERLAP;
  if (rows > 1 && stride != 0 && rows - 1 > (PTRDIFF_MAX - row) / stride) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *length = row + (rows > 1 ? (rows - 1) * stride : 0);
  return SIMDROP_OK;
}

simdrop_status simdrop_tile_bits(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows, size_t columns,
                                 uint8_t *bits, size_t bits_stride) {
  if (tile == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (rows == 0 || columns == 0) return SIMDROP_OK;
  simdrop_tile_state state;
  SIMDROP_RETURN_IF_ERROR(copy_state(tile, bits, sizeof state, &state));
  simdrop_tile_rows tile_rows = {.rows = rows, .columns = columns};
  size_t length;
  SIMDROP_RETURN_IF_ERROR(find_index(&state, row, column, rows, columns, &tile_rows.index));
  SIMDROP_RETURN_IF_ERROR(check_bits(rows, columns, bits_stride, false, &length));
  simdrop_draw_tile_bits(&state, &tile_rows, bits, bits_stride);
  return SIMDROP_OK;
}

// Whether elements that were checked meet decisions.
static bool meets_bits(const simdrop_tile_rows *rows, size_t size, const uint8_t *bits, size_t length) {
  const ptrdiff_t to_last = (ptrdiff_t)(rows->rows - 1) * rows->stride * (ptrdiff_t)size;
  const char *const begin = to_last < 0 ? rows->x + to_last : rows->x;
  return overlaps(begin, (size_t)(to_last < 0 ? -to_last : to_last) + rows->columns * size, bits, length);
}

simdrop_status simdrop_tile_apply_bits(const simdrop_tile *tile, size_t rows, size_t columns, const uint8_t *bits,
                                       size_t bits_stride, void *x, ptrdiff_t stride) {
  if (tile == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (rows == 0 || columns == 0) return SIMDROP_OK;
  if (bits == NULL) return SIMDROP_ERROR_NULL_POINTER;
  simdrop_tile_state state;
  SIMDROP_RETURN_IF_ERROR(copy_state(tile, x, offsetof(simdrop_tile_state, decisions), &state));  // nothing is drawn
  const simdrop_tile_rows tile_rows = {0, rows, columns, (char *)x, rows == 1 ? (ptrdiff_t)columns : stride};
  size_t length;
  SIMDROP_RETURN_IF_ERROR(check_places(state.size, rows, columns, stride));
  SIMDROP_RETURN_IF_ERROR(check_bits(rows, columns, bits_stride, true, &length));
  if (meets_bits(&tile_rows, state.size, bits, length)) return SIMDROP_ERROR_OVERLAP;
  simdrop_drive_tile_bits(&state, &tile_rows, bits, bits_stride);
  return SIMDROP_OK;
}
