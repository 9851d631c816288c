// The statistical tests that draw for themselves: many short calls (S3), far places of the index (S9), flipped bits of the
// parameters (S10), and the values of outputs (S11); and what they share with those of verify_tests.c.
#ifndef SIMDROP_TOOL_VERIFY_DRAWS_H
#define SIMDROP_TOOL_VERIFY_DRAWS_H

#include "verify_tests.h"

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

typedef struct binomial_worst {
  size_t index;
  double p_value, deviations;
} binomial_worst;

void worst_binomial(size_t count, const uint64_t *k, double n, double probability, binomial_worst *worst);
double binomial_deviations(double k, double n, double probability);
double two_sided_binomial(double k, double n, double probability);
double two_sided_normal(double z);
double seen_deviations(double level, double count);

// The smallest rise of an event's probability that its number in n trials shows, two-sided at level / count.
// INFINITY if not even certain events would.
double smallest_rise(double n, double probability, double level, double count);

// The smallest correlation of two events of this probability that the number of both in n trials shows.
double smallest_coincidence(double n, double probability, double level, double count);
void duplicates_figure(uint64_t duplicates, uint64_t windows, uint64_t window_bits, double keep, verify_figure *figure);

#endif
