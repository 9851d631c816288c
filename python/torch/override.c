/* PyTorch's own dropouts, when simdrop is switched on. Their kernels are composite: without these, a call comes apart into
 * empty_like, bernoulli_, div_ and mul. Kernels here are put in its place for tensors of the CPU, at two keys:
 *
 * AutogradCPU, where a call of a program arrives, and the tensor may be a wrapper of any kind. For plain tensors it is worked
 * out here if nobody can ask for gradients, and otherwise by native_dropout, whose derivatives, of any order, are PyTorch's
 * own. CPU, where one arrives in inference mode, or from another kernel, below all that; native_dropout and its gradient, too.
 *
 * What is no case for these, simdrop::_other handles in Python (simdrop/torch/_override.py): wrappers, modes, tangents, and
 * what is left to PyTorch's composition. */
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

#include "apply.h"
#include "key.h"
#include "module.h"
#include "stack.h"

/* The four dropouts, numbered as in simdrop/torch/_override.py. */
enum kind {
  DROPOUT,
  ALPHA,
  FEATURE,
  FEATURE_ALPHA
};

static atomic_uint_fast64_t direct_calls[4]; /* that went through here, by kind */

void simdrop_torch_read_calls(uint64_t calls[4]) {
  for (int kind = 0; kind < 4; ++kind) calls[kind] = atomic_load_explicit(&direct_calls[kind], memory_order_relaxed);
}

void simdrop_torch_reset_calls(void) {
  for (int kind = 0; kind < 4; ++kind) atomic_store_explicit(&direct_calls[kind], 0, memory_order_relaxed);
}

static void count_call(enum kind kind) { atomic_fetch_add_explicit(&direct_calls[kind], 1, memory_order_relaxed); }

static void call_or_raise(const char *name, const char *overload, StableIValue *stack) {
  check_torch(call(name, overload, stack));
}

static void check_probability(double p, AtenTensorHandle x) {
  if (p >= 0 && p <= 1) return;
  char message[96];
  (void)snprintf(message, sizeof message, "dropout probability has to be between 0 and 1, but got %g", p);
  delete_tensor(x);
  raise_error(message);
}

/* Whether the kernels of this file know the type: it and the layout are the same for wrappers as for what they wrap. */
static bool is_supported(AtenTensorHandle x) {
  int32_t torch_dtype = 0, layout = 0;
  simdrop_dtype dtype;
  check_torch(torch.aoti_torch_get_dtype(x, &torch_dtype));
  check_torch(torch.aoti_torch_get_layout(x, &layout));
  return find_dtype(torch_dtype, &dtype) && layout == torch.aoti_torch_layout_strided();
}

/* How many levels of forward-mode differentiation are open; tensors may have tangents then. */
static atomic_int tangent_levels;

void simdrop_torch_set_tangent_levels(int levels) { atomic_store_explicit(&tangent_levels, levels, memory_order_relaxed); }

/* Whether the tensor is memory of the CPU and nothing more, and no mode wants to see what is done with it: then, and only then,
 * the dispatcher goes straight to the CPU's kernel of this operator; _is_plain has others, which say no, at the keys of all
 * else. */
static bool is_plain(AtenTensorHandle x) {
  if (atomic_load_explicit(&tangent_levels, memory_order_relaxed) > 0) return false;
  StableIValue stack[1] = {from_tensor(share_tensor(x))};
  call_or_raise("simdrop::_is_plain", "", stack);
  return to_bool(stack[0]);
}

/* dropout(x) by way of Python. */
static AtenTensorHandle call_other(enum kind kind, AtenTensorHandle x, double p) {
  StableIValue stack[3] = {from_tensor(x), from_double(p), (StableIValue)kind};
  call_or_raise("simdrop::_other", "", stack);
  return to_tensor(stack[0]);
}

/* y = dropout(x), of memory. */
static AtenTensorHandle apply_drawn(AtenTensorHandle x_handle, double p, bool in_place) {
  const struct tensor x = describe(x_handle);
  simdrop_mask mask = {.p = p};
  draw_key(&mask);
  if (in_place) {
    apply(WORK_DROPOUT, &mask, &x, &x, NULL);
    return NULL;
  }
  OWNED y_handle = empty_like(&x, x.dtype);
  const struct tensor y = describe(y_handle);
  apply(WORK_DROPOUT, &mask, &x, &y, NULL);
  return give(&y_handle);
}

