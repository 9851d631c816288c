// The exact tests of fused kernels (K11 to K14, K19), of the variants (K15 to K18), and of both on
// executors (K20), which are rows of exact_tests.
#ifndef SIMDROP_TOOL_VERIFY_EXACT_FUSED_H
#define SIMDROP_TOOL_VERIFY_EXACT_FUSED_H

#include "verify/exact.h"

void check_chain(const dropout_functions *functions, exact_result *result);
void check_chain_gradients(const dropout_functions *functions, exact_result *result);
void check_softmax(const dropout_functions *functions, exact_result *result);
void check_tiles(const dropout_functions *functions, exact_result *result);
void check_alpha(const dropout_functions *functions, exact_result *result);
void check_gaussian(const dropout_functions *functions, exact_result *result);
void check_concrete(const dropout_functions *functions, exact_result *result);
void check_masked(const dropout_functions *functions, exact_result *result);
void check_norm(const dropout_functions *functions, exact_result *result);
void check_executors(const dropout_functions *functions, exact_result *result);

#endif
