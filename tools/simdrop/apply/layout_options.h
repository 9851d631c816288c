// The options of simdrop apply that say which elements share a decision, or where in a larger array they lie.
#ifndef SIMDROP_TOOL_APPLY_LAYOUT_OPTIONS_H
#define SIMDROP_TOOL_APPLY_LAYOUT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "apply/npy.h"
#include "apply/pieces.h"
#include "shared/args.h"

typedef struct layout_options {
  arg_size_list mask_shape;  // empty: not given
  int channels;              // simdrop_channel_order or ARG_NO_CHOICE
  int spatial;               // how many spatial axes, less 1, or ARG_NO_CHOICE
  arg_tile tile;
  arg_matrix whole;
} layout_options;

#define LAYOUT_OPTIONS_NONE .channels = ARG_NO_CHOICE, .spatial = ARG_NO_CHOICE

#define LAYOUT_DESCRIPTION_SIZE 2048  // of a mask shape of ARG_LIST_MAX numbers

extern const char *const layout_channel_orders[];  // in the order of simdrop_channel_order, then NULL

bool layout_options_given(const layout_options *options);

// Whether the options go together; false after printing the sentence.
bool layout_options_check(const layout_options *options);

// The array's axes with these options; without any, one axis with a decision for each element in the order of the file. Prints
// the sentence and returns false if the options do not suit the array.
bool layout_options_axes(const layout_options *options, const npy_header *header, const char *name, tensor_axes *axes);

// The options as they could be given.
void layout_options_describe(const layout_options *options, size_t size, char *text);

#endif