/* Of fewer elements a mask costs no more than to ask whether somebody will want it. */
enum {
  ELEMENTS_WORTH_ASKING = 32768
};

/* Whether what is made of x will have a gradient. The stable interface does not say; but if so, a view of x is an operation's
 * result. */
static bool may_need_gradient(AtenTensorHandle x) {
  if (!torch.aoti_torch_grad_mode_is_enabled()) return false;
  int64_t count = 0;
  check_torch(torch.aoti_torch_get_numel(x, &count));
  if (count < ELEMENTS_WORTH_ASKING) return true;
  StableIValue stack[1] = {from_tensor(share_tensor(x))};
  call_or_raise("aten::alias", "", stack);
  call_or_raise("aten::is_leaf", "", stack);
  return !to_bool(stack[0]);
}

static AtenTensorHandle call_native_dropout(AtenTensorHandle x, double p) {
  StableIValue stack[3] = {from_tensor(x), from_double(p), from_optional(from_bool(true))};
  call_or_raise("aten::native_dropout", "", stack);
  delete_tensor(to_tensor(stack[1]));
  return to_tensor(stack[0]);
}

static AtenTensorHandle call_alpha_dropout(AtenTensorHandle x, double p) {
  StableIValue stack[5] = {from_tensor(share_tensor(x)), 0};
  call_or_raise("simdrop::key", "", stack);
  stack[1] = stack[0];
  stack[0] = from_tensor(x), stack[2] = from_double(p), stack[3] = 0, stack[4] = 0;
  call_or_raise("simdrop::alpha_dropout", "", stack);
  return to_tensor(stack[0]);
}

static void fill_with_ones(void *data, simdrop_dtype dtype, size_t count) {
  for (size_t i = 0; i < count; ++i) switch (dtype) {
      case SIMDROP_F32: ((float *)data)[i] = 1; break;
      case SIMDROP_F64: ((double *)data)[i] = 1; break;
      case SIMDROP_F16: ((uint16_t *)data)[i] = 0x3C00; break;
      default: ((uint16_t *)data)[i] = 0x3F80; break; /* bfloat16 */
    }
}

/* x times a factor for each channel of each sample, as PyTorch does it: its product has all derivatives, and is bound by memory
 * as anything in its place would be. */
static AtenTensorHandle multiply_channels(AtenTensorHandle x, double p) {
  int64_t rank = 0, *x_sizes = NULL, sizes[MAX_AXES];
  int32_t torch_dtype = 0;
  simdrop_dtype dtype = SIMDROP_F32;
  check_torch(torch.aoti_torch_get_dim(x, &rank));
  check_torch(torch.aoti_torch_get_sizes(x, &x_sizes));
  check_torch(torch.aoti_torch_get_dtype(x, &torch_dtype));
  (void)find_dtype(torch_dtype, &dtype);
  if (rank < 2 || rank > MAX_AXES) {
    delete_tensor(x);
    raise_error(rank < 2 ? "Feature dropout requires at least 2 dimensions in the input"
                         : "simdrop: tensors have at most 64 axes");
  }
  for (int64_t axis = 0; axis < rank; ++axis) sizes[axis] = axis < 2 ? x_sizes[axis] : 1;

  simdrop_mask mask = {.p = p};
  draw_key(&mask);
  const AtenTensorHandle factors = empty_contiguous(rank, sizes, torch_dtype);
  void *data = NULL;
  check_torch(torch.aoti_torch_get_data_ptr(factors, &data));
  const size_t count = (size_t)(sizes[0] * sizes[1]);
  fill_with_ones(data, dtype, count);
  check_simdrop(simdrop_forward(&mask, dtype, count, data, data, NULL));
  StableIValue stack[2] = {from_tensor(x), from_tensor(factors)};
  call_or_raise("aten::mul", "Tensor", stack);
  return to_tensor(stack[0]);
}

