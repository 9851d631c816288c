/* Attention with dropout: softmax(scale * q k^T + masks), dropped, times v, and its gradients, a few queries at a time, so that
 * the matrix of probabilities is never whole. Tensors are described by addresses and strides; nothing here is PyTorch's but its
 * threads.
 *
 * The products are BLAS's, and everything between them is simdrop_softmax_forward and simdrop_softmax_backward. These work on
 * whole rows, so the backward pass needs no more than what the forward pass was given: no output, no sums of rows. */
#ifndef SIMDROP_TORCH_ATTENTION_H
#define SIMDROP_TORCH_ATTENTION_H

#include <simdrop/simdrop.h>
#include <stdbool.h>
#include <stdint.h>

/* A tensor of batches x heads x rows x columns, by its strides in elements. */
struct attention_array {
  char *data; /* NULL: there is none */
  int64_t batch_stride, head_stride, row_stride, column_stride;
};

enum attention_mask {
  NO_MASK,
  ADDED_MASK,  /* elements of mask_dtype */
  ALLOWED_MASK /* bytes: 0 = masked */
};

struct attention {
  int64_t batches, heads,
      key_heads; /* heads are a multiple of key_heads: those that follow one another share keys and values */
  int64_t queries, keys, size, value_size;
  simdrop_dtype dtype; /* f32, f64 or bf16, of all tensors but the mask */
  double scale;
  bool is_causal;       /* query r sees the keys 0 .. r */
  simdrop_mask dropout; /* of batches x heads x queries x keys, numbered row by row */
  enum attention_mask mask_kind;
  simdrop_dtype mask_dtype;
  struct attention_array q, k, v, mask;
};

/* Whether arrays are of a kind and a size that these functions take. */
bool attention_fits(const struct attention *attention);

/* out, batches x heads x queries x value_size, of the type of q. */
simdrop_status attention_forward(const struct attention *attention, const struct attention_array *out);

/* The gradients with respect to q, k and v, each of that tensor's size and type. */
simdrop_status attention_backward(const struct attention *attention, const struct attention_array *d_out,
                                  const struct attention_array *dq, const struct attention_array *dk,
                                  const struct attention_array *dv);

#endif
