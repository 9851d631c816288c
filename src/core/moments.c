// Mean and variance over passes.
#include <simdrop/simdrop.h>

#include <string.h>

#include "core/check_call.h"
#include "machine/dispatch.h"

// Whole lines of memory, as in cut.c.
#define GRAIN ((size_t)4096)

typedef struct moments_job {
  simdrop_moments_kernel *update;
  simdrop_dtype dtype;
  uint64_t passes;
  size_t size, sum_size;  // of an element of x, and of a mean
  const char *x;
  char *mean, *squares;
} moments_job;

static simdrop_moments_kernel *kernel_of(simdrop_dtype dtype) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  SIMDROP_RETURN_KERNEL(SIMDROP_COMPUTED_TYPES, moments)
}

static void update(void *context, size_t begin, size_t end) {
  const moments_job *const job = (const moments_job *)context;
  char *const mean = job->mean + begin * job->sum_size, *const squares = job->squares + begin * job->sum_size;
  if (job->passes == 1) {
    memset(mean, 0, (end - begin) * job->sum_size);
    memset(squares, 0, (end - begin) * job->sum_size);
  }
  job->update(end - begin, job->x + begin * job->size, mean, squares, 1 / (double)job->passes);
}

static void finish(void *context, size_t begin, size_t end) {
  const moments_job *const job = (const moments_job *)context;
  if (job->dtype == SIMDROP_F64) {
    const double *const squares = (const double *)job->x, divisor = (double)(job->passes - 1);
    double *const variance = (double *)job->mean;
    for (size_t k = begin; k < end; ++k) variance[k] = squares[k] / divisor;
  } else {
    const float *const squares = (const float *)job->x, divisor = (float)(job->passes - 1);
    float *const variance = (float *)job->mean;
    for (size_t k = begin; k < end; ++k) variance[k] = squares[k] / divisor;
  }
}

simdrop_status simdrop_moments_update(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes, size_t n,
                                      const void *x, void *mean, void *squares) {
  if (!simdrop_is_computed(dtype)) return SIMDROP_ERROR_DTYPE;
  if (passes == 0) return SIMDROP_ERROR_SHAPE;
  if (n == 0) return SIMDROP_OK;
  if (x == NULL || mean == NULL || squares == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t size = simdrop_dtype_size(dtype), sum_size = simdrop_computed_size(dtype);
  if (n > SIZE_MAX / sum_size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  if (overlaps(x, n * size, mean, n * sum_size) || overlaps(x, n * size, squares, n * sum_size) ||
      overlaps(mean, n * sum_size, squares, n * sum_size))
    return SIMDROP_ERROR_OVERLAP;
  moments_job job = {kernel_of(dtype), dtype, passes, size, sum_size, (const char *)x, (char *)mean, (char *)squares};
  simdrop_run_ranges(executor, n, GRAIN, SIMDROP_PIECE_ELEMENTS, update, &job);
  return SIMDROP_OK;
}

simdrop_status simdrop_moments_finish(const simdrop_executor *executor, simdrop_dtype dtype, uint64_t passes, size_t n,
                                      const void *squares, void *variance) {
  if (!simdrop_is_computed(dtype)) return SIMDROP_ERROR_DTYPE;
  if (passes < 2) return SIMDROP_ERROR_SHAPE;
  if (n == 0) return SIMDROP_OK;
  if (squares == NULL || variance == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t sum_size = simdrop_computed_size(dtype);
  if (n > SIZE_MAX / sum_size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  if (squares != variance && overlaps(squares, n * sum_size, variance, n * sum_size)) return SIMDROP_ERROR_OVERLAP;
  moments_job job = {.dtype = dtype, .passes = passes, .x = (const char *)squares, .mean = (char *)variance};
  simdrop_run_ranges(executor, n, GRAIN, SIMDROP_PIECE_ELEMENTS, finish, &job);
  return SIMDROP_OK;
}
