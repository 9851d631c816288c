// The layouts that people use, by name.
#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "layout/check.h"
#include "layout/plan.h"

// Row-major strides, and index strides of those axes that mask_dims does not share; NULL shares none.
static simdrop_status fill_layout(int rank, const size_t *dims, const size_t *mask_dims, simdrop_layout *layout) {
  if (layout == NULL || (rank > 0 && dims == NULL)) return SIMDROP_ERROR_NULL_POINTER;
  size_t count;
  const simdrop_status status = simdrop_check_shape(rank, dims, &count);
  if (status != SIMDROP_OK) return status;
  simdrop_layout filled = {.rank = rank};
  size_t stride = 1;
  uint64_t index_stride = 1;
  for (int a = rank - 1; a >= 0; --a) {
    const size_t mask_dim = mask_dims == NULL ? dims[a] : mask_dims[a];
    if (mask_dim != dims[a] && mask_dim != 1) return SIMDROP_ERROR_SHAPE;
    filled.dims[a] = dims[a];
    filled.x_strides[a] = filled.y_strides[a] = (ptrdiff_t)stride;
    filled.index_strides[a] = mask_dim == 1 ? 0 : index_stride;
    if (count != 0) {  // without elements there is nothing to step over, and the product might be too large
      stride *= dims[a];
      index_stride *= mask_dim;
    }
  }
  *layout = filled;
  return SIMDROP_OK;
}

simdrop_status simdrop_layout_dense(int rank, const size_t *dims, simdrop_layout *layout) {
  return fill_layout(rank, dims, NULL, layout);
}

simdrop_status simdrop_layout_broadcast(int rank, const size_t *dims, const size_t *mask_dims, simdrop_layout *layout) {
  if (rank > 0 && mask_dims == NULL) return SIMDROP_ERROR_NULL_POINTER;
  return fill_layout(rank, dims, mask_dims, layout);
}

