/* The C functions of libtorch_cpu that the extension calls, declared by ourselves, so that no PyTorch is needed to build it,
 * and one binary serves every PyTorch from 2.10 on: its stable ABI. They are declared in
 * torch/csrc/inductor/aoti_torch/c/shim.h and torch/csrc/stable/c/shim.h of PyTorch; python/tests/torch/test_shim.py compiles
 * this list together with those headers.
 *
 * Nothing is linked: simdrop_torch_load looks the names up in the library that Python has loaded. */
#ifndef SIMDROP_TORCH_SHIM_H
#define SIMDROP_TORCH_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When the test includes this after PyTorch's headers, their types stand in for these. */
#ifndef SIMDROP_TORCH_SHIM_TYPES_ARE_DECLARED
typedef struct AtenTensorOpaque *AtenTensorHandle;
typedef struct TorchLibraryOpaque *TorchLibraryHandle;
typedef struct StableListOpaque *StableListHandle;
typedef int32_t AOTITorchError;
/* A value on a kernel's stack: an integer or bool as it is, a double's bits, a handle; an absent optional is 0, and one that is
 * there a pointer to a value on the heap, which its receiver frees. Handles in it are owned by the receiver. */
typedef uint64_t StableIValue;
typedef void (*ParallelFunc)(int64_t begin, int64_t end, void *context);
#endif
typedef void (*StableKernel)(StableIValue *stack, uint64_t inputs, uint64_t outputs);

/* The newest version of PyTorch whose schemas and ways of packing values are known to be those that are used here. */
#define SIMDROP_TORCH_NEWEST_VERSION 0x020d000000000000u

/* X(result, name, parameters) of what must be there. AOTITorchError is 0 for success. */
#define SIMDROP_TORCH_SHIM(X)                                                                                               \
  X(uint64_t, aoti_torch_abi_version, (void))                                                                               \
  X(int32_t, aoti_torch_device_type_cpu, (void))                                                                            \
  X(int32_t, aoti_torch_layout_strided, (void))                                                                             \
  X(int32_t, aoti_torch_dtype_float32, (void))                                                                              \
  X(int32_t, aoti_torch_dtype_float64, (void))                                                                              \
  X(int32_t, aoti_torch_dtype_float16, (void))                                                                              \
  X(int32_t, aoti_torch_dtype_bfloat16, (void))                                                                             \
  X(int32_t, aoti_torch_dtype_float8_e4m3fn, (void))                                                                        \
  X(int32_t, aoti_torch_dtype_float8_e5m2, (void))                                                                          \
  X(int32_t, aoti_torch_dtype_int64, (void))                                                                                \
  X(int32_t, aoti_torch_dtype_bool, (void))                                                                                 \
  X(int32_t, aoti_torch_dtype_uint8, (void))                                                                                \
  X(bool, aoti_torch_grad_mode_is_enabled, (void))                                                                          \
  X(AOTITorchError, aoti_torch_delete_tensor_object, (AtenTensorHandle tensor))                                             \
  X(AOTITorchError, aoti_torch_new_tensor_handle, (AtenTensorHandle tensor, AtenTensorHandle * copy))                       \
  X(AOTITorchError, aoti_torch_get_data_ptr, (AtenTensorHandle tensor, void **data))                                        \
  X(AOTITorchError, aoti_torch_get_dim, (AtenTensorHandle tensor, int64_t * dim))                                           \
  X(AOTITorchError, aoti_torch_get_numel, (AtenTensorHandle tensor, int64_t * numel))                                       \
  X(AOTITorchError, aoti_torch_get_sizes, (AtenTensorHandle tensor, int64_t * *sizes))                                      \
  X(AOTITorchError, aoti_torch_get_strides, (AtenTensorHandle tensor, int64_t * *strides))                                  \
  X(AOTITorchError, aoti_torch_get_dtype, (AtenTensorHandle tensor, int32_t * dtype))                                       \
  X(AOTITorchError, aoti_torch_get_layout, (AtenTensorHandle tensor, int32_t * layout))                                     \
  X(AOTITorchError, aoti_torch_get_device_type, (AtenTensorHandle tensor, int32_t * device_type))                           \
  X(AOTITorchError, aoti_torch_is_contiguous, (AtenTensorHandle tensor, bool *is_contiguous))                               \
  X(AOTITorchError, aoti_torch_empty_strided,                                                                               \
    (int64_t dim, const int64_t *sizes, const int64_t *strides, int32_t dtype, int32_t device_type, int32_t device_index,   \
     AtenTensorHandle *tensor))                                                                                             \
  X(AOTITorchError, aoti_torch_library_init_impl,                                                                           \
    (const char *ns, const char *key, const char *file, uint32_t line, TorchLibraryHandle *library))                        \
  X(AOTITorchError, aoti_torch_delete_library_object, (TorchLibraryHandle library))                                         \
  X(void, aoti_torch_check, (bool condition, const char *function, const char *file, uint32_t line, const char *message))   \
  X(AOTITorchError, torch_library_impl,                                                                                     \
    (TorchLibraryHandle library, const char *name, void (*kernel)(StableIValue *, uint64_t, uint64_t), uint64_t version))   \
  X(AOTITorchError, torch_call_dispatcher, (const char *name, const char *overload, StableIValue *stack, uint64_t version)) \
  X(AOTITorchError, torch_list_size, (StableListHandle list, size_t * size))                                                \
  X(AOTITorchError, torch_list_get_item, (StableListHandle list, size_t index, StableIValue * element))                     \
  X(AOTITorchError, torch_delete_list, (StableListHandle list))                                                             \
  X(AOTITorchError, torch_parallel_for, (int64_t begin, int64_t end, int64_t grain, ParallelFunc run, void *context))       \
  X(AOTITorchError, torch_get_num_threads, (uint32_t * threads))

/* What newer versions have; NULL before. torch_new_generator_handle tells that generators can be arguments (2.13). */
#define SIMDROP_TORCH_SHIM_LATER(X)                                     \
  X(AOTITorchError, torch_new_stable_ivalue, (StableIValue * *value))   \
  X(AOTITorchError, torch_delete_stable_ivalue, (StableIValue * value)) \
  X(const char *, torch_exception_get_what_without_backtrace, (void))

#define SIMDROP_TORCH_DECLARE(result, name, parameters) result(*name) parameters;

/* The addresses, under their own names: torch.aoti_torch_get_dim(tensor, &dim). */
struct simdrop_torch_shim {
  SIMDROP_TORCH_SHIM(SIMDROP_TORCH_DECLARE)
  SIMDROP_TORCH_SHIM_LATER(SIMDROP_TORCH_DECLARE)
  uint64_t version; /* which schemas the calls and kernels here are written for: that of PyTorch, at most the newest known */
  void *(*operator_new)(size_t); /* what PyTorch before 2.13 makes and frees optional values with */
  void (*operator_delete)(void *);
};

#ifndef SIMDROP_TORCH_SHIM_TYPES_ARE_DECLARED
extern struct simdrop_torch_shim torch;
#endif

#endif
