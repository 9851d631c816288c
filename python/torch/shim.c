/* Looks up what shim.h lists, in the libtorch_cpu that the process has loaded already. */
#include "shim.h"

#include <dlfcn.h>
#include <string.h>

#include "module.h"

struct simdrop_torch_shim torch;

static void lookup(void *library, const char *name, void *function) {
  void *address = dlsym(library, name);
  memcpy(function, &address, sizeof address);
}

const char *simdrop_torch_load(const char *libtorch_cpu) {
  void *library = dlopen(libtorch_cpu, RTLD_LAZY | RTLD_NOLOAD);
  if (library == NULL) return libtorch_cpu;
#define LOOK_UP(result, name, parameters)      \
  lookup(library, #name, (void *)&torch.name); \
  if (torch.name == NULL) return #name;
#define LOOK_UP_LATER(result, name, parameters) lookup(library, #name, (void *)&torch.name);
  SIMDROP_TORCH_SHIM(LOOK_UP)
  SIMDROP_TORCH_SHIM_LATER(LOOK_UP_LATER)
  const uint64_t version = torch.aoti_torch_abi_version();
  torch.version = version < SIMDROP_TORCH_NEWEST_VERSION ? version : SIMDROP_TORCH_NEWEST_VERSION;
  lookup(library, "_Znwm", (void *)&torch.operator_new);
  lookup(library, "_ZdlPv", (void *)&torch.operator_delete);
  if (torch.torch_delete_stable_ivalue == NULL && (torch.operator_new == NULL || torch.operator_delete == NULL))
    return "operator new";
  return NULL;
}