/* Tells autograd that x was written to: an element-less view of it shares its version. */
static void note_write(AtenTensorHandle x) {
  int64_t rank = 0;
  check_torch(torch.aoti_torch_get_dim(x, &rank));
  StableIValue stack[5] = {from_tensor(share_tensor(x)), 0};
  if (rank == 0) call_or_raise("aten::unsqueeze", "", stack); /* there is no axis to be cut */
  stack[1] = 0, stack[2] = from_optional(0), stack[3] = from_optional(0), stack[4] = 1;
  call_or_raise("aten::slice", "Tensor", stack);
  call_or_raise("aten::zero_", "", stack);
  delete_tensor(to_tensor(stack[0]));
}

/* Consumes x. The arguments have been checked, and there is something to be done. */
static AtenTensorHandle dropout_of(enum kind kind, AtenTensorHandle x, double p) {
  if (p == 1 || kind == FEATURE_ALPHA || !is_supported(x) || !is_plain(x)) return call_other(kind, x, p);
  count_call(kind);
  if (kind == ALPHA) return call_alpha_dropout(x, p);
  if (kind == FEATURE) return multiply_channels(x, p);
  if (may_need_gradient(x)) return call_native_dropout(x, p);
  OWNED input = x;
  return apply_drawn(input, p, false);
}

/* Whether there is nothing to be done, so that the result is the argument itself. */
static bool is_identity(const StableIValue *stack) {
  const double p = to_double(stack[1]);
  check_probability(p, to_tensor(stack[0]));
  int64_t count = 1;
  return !to_bool(stack[2]) || p == 0 || (torch.aoti_torch_get_numel(to_tensor(stack[0]), &count) == 0 && count == 0);
}

/* stack: x, p, train */
static void run_new(enum kind kind, StableIValue *stack) {
  if (!is_identity(stack)) stack[0] = from_tensor(dropout_of(kind, to_tensor(stack[0]), to_double(stack[1])));
}

static void run_in_place(enum kind kind, StableIValue *stack) {
  if (is_identity(stack)) return;
  OWNED x = to_tensor(stack[0]);
  const double p = to_double(stack[1]);
  if (kind == DROPOUT && p < 1 && is_supported(x) && is_plain(x) && !may_need_gradient(x)) {
    note_write(x); /* raises where nobody may write */
    (void)apply_drawn(x, p, true);
    count_call(kind);
    stack[0] = put(&x);
    return;
  }
  const AtenTensorHandle y = dropout_of(kind, share_tensor(x), p);
  StableIValue copy[3] = {put(&x), from_tensor(y), from_bool(false)};
  call_or_raise("aten::copy_", "", copy);
  stack[0] = copy[0];
}

#define KERNELS(name, kind)                                                                    \
  static void name##_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {          \
    (void)inputs, (void)outputs;                                                               \
    run_new(kind, stack);                                                                      \
  }                                                                                            \
  static void name##_in_place_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) { \
    (void)inputs, (void)outputs;                                                               \
    run_in_place(kind, stack);                                                                 \
  }
KERNELS(dropout, DROPOUT)
KERNELS(alpha_dropout, ALPHA)
KERNELS(feature_dropout, FEATURE)
KERNELS(feature_alpha_dropout, FEATURE_ALPHA)

/* stack: x, p, train -> y, mask */
static void native_dropout_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  OWNED x_handle = to_tensor(stack[0]);
  const bool train = stack[2] == 0 || to_bool(take_optional(stack[2]));
  simdrop_mask mask = {.p = to_double(stack[1])};
  if (!train || mask.p == 1 || !is_supported(x_handle)) {
    stack[0] = put(&x_handle);
    stack[2] = from_bool(train);
    call_or_raise("simdrop::_other_native", "", stack);
    return;
  }
  const struct tensor x = describe(x_handle);
  draw_key(&mask);
  OWNED y_handle = empty_like(&x, x.dtype);
  OWNED bytes_handle = empty_like(&x, torch.aoti_torch_dtype_bool());
  const struct tensor y = describe(y_handle), bytes = describe(bytes_handle);
  apply_with_bytes(&mask, &x, &y, &bytes);
  stack[0] = put(&y_handle);
  stack[1] = put(&bytes_handle);
}

/* PyTorch says 1 / (1 - p); kept elements were multiplied by the reciprocal of what the rounded p really keeps. Probabilities
 * are rounded at odd multiples of 2^-33, and what comes back of p is next to them where p was one. */
