#include "stack.h"

AtenTensorHandle share_tensor(AtenTensorHandle tensor) {
  AtenTensorHandle shared = NULL;
  check_torch(torch.aoti_torch_new_tensor_handle(tensor, &shared));
  return shared;
}

StableIValue from_optional(StableIValue value) {
  StableIValue *cell = NULL;
  if (torch.torch_new_stable_ivalue != NULL)
    check_torch(torch.torch_new_stable_ivalue(&cell));
  else
    cell = torch.operator_new(sizeof *cell);
  *cell = value;
  return (StableIValue)(uintptr_t)cell;
}

StableIValue take_optional(StableIValue optional) {
  StableIValue *cell =
      (StableIValue *)(uintptr_t)optional;  // NOLINT(performance-no-int-to-ptr): that is what the ABI hands over
  const StableIValue value = *cell;
  if (torch.torch_delete_stable_ivalue != NULL)
    check_torch(torch.torch_delete_stable_ivalue(cell));
  else
    torch.operator_delete(cell);
  return value;
}

AOTITorchError call(const char *name, const char *overload, StableIValue *stack) {
  return torch.torch_call_dispatcher(name, overload, stack, torch.version);
}

int register_kernels(const char *key, const struct named_kernel *kernels, size_t count) {
  TorchLibraryHandle library = NULL; /* kept for good */
  if (torch.aoti_torch_library_init_impl("simdrop", key, __FILE__, __LINE__, &library) != 0) return -1;
  for (size_t i = 0; i < count; ++i)
    if (torch.torch_library_impl(library, kernels[i].name, kernels[i].kernel, torch.version) != 0) return -1;
  return 0;
}
