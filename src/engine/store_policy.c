// When arrays are far, and when stores go past the caches.
#include "engine/store_policy.h"

#include <stdatomic.h>

#include "common/element_types.h"
#include "engine/memory_way.h"
#include "machine/cpu.h"

// Outputs of so many bytes always get non-temporal stores, which saves reading them first. With f32 and p = 0.1 that took
// 0.35 ns an element in place of 0.66 at 64 MiB, but 0.36 in place of 0.28 at 16 MiB (Sapphire Rapids, whose third cache holds
// hundreds of megabytes).
#define NON_TEMPORAL_BYTES ((size_t)32 << 20)

// And those that, with an input as long, leave little of the third cache free: from so many eighths of it on. Where it has 32
// MiB (Zen 4), f32 and p = 0.5 took 1.12 of the time with them at a quarter, and at three eighths 1.27 without. Elements of 16
// bits gained nothing there up to NON_TEMPORAL_BYTES, and so what is converted is left alone.
#define NON_TEMPORAL_CACHE_EIGHTHS 3
#define NON_TEMPORAL_BYTES_LEAST ((size_t)4 << 20)

size_t simdrop_non_temporal_bytes(bool converts, uint64_t third_cache) {
  if (converts || third_cache == 0) return NON_TEMPORAL_BYTES;
  const uint64_t share = third_cache / 8 * NON_TEMPORAL_CACHE_EIGHTHS;
  if (share <= NON_TEMPORAL_BYTES_LEAST) return NON_TEMPORAL_BYTES_LEAST;
  return share < NON_TEMPORAL_BYTES ? (size_t)share : NON_TEMPORAL_BYTES;
}

// Decided once, 0 until then: under a hypervisor, CPUID takes longer than many a call. Threads that ask at once all store the
// same.
static _Atomic size_t decided_non_temporal_bytes;

static size_t non_temporal_bytes_here(void) {
  size_t bytes = atomic_load_explicit(&decided_non_temporal_bytes, memory_order_relaxed);
  if (bytes == 0) {
    const simdrop_cpuid_caches caches = simdrop_caches_probe();
    bytes = simdrop_non_temporal_bytes(false, simdrop_third_cache_from_cpuid(&caches));
    atomic_store_explicit(&decided_non_temporal_bytes, bytes, memory_order_relaxed);
  }
  return bytes;
}

// With 8 bits, arithmetic takes so long that memory keeps up with ordinary stores: past the caches, 32 Mi of f8e4m3fn took 1.04
// (p = 0.5) and 1.11 (p = 0.1) of the time with AVX-512, 1.15 with AVX2. 16 bits took 0.91 to 0.94 with AVX-512, 0.90 (f16) and
// 1.03 (bf16) with AVX2 for p = 0.1, and 0.77 to 0.89 for p = 0.5 (Zen 4).
static bool is_bound_by_arithmetic(const simdrop_operation *operation) { return operation->size == 1; }

bool simdrop_is_past_caches(const simdrop_operation *operation) {
  const unsigned choice = simdrop_memory_choice();
  if (choice != SIMDROP_MEMORY_LEARNED) return choice != SIMDROP_MEMORY_CACHED;
  if (is_bound_by_arithmetic(operation)) return false;
  const size_t bytes = operation->n * operation->size;
  if (bytes < NON_TEMPORAL_BYTES_LEAST) return false;
  return bytes >= (simdrop_dtype_converts(operation->dtype) ? NON_TEMPORAL_BYTES : non_temporal_bytes_here());
}

simdrop_store simdrop_far_store_for(const simdrop_operation *operation) {
  const bool can_pass = operation->x != operation->y;
  return can_pass && simdrop_is_past_caches(operation) ? SIMDROP_STORE_NON_TEMPORAL : SIMDROP_STORE_CACHED_FAR;
}
