// Concrete dropout, and its gradients.
#include <simdrop/simdrop.h>

#include <assert.h>

#include "core/check_call.h"
#include "engine/own_frame.h"
#include "engine/value_reader.h"
#include "machine/dispatch.h"
#include "scalar/math.h"

// The elements of a call are cut into so many groups, each of which has a sum of its own, so that sums do not depend on the
// threads; and a group into chunks, from its beginning on.
enum {
  GROUPS = 64,
  CHUNK = 512,
  LANES = 8
};
static_assert(CHUNK <= SIMDROP_VALUES_MAX, "a chunk's numbers are handed out together");

// Groups for a thread have at least so many elements: they take about ten times as long as those of a mask.
#define LEAST ((size_t)4096)

typedef struct concrete_job {
  simdrop_mask mask;
  simdrop_concrete_kernel *kernel;
  simdrop_dtype dtype;
  size_t n, size;
  float shift, slope;  // of what the sigmoid is taken of
  simdrop_concrete_operands operands;
  double *sums;  // of each group, unless NULL
} concrete_job;

static simdrop_concrete_kernel *kernel_of(simdrop_dtype dtype) {
  const simdrop_kernels *const kernels = simdrop_current_kernels();
  SIMDROP_RETURN_KERNEL(SIMDROP_COMPUTED_TYPES, concrete)
}

// Groups are whole chunks, as even as can be.
static size_t begin_of_group(size_t n, size_t group) {
  const size_t chunks = n / CHUNK + (n % CHUNK != 0);
  const size_t begin = (chunks / GROUPS * group + (group < chunks % GROUPS ? group : chunks % GROUPS)) * CHUNK;
  return begin < n ? begin : n;
}

typedef union chunk_terms {
  float f32[CHUNK];
  double f64[CHUNK];
} chunk_terms;

static double add_terms(simdrop_dtype dtype, const chunk_terms *terms, size_t count) {
  double lanes[LANES] = {0};
  for (size_t k = 0; k < count; ++k) lanes[k % LANES] += dtype == SIMDROP_F64 ? terms->f64[k] : terms->f32[k];
  for (size_t half = LANES / 2; half > 0; half /= 2)
    for (size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

static const void *element(const void *array, size_t k, size_t size) {
  return array == NULL ? NULL : (const char *)array + k * size;
}

static SIMDROP_OWN_FRAME double run_chunk(const concrete_job *job, simdrop_value_reader *reader, size_t k, size_t count) {
  chunk_terms terms;
  float kept[CHUNK], dropped[CHUNK];
  const float *const logistics = simdrop_values_from(reader, job->mask.offset + k, count);
  simdrop_concrete_operands operands = job->operands;
  operands.x = element(operands.x, k, job->size);
  operands.dy = element(operands.dy, k, job->size);
  operands.y = (char *)operands.y + k * job->size;
  operands.kept = kept;
  reader->kernels->concrete_shares(count, logistics, job->shift, -job->slope, kept);
  if (job->sums != NULL) {
    reader->kernels->concrete_shares(count, logistics, job->shift, job->slope, dropped);
    operands.dropped = dropped;
    operands.terms = &terms;
  }
  job->kernel(count, &operands);
  return job->sums == NULL ? 0 : add_terms(job->dtype, &terms, count);
}

static SIMDROP_OWN_FRAME void run_groups(void *context, size_t begin, size_t end) {
  const concrete_job *const job = context;
  simdrop_value_reader reader;
  simdrop_value_reader_init(&reader, simdrop_current_kernels(), SIMDROP_LOGISTIC_VALUES, job->mask.seed, job->mask.stream);
  for (size_t group = begin; group < end; ++group) {
    const size_t last = begin_of_group(job->n, group + 1);
    double sum = 0;
    for (size_t k = begin_of_group(job->n, group), count; k < last; k += count) {
      count = last - k < CHUNK ? last - k : CHUNK;
      sum += run_chunk(job, &reader, k, count);
    }
    if (job->sums != NULL) job->sums[group] = sum;
  }
}

static void run(const simdrop_executor *executor, concrete_job *job) {
  const size_t groups_for_thread = LEAST / (job->n / GROUPS + 1) + 1;
  simdrop_run_ranges(executor, GROUPS, 1, groups_for_thread, run_groups, job);
}

// ln p - ln(1 - p)
static float logit(double p) { return (scalar_minus_two_log((float)(1 - p)) - scalar_minus_two_log((float)p)) * 0.5f; }

static simdrop_status make_job(const simdrop_mask *mask, double temperature, simdrop_dtype dtype, size_t n, concrete_job *job) {
  SIMDROP_RETURN_IF_ERROR(check_mask(mask, n));
  if (!(mask->p >= 0x1p-32 && mask->p <= 1 - 0x1p-32)) return SIMDROP_ERROR_PROBABILITY;
  if (!(temperature >= 0x1p-20 && temperature <= 0x1p20)) return SIMDROP_ERROR_SHAPE;
  if (!simdrop_is_computed(dtype)) return SIMDROP_ERROR_DTYPE;
  const size_t size = simdrop_dtype_size(dtype);
  if (n > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  *job = (concrete_job){
      .mask = *mask,
      .kernel = kernel_of(dtype),
      .dtype = dtype,
      .n = n,
      .size = size,
      .shift = logit(mask->p),
      .slope = (float)(1 / temperature),
      .operands = {.scale = 1 / (1 - mask->p), .slope = 1 / (temperature * mask->p)},
  };
  return SIMDROP_OK;
}

static bool meets(const void *a, const void *b, size_t size) { return a != b && overlaps(a, size, b, size); }

simdrop_status simdrop_concrete_forward(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                        simdrop_dtype dtype, size_t n, const void *x, void *y) {
  concrete_job job;
  SIMDROP_RETURN_IF_ERROR(make_job(mask, temperature, dtype, n, &job));
  if (n == 0) return SIMDROP_OK;
  if (x == NULL || y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (meets(x, y, n * job.size)) return SIMDROP_ERROR_OVERLAP;
  job.operands.x = x;
  job.operands.y = y;
  run(executor, &job);
  return SIMDROP_OK;
}

simdrop_status simdrop_concrete_backward(const simdrop_executor *executor, const simdrop_mask *mask, double temperature,
                                         simdrop_dtype dtype, size_t n, const void *x, const void *dy, void *dx,
                                         double *p_gradient) {
  concrete_job job;
  double sums[GROUPS];
  SIMDROP_RETURN_IF_ERROR(make_job(mask, temperature, dtype, n, &job));
  if (p_gradient == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const double scale = job.operands.scale;
  if (n == 0) {
    *p_gradient = 0;
    return SIMDROP_OK;
  }
  if (x == NULL || dy == NULL || dx == NULL) return SIMDROP_ERROR_NULL_POINTER;
  const size_t bytes = n * job.size;
  if (meets(x, dx, bytes) || meets(dy, dx, bytes)) return SIMDROP_ERROR_OVERLAP;
  if (overlaps(x, bytes, p_gradient, sizeof *p_gradient) || overlaps(dy, bytes, p_gradient, sizeof *p_gradient) ||
      overlaps(dx, bytes, p_gradient, sizeof *p_gradient))
    return SIMDROP_ERROR_OVERLAP;
  job.operands.x = x;
  job.operands.dy = dy;
  job.operands.y = dx;
  job.sums = sums;
  run(executor, &job);
  double sum = 0;
  for (size_t group = 0; group < GROUPS; ++group) sum += sums[group];
  *p_gradient = sum * scale;
  return SIMDROP_OK;
}
