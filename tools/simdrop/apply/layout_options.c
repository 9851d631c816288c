// From options and an array's shape to a layout of the library, over the array's own axes; then to the order of the file.
#include "apply/layout_options.h"

#include <inttypes.h>
#include <stdio.h>

#include "shared/report.h"

const char *const layout_channel_orders[] = {"first", "last", NULL};

static bool has_mask_shape(const layout_options *options) { return options->mask_shape.count > 0; }
static bool has_channels(const layout_options *options) {
  return options->channels != ARG_NO_CHOICE || options->spatial != ARG_NO_CHOICE;
}
static bool has_tile(const layout_options *options) { return options->tile.given || options->whole.given; }

bool layout_options_given(const layout_options *options) {
  return has_mask_shape(options) || has_channels(options) || has_tile(options);
}

void layout_options_describe(const layout_options *options, size_t size, char *text) {
  const arg_tile *const tile = &options->tile;
  if (options->channels != ARG_NO_CHOICE) {
    snprintf(text, size, "--channels %s --spatial %d", layout_channel_orders[options->channels], options->spatial + 1);
  } else if (has_tile(options)) {
    snprintf(text, size, "--tile %" PRIu64 ":%" PRIu64 ",%" PRIu64 ":%" PRIu64 " --of %" PRIu64 "x%" PRIu64, tile->row_begin,
             tile->row_end, tile->column_begin, tile->column_end, options->whole.rows, options->whole.columns);
  } else {
    size_t used = (size_t)snprintf(text, size, "--mask-shape");
    for (size_t a = 0; a < options->mask_shape.count && used < size; ++a) {
      const uint64_t extent = options->mask_shape.values[a];
      const char separator = a == 0 ? ' ' : ',';
      used += (size_t)(extent == ARG_EXTENT_NONE ? snprintf(text + used, size - used, "%cNone", separator)
                                                 : snprintf(text + used, size - used, "%c%" PRIu64, separator, extent));
    }
  }
}

static bool needs(bool has, bool has_partner, const char *option, const char *partner) {
  if (has && !has_partner) report_error("apply: %s needs %s too", option, partner);
  return !has || has_partner;
}

static bool excludes(bool has, bool has_other, const char *option, const char *other) {
  if (has && has_other) report_error("apply: %s and %s cannot be used together", option, other);
  return !has || !has_other;
}

static bool check_tile(const layout_options *options) {
  const arg_tile *const tile = &options->tile;
  const bool ordered = tile->row_begin <= tile->row_end && tile->column_begin <= tile->column_end;
  const bool within = tile->row_end <= options->whole.rows && tile->column_end <= options->whole.columns;
  char given[LAYOUT_DESCRIPTION_SIZE];
  layout_options_describe(options, sizeof given, given);
  if (!ordered) {
    report_error("apply: %s: the tile begins behind its end", given);
  } else if (!within) {
    report_error("apply: %s: the tile reaches beyond the matrix", given);
  }
  return ordered && within;
}

bool layout_options_check(const layout_options *options) {
  const bool channels = options->channels != ARG_NO_CHOICE, spatial = options->spatial != ARG_NO_CHOICE;
  return needs(channels, spatial, "--channels", "--spatial") && needs(spatial, channels, "--spatial", "--channels") &&
         needs(options->tile.given, options->whole.given, "--tile", "--of") &&
         needs(options->whole.given, options->tile.given, "--of", "--tile") &&
         excludes(has_mask_shape(options), channels, "--mask-shape", "--channels") &&
         excludes(has_mask_shape(options), options->tile.given, "--mask-shape", "--tile") &&
         excludes(channels, options->tile.given, "--channels", "--tile") && (!has_tile(options) || check_tile(options));
}

static bool check_rank(const layout_options *options, const npy_header *header, const char *name, int low, int high) {
  if (header->rank >= low && header->rank <= high) return true;
  char given[LAYOUT_DESCRIPTION_SIZE], range[32];
  layout_options_describe(options, sizeof given, given);
  const int length = snprintf(range, sizeof range, "%d", low);
  if (high > low) snprintf(range + length, sizeof range - (size_t)length, " to %d", high);
  report_error("cannot use %s: it has %d ax%s, and %s is for %s", name, header->rank, header->rank == 1 ? "is" : "es", given,
               range);
  return false;
}

// The extents are those of the last axes; the mask is broadcast along the others.
static uint64_t mask_extent(const layout_options *options, const npy_header *header, int axis) {
  const int left_out = header->rank - (int)options->mask_shape.count;
  const uint64_t extent = axis < left_out ? 1 : options->mask_shape.values[axis - left_out];
  return extent == ARG_EXTENT_NONE ? header->shape[axis] : extent;
}

