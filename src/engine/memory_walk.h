// How a call goes through far arrays: segment by segment, each in the way that is best as far as is known, or to find out.
#ifndef SIMDROP_ENGINE_MEMORY_WALK_H
#define SIMDROP_ENGINE_MEMORY_WALK_H

#include "common/kernel_table.h"
#include "engine/memory_way.h"
#include "engine/operation.h"

typedef struct simdrop_memory_walk {
  const simdrop_memory_way *way;  // of the elements at hand
  bool is_paged;                  // whether it says more than its store
  // The rest is the walk's own.
  bool learns, is_watched;
  bool is_fresh;          // the output's memory was still without pages where it was last looked at,
  bool was_populated;     // and was given those of the segment
  simdrop_store store;    // unless it is
  unsigned wanted;        // number of the way, where nothing is learned
  size_t size;            // bytes of an element
  ptrdiff_t left;         // elements of the segment that are still to come; below 0, as many of the next one are done
  size_t segments;        // that were begun
  char *y, *end;          // of the output, from the next segment on
  uint64_t began;         // when the segment was
  uint64_t pages_before;  // that the thread had been given when they were last counted
  simdrop_memory_trial trial;
} simdrop_memory_walk;

// Of an operation whose store is not SIMDROP_STORE_CACHED. Whoever has no kernels for pages goes no way but from one to the
// next: there is nothing to learn then, and the way says how stores go, and no more.
void simdrop_memory_walk_begin(simdrop_memory_walk *walk, const simdrop_operation *operation, bool has_pages);

// Chooses the way of the next `count` elements: a chunk, or what is left of the operation.
void simdrop_memory_walk_on(simdrop_memory_walk *walk, size_t count);

#endif
