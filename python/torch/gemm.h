/* Products of matrices, by the BLAS that PyTorch itself multiplies with: MKL inside libtorch_cpu, or a library that it has
 * loaded. */
#ifndef SIMDROP_TORCH_GEMM_H
#define SIMDROP_TORCH_GEMM_H

#include <stdbool.h>
#include <stdint.h>

/* Rows of float or double, whose elements lie side by side. */
struct matrix {
  void *data;
  int64_t stride; /* from row to row, in elements: at least a row's length */
};

/* A product: rows x inner times inner x columns. */
struct product {
  bool is_double;
  bool is_left_transposed;  /* the left matrix is given as inner x rows */
  bool is_right_transposed; /* the right matrix is given as columns x inner */
  bool is_added;            /* to what the result has already */
  int64_t rows, columns, inner;
};

/* Look the functions up.
 * @param libtorch_cpu  file name of the library, which must be loaded already
 * @return whether they are there: otherwise nothing may be multiplied */
bool find_gemm(const char *libtorch_cpu);

/* result = left * right, or result += left * right. No size or stride exceeds INT32_MAX. */
void multiply(struct product product, struct matrix left, struct matrix right, struct matrix result);

#endif
