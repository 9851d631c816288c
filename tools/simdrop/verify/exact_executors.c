// K20: fused functions and variants on executors. Whatever a call is cut into, and in whatever order the pieces are done, it
// writes the same bytes as the call on one thread.
#include <stdlib.h>
#include <string.h>

#include "verify/exact_fused.h"
#include "verify/exact_parts.h"
#include "verify/values.h"

// Enough for four pieces; neither side is a multiple of what pieces, groups of rows or vectors are.
enum {
  ROWS = 259,
  COLUMNS = 517,
  COUNT = ROWS * COLUMNS
};
#define INPUTS 4
#define OUTPUTS 4
#define ARRAY_BYTES ((size_t)COUNT * sizeof(double))

// Inputs of the call's type, but for the last, which are numbers that are computed with; outputs take whatever a call writes.
typedef struct call_arrays {
  const dropout_functions *functions;
  simdrop_mask mask;
  simdrop_dtype dtype;
  char *in[INPUTS], *out[OUTPUTS];
} call_arrays;

typedef simdrop_status cut_call(const simdrop_executor *executor, const call_arrays *a);

// Functions of doubles may be missing: activations and softmax of f64 are not asked for.
static simdrop_dtype type_without_library(const call_arrays *a) { return a->dtype == SIMDROP_F64 ? SIMDROP_F32 : a->dtype; }

static simdrop_matrix whole(void) { return simdrop_matrix_dense(ROWS, COLUMNS); }

static simdrop_chain chain_of(const call_arrays *a, simdrop_bias_axis axis) {
  return (simdrop_chain){.activation = a->dtype == SIMDROP_F64 ? SIMDROP_RELU : SIMDROP_GELU,
                         .bias_axis = axis,
                         .bias = a->in[1],
                         .residual = a->in[2]};
}

static simdrop_status chain(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_chain parts = chain_of(a, SIMDROP_BIAS_OF_COLUMNS);
  return a->functions->chain_forward(executor, &a->mask, a->dtype, &matrix, &parts, a->in[0], a->out[0], (uint8_t *)a->out[1]);
}

static simdrop_status chain_columns(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_chain parts = chain_of(a, SIMDROP_BIAS_OF_COLUMNS);
  return a->functions->chain_backward(executor, &a->mask, a->dtype, &matrix, &parts, NULL, a->in[0], a->in[2], a->out[0],
                                      a->out[1]);
}

static simdrop_status chain_rows(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_chain parts = chain_of(a, SIMDROP_BIAS_OF_ROWS);
  return a->functions->chain_backward(executor, &a->mask, a->dtype, &matrix, &parts, NULL, a->in[0], a->in[2], a->out[0],
                                      a->out[1]);
}

static simdrop_status norm(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_norm parts = {SIMDROP_LAYER_NORM, 1e-5, a->in[1], a->in[2], a->in[1], a->in[2], 0};
  return a->functions->norm_forward(executor, &a->mask, a->dtype, &matrix, &parts, a->in[0], a->out[0], a->out[1], a->out[2]);
}

static simdrop_status norm_gradients(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_norm parts = {SIMDROP_LAYER_NORM, 1e-5, NULL, NULL, a->in[1], NULL, 0};
  return a->functions->norm_backward(executor, &a->mask, a->dtype, &matrix, &parts, a->in[0], a->in[3], a->in[2], a->in[1],
                                     a->out[0], a->out[1], a->out[2], a->out[2] + COLUMNS * sizeof(double), a->out[3]);
}

static simdrop_softmax masked(const call_arrays *a) {
  simdrop_softmax softmax = simdrop_softmax_plain(0.5, COLUMNS);
  softmax.causal = 1;
  softmax.diagonal = COLUMNS - ROWS;
  softmax.additive = a->in[1];
  softmax.additive_type = type_without_library(a);
  softmax.additive_stride = COLUMNS;
  return softmax;
}

