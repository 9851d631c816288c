// One pass over a sequence of bits that counts everything the tests of single sequences (S1, S2, S4 to S9) need, so that a
// sequence of any length is tested in constant memory.
#ifndef SIMDROP_TOOL_VERIFY_SEQUENCE_H
#define SIMDROP_TOOL_VERIFY_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/source.h"

#define POSITIONS 128  // places of a block
#define LAG_COUNT 34
#define LAG_MAX ((size_t)1 << 18)
#define COINCIDENCE_LANES 16
#define LANE_PAIRS 120  // of 16 lanes
#define LANE_TRIPLES 560
#define SEQUENCE_GRAIN ((size_t)1024)  // bits: a sequence counts in whole multiples
#define ENOUGH_FOR_NORMAL 1600         // expected rare events from which on a sum over them counts as normal
extern const uint32_t sequence_lags[LAG_COUNT];
extern const uint16_t dispersion_lengths[2];

// How many elements each statistic takes at most, from the first on; the fastest ones can afford the most.
typedef struct sequence_limits {
  uint64_t total;         // kept elements are counted in all of these
  uint64_t counts;        // places, patterns, lags, block sums, changes
  uint64_t coincidences;  // subsets of lanes
  uint64_t duplicates;    // windows
} sequence_limits;

typedef struct sequence_counts {
  double keep;  // the probability that a bit is 1, if the source is good
  uint64_t total, kept;
  uint64_t counted;                // elements of what follows, up to the coincidences
  uint64_t counted_kept;           // of them
  uint64_t positions[POSITIONS];   // kept elements at each place of a block
  uint64_t patterns[256];          // aligned bytes
  uint64_t strided_patterns[256];  // every sixteenth bit of a block
  uint64_t changes;                // neighbours that differ
  uint64_t block_squares[2];       // sums of squared block sums, of the two lengths
  bool rare_pairs;                 // dropping or keeping is so rare that lags are judged by disjoint pairs
  // Lags, in terms of the rarer state of the two (kept or dropped): pairs with both in it, disjoint ones among them, and how
  // many of the first and of the last elements are in it, as many as the lag.
  uint64_t lag_both[LAG_COUNT], lag_disjoint[LAG_COUNT], head_rare[LAG_COUNT], tail_rare[LAG_COUNT];
  uint64_t coincidence_groups;                                                   // of COINCIDENCE_LANES elements
  uint64_t single[COINCIDENCE_LANES], pairs[LANE_PAIRS], triples[LANE_TRIPLES];  // groups with these lanes in the rarer state
  uint64_t windows, window_bits, duplicates;                                     // equal windows
} sequence_counts;

// Counts what the source gives, up to the limits, for bits that are 1 with probability keep. planned is how many elements
// are expected; 0 = unknown, which takes longer, since it decides how lags are counted. counted(context, n) is called after n
// elements more, and may be NULL. False without memory (the sentence has been printed) or if the source failed.
bool sequence_count(bit_source *source, double keep, uint64_t planned, const sequence_limits *limits, sequence_counts *counts,
                    void (*counted)(void *context, uint64_t n), void *context);

// The length of windows, in bits, of which n are all different but with a probability below 1e-12.
uint64_t duplicate_window_bits(double keep, uint64_t elements);
double duplicate_chance(double keep, uint64_t windows, uint64_t window_bits);

// A set of 128-bit hashes that says whether one was there before. It takes so many as it was begun for.
typedef struct window_set {
  uint64_t (*slots)[2];  // {0, 0} = free
  size_t mask;
  uint64_t capacity;
} window_set;
bool window_set_begin(window_set *set, uint64_t capacity);
bool window_set_add(window_set *set, const uint64_t *words, size_t count);  // true if it was there
void window_set_end(window_set *set);

#endif
