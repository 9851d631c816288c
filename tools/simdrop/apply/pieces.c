// The axes that are innermost in memory and fit a piece together are whole in each; the one outside of them is cut.
#include "apply/pieces.h"

uint64_t tensor_axes_last_index(const tensor_axes *axes) {
  uint64_t index = axes->first_index;
  for (int a = 0; a < axes->rank; ++a) index += (axes->dims[a] - 1) * axes->index_strides[a];
  return index;
}

void piece_walk_begin(piece_walk *walk, const tensor_axes *axes, size_t largest) {
  uint64_t whole = 1;  // elements of the axes behind the one that is cut
  int a = axes->rank - 1;
  *walk = (piece_walk){.axes = axes};
  for (int b = 0; b <= a; ++b)
    if (axes->dims[b] == 0) walk->ended = true;
  for (; a > 0 && axes->dims[a] <= largest / whole && !walk->ended; --a) whole *= axes->dims[a];
  walk->cut_axis = a;
  walk->cut_length = largest / whole;
}

// The box that begins where the walk is and has `length` places of the axis that is cut.
static void fill_piece(const piece_walk *walk, uint64_t length, piece *next) {
  const tensor_axes *const axes = walk->axes;
  const int cut = walk->cut_axis;
  bool decided = false;  // the piece's decisions are all those of a piece before
  *next = (piece){.count = 1, .layout.rank = axes->rank - cut, .first_index = axes->first_index};
  for (int a = 0; a <= cut; ++a) {
    next->first_index += walk->at[a] * axes->index_strides[a];
    if (axes->index_strides[a] == 0 && walk->at[a] > 0) decided = true;
  }
  for (int a = axes->rank - 1; a >= cut; --a) {
    next->layout.dims[a - cut] = (size_t)(a == cut ? length : axes->dims[a]);
    next->layout.x_strides[a - cut] = next->layout.y_strides[a - cut] = (ptrdiff_t)next->count;
    next->layout.index_strides[a - cut] = axes->index_strides[a];
    next->count *= next->layout.dims[a - cut];
  }
  next->decisions = next->layout;
  next->decision_count = decided ? 0 : 1;
  for (int k = 0; k < next->decisions.rank; ++k) {
    if (next->decisions.index_strides[k] == 0) next->decisions.dims[k] = 1;
    next->decision_count *= next->decisions.dims[k];
  }
}

bool piece_walk_next(piece_walk *walk, piece *next) {
  if (walk->ended) return false;
  const uint64_t *const dims = walk->axes->dims;
  int a = walk->cut_axis;
  const uint64_t left = dims[a] - walk->at[a], length = left < walk->cut_length ? left : walk->cut_length;
  fill_piece(walk, length, next);
  walk->at[a] += length;
  for (; a > 0 && walk->at[a] == dims[a]; --a) {
    walk->at[a] = 0;
    ++walk->at[a - 1];
  }
  walk->ended = walk->at[0] == dims[0];
  return true;
}
