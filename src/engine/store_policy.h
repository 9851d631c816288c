// When arrays are far, and when stores go past the caches.
#ifndef SIMDROP_ENGINE_STORE_POLICY_H
#define SIMDROP_ENGINE_STORE_POLICY_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "engine/operation.h"

// Arrays of so many bytes are far: two of them do not fit most second caches.
#define SIMDROP_FAR_BYTES ((size_t)1 << 20)

simdrop_store simdrop_far_store_for(const simdrop_operation *operation);

// How an operation's output is stored, given everything else of it.
static inline simdrop_store simdrop_store_for(const simdrop_operation *operation) {
  return operation->n * operation->size < SIMDROP_FAR_BYTES ? SIMDROP_STORE_CACHED : simdrop_far_store_for(operation);
}

// Whether its output should go past the caches, were it another array than the input.
bool simdrop_is_past_caches(const simdrop_operation *operation);

// From how many bytes on that is past the caches, if the third one has so many (0: there is none, or it is not known): a pure
// function.
size_t simdrop_non_temporal_bytes(bool converts, uint64_t third_cache);

#endif
