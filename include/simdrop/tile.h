/** @file tile.h
 *  Dropout of tiles of a larger matrix, in place, while they are in the first cache: for kernels of attention, and for products
 *  of matrices, that make their result a tile at a time. docs/fused.md, "Tiles", tells how. Included by simdrop.h. */
#ifndef SIMDROP_TILE_H
#define SIMDROP_TILE_H

#include <simdrop/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What all tiles of a matrix have in common, worked out once. It lives wherever the caller puts it, holds no pointer to memory
 *  of the caller's, and is never written after simdrop_tile_init: threads may share it, and copies of it are as good. Its
 *  contents are the library's own. */
typedef struct simdrop_tile {
  uint64_t opaque[128]; /**< for the library alone */
} simdrop_tile;

/** Prepare to drop tiles of a matrix.
 *
 *  Element (r, c) of the matrix is decided by element offset + r * index_stride + c of the mask. Two numberings are of use:
 *  - index_stride is the number of columns of the whole matrix: tiles get the decisions that simdrop_forward gives the whole.
 *    Head h of sample b is another matrix: its offset is (b * heads + h) * rows * columns more, or it has a stream of its own.
 *  - index_stride is the width W of the tiles, which are numbered one after the other: tile t of R rows is rows t * R ..
 *    t * R + R - 1 and columns 0 .. W - 1 to simdrop_tile_apply, wherever it lies in the matrix. Its decisions follow one
 *    another, so that no block of 128 is drawn for a part of it alone, and tiles narrower than 128 columns cost half as much.
 *    The backward pass must number tiles of the same shape in the same way.
 *
 *  The backend that is in use now serves the tiles for good; all give the same bits.
 *  @param mask          which mask; its offset is the index of element (0, 0)
 *  @param dtype         type of the elements
 *  @param index_stride  how far the mask's index moves from a row to the next; 0 = all rows share the decisions of one
 *  @param tile          receives what simdrop_tile_apply needs; left as it was on an error
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_PROBABILITY, ERROR_FLAGS or ERROR_DTYPE
 *  @snippet fused.c simdrop_tile_init */
SIMDROP_API simdrop_status simdrop_tile_init(const simdrop_mask *mask, simdrop_dtype dtype, uint64_t index_stride,
                                             simdrop_tile *tile);

/** Apply dropout in place to rows row .. row + rows - 1 and columns column .. column + columns - 1 of the matrix: each element
 *  becomes kept ? x * s : +0, bit for bit what simdrop_forward_layout makes of it. Forward and backward alike.
 *  @param tile     made by simdrop_tile_init, which must have returned SIMDROP_OK
 *  @param row      the tile's first row
 *  @param column   the tile's first column
 *  @param rows     number of rows; 0: nothing is done
 *  @param columns  number of columns; 0: nothing is done
 *  @param x        the tile's element (row, column)
 *  @param stride   elements of x from a row to the next; may be negative, and anything if there is one row
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_DTYPE (the tile is all zeros), ERROR_INDEX_OVERFLOW, ERROR_SIZE_OVERFLOW (the
 *          elements lie further apart than PTRDIFF_MAX bytes), or ERROR_OVERLAP: the stride is shorter than a row
 *  @snippet fused.c simdrop_tile_apply */
SIMDROP_API simdrop_status simdrop_tile_apply(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows,
                                              size_t columns, void *x, ptrdiff_t stride);

/** Draw the decisions of rows row .. row + rows - 1 and columns column .. column + columns - 1 of the matrix, for tiles that
 * are to come: a whole strip of narrow tiles side by side, say, so that no block of the mask is drawn for each of them anew.
 * They are packed: that of element (row + r, column + c) is bit c % 8 of byte r * bits_stride + c / 8, 1 = kept, and unused
 * bits of a row's last byte are 0. A kernel that has its tile in registers may select by them itself.
 *  @param tile         made by simdrop_tile_init, which must have returned SIMDROP_OK
 *  @param row          the first row
 *  @param column       the first column
 *  @param rows         number of rows; 0: nothing is done
 *  @param columns      number of columns; 0: nothing is done
 *  @param bits         receives (columns + 7) / 8 bytes for each row; what lies between those of two rows is left alone
 *  @param bits_stride  bytes from a row's decisions to the next row's; anything if there is one row
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_DTYPE (the tile is all zeros), ERROR_INDEX_OVERFLOW, ERROR_SIZE_OVERFLOW (the
 *          bytes lie further apart than PTRDIFF_MAX), or ERROR_OVERLAP: the stride is shorter than a row
 *  @snippet fused.c simdrop_tile_bits */
SIMDROP_API simdrop_status simdrop_tile_bits(const simdrop_tile *tile, uint64_t row, uint64_t column, size_t rows,
                                             size_t columns, uint8_t *bits, size_t bits_stride);

/** Apply stored decisions in place, a row at a time what simdrop_apply_bits does with the mask's p: where they are those that
 *  simdrop_tile_bits drew for these elements, simdrop_tile_apply to the bit. Nothing is drawn, and a tile costs little more
 * than to read and write it.
 *  @param tile         made by simdrop_tile_init, which must have returned SIMDROP_OK
 *  @param rows         number of rows; 0: nothing is done
 *  @param columns      number of columns; 0: nothing is done
 *  @param bits         decisions of the tile's first row: those of a strip from a column on that is a multiple of 8 from the
 *                      strip's first, for example
 *  @param bits_stride  bytes from a row's decisions to the next row's; 0 = all rows have the same
 *  @param x            the tile's first element
 *  @param stride       elements of x from a row to the next; may be negative, and anything if there is one row
 *  @return SIMDROP_OK, ERROR_NULL_POINTER, ERROR_DTYPE (the tile is all zeros), ERROR_SIZE_OVERFLOW (elements or decisions lie
 *          further apart than PTRDIFF_MAX bytes), or ERROR_OVERLAP: x's stride is shorter than a row, or x meets the bits
 *  @snippet fused.c simdrop_tile_apply_bits */
SIMDROP_API simdrop_status simdrop_tile_apply_bits(const simdrop_tile *tile, size_t rows, size_t columns, const uint8_t *bits,
                                                   size_t bits_stride, void *x, ptrdiff_t stride);

#ifdef __cplusplus
}
#endif

#endif
