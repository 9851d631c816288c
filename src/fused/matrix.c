// Matrices that people use.
#include <simdrop/simdrop.h>

simdrop_matrix simdrop_matrix_dense(size_t rows, size_t columns) {
  const ptrdiff_t stride = (ptrdiff_t)columns;
  return (simdrop_matrix){rows, columns, stride, stride, stride, columns, 0};
}
