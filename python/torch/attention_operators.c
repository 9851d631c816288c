/* The kernels of the operators that simdrop/torch/_attention.py defines:
 *     attention(Tensor q, Tensor k, Tensor v, Tensor? mask, Tensor key, float p, bool is_causal, float scale) -> Tensor
 *     attention_backward(Tensor d_out, Tensor q, Tensor k, Tensor v, Tensor? mask, Tensor key, float p, bool is_causal, float
 * scale)
 *         -> (Tensor, Tensor, Tensor)
 * All tensors have four axes: samples, heads, queries or keys, and what is multiplied. */
#include "attention.h"
#include "gemm.h"
#include "key.h"
#include "module.h"
#include "stack.h"

/* Places on the stack. */
enum {
  Q,
  K,
  V,
  MASK,
  KEY,
  P,
  IS_CAUSAL,
  SCALE
};

static struct attention_array array_of(const struct tensor *t) {
  return (struct attention_array){t->data, t->strides[0], t->strides[1], t->strides[2], t->strides[3]};
}

static bool has_sizes(const struct tensor *t, int64_t batches, int64_t heads, int64_t rows, int64_t columns) {
  return t->rank == 4 && t->sizes[0] == batches && t->sizes[1] == heads && t->sizes[2] == rows && t->sizes[3] == columns;
}

/* NULL, or what is wrong with the mask. */
static const char *set_mask(const struct tensor *mask, struct attention *a) {
  if (!has_sizes(mask, a->batches, a->heads, a->queries, a->keys))
    return "simdrop: attention's mask needs an entry for each score";
  a->mask = array_of(mask);
  a->mask_kind = mask->dtype == torch.aoti_torch_dtype_bool() ? ALLOWED_MASK : ADDED_MASK;
  if (a->mask_kind == ALLOWED_MASK) return NULL;
  const bool is_known = find_dtype(mask->dtype, &a->mask_dtype);
  const bool is_float = a->mask_dtype == SIMDROP_F32 && a->dtype != SIMDROP_F64;
  return is_known && (is_float || a->mask_dtype == a->dtype)
             ? NULL
             : "simdrop: attention's mask must be bool, float or of the type of q";
}

/* NULL, or what is wrong. Only one of the tensors that are described may be missing, the mask, whose data is NULL then. */
static const char *set_attention(const StableIValue *stack, const struct tensor tensors[MASK + 1], struct attention *a) {
  const struct tensor *q = &tensors[Q], *k = &tensors[K], *v = &tensors[V];
  if (q->rank != 4 || k->rank != 4 || v->rank != 4) return "simdrop: attention needs tensors of four axes";
  *a = (struct attention){.batches = q->sizes[0],
                          .heads = q->sizes[1],
                          .key_heads = k->sizes[1],
                          .queries = q->sizes[2],
                          .keys = k->sizes[2],
                          .size = q->sizes[3],
                          .value_size = v->sizes[3],
                          .scale = to_double(stack[SCALE]),
                          .is_causal = to_bool(stack[IS_CAUSAL]),
                          .q = array_of(q),
                          .k = array_of(k),
                          .v = array_of(v)};
  if (!find_dtype(q->dtype, &a->dtype) || k->dtype != q->dtype || v->dtype != q->dtype)
    return "simdrop: attention needs q, k and v of one type";
  if (!has_sizes(k, a->batches, a->key_heads, a->keys, a->size) ||
      !has_sizes(v, a->batches, a->key_heads, a->keys, a->value_size) ||
      (a->key_heads == 0 ? a->heads != 0 : a->heads % a->key_heads != 0))
    return "simdrop: attention's q, k and v do not go together";
  if (!attention_fits(a)) return "simdrop: attention is for float32, float64 and bfloat16, and for strides below 2^31";
  return tensors[MASK].handle == NULL ? NULL : set_mask(&tensors[MASK], a);
}

static void free_inputs(const StableIValue *stack, const struct tensor tensors[MASK + 1]) {
  for (int i = 0; i <= MASK; ++i)
    if (tensors[i].handle != NULL) delete_tensor(tensors[i].handle);
  delete_tensor(to_tensor(stack[KEY]));
}

/* Describes what both operators are given, which frees nothing but an error's inputs, and the gradient that came with them. */
static void begin(const StableIValue *stack, const struct tensor *d_out, struct tensor tensors[MASK + 1], struct attention *a) {
  for (int i = 0; i < MASK; ++i) tensors[i] = describe(to_tensor(stack[i]));
  tensors[MASK] = (struct tensor){0};
  if (stack[MASK] != 0) tensors[MASK] = describe(to_tensor(take_optional(stack[MASK])));
  const char *error = set_attention(stack, tensors, a);
  if (error == NULL && !is_key(to_tensor(stack[KEY]))) error = NO_KEY;
  if (error == NULL && d_out != NULL &&
      (!has_sizes(d_out, a->batches, a->heads, a->queries, a->value_size) || d_out->dtype != tensors[Q].dtype))
    error = "simdrop: attention's gradient does not go with q and v";
  if (error != NULL) {
    free_inputs(stack, tensors);
    if (d_out != NULL) delete_tensor(d_out->handle);
    raise_error(error);
  }
  a->dropout.p = to_double(stack[P]);
  read_key(to_tensor(stack[KEY]), &a->dropout);
}

static void attention_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  struct tensor tensors[MASK + 1];
  struct attention a;
  begin(stack, NULL, tensors, &a);
  const int64_t sizes[] = {a.batches, a.heads, a.queries, a.value_size};
  const AtenTensorHandle out_handle = empty_contiguous(4, sizes, tensors[Q].dtype); /* as PyTorch's composition's result */
  const struct tensor out = describe(out_handle);
  const struct attention_array out_array = array_of(&out);
  const simdrop_status status = attention_forward(&a, &out_array);
  free_inputs(stack, tensors);
  if (status != SIMDROP_OK) delete_tensor(out_handle);
  check_simdrop(status);
  stack[0] = from_tensor(out_handle);
}

static void attention_backward_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  const AtenTensorHandle d_out_handle = to_tensor(stack[0]);
  const struct tensor d_out = describe(d_out_handle);
  struct tensor tensors[MASK + 1], gradients[MASK];
  struct attention_array arrays[MASK];
  struct attention a;
  begin(stack + 1, &d_out, tensors, &a);
  for (int i = 0; i < MASK; ++i) {
    gradients[i] = describe(empty_like(&tensors[i], tensors[i].dtype));
    arrays[i] = array_of(&gradients[i]);
  }
  const struct attention_array d_out_array = array_of(&d_out);
  const simdrop_status status = attention_backward(&a, &d_out_array, &arrays[Q], &arrays[K], &arrays[V]);
  free_inputs(stack + 1, tensors);
  delete_tensor(d_out_handle);
  for (int i = 0; i < MASK && status != SIMDROP_OK; ++i) delete_tensor(gradients[i].handle);
  check_simdrop(status);
  for (int i = 0; i < MASK; ++i) stack[i] = from_tensor(gradients[i].handle);
}

int simdrop_torch_register_attention(const char *libtorch_cpu) {
  if (!find_gemm(libtorch_cpu)) return 1;
  static const struct named_kernel kernels[] = {
      {"attention", attention_kernel},
      {"attention_backward", attention_backward_kernel},
  };
  return register_kernels("CPU", kernels, sizeof kernels / sizeof *kernels);
}
