// One pass over normal numbers, as Gaussian dropout shows them, that counts everything S14 to S17 need, so that any number of
// them is tested in constant memory.
#ifndef SIMDROP_TOOL_VERIFY_NORMALS_H
#define SIMDROP_TOOL_VERIFY_NORMALS_H

#include "verify/figure.h"

#define NORMAL_LAG_COUNT 20
#define NORMAL_CELLS ((size_t)1 << 16)  // of equal width between -NORMAL_RANGE and NORMAL_RANGE
#define NORMAL_RANGE 8

typedef struct normal_counts {
  uint64_t total;
  double sum, squares;
  double third, fourth;                                          // sums of z^3 - 3z and of z^4 - 6z^2 + 3
  double products[NORMAL_LAG_COUNT], squared[NORMAL_LAG_COUNT];  // of numbers, and of z^2 - 1, with those the lag before
  uint64_t cells[NORMAL_CELLS];
} normal_counts;

// How many numbers a subject's figures are made from.
uint64_t normals_drawn(const verify_subject *subject);

// Counts these; false without memory (the sentence has been printed).
bool count_normals(const verify_subject *subject, normal_counts *counts);

// S14 to S17.
void normal_moments(const normal_counts *counts, double level, verify_figure *figure);
void normal_tails(const normal_counts *counts, double level, verify_figure *figure);
void normal_lags(const normal_counts *counts, double level, verify_figure *figure);
void normal_distribution(const normal_counts *counts, double level, verify_figure *figure);

#endif
