// S13: the mean of fused outputs and gradients over masks is what the same call makes of p = 0. S18: alpha dropout keeps the
// mean and the variance of inputs that have those of a standard normal variable.
#ifndef SIMDROP_TOOL_VERIFY_EXPECTATIONS_H
#define SIMDROP_TOOL_VERIFY_EXPECTATIONS_H

#include "verify/figure.h"

bool draw_fused_outputs(const verify_subject *subject, verify_figure *figure);
bool draw_alpha_moments(const verify_subject *subject, verify_figure *figure);

// The forms that each is drawn in, and how many elements.
bool fused_outputs_in(verify_form form);
bool alpha_moments_in(verify_form form);
uint64_t fused_outputs_drawn(const verify_subject *subject);
uint64_t alpha_moments_drawn(const verify_subject *subject);

#endif
