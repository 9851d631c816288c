// Ways of going through memory, and how the quickest is found.
//
// Two ways can be compared only side by side: how fast memory is depends on what else goes on. So a duel is four segments of
// one call, one after the other: the best way, its challenger twice, and the best way again, so that whatever grows or shrinks
// evenly is taken out. Noise is met by asking for more than one duel, and a mistake by never ending them: while there is a
// challenger that has not lost, duels follow one another, and later there is one now and then.
//
// Only ways that leave memory in the same state can be compared so. Ordinary stores leave lines in the caches that somebody
// else has to write out, so that they look quicker than they are; whether stores go past the caches is store_policy.c's
// business.
#include "engine/memory_way.h"

#include <simdrop/simdrop.h>

#include <string.h>

#include "common/bits.h"
#include "machine/environment.h"

// A duel begins at every so many segments: two of the four may be slow.
#define SEGMENTS_BETWEEN_DUELS 128

// A challenger wins a duel by 3 %: ways that are alike do not change places all the time.
#define WINS_PERCENT 97
#define WINS_CLEARLY_PERCENT 85
#define LOSES_CLEARLY_PERCENT 115

// Nanoseconds. What seems to take longer was stopped meanwhile, or the clock was set.
#define LONGEST_TIME 1000000000u

#define SCORE_TO_WIN 3
#define SCORE_TO_LOSE (-2)

#define FAR_WAY(name, pages_log2, prefetch) {SIMDROP_STORE_CACHED_FAR, pages_log2, prefetch},
#define NON_TEMPORAL_WAY(name, pages_log2, prefetch) {SIMDROP_STORE_NON_TEMPORAL, pages_log2, prefetch},

const simdrop_memory_way *simdrop_memory_way_of(simdrop_store store, unsigned index) {
  static const simdrop_memory_way far_ways[] = {SIMDROP_MEMORY_WAYS(FAR_WAY)};
  static const simdrop_memory_way non_temporal_ways[] = {SIMDROP_MEMORY_WAYS(NON_TEMPORAL_WAY)};
  return store == SIMDROP_STORE_NON_TEMPORAL ? &non_temporal_ways[index] : &far_ways[index];
}
#undef FAR_WAY
#undef NON_TEMPORAL_WAY

#define CHOICE_NAME(name, pages_log2, prefetch) name,
static const char *const choice_names[] = {"learned", "cached", SIMDROP_MEMORY_WAYS(CHOICE_NAME)};
#undef CHOICE_NAME
enum {
  CHOICE_COUNT = sizeof choice_names / sizeof choice_names[0]
};

size_t simdrop_memory_count(void) { return CHOICE_COUNT; }

const char *simdrop_memory_name(size_t index) { return index < CHOICE_COUNT ? choice_names[index] : NULL; }

static unsigned find_choice(const char *name) {
  unsigned choice = 0;
  while (choice < CHOICE_COUNT && strcmp(choice_names[choice], name) != 0) ++choice;
  return choice;
}

// One more than the choice, 0 until the environment was asked. Threads that ask at once all find the same.
static _Atomic unsigned decided_memory_choice;

unsigned simdrop_memory_choice(void) {
  unsigned decided = atomic_load_explicit(&decided_memory_choice, memory_order_relaxed);
  if (decided != 0) return decided - 1;
  const char *const wanted = simdrop_environment("SIMDROP_MEMORY");
  unsigned choice = wanted == NULL ? SIMDROP_MEMORY_LEARNED : find_choice(wanted);
  if (choice == CHOICE_COUNT) choice = SIMDROP_MEMORY_LEARNED;
  // A thread that called simdrop_memory_select meanwhile wins.
  if (atomic_compare_exchange_strong(&decided_memory_choice, &decided, choice + 1)) return choice;
  return decided - 1;
}

const char *simdrop_memory_current(void) { return choice_names[simdrop_memory_choice()]; }

simdrop_status simdrop_memory_select(const char *name) {
  const unsigned choice = name == NULL ? SIMDROP_MEMORY_LEARNED : find_choice(name);
  if (choice == CHOICE_COUNT) return SIMDROP_ERROR_UNKNOWN_MEMORY;
  atomic_store_explicit(&decided_memory_choice, choice + 1, memory_order_relaxed);
  return SIMDROP_OK;
}

// A byte each, so that 0 is a beginning: the challenger as its distance from the one behind the best, the score as a byte that
// is negative from 128 on.
simdrop_memory_belief simdrop_memory_believed(uint32_t packed) {
  const unsigned best = packed & 0xff, distance = packed >> 8 & 0xff;
  const int score = (int)(packed >> 16 & 0xff);
  return (simdrop_memory_belief){
      .best = best,
      .challenger = (best + 1 + distance) % SIMDROP_MEMORY_WAY_COUNT,
      .score = score < 128 ? score : score - 256,
      .refuted = packed >> 24,
  };
}

