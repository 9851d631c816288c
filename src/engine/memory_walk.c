// Segments of a call that goes through far arrays.
#include "engine/memory_walk.h"

#include "engine/store_policy.h"
#include "machine/memory_probe.h"

// Long enough for a clock and short enough to tell ways apart in one call; a multiple of every chunk.
#define SEGMENT_BYTES ((size_t)512 << 10)

// The first one of a call is not compared with others, and shows whether the output is fresh.
#define FIRST_SEGMENT_BYTES ((size_t)128 << 10)

// Fresh memory gets pages for so much in one go. With 256 KiB, 64 Mi elements of f32 took 1.49 ns each, with 1 MiB 1.20,
// and 2.0 where every page waited for its first write (Zen 4, a virtual machine; memcpy 1.78).
#define FRESH_SEGMENT_BYTES ((size_t)1 << 20)

// Outputs that may be fresh and are long enough to gain.
#define WATCHED_BYTES ((size_t)1 << 20)

// So many new pages since they were last counted mean that the output is fresh. Huge pages, of which a segment has one at most,
// are no reason to do anything.
#define FRESH_PAGES 8

void simdrop_memory_walk_begin(simdrop_memory_walk *walk, const simdrop_operation *operation, bool has_pages) {
  const unsigned choice = simdrop_memory_choice();
  const bool is_in_place = operation->x == operation->y;
  const size_t bytes = operation->n * operation->size;
  walk->store = operation->store;
  walk->is_paged =
      has_pages && (walk->store == SIMDROP_STORE_NON_TEMPORAL || (is_in_place && simdrop_is_past_caches(operation)));
  walk->learns = walk->is_paged && choice == SIMDROP_MEMORY_LEARNED;
  walk->wanted = choice >= SIMDROP_MEMORY_FIRST_WAY ? choice - SIMDROP_MEMORY_FIRST_WAY : 0;
  walk->is_watched = choice == SIMDROP_MEMORY_LEARNED && !is_in_place && bytes >= WATCHED_BYTES;
  walk->is_fresh = walk->was_populated = false;
  walk->size = operation->size;
  walk->left = 0;
  walk->segments = 0;
  walk->y = operation->y;
  walk->end = operation->y + bytes;
  walk->pages_before = walk->is_watched ? simdrop_page_faults() : 0;
  walk->trial.learner = simdrop_memory_learner_of(operation);
  walk->trial.turn = 0;
}

// After a call's first segments, later on now and then, and whenever something depends on it: to ask the system takes longer
// than to ask a clock.
static bool is_time_to_look(const simdrop_memory_walk *walk) {
  const bool is_power_of_two = (walk->segments & (walk->segments - 1)) == 0;
  return walk->is_watched && (is_power_of_two || walk->is_fresh || walk->trial.turn > 0);
}

// At the end of a segment. What the first one took tells nothing: caches and prefetchers knew nothing either.
static void learn(simdrop_memory_walk *walk) {
  const uint64_t now = walk->learns ? simdrop_nanoseconds() : 0;
  if (is_time_to_look(walk)) {
    const uint64_t pages = simdrop_page_faults();
    if (!walk->was_populated) walk->is_fresh = pages - walk->pages_before >= FRESH_PAGES;
    walk->pages_before = pages;
  }
  const bool counts = walk->segments > 1 && !walk->is_fresh && now > walk->began;
  simdrop_memory_trial_report(&walk->trial, counts ? now - walk->began : 0);
}

// If none was missing, those that were new were others, such as the input's: not to be asked again.
static void populate(simdrop_memory_walk *walk, size_t bytes) {
  walk->was_populated = simdrop_populate(walk->y, bytes);
  if (!walk->was_populated) return;
  const uint64_t pages = simdrop_page_faults();
  if (pages - walk->pages_before < FRESH_PAGES) walk->is_fresh = walk->is_watched = false;
  walk->pages_before = pages;
}

// A page that is given is full of zeros, which are in the caches then, where ordinary stores find them.
static const simdrop_memory_way *next_way(simdrop_memory_walk *walk) {
  if (walk->is_fresh && !walk->was_populated) return simdrop_memory_way_of(SIMDROP_STORE_CACHED_FAR, 0);
  if (!walk->learns) return simdrop_memory_way_of(walk->store, walk->wanted);
  if (walk->is_fresh) return simdrop_memory_way_of(walk->store, simdrop_memory_best(walk->trial.learner));
  return simdrop_memory_way_of(walk->store, simdrop_memory_trial_next(&walk->trial));
}

static size_t segment_bytes(const simdrop_memory_walk *walk) {
  if (walk->segments == 0) return FIRST_SEGMENT_BYTES;
  return walk->is_fresh ? FRESH_SEGMENT_BYTES : SEGMENT_BYTES;
}

static void begin_segment(simdrop_memory_walk *walk) {
  if (walk->segments > 0) learn(walk);
  const size_t most = segment_bytes(walk), rest = (size_t)(walk->end - walk->y), bytes = rest < most ? rest : most;
  ++walk->segments;
  walk->was_populated = false;
  if (walk->is_fresh) populate(walk, bytes);
  walk->way = next_way(walk);
  walk->y += bytes;
  walk->left += (ptrdiff_t)(bytes / walk->size);
  walk->began = walk->learns ? simdrop_nanoseconds() : 0;
}

void simdrop_memory_walk_on(simdrop_memory_walk *walk, size_t count) {
  if (walk->left <= 0) begin_segment(walk);
  walk->left -= (ptrdiff_t)count;
}
