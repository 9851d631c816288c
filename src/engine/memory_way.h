// Which way of going through far arrays is taken. No list of machines says which is the quickest, and so large calls find out:
// they go some of their segments another way, and keep what is quicker. Nothing but time depends on it.
#ifndef SIMDROP_ENGINE_MEMORY_WAY_H
#define SIMDROP_ENGINE_MEMORY_WAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/kernel_table.h"
#include "engine/operation.h"

// The ways that are tried, the first before anything is known: how many pages are worked off in turns, and how far ahead
// something is asked for.
//  X(name, pages_log2, prefetch)
#define SIMDROP_MEMORY_WAYS(X)                           \
  X("pages-1", 0, 0)                                     \
  X("pages-1-prefetch", 0, 8192)                         \
  X("pages-2", 1, SIMDROP_PAGES_MAX *SIMDROP_PAGE_BYTES) \
  X("pages-4", 2, SIMDROP_PAGES_MAX *SIMDROP_PAGE_BYTES) \
  X("pages-8", 3, SIMDROP_PAGES_MAX *SIMDROP_PAGE_BYTES)

enum {
#define SIMDROP_MEMORY_WAY_PLUS_ONE_(name, pages_log2, prefetch) +1
  SIMDROP_MEMORY_WAY_COUNT = SIMDROP_MEMORY_WAYS(SIMDROP_MEMORY_WAY_PLUS_ONE_)
#undef SIMDROP_MEMORY_WAY_PLUS_ONE_
};

// Way number `index` with such stores, SIMDROP_STORE_CACHED_FAR or SIMDROP_STORE_NON_TEMPORAL.
const simdrop_memory_way *simdrop_memory_way_of(simdrop_store store, unsigned index);

// What was asked for by SIMDROP_MEMORY or simdrop_memory_select: number SIMDROP_MEMORY_LEARNED, SIMDROP_MEMORY_CACHED, or that
// of a way from SIMDROP_MEMORY_FIRST_WAY on.
enum {
  SIMDROP_MEMORY_LEARNED,
  SIMDROP_MEMORY_CACHED,
  SIMDROP_MEMORY_FIRST_WAY
};
unsigned simdrop_memory_choice(void);

// What calls of some kind have learned so far: the best way, the one that it is compared with, how that is doing, and how many
// have lost against it. 0 is what is believed at first.
typedef struct simdrop_memory_belief {
  unsigned best, challenger;
  int score;
  unsigned refuted;
} simdrop_memory_belief;

simdrop_memory_belief simdrop_memory_believed(uint32_t packed);

// What is believed after a duel: two segments each, which took so long. A pure function.
uint32_t simdrop_memory_judge(uint32_t packed, uint64_t best_time, uint64_t challenger_time);

// Shared by all calls of a kind, in all threads. Calls at the same time may each lose what the other one learned.
typedef struct simdrop_memory_learner {
  _Atomic uint32_t belief, segments;
} simdrop_memory_learner;

simdrop_memory_learner *simdrop_memory_learner_of(const simdrop_operation *operation);

// The number of the best way that is known.
unsigned simdrop_memory_best(simdrop_memory_learner *learner);

// A call's part in it. Starts out with nothing but its learner.
typedef struct simdrop_memory_trial {
  simdrop_memory_learner *learner;
  uint32_t belief;  // when its duel began
  unsigned turn;    // segments of the duel that were begun
  uint64_t best_time, challenger_time;
} simdrop_memory_trial;

// The way for the next segment, and how long it took in the end; 0 where that tells nothing.
unsigned simdrop_memory_trial_next(simdrop_memory_trial *trial);
void simdrop_memory_trial_report(simdrop_memory_trial *trial, uint64_t time);

#endif
