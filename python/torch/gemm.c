#include "gemm.h"

#include <dlfcn.h>
#include <string.h>

/* Fortran's interface of BLAS. Whether its integers have 32 or 64 bits, the lowest of a little-endian int64_t come first: both
 * read the same number. */
typedef void gemm(const char *transpose_a, const char *transpose_b, const int64_t *m, const int64_t *n, const int64_t *k,
                  const void *alpha, const void *a, const int64_t *lda, const void *b, const int64_t *ldb, const void *beta,
                  void *c, const int64_t *ldc);

static gemm *sgemm, *dgemm;

static gemm *look_up(void *library, const char *name) {
  void *address = dlsym(library, name);
  gemm *function = NULL;
  memcpy(&function, &address, sizeof address);
  return function;
}

bool find_gemm(const char *libtorch_cpu) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return (void)libtorch_cpu, (void)look_up, false;
#else
  void *library = dlopen(libtorch_cpu, RTLD_LAZY | RTLD_NOLOAD);
  if (library == NULL) return false;
  sgemm = look_up(library, "sgemm_");
  dgemm = look_up(library, "dgemm_");
  return sgemm != NULL && dgemm != NULL;
#endif
}

/* BLAS has columns side by side: to it our matrices are transposed, and so is the product, whose factors change places. */
void multiply(struct product product, struct matrix left, struct matrix right, struct matrix result) {
  if (product.rows == 0 || product.columns == 0) return;
  static const float floats[] = {0, 1};
  static const double doubles[] = {0, 1};
  const void *zero = product.is_double ? (const void *)&doubles[0] : &floats[0];
  const void *one = product.is_double ? (const void *)&doubles[1] : &floats[1];
  const char *left_form = product.is_left_transposed ? "T" : "N", *right_form = product.is_right_transposed ? "T" : "N";
  gemm *function = product.is_double ? dgemm : sgemm;
  function(right_form, left_form, &product.columns, &product.rows, &product.inner, one, right.data, &right.stride, left.data,
           &left.stride, product.is_added ? one : zero, result.data, &result.stride);
}