static simdrop_status softmax(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_softmax parts = masked(a);
  return a->functions->softmax_forward(executor, &a->mask, type_without_library(a), &matrix, &parts, a->in[0], a->out[0],
                                       a->out[1], a->out[2]);
}

static simdrop_status softmax_gradient(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_matrix matrix = whole();
  const simdrop_softmax parts = masked(a);
  return a->functions->softmax_backward(executor, &a->mask, type_without_library(a), &matrix, &parts, a->in[0], NULL, NULL,
                                        a->in[2], a->out[0]);
}

static simdrop_status alpha(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_status status = a->functions->alpha_forward(executor, &a->mask, a->dtype, COUNT, a->in[0], a->out[0]);
  return status != SIMDROP_OK ? status : a->functions->alpha_backward(executor, &a->mask, a->dtype, COUNT, a->in[0], a->out[1]);
}

// Whole channels of five elements, from samples of which channels come last.
static simdrop_layout channels(void) {
  const size_t dims[] = {7, 5, COUNT / 35};
  simdrop_layout layout = {.rank = 0};
  simdrop_layout_channels(SIMDROP_CHANNELS_LAST, 1, 3, dims, &layout);
  return layout;
}

static simdrop_status alpha_of_channels(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_layout layout = channels();
  return a->functions->alpha_forward_layout(executor, &a->mask, a->dtype, &layout, a->in[0], a->out[0]);
}

static simdrop_status numbers(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_status status = a->functions->normals(executor, &a->mask, COUNT, (float *)(void *)a->out[0]);
  return status != SIMDROP_OK ? status : a->functions->uniforms(executor, &a->mask, COUNT, (float *)(void *)a->out[1]);
}

static simdrop_status gaussian(const simdrop_executor *executor, const call_arrays *a) {
  return a->functions->gaussian_forward(executor, &a->mask, a->dtype, COUNT, a->in[0], a->out[0]);
}

static simdrop_status concrete(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_status status = a->functions->concrete_forward(executor, &a->mask, 0.25, a->dtype, COUNT, a->in[0], a->out[0]);
  return status != SIMDROP_OK ? status
                              : a->functions->concrete_backward(executor, &a->mask, 0.25, a->dtype, COUNT, a->in[0], a->in[2],
                                                                a->out[1], (double *)(void *)a->out[2]);
}

static simdrop_status concrete_of_channels(const simdrop_executor *executor, const call_arrays *a) {
  const simdrop_layout layout = channels();
  return a->functions->concrete_backward_layout(executor, &a->mask, 0.25, a->dtype, &layout, a->in[0], a->in[2], a->out[1],
                                                (double *)(void *)a->out[2]);
}

static simdrop_status blocks(const simdrop_executor *executor, const call_arrays *a) {
  return a->functions->dropblock_bits(executor, &a->mask, 61, 41, 53, 3, 5, (uint8_t *)a->out[0],
                                      (uint64_t *)(void *)a->out[1]);
}

static simdrop_status connect(const simdrop_executor *executor, const call_arrays *a) {
  return a->functions->dropconnect(executor, &a->mask, a->dtype, ROWS, COLUMNS, a->in[0], COLUMNS, a->in[1], a->out[0]);
}

static simdrop_status connect_gradients(const simdrop_executor *executor, const call_arrays *a) {
  return a->functions->dropconnect_backward(executor, &a->mask, a->dtype, ROWS, COLUMNS, a->in[0], COLUMNS, a->in[1], a->in[2],
                                            a->in[2], a->out[0], a->out[1]);
}

static simdrop_status moments(const simdrop_executor *executor, const call_arrays *a) {
  for (uint64_t pass = 1; pass <= 2; ++pass) {
    const simdrop_status status =
        a->functions->moments_update(executor, a->dtype, pass, COUNT, a->in[pass], a->out[0], a->out[1]);
    if (status != SIMDROP_OK) return status;
  }
  return a->functions->moments_finish(executor, a->dtype, 2, COUNT, a->out[1], a->out[2]);
}

