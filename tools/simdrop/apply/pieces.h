// An array in the order of its file, taken in pieces that fit a buffer: each is a box of the array, contiguous in the file.
#ifndef SIMDROP_TOOL_APPLY_PIECES_H
#define SIMDROP_TOOL_APPLY_PIECES_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

// An array's axes in the order of memory, the last one contiguous, and how the mask's index moves along each: 0 shares a
// decision along the axis. Elements that differ on another axis have different decisions.
typedef struct tensor_axes {
  int rank;  // at least 1
  uint64_t dims[SIMDROP_MAX_RANK];
  uint64_t index_strides[SIMDROP_MAX_RANK];
  uint64_t first_index;  // of the mask, for the first element
} tensor_axes;

typedef struct piece {
  size_t count;              // elements
  simdrop_layout layout;     // x and y alike
  uint64_t first_index;      // of the mask, for the first element
  size_t decision_count;     // decisions that no piece before had
  simdrop_layout decisions;  // the elements that are the first to have them
} piece;

typedef struct piece_walk {
  const tensor_axes *axes;
  int cut_axis;                   // the axes behind it are whole in every piece, those before it stand still
  uint64_t cut_length;            // places of it in a piece, fewer at its end
  uint64_t at[SIMDROP_MAX_RANK];  // where the next piece begins
  bool ended;
} piece_walk;

// The largest index of the mask, if the array has elements.
uint64_t tensor_axes_last_index(const tensor_axes *axes);

// Pieces have at most `largest` elements, and more than a quarter of that on average if the array has. The axes must outlive
// the walk.
void piece_walk_begin(piece_walk *walk, const tensor_axes *axes, size_t largest);

// False if there is no piece any more.
bool piece_walk_next(piece_walk *walk, piece *next);

#endif
