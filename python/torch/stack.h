/* Values on a kernel's stack, packed as torch/csrc/stable/stableivalue_conversions.h says. */
#ifndef SIMDROP_TORCH_STACK_H
#define SIMDROP_TORCH_STACK_H

#include <string.h>

#include "tensor.h"

static inline StableIValue from_double(double value) {
  StableIValue packed;
  memcpy(&packed, &value, sizeof packed);
  return packed;
}

static inline double to_double(StableIValue packed) {
  double value;
  memcpy(&value, &packed, sizeof value);
  return value;
}

static inline StableIValue from_tensor(AtenTensorHandle tensor) { return (StableIValue)(uintptr_t)tensor; }

static inline AtenTensorHandle to_tensor(StableIValue packed) {
  return (AtenTensorHandle)(uintptr_t)packed;  // NOLINT(performance-no-int-to-ptr): that is what the ABI hands over
}

/* A bool takes the lowest byte in memory order, which is bit 0 on little-endian machines and in the last byte's bit 0 on
 * others: the value 1 either way. */
static inline StableIValue from_bool(bool value) { return value ? 1 : 0; }

static inline bool to_bool(StableIValue packed) { return (packed & 1) != 0; }

static inline void delete_tensor(AtenTensorHandle tensor) { (void)torch.aoti_torch_delete_tensor_object(tensor); }

static inline void release(AtenTensorHandle *tensor) {
  if (*tensor != NULL) delete_tensor(*tensor);
}

/* A tensor that goes with its scope, also where an exception of PyTorch's passes through. */
#define OWNED __attribute__((cleanup(release))) AtenTensorHandle

static inline AtenTensorHandle give(AtenTensorHandle *owned) {
  AtenTensorHandle tensor = *owned;
  *owned = NULL;
  return tensor;
}

static inline StableIValue put(AtenTensorHandle *owned) { return from_tensor(give(owned)); }

/* Another reference to a tensor. */
AtenTensorHandle share_tensor(AtenTensorHandle tensor);

/* An optional value that is there. */
StableIValue from_optional(StableIValue value);

/* Frees the cell of an optional value that is there, and returns the value. */
StableIValue take_optional(StableIValue optional);

/* Calls an operator; the stack's tensors are consumed, its results are owned.
 * @return 0, or PyTorch's error */
AOTITorchError call(const char *name, const char *overload, StableIValue *stack);

struct named_kernel {
  const char *name;
  StableKernel kernel;
};

/* Registers kernels of simdrop's operators at a dispatch key, for as long as the process lives.
 * @return 0, or -1 if PyTorch refuses */
int register_kernels(const char *key, const struct named_kernel *kernels, size_t count);

#endif