simdrop_status simdrop_layout_channels(simdrop_channel_order order, int spatial_rank, int rank, const size_t *dims,
                                       simdrop_layout *layout) {
  if (dims == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (order != SIMDROP_CHANNELS_FIRST && order != SIMDROP_CHANNELS_LAST) return SIMDROP_ERROR_SHAPE;
  if (spatial_rank < 1 || spatial_rank > 3 || (rank != spatial_rank + 1 && rank != spatial_rank + 2)) return SIMDROP_ERROR_RANK;
  const int batch_rank = rank - spatial_rank - 1;
  size_t mask_dims[5] = {1, 1, 1, 1, 1};
  if (batch_rank == 1) mask_dims[0] = dims[0];
  const int channel_axis = order == SIMDROP_CHANNELS_FIRST ? batch_rank : rank - 1;
  mask_dims[channel_axis] = dims[channel_axis];
  return fill_layout(rank, dims, mask_dims, layout);
}

simdrop_status simdrop_layout_time_shared(simdrop_time_order order, size_t batch, size_t time, size_t features,
                                          simdrop_layout *layout) {
  const size_t batch_first[] = {batch, time, features}, shared_in_batch[] = {batch, 1, features};
  const size_t time_first[] = {time, batch, features}, shared_in_time[] = {1, batch, features};
  switch (order) {
    case SIMDROP_BATCH_FIRST: return fill_layout(3, batch_first, shared_in_batch, layout);
    case SIMDROP_TIME_FIRST: return fill_layout(3, time_first, shared_in_time, layout);
  }
  return SIMDROP_ERROR_SHAPE;
}

simdrop_status simdrop_layout_drop_path(int rank, const size_t *dims, simdrop_layout *layout) {
  if (rank < 1 || rank > SIMDROP_MAX_RANK) return SIMDROP_ERROR_RANK;
  if (dims == NULL) return SIMDROP_ERROR_NULL_POINTER;
  size_t mask_dims[SIMDROP_MAX_RANK] = {dims[0], 1, 1, 1, 1, 1, 1, 1};
  return fill_layout(rank, dims, mask_dims, layout);
}

simdrop_status simdrop_layout_rows(size_t rows, size_t columns, simdrop_layout *layout) {
  const size_t dims[] = {rows, columns};
  return simdrop_layout_drop_path(2, dims, layout);
}

simdrop_status simdrop_layout_tile(int batch_rank, const size_t *batch_dims, uint64_t rows, uint64_t columns,
                                   uint64_t row_begin, uint64_t row_end, uint64_t column_begin, uint64_t column_end,
                                   simdrop_layout *layout, uint64_t *first_index) {
  if (layout == NULL || first_index == NULL || (batch_rank > 0 && batch_dims == NULL)) return SIMDROP_ERROR_NULL_POINTER;
  if (batch_rank < 0 || batch_rank > SIMDROP_MAX_RANK - 2) return SIMDROP_ERROR_RANK;
  if (row_begin > row_end || row_end > rows || column_begin > column_end || column_end > columns) return SIMDROP_ERROR_SHAPE;
  if (row_end - row_begin > SIZE_MAX || column_end - column_begin > SIZE_MAX) return SIMDROP_ERROR_SIZE_OVERFLOW;

  size_t dims[SIMDROP_MAX_RANK];
  uint64_t index_strides[SIMDROP_MAX_RANK];
  const int rank = batch_rank + 2;
  for (int a = 0; a < batch_rank; ++a) dims[a] = batch_dims[a];
  dims[rank - 2] = (size_t)(row_end - row_begin);
  dims[rank - 1] = (size_t)(column_end - column_begin);
  // The strides of the whole; stride is the number of its elements from this axis on, as far as it can be counted.
  uint64_t stride = 1;
  bool too_many = false, empty = rows == 0 || columns == 0;
  for (int a = 0; a < batch_rank; ++a) empty = empty || batch_dims[a] == 0;
  for (int a = rank - 1; a >= 0; --a) {
    const uint64_t extent = a == rank - 1 ? columns : a == rank - 2 ? rows : batch_dims[a];
    index_strides[a] = stride;
    if (extent != 0 && stride > UINT64_MAX / extent) too_many = true;
    stride *= extent;
  }
  // Exactly 2^64 elements have indices that fit, but no stride of theirs is computed right; nobody has such a tensor.
  if (too_many && !empty) return SIMDROP_ERROR_INDEX_OVERFLOW;

  simdrop_layout filled;
  const simdrop_status status = fill_layout(rank, dims, NULL, &filled);
  if (status != SIMDROP_OK) return status;
  for (int a = 0; a < rank; ++a) filled.index_strides[a] = dims[a] == 1 ? 0 : index_strides[a];
  *layout = filled;
  *first_index = row_begin * columns + column_begin;
  return SIMDROP_OK;
}

// The plan's words serve for axes that are not in the plan's order: neighbours are merged where they stand.
simdrop_status simdrop_layout_strided(int rank, const size_t *dims, const ptrdiff_t *x_strides, const ptrdiff_t *y_strides,
                                      const uint64_t *index_strides, simdrop_layout *layout) {
  const bool lacks_axes = dims == NULL || x_strides == NULL || y_strides == NULL || index_strides == NULL;
  if (layout == NULL || (rank > 0 && lacks_axes)) return SIMDROP_ERROR_NULL_POINTER;
  if (rank < 0) return SIMDROP_ERROR_RANK;
  size_t count;
  const simdrop_status status = simdrop_count_elements(rank, dims, &count);
  if (status != SIMDROP_OK) return status;
  if (count == 0) {
    *layout = (simdrop_layout){.rank = 1};
    return SIMDROP_OK;
  }
  simdrop_plan_axis axes[SIMDROP_MAX_RANK];  // filled from the end
  int first = SIMDROP_MAX_RANK;
  for (int a = rank - 1; a >= 0; --a) {
    if (dims[a] == 1) continue;
    const simdrop_plan_axis axis = {.count = dims[a], .strides = {x_strides[a], y_strides[a]}, .index = index_strides[a]};
    if (first < SIMDROP_MAX_RANK && simdrop_axes_are_one(&axis, &axes[first])) {
      axes[first].count *= axis.count;
    } else if (first == 0) {
      return SIMDROP_ERROR_RANK;
    } else {
      axes[--first] = axis;
    }
  }
  simdrop_layout filled = {.rank = SIMDROP_MAX_RANK - first};
  for (int a = 0; a < filled.rank; ++a) {
    filled.dims[a] = axes[first + a].count;
    filled.x_strides[a] = axes[first + a].strides[SIMDROP_X];
    filled.y_strides[a] = axes[first + a].strides[SIMDROP_Y];
    filled.index_strides[a] = axes[first + a].index;
  }
  *layout = filled;
  return SIMDROP_OK;
}
