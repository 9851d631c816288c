/* What Python calls of the extension, by ctypes; and what its files have in common. */
#ifndef SIMDROP_TORCH_MODULE_H
#define SIMDROP_TORCH_MODULE_H

#include <simdrop/simdrop.h>

#include "shim.h"

#define SIMDROP_TORCH_EXPORT __attribute__((visibility("default")))

/** Look up PyTorch's functions.
 *  @param libtorch_cpu  file name of the library, which must be loaded already
 *  @return NULL, or the name of what is missing; nothing else may be called then */
SIMDROP_TORCH_EXPORT const char *simdrop_torch_load(const char *libtorch_cpu);

/** simdrop_backend_select of the library that is in this extension.
 *  @return 0, or -1 */
SIMDROP_TORCH_EXPORT int simdrop_torch_use_backend(const char *name);

/** simdrop_backend_current of it. */
SIMDROP_TORCH_EXPORT const char *simdrop_torch_current_backend(void);

/** Register the kernels of simdrop's own operators, which Python has defined. Once a process.
 *  @return 0, or -1 */
SIMDROP_TORCH_EXPORT int simdrop_torch_register_operators(void);

/** Register the kernels of the fused operators, which Python has defined. Once a process.
 *  @return 0, or -1 */
SIMDROP_TORCH_EXPORT int simdrop_torch_register_fused(void);

/** Register a kernel of simdrop::_is_plain(Tensor) -> bool.
 *  @param key     the dispatch key
 *  @param answer  what it says
 *  @return 0, or -1 */
SIMDROP_TORCH_EXPORT int simdrop_torch_register_is_plain(const char *key, int answer);

/** Put simdrop in the place of PyTorch's dropouts.
 *  @param channels  whether those of whole channels, too
 *  @return NULL, or what PyTorch refused; nothing is changed then */
SIMDROP_TORCH_EXPORT const char *simdrop_torch_enable(int channels);

/** Take it out again. */
SIMDROP_TORCH_EXPORT void simdrop_torch_disable(void);

/** Say how many levels of forward-mode differentiation are open. */
SIMDROP_TORCH_EXPORT void simdrop_torch_set_tangent_levels(int levels);

/** How many calls went through the kernels of simdrop_torch_enable: dropout, alpha_dropout, feature_dropout,
 * feature_alpha_dropout. */
SIMDROP_TORCH_EXPORT void simdrop_torch_read_calls(uint64_t calls[4]);

/** Count from 0 again. */
SIMDROP_TORCH_EXPORT void simdrop_torch_reset_calls(void);

/** Register the kernels of simdrop::attention and its gradient, which Python has defined. Once a process.
 *  @param libtorch_cpu  file name of the library, which must be loaded already
 *  @return 0, -1 if PyTorch refuses, or 1 if the library has no products of matrices: nothing is registered then */
SIMDROP_TORCH_EXPORT int simdrop_torch_register_attention(const char *libtorch_cpu);

#endif
