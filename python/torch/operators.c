/* The kernels of simdrop's own operators, which simdrop/torch/_operators.py defines:
 *     key(Tensor like, *, Generator? generator=None) -> Tensor
 *     dropout, gaussian_dropout, alpha_dropout, alpha_dropout_backward
 *         (Tensor x, Tensor key, float p, SymInt[]? index_strides=None, SymInt offset=0) -> Tensor */
#include "apply.h"
#include "key.h"
#include "module.h"
#include "stack.h"

static void key_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  delete_tensor(to_tensor(stack[0]));
  stack[0] = from_tensor(draw_key_tensor(stack[1]));
}

/* Reads index strides into `strides`, and frees them; false if they are not one for each axis. */
static bool take_strides(StableIValue optional, int64_t rank, uint64_t strides[MAX_AXES]) {
  StableListHandle list =
      (StableListHandle)(uintptr_t)take_optional(optional);  // NOLINT(performance-no-int-to-ptr): as the ABI hands it over
  size_t size = 0;
  bool fits = torch.torch_list_size(list, &size) == 0 && size == (size_t)rank && rank <= MAX_AXES;
  for (size_t i = 0; i < size && fits; ++i) fits = torch.torch_list_get_item(list, i, &strides[i]) == 0;
  (void)torch.torch_delete_list(list);
  return fits;
}

/* What is wrong with the arguments, or NULL. */
static const char *find_error(AtenTensorHandle x, AtenTensorHandle key, double p) {
  int32_t torch_dtype = 0;
  simdrop_dtype dtype;
  if (!is_key(key)) return NO_KEY;
  if (torch.aoti_torch_get_dtype(x, &torch_dtype) != 0 || !find_dtype(torch_dtype, &dtype))
    return "simdrop: dropout is for float32, float64, float16 and bfloat16";
  return p >= 0 && p <= 1 ? NULL : simdrop_status_string(SIMDROP_ERROR_PROBABILITY);
}

static void run(enum work work, StableIValue *stack) {
  OWNED x_handle = to_tensor(stack[0]);
  OWNED key = to_tensor(stack[1]);
  const bool has_strides = stack[3] != 0;
  uint64_t strides[MAX_AXES];
  int64_t rank = 0;
  check_torch(torch.aoti_torch_get_dim(x_handle, &rank));
  simdrop_mask mask = {.p = to_double(stack[2]), .offset = stack[4]};
  const bool fits = !has_strides || take_strides(stack[3], rank, strides);
  const char *error = fits ? find_error(x_handle, key, mask.p) : "simdrop: index_strides needs a number for each axis of x";
  if (error != NULL) raise_error(error);
  read_key(key, &mask);
  const struct tensor x = describe(x_handle);
  OWNED y_handle = empty_like(&x, x.dtype);
  const struct tensor y = describe(y_handle);
  apply(work, &mask, &x, &y, has_strides ? strides : NULL);
  stack[0] = put(&y_handle);
}

static void dropout_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  run(WORK_DROPOUT, stack);
}

static void gaussian_dropout_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  run(WORK_GAUSSIAN, stack);
}

static void alpha_dropout_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  run(WORK_ALPHA, stack);
}

static void alpha_dropout_backward_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  run(WORK_ALPHA_GRADIENT, stack);
}

int simdrop_torch_register_operators(void) {
  static const struct named_kernel kernels[] = {
      {"key", key_kernel},
      {"dropout", dropout_kernel},
      {"_dropout", dropout_kernel},
      {"gaussian_dropout", gaussian_dropout_kernel},
      {"alpha_dropout", alpha_dropout_kernel},
      {"alpha_dropout_backward", alpha_dropout_backward_kernel},
  };
  return register_kernels("CPU", kernels, sizeof kernels / sizeof *kernels);
}

int simdrop_torch_use_backend(const char *name) { return simdrop_backend_select(name) == SIMDROP_OK ? 0 : -1; }

const char *simdrop_torch_current_backend(void) { return simdrop_backend_current(); }
