// Which of SLEEF's sets of instructions this processor runs.
#include "sleef/f64_math.h"

#include <simdrop/fused.h>

#include <stdatomic.h>

#include "machine/cpu.h"
#include "sleef_list.h"

#define ADDRESS_1(set) &simdrop_sleef_##set,
#define ADDRESS_0(set)
#define ADDRESS(set, compiled) ADDRESS_##compiled(set)
static const simdrop_f64_math *const sets[] = {SIMDROP_SLEEF_LIST(ADDRESS) NULL};

const simdrop_f64_math *simdrop_choose_f64_math(simdrop_cpu_features features) {
  size_t i = 0;
  while (sets[i] != NULL && (features & sets[i]->required) != sets[i]->required) ++i;
  return sets[i];
}

static const simdrop_f64_math undecided = {0};
static _Atomic(const simdrop_f64_math *) current_f64_math = &undecided;

// Threads that make their first call at once all find the same.
const simdrop_f64_math *simdrop_f64_math_here(void) {
  const simdrop_f64_math *math = atomic_load_explicit(&current_f64_math, memory_order_relaxed);
  if (math == &undecided) {
    math = simdrop_choose_f64_math(simdrop_cpu_features_here());
    atomic_store_explicit(&current_f64_math, math, memory_order_relaxed);
  }
  return math;
}

const char *simdrop_f64_functions(void) {
  const simdrop_f64_math *const math = simdrop_f64_math_here();
  return math == NULL ? NULL : math->name;
}

const char *simdrop_sleef_version(void) { return sets[0] == NULL ? NULL : sets[0]->version; }
