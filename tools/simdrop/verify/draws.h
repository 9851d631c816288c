// The statistical tests that draw for themselves: many short calls (S3), far places of the index (S9), flipped bits of the
// parameters (S10), and the values of outputs (S11).
#ifndef SIMDROP_TOOL_VERIFY_DRAWS_H
#define SIMDROP_TOOL_VERIFY_DRAWS_H

#include "verify/figure.h"

bool draw_tails(const verify_subject *subject, verify_figure *figure);
bool draw_sparse_duplicates(const verify_subject *subject, verify_figure *figure);
bool draw_streams(const verify_subject *subject, verify_figure *figure);
bool draw_outputs(const verify_subject *subject, verify_figure *figure);

// The forms that each is worth drawing in.
bool tails_in(verify_form form);
bool duplicates_in(verify_form form);
bool streams_in(verify_form form);
bool outputs_in(verify_form form);

// Elements that each draws.
uint64_t tails_drawn(const verify_subject *subject);
uint64_t duplicates_drawn(const verify_subject *subject);
uint64_t streams_drawn(const verify_subject *subject);
uint64_t outputs_drawn(const verify_subject *subject);

// S9 of windows that were counted, in a sequence or here.
void duplicates_figure(uint64_t duplicates, uint64_t windows, uint64_t window_bits, double keep, verify_figure *figure);

#endif
