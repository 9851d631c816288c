// The only file that knows the backends' tables. One atomic pointer says which is in use; it is never NULL, and what it
// points to is constant data, so that a reader never sees half a choice.
#include "machine/dispatch.h"

#include <stdatomic.h>
#include <string.h>

#include "backend_list.h"
#include "machine/cpu.h"
#include "machine/environment.h"

#define DECLARE_1(backend) extern const simdrop_kernels simdrop_##backend##_kernels;
#define DECLARE_0(backend)
#define DECLARE(backend, name, compiled) DECLARE_##compiled(backend)
SIMDROP_BACKEND_LIST(DECLARE)

typedef struct backend_entry {
  const char *name;
  const simdrop_kernels *kernels;  // NULL: not compiled in
} backend_entry;

#define KERNELS_1(backend) &simdrop_##backend##_kernels
#define KERNELS_0(backend) NULL
#define ENTRY(backend, name, compiled) {name, KERNELS_##compiled(backend)},
static const backend_entry backends[] = {SIMDROP_BACKEND_LIST(ENTRY)};
enum {
  BACKEND_COUNT = sizeof backends / sizeof backends[0]
};

// Every choice that can be made, so that the pointer below always points to one.
enum {
  REASON_COUNT = SIMDROP_CHOICE_SELECTED + 1
};
#define CHOICES(backend, name, compiled)                          \
  {{BACKEND_INDEX_##backend, SIMDROP_CHOICE_BEST},                \
   {BACKEND_INDEX_##backend, SIMDROP_CHOICE_ENVIRONMENT},         \
   {BACKEND_INDEX_##backend, SIMDROP_CHOICE_ENVIRONMENT_REFUSED}, \
   {BACKEND_INDEX_##backend, SIMDROP_CHOICE_SELECTED}},
#define INDEX(backend, name, compiled) BACKEND_INDEX_##backend,
enum {
  SIMDROP_BACKEND_LIST(INDEX)
};
static const simdrop_choice choices[BACKEND_COUNT][REASON_COUNT] = {SIMDROP_BACKEND_LIST(CHOICES)};
static const simdrop_choice undecided = {BACKEND_INDEX_scalar, SIMDROP_CHOICE_BEST};

static _Atomic(const simdrop_choice *) current_choice = &undecided;

static bool can_run(size_t index, simdrop_cpu_features features) {
  const simdrop_kernels *const kernels = backends[index].kernels;
  return kernels != NULL && (features & kernels->required) == kernels->required;
}

static size_t find_backend(const char *name) {
  size_t index = 0;
  while (index < BACKEND_COUNT && strcmp(backends[index].name, name) != 0) ++index;
  return index;
}

simdrop_choice simdrop_choose_backend(simdrop_cpu_features features, const char *wanted) {
  simdrop_choice choice = {0, SIMDROP_CHOICE_BEST};
  if (wanted != NULL && *wanted != '\0') {
    choice.backend = find_backend(wanted);
    choice.reason = SIMDROP_CHOICE_ENVIRONMENT;
    if (choice.backend < BACKEND_COUNT && can_run(choice.backend, features)) return choice;
    choice.backend = 0;
    choice.reason = SIMDROP_CHOICE_ENVIRONMENT_REFUSED;
  }
  while (!can_run(choice.backend, features)) ++choice.backend;  // ends: scalar is last and needs nothing
  return choice;
}

// Not inlined: every call would save the registers that this needs.
#if defined(__GNUC__)
__attribute__((noinline))
#endif
static const simdrop_choice *
decide(const simdrop_choice *choice) {
  const simdrop_choice best = simdrop_choose_backend(simdrop_cpu_features_here(), simdrop_environment("SIMDROP_BACKEND"));
  const simdrop_choice *const decided = &choices[best.backend][best.reason];
  // Threads that make their first call at once all find the same; one that called simdrop_backend_select meanwhile wins.
  if (atomic_compare_exchange_strong(&current_choice, &choice, decided)) return decided;
  return choice;
}

static inline const simdrop_choice *decided_choice(void) {
  const simdrop_choice *choice = atomic_load_explicit(&current_choice, memory_order_acquire);
  return choice != &undecided ? choice : decide(choice);
}

const simdrop_kernels *simdrop_backend_kernels(size_t index) { return index < BACKEND_COUNT ? backends[index].kernels : NULL; }

const simdrop_kernels *simdrop_current_kernels(void) { return backends[decided_choice()->backend].kernels; }

size_t simdrop_backend_count(void) { return BACKEND_COUNT; }

const char *simdrop_backend_name(size_t index) { return index < BACKEND_COUNT ? backends[index].name : NULL; }

int simdrop_backend_compiled(size_t index) { return simdrop_backend_kernels(index) != NULL; }

int simdrop_backend_supported(size_t index) { return index < BACKEND_COUNT && can_run(index, simdrop_cpu_features_here()); }

const char *simdrop_backend_current(void) { return backends[decided_choice()->backend].name; }

simdrop_backend_choice simdrop_backend_reason(void) { return decided_choice()->reason; }

simdrop_status simdrop_backend_select(const char *name) {
  const simdrop_cpu_features features = simdrop_cpu_features_here();
  simdrop_choice choice;
  if (name == NULL) {
    choice = simdrop_choose_backend(features, NULL);
  } else {
    choice.backend = find_backend(name);
    choice.reason = SIMDROP_CHOICE_SELECTED;
    if (choice.backend == BACKEND_COUNT) return SIMDROP_ERROR_UNKNOWN_BACKEND;
    if (!can_run(choice.backend, features)) return SIMDROP_ERROR_UNSUPPORTED_BACKEND;
  }
  atomic_store_explicit(&current_choice, &choices[choice.backend][choice.reason], memory_order_release);
  return SIMDROP_OK;
}