static uint32_t pack(const simdrop_memory_belief *belief) {
  const unsigned distance = (belief->challenger + SIMDROP_MEMORY_WAY_COUNT - belief->best - 1) % SIMDROP_MEMORY_WAY_COUNT;
  return belief->best | distance << 8 | (uint32_t)(belief->score & 0xff) << 16 | (uint32_t)belief->refuted << 24;
}

static unsigned next_challenger(const simdrop_memory_belief *belief) {
  const unsigned next = (belief->challenger + 1) % SIMDROP_MEMORY_WAY_COUNT;
  return next != belief->best ? next : (next + 1) % SIMDROP_MEMORY_WAY_COUNT;
}

static bool has_refuted_all(const simdrop_memory_belief *belief) { return belief->refuted >= SIMDROP_MEMORY_WAY_COUNT - 1; }

uint32_t simdrop_memory_judge(uint32_t packed, uint64_t best_time, uint64_t challenger_time) {
  simdrop_memory_belief belief = simdrop_memory_believed(packed);
  const uint64_t percent = 100 * challenger_time / best_time;  // in integers: a division may raise a floating-point flag
  if (percent < WINS_PERCENT) {
    belief.score += percent < WINS_CLEARLY_PERCENT ? 2 : 1;
  } else {
    belief.score -= percent > LOSES_CLEARLY_PERCENT ? 2 : 1;
  }
  if (belief.score >= SCORE_TO_WIN) {
    const unsigned loser = belief.best;
    belief = (simdrop_memory_belief){.best = belief.challenger, .challenger = loser};
    belief.challenger = next_challenger(&belief);
  } else if (belief.score <= SCORE_TO_LOSE) {
    if (!has_refuted_all(&belief)) ++belief.refuted;
    belief.challenger = next_challenger(&belief);
    belief.score = 0;
  }
  return pack(&belief);
}

// What changes the work of the processor or of the memory.
enum {
  KINDS_OF_SIZE = 4,
  KINDS = 2 * 2 * KINDS_OF_SIZE
};

static simdrop_memory_learner memory_learners[KINDS];

simdrop_memory_learner *simdrop_memory_learner_of(const simdrop_operation *operation) {
  const bool is_in_place = operation->x == operation->y;
  const size_t kind = 2 * (size_t)simdrop_draws_much(operation) + (size_t)is_in_place;
  return &memory_learners[kind * KINDS_OF_SIZE + (size_t)simdrop_trailing_zeros(operation->size)];
}

unsigned simdrop_memory_best(simdrop_memory_learner *learner) {
  return simdrop_memory_believed(atomic_load_explicit(&learner->belief, memory_order_relaxed)).best;
}

static bool is_due(simdrop_memory_learner *learner, uint32_t packed) {
  const simdrop_memory_belief belief = simdrop_memory_believed(packed);
  const uint32_t segment = atomic_fetch_add_explicit(&learner->segments, 1, memory_order_relaxed);
  return !has_refuted_all(&belief) || segment % SEGMENTS_BETWEEN_DUELS == 0;
}

enum {
  DUEL_SEGMENTS = 4
};

static bool is_challengers(unsigned turn) { return turn == 1 || turn == 2; }

unsigned simdrop_memory_trial_next(simdrop_memory_trial *trial) {
  if (trial->turn == 0) {
    trial->belief = atomic_load_explicit(&trial->learner->belief, memory_order_relaxed);
    trial->best_time = trial->challenger_time = 0;
    if (!is_due(trial->learner, trial->belief)) return simdrop_memory_believed(trial->belief).best;
  }
  const simdrop_memory_belief belief = simdrop_memory_believed(trial->belief);
  return is_challengers(trial->turn++) ? belief.challenger : belief.best;
}

void simdrop_memory_trial_report(simdrop_memory_trial *trial, uint64_t time) {
  if (trial->turn == 0) return;
  if (time == 0 || time > LONGEST_TIME) {
    trial->turn = 0;
    return;
  }
  *(is_challengers(trial->turn - 1) ? &trial->challenger_time : &trial->best_time) += time;
  if (trial->turn < DUEL_SEGMENTS) return;
  trial->turn = 0;
  // If another call has decided something meanwhile, it is as right as this one.
  const uint32_t judged = simdrop_memory_judge(trial->belief, trial->best_time, trial->challenger_time);
  atomic_compare_exchange_strong_explicit(&trial->learner->belief, &trial->belief, judged, memory_order_relaxed,
                                          memory_order_relaxed);
}