// In a mask shape with fewer axes Keras counts those of None from the left, and all others from the right; TensorFlow refuses
// it.
static bool names_all_axes(const layout_options *options, const npy_header *header, const char *name) {
  const arg_size_list *const mask_shape = &options->mask_shape;
  bool none = false;
  for (size_t a = 0; a < mask_shape->count; ++a) none |= mask_shape->values[a] == ARG_EXTENT_NONE;
  if (!none || (int)mask_shape->count == header->rank) return true;
  char given[LAYOUT_DESCRIPTION_SIZE];
  layout_options_describe(options, sizeof given, given);
  report_error("cannot use %s: it has %d axes, and %s, with None in it, has to name them all", name, header->rank, given);
  return false;
}

static bool suits_mask_shape(const layout_options *options, const npy_header *header, const char *name) {
  const int count = (int)options->mask_shape.count;
  if (!check_rank(options, header, name, count, count > SIMDROP_MAX_RANK ? count : SIMDROP_MAX_RANK)) return false;
  if (!names_all_axes(options, header, name)) return false;
  for (int a = 0; a < header->rank; ++a) {
    const uint64_t found = mask_extent(options, header, a);
    if (found == 1 || found == header->shape[a]) continue;
    report_error("cannot use %s: its axis %d has length %" PRIu64 ", so --mask-shape takes that or 1 there, not %" PRIu64, name,
                 a, header->shape[a], found);
    return false;
  }
  return true;
}

static bool suits_tile(const layout_options *options, const npy_header *header, const char *name) {
  const arg_tile *const tile = &options->tile;
  if (!check_rank(options, header, name, 2, SIMDROP_MAX_RANK)) return false;
  const uint64_t rows = header->shape[header->rank - 2], columns = header->shape[header->rank - 1];
  if (rows == tile->row_end - tile->row_begin && columns == tile->column_end - tile->column_begin) return true;
  report_error("cannot use %s: its last two axes are %" PRIu64 " x %" PRIu64 ", and --tile is %" PRIu64 " x %" PRIu64, name,
               rows, columns, tile->row_end - tile->row_begin, tile->column_end - tile->column_begin);
  return false;
}

static bool suits(const layout_options *options, const npy_header *header, const char *name) {
  // With N spatial axes, spatial is N - 1: the channels come to them, and perhaps a batch.
  if (!(has_mask_shape(options) ? suits_mask_shape(options, header, name)
        : has_channels(options) ? check_rank(options, header, name, options->spatial + 2, options->spatial + 3)
                                : suits_tile(options, header, name)))
    return false;
  if (!check_rank(options, header, name, 1, SIMDROP_MAX_RANK)) return false;
  for (int a = 0; a < header->rank; ++a) {
    if (header->shape[a] <= SIZE_MAX) continue;
    report_error("cannot use %s: its axis %d is too long for this machine", name, a);
    return false;
  }
  return true;
}

// The layout over the array's axes as NumPy shows them. The array suits the options.
static simdrop_status make_layout(const layout_options *options, const npy_header *header, simdrop_layout *layout,
                                  uint64_t *first_index) {
  const arg_tile *const tile = &options->tile;
  size_t dims[SIMDROP_MAX_RANK], mask_dims[SIMDROP_MAX_RANK];
  *first_index = 0;
  for (int a = 0; a < header->rank; ++a) {
    dims[a] = (size_t)header->shape[a];
    mask_dims[a] = has_mask_shape(options) ? (size_t)mask_extent(options, header, a) : 0;
  }
  if (has_mask_shape(options)) return simdrop_layout_broadcast(header->rank, dims, mask_dims, layout);
  if (has_channels(options))
    return simdrop_layout_channels((simdrop_channel_order)options->channels, options->spatial + 1, header->rank, dims, layout);
  return simdrop_layout_tile(header->rank - 2, dims, options->whole.rows, options->whole.columns, tile->row_begin,
                             tile->row_end, tile->column_begin, tile->column_end, layout, first_index);
}

bool layout_options_axes(const layout_options *options, const npy_header *header, const char *name, tensor_axes *axes) {
  *axes = (tensor_axes){.rank = 1, .dims = {header->count}, .index_strides = {1}};
  if (!layout_options_given(options)) return true;
  if (!suits(options, header, name)) return false;
  simdrop_layout layout;
  const simdrop_status status = make_layout(options, header, &layout, &axes->first_index);
  if (status == SIMDROP_ERROR_INDEX_OVERFLOW) {
    report_error("cannot use %s: with --of %" PRIu64 "x%" PRIu64 " the whole array has more than 2^64 - 1 elements", name,
                 options->whole.rows, options->whole.columns);
    return false;
  }
  if (status != SIMDROP_OK) {
    report_error("cannot use %s: %s", name, simdrop_status_string(status));
    return false;
  }
  axes->rank = layout.rank;
  for (int a = 0; a < layout.rank; ++a) {
    const int own = header->fortran_order ? layout.rank - 1 - a : a;
    axes->dims[a] = layout.dims[own];
    axes->index_strides[a] = layout.index_strides[own];
  }
  return true;
}
