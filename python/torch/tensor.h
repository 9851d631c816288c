/* Tensors as the kernels see them, and errors. */
#ifndef SIMDROP_TORCH_TENSOR_H
#define SIMDROP_TORCH_TENSOR_H

#include <simdrop/simdrop.h>

#include "shim.h"

/* The most axes that PyTorch's own elementwise kernels take. */
#define MAX_AXES 64

/* A tensor's own description; sizes and strides belong to it. */
struct tensor {
  AtenTensorHandle handle;
  void *data;
  int64_t rank, count;
  const int64_t *sizes, *strides;
  int32_t dtype;
  bool is_contiguous;
};

/* Raises RuntimeError in Python: a C++ exception passes through these C frames, which is why the extension is built with
 * -fexceptions. What must be freed is freed before. */
_Noreturn void raise_error(const char *message);

/* Raises what PyTorch said of a call that failed. */
void check_torch(AOTITorchError error);

/* Raises unless the status is SIMDROP_OK. */
void check_simdrop(simdrop_status status);

/* Describes a tensor; raises if it has no memory of its own. */
struct tensor describe(AtenTensorHandle handle);

/* Simdrop's type for PyTorch's; false if there is none. */
bool find_dtype(int32_t torch_dtype, simdrop_dtype *dtype);

/* Whether the elements fill a piece of memory, each once. */
bool is_dense(const struct tensor *x);

/* A tensor of the sizes of x without gaps, with the axes in memory in the order of x's: what torch.empty_like makes. */
AtenTensorHandle empty_like(const struct tensor *x, int32_t dtype);

/* A tensor without gaps, whose last axis is the fastest. */
AtenTensorHandle empty_contiguous(int64_t rank, const int64_t *sizes, int32_t dtype);

/* An executor on PyTorch's threads, as many as torch.get_num_threads says; in a parallel region PyTorch itself uses one. */
simdrop_executor torch_executor(void);

#endif
