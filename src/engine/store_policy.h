// When stores go past the caches.
#ifndef SIMDROP_ENGINE_STORE_POLICY_H
#define SIMDROP_ENGINE_STORE_POLICY_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "common/kernel_table.h"

// How an output of n elements is stored.
simdrop_store simdrop_store_for(simdrop_dtype dtype, size_t n, const void *x, const void *y);

// From how many bytes on that is past the caches, if the third one has so many (0: there is none, or it is not known): a pure
// function.
size_t simdrop_non_temporal_bytes(bool converts, uint64_t third_cache);

#endif