static double find_scale(double reciprocal) {
  double scale = reciprocal;
  if (reciprocal >= 1) {
    const double steps = (1 - 1 / reciprocal) * 0x1p33, whole = floor(steps + 0.5);
    (void)simdrop_scale((fabs(steps - whole) < 0x1p-18 ? whole : steps) * 0x1p-33, &scale);
  }
  return scale;
}

/* stack: gradient, mask, scale -> gradient */
static void native_dropout_backward_kernel(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  const AtenTensorHandle dy_handle = to_tensor(stack[0]), bytes_handle = to_tensor(stack[1]);
  const double scale = to_double(stack[2]);
  if (is_supported(dy_handle) && scale >= 0 && scale <= FLT_MAX) {
    const struct tensor dy = describe(dy_handle), bytes = describe(bytes_handle);
    if (fits_bytes(&dy, &bytes)) {
      const AtenTensorHandle dx_handle = empty_like(&bytes, dy.dtype);
      const struct tensor dx = describe(dx_handle);
      apply_bytes(find_scale(scale), &bytes, &dy, &dx);
      delete_tensor(dy_handle);
      delete_tensor(bytes_handle);
      stack[0] = from_tensor(dx_handle);
      return;
    }
  }
  call_or_raise("simdrop::_other_native_backward", "", stack);
}

/* simdrop::_is_plain */
static void say_no(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  (void)inputs, (void)outputs;
  delete_tensor(to_tensor(stack[0]));
  stack[0] = from_bool(false);
}

static void say_yes(StableIValue *stack, uint64_t inputs, uint64_t outputs) {
  say_no(stack, inputs, outputs);
  stack[0] = from_bool(true);
}

int simdrop_torch_register_is_plain(const char *key, int answer) {
  const struct named_kernel kernel = {"_is_plain", answer ? say_yes : say_no};
  return register_kernels(key, &kernel, 1);
}

enum {
  EVERYWHERE,
  ONLY_AT_CPU
};

static const struct {
  const char *name;
  StableKernel kernel;
  int where, is_of_channels;
} kernels[] = {
    {"dropout", dropout_kernel, EVERYWHERE, 0},
    {"dropout_", dropout_in_place_kernel, EVERYWHERE, 0},
    {"alpha_dropout", alpha_dropout_kernel, EVERYWHERE, 0},
    {"alpha_dropout_", alpha_dropout_in_place_kernel, EVERYWHERE, 0},
    {"feature_dropout", feature_dropout_kernel, EVERYWHERE, 1},
    {"feature_dropout_", feature_dropout_in_place_kernel, EVERYWHERE, 1},
    {"feature_alpha_dropout", feature_alpha_dropout_kernel, EVERYWHERE, 1},
    {"feature_alpha_dropout_", feature_alpha_dropout_in_place_kernel, EVERYWHERE, 1},
    {"native_dropout", native_dropout_kernel, ONLY_AT_CPU, 0},
    {"native_dropout_backward", native_dropout_backward_kernel, ONLY_AT_CPU, 0},
};

static TorchLibraryHandle libraries[2]; /* AutogradCPU, CPU; NULL while simdrop is off */

void simdrop_torch_disable(void) {
  for (int i = 0; i < 2; ++i) {
    if (libraries[i] != NULL) (void)torch.aoti_torch_delete_library_object(libraries[i]);
    libraries[i] = NULL;
  }
}

const char *simdrop_torch_enable(int channels) {
  static const char *const keys[2] = {"AutogradCPU", "CPU"};
  for (int i = 0; i < 2; ++i) {
    if (torch.aoti_torch_library_init_impl("aten", keys[i], __FILE__, __LINE__, &libraries[i]) != 0) {
      simdrop_torch_disable();
      return keys[i];
    }
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; ++k) {
      if ((kernels[k].where == ONLY_AT_CPU && i == 0) || (kernels[k].is_of_channels && !channels)) continue;
      if (torch.torch_library_impl(libraries[i], kernels[k].name, kernels[k].kernel, torch.version) == 0) continue;
      simdrop_torch_disable();
      return kernels[k].name;
    }
  }
  return NULL;
}
