#include "tensor.h"

#include <stdio.h>
#include <string.h>

_Noreturn void raise_error(const char *message) {
  torch.aoti_torch_check(false, "simdrop", "simdrop", 0, message);
  __builtin_unreachable();
}

void check_torch(AOTITorchError error) {
  if (error == 0) return;
  const char *what =
      torch.torch_exception_get_what_without_backtrace ? torch.torch_exception_get_what_without_backtrace() : NULL;
  raise_error(what != NULL && *what != 0 ? what
                                         : "simdrop: a call of PyTorch's failed; before 2.13, it says why on stderr alone");
}

void check_simdrop(simdrop_status status) {
  if (status != SIMDROP_OK) raise_error(simdrop_status_string(status));
}

bool find_dtype(int32_t torch_dtype, simdrop_dtype *dtype) {
  if (torch_dtype == torch.aoti_torch_dtype_float32()) return *dtype = SIMDROP_F32, true;
  if (torch_dtype == torch.aoti_torch_dtype_bfloat16()) return *dtype = SIMDROP_BF16, true;
  if (torch_dtype == torch.aoti_torch_dtype_float16()) return *dtype = SIMDROP_F16, true;
  if (torch_dtype == torch.aoti_torch_dtype_float64()) return *dtype = SIMDROP_F64, true;
  return false;
}

struct tensor describe(AtenTensorHandle handle) {
  struct tensor tensor = {.handle = handle};
  int64_t *sizes = NULL, *strides = NULL;
  check_torch(torch.aoti_torch_get_dim(handle, &tensor.rank));
  check_torch(torch.aoti_torch_get_numel(handle, &tensor.count));
  check_torch(torch.aoti_torch_get_sizes(handle, &sizes));
  check_torch(torch.aoti_torch_get_strides(handle, &strides));
  check_torch(torch.aoti_torch_get_dtype(handle, &tensor.dtype));
  check_torch(torch.aoti_torch_is_contiguous(handle, &tensor.is_contiguous));
  check_torch(torch.aoti_torch_get_data_ptr(handle, &tensor.data));
  tensor.sizes = sizes, tensor.strides = strides;
  if (tensor.rank > MAX_AXES) raise_error("simdrop: tensors have at most 64 axes");
  return tensor;
}

/* The axes of x from the fastest in memory to the slowest, as PyTorch orders them when it has to choose the strides of a
 * result: by strides; where two are equal, the longer axis is the slower one; expanded axes (stride 0) stay where they are. */
static void sort_axes(const struct tensor *x, int axes[MAX_AXES]) {
  for (int i = 0; i < x->rank; ++i) axes[i] = (int)x->rank - 1 - i;
  for (int i = 1; i < x->rank; ++i) {
    for (int high = i, low = i - 1; low >= 0; --low) {
      const int a = axes[low], b = axes[high];
      if (x->strides[a] == 0 || x->strides[b] == 0) continue;
      const bool equal = x->strides[a] == x->strides[b];
      if (equal ? x->sizes[a] > x->sizes[b] : x->strides[a] > x->strides[b]) {
        axes[low] = b, axes[high] = a;
        high = low;
      } else if (!equal) {
        break;
      }
    }
  }
}

static bool is_dense_along(const struct tensor *x, const int axes[MAX_AXES]) {
  int64_t expected = 1;
  for (int i = 0; i < x->rank; ++i) {
    if (x->sizes[axes[i]] == 1) continue;
    if (x->strides[axes[i]] != expected) return false;
    expected *= x->sizes[axes[i]];
  }
  return true;
}

bool is_dense(const struct tensor *x) {
  if (x->is_contiguous) return true;
  int axes[MAX_AXES];
  sort_axes(x, axes);
  return is_dense_along(x, axes);
}

AtenTensorHandle empty_like(const struct tensor *x, int32_t dtype) {
  int64_t strides[MAX_AXES] = {0};
  const int64_t *new_strides = x->strides;
  if (!x->is_contiguous) {
    int axes[MAX_AXES];
    sort_axes(x, axes);
    if (!is_dense_along(x, axes)) {
      int64_t stride = 1;
      for (int i = 0; i < x->rank; ++i) {
        strides[axes[i]] = stride;
        stride *= x->sizes[axes[i]] > 1 ? x->sizes[axes[i]] : 1;
      }
      new_strides = strides;
    }
  }
  AtenTensorHandle result = NULL;
  check_torch(
      torch.aoti_torch_empty_strided(x->rank, x->sizes, new_strides, dtype, torch.aoti_torch_device_type_cpu(), 0, &result));
  return result;
}

AtenTensorHandle empty_contiguous(int64_t rank, const int64_t *sizes, int32_t dtype) {
  int64_t strides[MAX_AXES], stride = 1;
  for (int64_t axis = rank - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= sizes[axis] > 1 ? sizes[axis] : 1;
  }
  AtenTensorHandle result = NULL;
  check_torch(torch.aoti_torch_empty_strided(rank, sizes, strides, dtype, torch.aoti_torch_device_type_cpu(), 0, &result));
  return result;
}

struct pieces {
  simdrop_task *task;
  void *context;
};

static void run_pieces(int64_t begin, int64_t end, void *context) {
  const struct pieces *pieces = context;
  for (int64_t piece = begin; piece < end; ++piece) pieces->task(pieces->context, (size_t)piece);
}

static void parallel_for(void *unused, size_t count, simdrop_task *task, void *context) {
  (void)unused;
  struct pieces pieces = {task, context};
  check_torch(torch.torch_parallel_for(0, (int64_t)count, 1, run_pieces, &pieces));
}

simdrop_executor torch_executor(void) {
  uint32_t threads = 1;
  check_torch(torch.torch_get_num_threads(&threads));
  return (simdrop_executor){.parallel_for = parallel_for, .threads = threads};
}
