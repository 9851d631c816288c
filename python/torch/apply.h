/* Dropout from one tensor to another: the bridge from PyTorch's strides to simdrop's layouts. */
#ifndef SIMDROP_TORCH_APPLY_H
#define SIMDROP_TORCH_APPLY_H

#include "tensor.h"

/* What is done with the elements. */
enum work {
  WORK_DROPOUT,        /* kept ? x * s : 0; its own gradient */
  WORK_ALPHA,          /* alpha dropout */
  WORK_ALPHA_GRADIENT, /* kept ? x * a : 0 */
  WORK_GAUSSIAN        /* x * (1 + sigma z); its own gradient */
};

/* y = dropout(x): both have the sizes of x; element (i0, i1, ...) has the index mask->offset + the sum of i_a *
 * index_strides[a], or, where index_strides is NULL, + its row-major number, wherever x and y lie. y may be x. */
void apply(enum work work, const simdrop_mask *mask, const struct tensor *x, const struct tensor *y,
           const uint64_t *index_strides);

/* The same for WORK_DROPOUT, and a byte for each element to `bytes`, a dense tensor with the strides of y. */
void apply_with_bytes(const simdrop_mask *mask, const struct tensor *x, const struct tensor *y, const struct tensor *bytes);

/* Whether apply_bytes can do it: bools without gaps, of the sizes of x, and axes that a layout has room for. */
bool fits_bytes(const struct tensor *x, const struct tensor *bytes);

/* y = byte ? x * scale : 0, where bytes is a tensor of bools. y has the strides of bytes, which is dense. */
void apply_bytes(double scale, const struct tensor *bytes, const struct tensor *x, const struct tensor *y);

#endif