static const struct {
  const char *name;
  cut_call *call;
} cut_calls[] = {
    {"the chain", chain},
    {"the chain's gradients, sums of columns", chain_columns},
    {"the chain's gradients, sums of rows", chain_rows},
    {"LayerNorm", norm},
    {"LayerNorm's gradients", norm_gradients},
    {"softmax", softmax},
    {"softmax' gradient", softmax_gradient},
    {"alpha dropout", alpha},
    {"alpha dropout of channels", alpha_of_channels},
    {"normals and uniforms", numbers},
    {"Gaussian dropout", gaussian},
    {"concrete dropout", concrete},
    {"concrete dropout of channels", concrete_of_channels},
    {"DropBlock", blocks},
    {"DropConnect", connect},
    {"DropConnect's gradients", connect_gradients},
    {"moments", moments},
};

// The last piece first.
static void run_in_reverse(void *context, size_t count, simdrop_task *task, void *task_context) {
  ++*(size_t *)context;
  while (count > 0) task(task_context, --count);
}

static void clear_outputs(const call_arrays *a) {
  for (size_t i = 0; i < OUTPUTS; ++i) memset(a->out[i], MARGIN_BYTE, ARRAY_BYTES);
}

static void compare_cut(call_arrays *a, size_t call, size_t threads, char *const wanted[OUTPUTS], exact_result *result) {
  size_t cuts = 0;
  const simdrop_executor executor = {run_in_reverse, &cuts, threads};
  clear_outputs(a);
  succeeds(result, cut_calls[call].call(NULL, a));
  for (size_t i = 0; i < OUTPUTS; ++i) memcpy(wanted[i], a->out[i], ARRAY_BYTES);
  clear_outputs(a);
  succeeds(result, cut_calls[call].call(&executor, a));
  for (size_t i = 0; i < OUTPUTS; ++i)
    if (memcmp(wanted[i], a->out[i], ARRAY_BYTES) != 0)
      fails(result, "%s in %s, in %zu pieces: an output differs from the whole call's", cut_calls[call].name,
            simdrop_dtype_name(a->dtype), threads);
  // An implementation of somebody else's may do without threads.
  if (a->functions == &library_functions && cuts == 0) fails(result, "%s is not cut for threads", cut_calls[call].name);
  result->elements += COUNT;
}

void check_executors(const dropout_functions *functions, exact_result *result) {
  call_arrays a = {.functions = functions, .mask = {0.3, 167, 173, (UINT64_C(1) << 39) - 1001, 0}};
  char *wanted[OUTPUTS], *const memory = verify_allocate(INPUTS + 2 * OUTPUTS, ARRAY_BYTES);
  if (memory == NULL) {
    fails(result, "not enough memory");
    return;
  }
  for (size_t i = 0; i < INPUTS; ++i) a.in[i] = memory + i * ARRAY_BYTES;
  for (size_t i = 0; i < OUTPUTS; ++i) {
    a.out[i] = memory + (INPUTS + i) * ARRAY_BYTES;
    wanted[i] = memory + (INPUTS + OUTPUTS + i) * ARRAY_BYTES;
  }
  for (int d = 0; d < 4; ++d) {
    a.dtype = (simdrop_dtype)d;
    for (size_t i = 0; i + 1 < INPUTS; ++i) fill_ordinary(a.dtype, 179 + i, COUNT, a.in[i]);
    fill_ordinary(a.dtype == SIMDROP_F64 ? SIMDROP_F64 : SIMDROP_F32, 191, COUNT, a.in[INPUTS - 1]);
    for (size_t call = 0; call < sizeof cut_calls / sizeof cut_calls[0]; ++call)
      if ((call + (size_t)d) % 2 == 0) compare_cut(&a, call, d < 2 ? 4 : 3, wanted, result);
  }
  free(memory);
}
