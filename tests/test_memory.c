// The ways of going through memory: what large calls learn on made-up machines, what is done about memory without pages, and
// that results depend on none of it.
#include "engine/memory_walk.h"
#include "engine/memory_way.h"
#include "engine/store_policy.h"
#include "fused/far_output.h"
#include "machine/memory_probe.h"
#include "support.h"

#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <simdrop/simdrop.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#if !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23
#endif
#if defined(__has_include)
#if __has_include(<linux/seccomp.h>) && __has_include(<linux/filter.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#define SIMDROP_TEST_SECCOMP
#endif
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define SIMDROP_TEST_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMDROP_TEST_ADDRESS_SANITIZER
#endif
#endif

// ---- what is learned

// A machine on which a segment takes so long, give or take some percent.
typedef struct made_up_machine {
  const char *name;
  uint64_t times[SIMDROP_MEMORY_WAY_COUNT];
} made_up_machine;

static const made_up_machine machines[] = {
    {"the first is best", {20000, 33000, 26000, 24000, 23000}},
    {"the last is best", {33000, 30000, 27000, 25000, 22000}},
    {"one in the middle is", {30000, 24000, 21000, 26000, 25000}},
    {"all but two are terrible", {90000, 25000, 95000, 22000, 99000}},
    {"all are alike", {25000, 25000, 25000, 25000, 25000}},
    {"the best by little", {25000, 25100, 24800, 24900, 23600}},
};

// A segment's time: every thirtieth one is disturbed by something else.
static uint64_t noisy(uint64_t time, unsigned percent, uint64_t *random) {
  if (next_random(random) % 30 == 0) time += time * (next_random(random) % 3);
  return time + time * (next_random(random) % (2 * percent + 1)) / 100 - time * percent / 100;
}

// Goes through segments of calls as the library does, and returns what they took in all.
static uint64_t go_through(const made_up_machine *machine, simdrop_memory_learner *learner, size_t calls, size_t segments,
                           unsigned percent, uint64_t *random) {
  uint64_t total = 0;
  for (size_t call = 0; call < calls; ++call) {
    simdrop_memory_trial trial = {.learner = learner};
    for (size_t segment = 0; segment < segments; ++segment) {
      const unsigned way = simdrop_memory_trial_next(&trial);
      assert_true(way < SIMDROP_MEMORY_WAY_COUNT);
      const uint64_t time = noisy(machine->times[way], percent, random);
      total += time;
      simdrop_memory_trial_report(&trial, segment == 0 ? 0 : time);
    }
  }
  return total;
}

static uint64_t shortest(const made_up_machine *machine) {
  uint64_t time = machine->times[0];
  for (int way = 1; way < SIMDROP_MEMORY_WAY_COUNT; ++way)
    if (machine->times[way] < time) time = machine->times[way];
  return time;
}

// Within 4 %.
static bool knows_the_best(const made_up_machine *machine, simdrop_memory_learner *learner) {
  return machine->times[simdrop_memory_best(learner)] * 100 <= shortest(machine) * 104;
}

static void the_best_way_is_found(void **state) {
  (void)state;
  uint64_t random = 1;
  for (size_t m = 0; m < LENGTH(machines); ++m) {
    const made_up_machine *const machine = &machines[m];
    int right = 0;
    for (int round = 0; round < 100; ++round) {
      simdrop_memory_learner learner = {0, 0};
      go_through(machine, &learner, 2, 256, 2, &random);
      right += knows_the_best(machine, &learner);
    }
    if (right < 95) fail_msg("%s: found %d times out of 100", machine->name, right);
  }
}

// Short calls, of which a duel takes one, get there as well.
static void short_calls_learn_too(void **state) {
  (void)state;
  uint64_t random = 2;
  for (size_t m = 0; m < LENGTH(machines); ++m) {
    simdrop_memory_learner learner = {0, 0};
    go_through(&machines[m], &learner, 200, 6, 1, &random);
    if (!knows_the_best(&machines[m], &learner)) fail_msg("%s: way %u", machines[m].name, simdrop_memory_best(&learner));
  }
}

// To go on trying costs little: at most 4 % more than always to go the best way, noise left out.
static void learning_is_cheap(void **state) {
  (void)state;
  uint64_t random = 3;
  for (size_t m = 0; m < LENGTH(machines); ++m) {
    simdrop_memory_learner learner = {0, 0};
    go_through(&machines[m], &learner, 2, 512, 0, &random);
    uint64_t quiet = 0;
    for (int call = 0; call < 20; ++call) {
      simdrop_memory_trial trial = {.learner = &learner};
      for (int segment = 0; segment < 512; ++segment) {
        const uint64_t time = machines[m].times[simdrop_memory_trial_next(&trial)];
        simdrop_memory_trial_report(&trial, time);
        quiet += time;
      }
    }
    const uint64_t least = 20 * 512 * shortest(&machines[m]);
    if (quiet * 100 > least * 104) fail_msg("%s: %d %% of the least time", machines[m].name, (int)(quiet * 100 / least));
  }
}

// Whatever is believed, because of noise or because the machine has another load now, is given up when it is wrong.
static void mistakes_are_mended(void **state) {
  (void)state;
  uint64_t random = 4;
  for (size_t before = 0; before < LENGTH(machines); ++before)
    for (size_t after = 0; after < LENGTH(machines); ++after) {
      simdrop_memory_learner learner = {0, 0};
      go_through(&machines[before], &learner, 4, 512, 2, &random);
      go_through(&machines[after], &learner, 30, 512, 2, &random);
      if (!knows_the_best(&machines[after], &learner))
        fail_msg("%s, then %s: way %u", machines[before].name, machines[after].name, simdrop_memory_best(&learner));
    }
}

// Ways that are alike stay where they are.
static void nothing_changes_for_nothing(void **state) {
  (void)state;
  uint64_t random = 5;
  const made_up_machine alike = {"alike", {25000, 25000, 25000, 25000, 25000}};
  simdrop_memory_learner learner = {0, 0};
  int changes = 0;
  unsigned best = simdrop_memory_best(&learner);
  for (int call = 0; call < 200; ++call) {
    go_through(&alike, &learner, 1, 512, 1, &random);
    changes += best != simdrop_memory_best(&learner);
    best = simdrop_memory_best(&learner);
  }
  if (changes > 10) fail_msg("%d changes", changes);
}

// Without a clock, or where every segment was disturbed, the first way it is.
static void without_times(void **state) {
  (void)state;
  simdrop_memory_learner learner = {0, 0};
  simdrop_memory_trial trial = {.learner = &learner};
  for (int segment = 0; segment < 1000; ++segment) {
    simdrop_memory_trial_next(&trial);
    simdrop_memory_trial_report(&trial, segment < 500 ? 0 : UINT64_MAX / 128);  // none, or one that was set
  }
  assert_int_equal(simdrop_memory_best(&learner), 0);
  assert_int_equal(learner.belief, 0);
}

// A duel: the best, its challenger twice, the best; a segment that does not count ends it.
static void duels(void **state) {
  (void)state;
  simdrop_memory_learner learner = {0, 0};
  simdrop_memory_trial trial = {.learner = &learner};
  const unsigned ways[] = {0, 1, 1, 0};
  for (size_t i = 0; i < LENGTH(ways); ++i) {
    assert_int_equal(simdrop_memory_trial_next(&trial), ways[i]);
    simdrop_memory_trial_report(&trial, ways[i] == 0 ? 1000 : 800);
  }
  simdrop_memory_belief belief = simdrop_memory_believed(learner.belief);
  assert_int_equal(belief.best, 0);
  assert_int_equal(belief.challenger, 1);
  assert_int_equal(belief.score, 2);
  assert_int_equal(simdrop_memory_trial_next(&trial), 0);
  simdrop_memory_trial_report(&trial, 1000);
  assert_int_equal(simdrop_memory_trial_next(&trial), 1);
  simdrop_memory_trial_report(&trial, 0);
  assert_int_equal(simdrop_memory_trial_next(&trial), 0);  // from the beginning
}

static void judgements(void **state) {
  (void)state;
  const simdrop_memory_belief first = simdrop_memory_believed(0);
  assert_int_equal(first.best, 0);
  assert_int_equal(first.challenger, 1);
  assert_int_equal(first.score, 0);
  assert_int_equal(first.refuted, 0);
  // To win by 3 % counts once, by 15 % twice; so does to lose.
  assert_int_equal(simdrop_memory_believed(simdrop_memory_judge(0, 1000, 969)).score, 1);
  assert_int_equal(simdrop_memory_believed(simdrop_memory_judge(0, 1000, 849)).score, 2);
  assert_int_equal(simdrop_memory_believed(simdrop_memory_judge(0, 1000, 970)).score, -1);
  assert_int_equal(simdrop_memory_believed(simdrop_memory_judge(0, 1000, 1159)).score, -1);
  const simdrop_memory_belief refuted = simdrop_memory_believed(simdrop_memory_judge(0, 1000, 1160));
  assert_int_equal(refuted.score, 0);
  assert_int_equal(refuted.refuted, 1);
  assert_int_equal(refuted.best, 0);
  assert_int_equal(refuted.challenger, 2);
  // Two clear victories, and everybody has to lose against the new best one, even who has lost already.
  uint32_t packed = simdrop_memory_judge(0, 1000, 2000);
  for (int duel = 0; duel < 2; ++duel) packed = simdrop_memory_judge(packed, 1000, 700);
  const simdrop_memory_belief won = simdrop_memory_believed(packed);
  assert_int_equal(won.best, 2);
  assert_int_equal(won.refuted, 0);
  assert_int_equal(won.score, 0);
  assert_int_equal(won.challenger, 1);
  // Each of the others comes up in turn.
  packed = 0;
  unsigned seen = 0;
  for (int i = 0; i < 2 * SIMDROP_MEMORY_WAY_COUNT; ++i) {
    const simdrop_memory_belief belief = simdrop_memory_believed(packed);
    assert_int_not_equal(belief.challenger, belief.best);
    seen |= 1u << belief.challenger;
    packed = simdrop_memory_judge(packed, 1000, 2000);
  }
  assert_int_equal(seen, (1u << SIMDROP_MEMORY_WAY_COUNT) - 2);
  assert_int_equal(simdrop_memory_believed(packed).refuted, SIMDROP_MEMORY_WAY_COUNT - 1);
  // Seconds, in nanoseconds: more than 32 bits.
  assert_int_equal(simdrop_memory_believed(simdrop_memory_judge(0, UINT64_C(4294968296), UINT64_C(3435973836))).score, 2);
}

typedef struct learning_thread {
  simdrop_memory_learner *learner;
  uint64_t random;
} learning_thread;

static void *learn(void *argument) {
  learning_thread *const thread = argument;
  go_through(&machines[1], thread->learner, 20, 512, 2, &thread->random);
  return NULL;
}

static void threads_learn_together(void **state) {
  (void)state;
  enum {
    THREADS = 4
  };
  simdrop_memory_learner learner = {0, 0};
  pthread_t threads[THREADS];
  learning_thread arguments[THREADS];
  for (int t = 0; t < THREADS; ++t) {
    arguments[t] = (learning_thread){&learner, 100 + (uint64_t)t};
    assert_int_equal(pthread_create(&threads[t], NULL, learn, &arguments[t]), 0);
  }
  for (int t = 0; t < THREADS; ++t) pthread_join(threads[t], NULL);
  assert_int_equal(simdrop_memory_best(&learner), 4);
}

// ---- what depends on it

// Calls of one kind learn from one another, and from no others.
static void kinds_of_calls(void **state) {
  (void)state;
  static char x, y;
  static const uint8_t stored;
  simdrop_operation operation = {.work = SIMDROP_WORK_SCALE, .dtype = SIMDROP_F32, .size = 4, .x = &x, .y = &y, .n = 1 << 26};
  operation.threshold = UINT64_C(1) << 31;
  simdrop_memory_learner *const half = simdrop_memory_learner_of(&operation);
  operation.threshold = UINT64_C(3) << 30;
  assert_ptr_equal(simdrop_memory_learner_of(&operation), half);
  operation.threshold = 0;
  assert_ptr_equal(simdrop_memory_learner_of(&operation), half);
  operation.threshold = UINT64_C(1) << 29;
  simdrop_memory_learner *const many = simdrop_memory_learner_of(&operation);
  assert_ptr_not_equal(many, half);
  operation.stored = &stored;
  assert_ptr_equal(simdrop_memory_learner_of(&operation), half);
  operation.stored = NULL;
  operation.y = &x;
  simdrop_memory_learner *const in_place = simdrop_memory_learner_of(&operation);
  assert_ptr_not_equal(in_place, many);
  operation.size = 8;
  assert_ptr_not_equal(simdrop_memory_learner_of(&operation), in_place);
}

static simdrop_store store_of(simdrop_dtype dtype, uint64_t threshold, size_t bytes, bool in_place) {
  static char x, y;
  const uint32_t size = (uint32_t)simdrop_dtype_size(dtype);
  const simdrop_operation operation = {
      .dtype = dtype, .size = size, .threshold = threshold, .x = &x, .y = in_place ? &x : &y, .n = bytes / size};
  return simdrop_store_for(&operation);
}

static void stores(void **state) {
  (void)state;
  const uint64_t half = UINT64_C(1) << 31, tenth = 429496730;
  const size_t mebibyte = 1 << 20;
  assert_int_equal(store_of(SIMDROP_F32, half, mebibyte - 4, false), SIMDROP_STORE_CACHED);
  assert_int_equal(store_of(SIMDROP_F32, half, mebibyte, false), SIMDROP_STORE_CACHED_FAR);
  assert_int_equal(store_of(SIMDROP_F32, tenth, 4 * mebibyte - 4, false), SIMDROP_STORE_CACHED_FAR);
  assert_int_equal(store_of(SIMDROP_F32, tenth, 32 * mebibyte, false), SIMDROP_STORE_NON_TEMPORAL);
  assert_int_equal(store_of(SIMDROP_F64, half, 32 * mebibyte, false), SIMDROP_STORE_NON_TEMPORAL);
  assert_int_equal(store_of(SIMDROP_F32, half, 32 * mebibyte, true), SIMDROP_STORE_CACHED_FAR);
  // What is bound by arithmetic is stored as ever.
  assert_int_equal(store_of(SIMDROP_BF16, half, 32 * mebibyte - 4, false), SIMDROP_STORE_CACHED_FAR);
  assert_int_equal(store_of(SIMDROP_BF16, half, 32 * mebibyte, false), SIMDROP_STORE_NON_TEMPORAL);
  assert_int_equal(store_of(SIMDROP_BF16, tenth, 32 * mebibyte, false), SIMDROP_STORE_NON_TEMPORAL);
  assert_int_equal(store_of(SIMDROP_F8E5M2, half, 1024 * mebibyte, false), SIMDROP_STORE_CACHED_FAR);
  // What is asked for.
  assert_int_equal(simdrop_memory_select("cached"), SIMDROP_OK);
  assert_int_equal(store_of(SIMDROP_F32, half, 1024 * mebibyte, false), SIMDROP_STORE_CACHED_FAR);
  assert_int_equal(simdrop_memory_select("pages-2"), SIMDROP_OK);
  assert_int_equal(store_of(SIMDROP_F32, half, mebibyte - 4, false), SIMDROP_STORE_CACHED);
  assert_int_equal(store_of(SIMDROP_F32, half, mebibyte, false), SIMDROP_STORE_NON_TEMPORAL);
  assert_int_equal(store_of(SIMDROP_BF16, tenth, mebibyte, false), SIMDROP_STORE_NON_TEMPORAL);
  assert_int_equal(store_of(SIMDROP_F32, half, mebibyte, true), SIMDROP_STORE_CACHED_FAR);
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
}

// Which way a walk of n floats goes, for every piece of it.
static void walk_through(float *y, size_t n, bool in_place, const simdrop_memory_way *expected, bool is_paged) {
  static float x[1];
  simdrop_operation operation = {.work = SIMDROP_WORK_SCALE, .dtype = SIMDROP_F32, .size = 4, .threshold = 1 << 30, .n = n};
  operation.y = (char *)y;
  operation.x = in_place ? operation.y : (const char *)x;
  operation.store = simdrop_store_for(&operation);
  simdrop_memory_walk walk;
  simdrop_memory_walk_begin(&walk, &operation, true);
  assert_int_equal(walk.is_paged, is_paged);
  for (size_t done = 0, count; done < n; done += count) {
    count = n - done < 8192 ? n - done : 8192;
    simdrop_memory_walk_on(&walk, count);
    assert_int_equal(walk.way->store, expected->store);
    assert_int_equal(walk.way->pages_log2, expected->pages_log2);
    assert_int_equal(walk.way->prefetch, expected->prefetch);
  }
}

static void what_is_asked_for_is_done(void **state) {
  (void)state;
  const size_t n = 300001;
  float *const y = malloc(n * sizeof *y);
  assert_non_null(y);
  memset(y, 1, n * sizeof *y);  // so that it has its pages
  const simdrop_memory_way four = {SIMDROP_STORE_NON_TEMPORAL, 2, 32768}, in_place = {SIMDROP_STORE_CACHED_FAR, 2, 32768};
  const simdrop_memory_way ahead = {SIMDROP_STORE_NON_TEMPORAL, 0, 8192}, cached = {SIMDROP_STORE_CACHED_FAR, 0, 0};
  assert_int_equal(simdrop_memory_select("pages-4"), SIMDROP_OK);
  walk_through(y, n, false, &four, true);
  walk_through(y, n, true, &in_place, true);
  assert_int_equal(simdrop_memory_select("pages-1-prefetch"), SIMDROP_OK);
  walk_through(y, n, false, &ahead, true);
  assert_int_equal(simdrop_memory_select("cached"), SIMDROP_OK);
  walk_through(y, n, false, &cached, false);
  walk_through(y, n, true, &cached, false);
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
  walk_through(y, n, false, &cached, false);  // 1.2 MiB: a cache holds it
  free(y);
}

// ---- memory without pages

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static char *map(size_t bytes) {
  char *const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(memory, MAP_FAILED);
#if defined(MADV_NOHUGEPAGE)
  madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
  return memory;
}

// Skips where the system cannot do it: Linux before 5.14, emulators and other systems.
static void skip_without_populate(void) {
#if defined(SIMDROP_TEST_ADDRESS_SANITIZER)
  print_message("skipped: the sanitizer's own memory gets pages, too\n");
  skip();
#endif
  const size_t page = page_size();
  char *const memory = map(4 * page);
  const uint64_t before = simdrop_page_faults();
  const bool populated = simdrop_populate(memory, 4 * page), counted = simdrop_page_faults() - before >= 4;
  munmap(memory, 4 * page);
  if (populated && counted) return;
  print_message("skipped: the system %s\n", populated ? "does not count the pages" : "gives no pages before they are written");
  skip();
}

// What is there stays, pages that are not written whole are left alone, and so is errno.
static void populating(void **state) {
  (void)state;
  skip_without_populate();
  const size_t page = page_size();
  char *const memory = map(8 * page);
  memset(memory + 2 * page, 7, page);
  errno = 4321;
  uint64_t before = simdrop_page_faults();
  assert_true(simdrop_populate(memory + page - 1, 5 * page));  // whole are 1, 2, 3, 4 and no more
  assert_int_equal(simdrop_page_faults() - before, 3);
  check_filled(memory + 2 * page, page, 7, "the page that was there");
  before = simdrop_page_faults();
  for (size_t i = 1; i < 5; ++i) memory[i * page] = 1;
  assert_int_equal(simdrop_page_faults() - before, 0);
  memory[0] = memory[5 * page] = 1;
  assert_int_equal(simdrop_page_faults() - before, 2);
  assert_false(simdrop_populate(memory + 1, page));
  assert_false(simdrop_populate(memory + 1, 0));
  munmap(memory + 6 * page, page);
  assert_false(simdrop_populate(memory + 6 * page, page));
  assert_int_equal(errno, 4321);
  munmap(memory, 6 * page);
  munmap(memory + 7 * page, page);
}

#if defined(SIMDROP_TEST_SECCOMP)
#define REFUSE(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

typedef struct sandbox {
  float *x, *y;
  size_t n;
  bool is_closed;
  simdrop_status status;
  int errno_after;
} sandbox;

// For this thread alone, the system answers none of the questions that a large call asks.
static void *call_in_sandbox(void *argument) {
  sandbox *const given = (sandbox *)argument;
  struct sock_filter rules[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    REFUSE(SYS_getrusage),
    REFUSE(SYS_madvise),
#if defined(SYS_clock_gettime)  // not for musl on 32 bits
    REFUSE(SYS_clock_gettime),
#endif
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  given->is_closed =
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
  if (!given->is_closed) return NULL;
  const simdrop_mask mask = {.p = 0.25, .seed = 3, .stream = 5};
  errno = 4321;
  given->status = simdrop_forward(&mask, SIMDROP_F32, given->n, given->x, given->y, NULL);
  given->errno_after = errno;
  return NULL;
}
#endif

// Sandboxes refuse what they do not know. Calls go on without it, and nobody hears of it.
static void a_system_that_refuses(void **state) {
  (void)state;
#if defined(SIMDROP_TEST_SECCOMP)
  const size_t n = (size_t)5 << 20, bytes = n * sizeof(float);
  sandbox given = {.x = (float *)map(bytes), .y = (float *)map(bytes), .n = n};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, call_in_sandbox, &given), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  if (given.is_closed) {
    assert_int_equal(given.status, SIMDROP_OK);
    assert_int_equal(given.errno_after, 4321);
  }
  munmap(given.x, bytes);
  munmap(given.y, bytes);
  if (given.is_closed) return;
#endif
  print_message("skipped: no sandbox for a thread\n");
  skip();
}

// A call into fresh memory is given most of its pages many at a time; into memory that has them, none are asked for.
static void fresh_outputs(void **state) {
  (void)state;
  skip_without_populate();
  const size_t n = 2 << 20, bytes = n * sizeof(float), page = page_size();
  float *const x = malloc(bytes);
  assert_non_null(x);
  for (size_t k = 0; k < n; ++k) x[k] = 1;
  float *const y = (float *)map(bytes);
  simdrop_operation operation = {.work = SIMDROP_WORK_SCALE, .dtype = SIMDROP_F32, .size = 4, .threshold = 1 << 30, .n = n};
  operation.x = (const char *)x;
  operation.y = (char *)y;
  operation.store = simdrop_store_for(&operation);
  for (int round = 0; round < 2; ++round) {
    simdrop_memory_walk walk;
    simdrop_memory_walk_begin(&walk, &operation, true);
    uint64_t touched = 0, populated = 0;
    for (size_t done = 0; done < n; done += 8192) {
      const uint64_t before = simdrop_page_faults();
      simdrop_memory_walk_on(&walk, 8192);
      const uint64_t between = simdrop_page_faults();
      for (size_t at = 0; at < 8192 * sizeof(float); at += page) ((char *)(y + done))[at] = 1;
      populated += between - before;
      touched += simdrop_page_faults() - between;
    }
    // The first 128 KiB show what is needed.
    assert_int_equal(touched, round == 0 ? (128 << 10) / page : 0);
    assert_int_equal(populated, round == 0 ? (bytes - (128 << 10)) / page : 0);
  }
  memset(y, 0, bytes);
  munmap(y, bytes);
  float *const fresh = (float *)map(bytes), *const expected = malloc(bytes);
  assert_non_null(expected);
  const simdrop_mask mask = {.p = 0.25, .seed = 3, .stream = 5};
  assert_int_equal(simdrop_memory_select("cached"), SIMDROP_OK);
  assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, n, x, expected, NULL), SIMDROP_OK);
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
  assert_int_equal(simdrop_forward(&mask, SIMDROP_F32, n, x, fresh, NULL), SIMDROP_OK);
  check_bytes(expected, fresh, bytes, "a fresh output");
  munmap(fresh, bytes);
  free(x);
  free(expected);
}

// Without kernels for pages there is nothing to learn, and pieces need not divide a segment.
static void outputs_of_rows(void **state) {
  (void)state;
  skip_without_populate();
  const size_t columns = 3008, rows = 1001, n = rows * columns, bytes = n * sizeof(float), page = page_size();
  const simdrop_operation decisions = {
      .dtype = SIMDROP_F32, .size = 4, .threshold = 1 << 30, .store = SIMDROP_STORE_NON_TEMPORAL};
  char *const y = map(bytes);
  simdrop_far_output output;
  simdrop_far_output_begin(&output, &decisions, (simdrop_rows){y, (ptrdiff_t)columns * 4}, rows, columns, false);
  assert_true(output.is_walked);
  assert_false(output.walk.is_paged);
  assert_false(output.walk.learns);
  uint64_t touched = 0, populated = 0;
  for (size_t done = 0, count; done < n; done += count) {
    count = n - done < columns ? n - done : columns;
    const uint64_t before = simdrop_page_faults();
    simdrop_far_output_go_on(&output, count);
    const uint64_t between = simdrop_page_faults();
    memset(y + done * 4, 1, count * 4);
    populated += between - before;
    touched += simdrop_page_faults() - between;
  }
  assert_true(touched < 100);
  assert_true(populated > (bytes - (1 << 20)) / page);
  // Rows that lie apart are stored as was decided, unless they end within lines and are not long.
  const struct {
    size_t columns;
    ptrdiff_t padding, shift;
    simdrop_store store;
  } cases[] = {
      {1024, 16, 0, SIMDROP_STORE_NON_TEMPORAL},  {1024, 4, 0, SIMDROP_STORE_CACHED_FAR},
      {1024, 16, 4, SIMDROP_STORE_CACHED_FAR},    {1020, 4, 0, SIMDROP_STORE_CACHED_FAR},
      {4095, 4, 0, SIMDROP_STORE_CACHED_FAR},     {4096, 4, 4, SIMDROP_STORE_NON_TEMPORAL},
      {5000, 100, 0, SIMDROP_STORE_NON_TEMPORAL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    const simdrop_rows apart = {y + 4 * cases[i].shift, ((ptrdiff_t)cases[i].columns + cases[i].padding) * 4};
    simdrop_far_output_begin(&output, &decisions, apart, 100, cases[i].columns, false);
    assert_false(output.is_walked);
    assert_int_equal(output.store, cases[i].store);
    simdrop_far_output_go_on(&output, cases[i].columns);
    assert_int_equal(output.store, cases[i].store);
  }
  // One row is as long as it is, and rows that follow one another are walked in either case.
  simdrop_far_output_begin(&output, &decisions, (simdrop_rows){y + 4, 0}, 1, 1001, false);
  assert_int_equal(output.store, SIMDROP_STORE_NON_TEMPORAL);
  simdrop_far_output_begin(&output, &decisions, (simdrop_rows){y + 4, 4096}, 700, 1024, false);
  simdrop_far_output_go_on(&output, 700 * 1024);
  assert_true(output.is_walked);
  assert_int_equal(output.store, SIMDROP_STORE_CACHED_FAR);
  munmap(y, bytes);
}

#if defined(__linux__)

// In the place of the C library's: bytes that were asked for in one go.
static size_t populated_bytes;

int madvise(void *memory, size_t bytes, int advice) {
  if (advice == MADV_POPULATE_WRITE) populated_bytes += bytes;
  return (int)syscall(SYS_madvise, memory, bytes, advice);
}

// Calls of the fused functions, by number. Rows that are summed by columns are no longer than a strip.
static simdrop_status call_fused(int number, const float *x, float *y) {
  static float sums[700], h[3000 * 700];
  const simdrop_mask mask = {.p = 0.25, .seed = 3, .stream = 5};
  const simdrop_matrix matrix = simdrop_matrix_dense(3000, 700);
  const simdrop_chain chain = {.bias = x, .residual = x};
  const simdrop_norm norm = {.epsilon = 1e-5, .residual = x};
  const simdrop_softmax softmax = simdrop_softmax_plain(0.125, 700);
  switch (number) {
    case 0: return simdrop_chain_forward(NULL, &mask, SIMDROP_F32, &matrix, &chain, x, y, NULL);
    case 1: return simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &matrix, &chain, NULL, NULL, x, y, sums);
    case 2: return simdrop_chain_backward(NULL, &mask, SIMDROP_F32, &matrix, &chain, NULL, NULL, x, y, NULL);
    case 3: return simdrop_norm_forward(NULL, &mask, SIMDROP_F32, &matrix, &norm, x, h, y, NULL);
    case 4: return simdrop_softmax_forward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, y, NULL, NULL);
    default: return simdrop_softmax_backward(NULL, &mask, SIMDROP_F32, &matrix, &softmax, x, NULL, NULL, x + 1, y);
  }
}

static void fused_outputs(void **state) {
  (void)state;
  skip_without_populate();
  const size_t bytes = 3000 * 700 * sizeof(float);
  float *const x = malloc(bytes + sizeof *x), *const expected = malloc(bytes);
  assert_non_null(x);
  assert_non_null(expected);
  for (size_t k = 0; k <= bytes / sizeof *x; ++k) x[k] = (float)(k % 77) - 38;
  memset(expected, 1, bytes);
  for (int number = 0; number < 6; ++number) {
    assert_int_equal(call_fused(number, x, expected), SIMDROP_OK);
    populated_bytes = 0;
    assert_int_equal(call_fused(number, x, expected), SIMDROP_OK);  // where everything has its pages
    assert_int_equal(populated_bytes, 0);
    float *const fresh = (float *)map(bytes);
    assert_int_equal(call_fused(number, x, fresh), SIMDROP_OK);
    check_bytes(expected, fresh, bytes, "a fresh output");
    assert_true(populated_bytes > bytes - (1 << 20));
    munmap(fresh, bytes);
  }
  free(x);
  free(expected);
}

#endif

// Half of an output is fresh: what follows is not given pages that it has.
static void fresh_no_more(void **state) {
  (void)state;
  skip_without_populate();
  const size_t n = 4 << 20, bytes = n * sizeof(float), fresh_bytes = (4 << 20) + (512 << 10);
  char *const y = map(bytes);
  memset(y + fresh_bytes, 1, bytes - fresh_bytes);
  simdrop_operation operation = {
      .work = SIMDROP_WORK_SCALE, .dtype = SIMDROP_F32, .size = 4, .threshold = 1 << 30, .n = n, .y = y};
  operation.store = simdrop_store_for(&operation);
  simdrop_memory_walk walk;
  simdrop_memory_walk_begin(&walk, &operation, true);
  bool was_fresh = false;
  for (size_t done = 0; done < bytes; done += 32768) {
    simdrop_memory_walk_on(&walk, 8192);
    for (size_t at = 0; at < 32768; at += 4096) y[done + at] = 1;
    was_fresh |= walk.is_fresh;
    if (done > fresh_bytes + (3 << 20)) assert_false(walk.is_fresh);
  }
  assert_true(was_fresh);
  munmap(y, bytes);
}

// An input without pages of its own is no reason to populate an output that has them: to find that out once is enough.
static void fresh_inputs(void **state) {
  (void)state;
  skip_without_populate();
  const size_t n = 4 << 20, bytes = n * sizeof(float);
  char *const x = map(bytes), *const y = map(bytes);
  memset(y, 1, bytes);
  simdrop_operation operation = {
      .work = SIMDROP_WORK_SCALE, .dtype = SIMDROP_F32, .size = 4, .threshold = 1 << 30, .n = n, .x = x, .y = y};
  operation.store = simdrop_store_for(&operation);
  simdrop_memory_walk walk;
  simdrop_memory_walk_begin(&walk, &operation, true);
  int asked = 0;
  for (size_t done = 0; done < bytes; done += 32768) {
    const ptrdiff_t left = walk.left;
    simdrop_memory_walk_on(&walk, 8192);
    asked += left == 0 && walk.was_populated;
    for (size_t at = 0; at < 32768; at += 4096) y[done + at] = *(volatile char *)&x[done + at];
  }
  assert_int_equal(asked, 1);
  munmap(x, bytes);
  munmap(y, bytes);
}

// ---- results

// An integer of so many bytes.
static void put_integer(uint8_t *to, size_t size, uint64_t value) {
  const uint32_t four = (uint32_t)value;
  const uint16_t two = (uint16_t)value;
  memcpy(to, size == 8 ? (const void *)&value : size == 4 ? (const void *)&four : &two, size);
}

// A dropped element is not multiplied, whatever it is: signalling NaNs and numbers that overflow raise nothing.
static void no_flag_of_dropped(void **state) {
  (void)state;
  enum {
    BYTES = (1 << 20) + 77 * 8
  };
  static _Alignas(8) uint8_t x[BYTES], y[BYTES];
  static uint8_t bits[BYTES / 8];
  static const struct {
    simdrop_dtype dtype;
    uint64_t elements[2];  // a NaN that signals, and the largest number
  } types[] = {
      {SIMDROP_F32, {0x7fa00001, 0x7f7fffff}},
      {SIMDROP_F64, {0x7ff4000000000001, 0x7fefffffffffffff}},
      {SIMDROP_F16, {0x7c01, 0x7bff}},
      {SIMDROP_BF16, {0x7f81, 0x7f7f}},
  };
  for (size_t t = 0; t < LENGTH(types); ++t) {
    const simdrop_dtype dtype = types[t].dtype;
    const char *const type = simdrop_dtype_name(dtype);
    const size_t size = simdrop_dtype_size(dtype), n = BYTES / size;
    for (size_t k = 0; k < n; ++k) put_integer(x + k * size, size, types[t].elements[k % 2]);
    memset(bits, 0, sizeof bits);
    FOR_EACH_BACKEND(backend) for (size_t m = 0; m < simdrop_memory_count(); ++m) {
      assert_int_equal(simdrop_memory_select(simdrop_memory_name(m)), SIMDROP_OK);
      feclearexcept(FE_ALL_EXCEPT);
      assert_int_equal(simdrop_apply_bits(0.5, dtype, n, bits, x, y), SIMDROP_OK);
      const int raised = fetestexcept(FE_ALL_EXCEPT);
      if (raised != 0) fail_msg("%s, %s: %s raised %#x", backend, simdrop_memory_name(m), type, (unsigned)raised);
      check_filled(y, n * size, 0, "%s, %s: %s", backend, simdrop_memory_name(m), type);
    }
    // The same where decisions are drawn: what is kept is 0.
    const simdrop_mask mask = {.p = 0.1, .seed = 13, .stream = 14, .offset = 15};
    assert_int_equal(simdrop_mask_bits(&mask, n, bits), SIMDROP_OK);
    for (size_t k = 0; k < n; ++k)
      if (bits[k / 8] >> k % 8 & 1) memset(x + k * size, 0, size);
    FOR_EACH_BACKEND(backend) for (size_t m = 0; m < simdrop_memory_count(); ++m) {
      assert_int_equal(simdrop_memory_select(simdrop_memory_name(m)), SIMDROP_OK);
      feclearexcept(FE_ALL_EXCEPT);
      assert_int_equal(simdrop_forward(&mask, dtype, n, x, y, NULL), SIMDROP_OK);
      const int raised = fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT);  // the scale is not exact
      if (raised != 0) fail_msg("%s, %s: forward of %s raised %#x", backend, simdrop_memory_name(m), type, (unsigned)raised);
      check_filled(y, n * size, 0, "%s, %s: forward of %s", backend, simdrop_memory_name(m), type);
    }
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
}

// Every way gives the same bits, leaves its surroundings, errno and the floating-point environment alone, whatever the type and
// wherever y lies between two lines.
static void every_way_gives_the_same(void **state) {
  (void)state;
  enum {
    BYTES = (1 << 20) + 40001 * 8
  };
  static uint8_t x[BYTES], expected[BYTES], expected_bits[BYTES / 8 + 1], bits[BYTES / 8 + 1], bytes[BYTES], kept[BYTES];
  static _Alignas(64) uint8_t y[BYTES + 128];
  for (size_t i = 0; i < BYTES; ++i) x[i] = 0x38;  // an ordinary number in every type
  for (simdrop_dtype dtype = 0; dtype < simdrop_dtype_count(); ++dtype) {
    const size_t size = simdrop_dtype_size(dtype), n = BYTES / size - 3;
    for (int many = 0; many < 2; ++many) {
      const simdrop_mask mask = {.p = many ? 0.3 : 0.5, .seed = 11, .stream = 12, .offset = 1234567};
      assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
      assert_int_equal(simdrop_memory_select("cached"), SIMDROP_OK);
      assert_int_equal(simdrop_forward(&mask, dtype, n, x, expected, expected_bits), SIMDROP_OK);
      assert_int_equal(simdrop_mask_bytes(&mask, n, kept), SIMDROP_OK);
      const size_t first = full_effort() ? 0 : (2 * dtype + (size_t)many + 1) % simdrop_memory_count();
      const size_t last = full_effort() ? simdrop_memory_count() - 1 : first;
      FOR_EACH_BACKEND(backend) for (size_t m = first; m <= last; ++m) {
        const char *const way = simdrop_memory_name(m);
        assert_int_equal(simdrop_memory_select(way), SIMDROP_OK);
        uint8_t *const to = y + 64 - m * 8 % 64;
        memset(y, 0xCD, sizeof y);
        feclearexcept(FE_ALL_EXCEPT);
        errno = 77;
        assert_int_equal(simdrop_forward(&mask, dtype, n, x, to, bits), SIMDROP_OK);
        assert_int_equal(errno, 77);
        check_bytes(expected, to, n * size, "%s, %s: forward of %s", backend, way, simdrop_dtype_name(dtype));
        check_bytes(expected_bits, bits, n / 8, "%s, %s: bits", backend, way);
        check_filled(y, (size_t)(to - y), 0xCD, "%s, %s: before y", backend, way);
        check_filled(to + n * size, sizeof y - n * size - (size_t)(to - y), 0xCD, "%s, %s: after y", backend, way);
        memset(to, 0xCD, n * size);
        assert_int_equal(simdrop_apply_bits(mask.p, dtype, n, expected_bits, x, to), SIMDROP_OK);
        check_bytes(expected, to, n * size, "%s, %s: apply_bits of %s", backend, way, simdrop_dtype_name(dtype));
        memcpy(to, x, n * size);
        assert_int_equal(simdrop_forward_bytes(&mask, dtype, n, to, to, bytes), SIMDROP_OK);
        check_bytes(expected, to, n * size, "%s, %s: forward of %s in place", backend, way, simdrop_dtype_name(dtype));
        check_bytes(kept, bytes, n, "%s, %s: bytes", backend, way);
        memcpy(to, x, n * size);
        assert_int_equal(simdrop_backward(&mask, dtype, n, to, to), SIMDROP_OK);
        check_bytes(expected, to, n * size, "%s, %s: backward of %s in place", backend, way, simdrop_dtype_name(dtype));
        memcpy(to, x, n * size);
        assert_int_equal(simdrop_apply_bits(mask.p, dtype, n, expected_bits, to, to), SIMDROP_OK);
        check_bytes(expected, to, n * size, "%s, %s: apply_bits of %s in place", backend, way, simdrop_dtype_name(dtype));
      }
    }
  }
  assert_int_equal(simdrop_memory_select(NULL), SIMDROP_OK);
}

// Chunks of every type in the caches; a scale of 1.5 makes numbers of bf16 that are half-way between two others, of which there
// are no lines.
static void chunks_of_every_type(void **state) {
  (void)state;
  enum {
    COUNT = 70001
  };
  static _Alignas(8) uint8_t x[8 * COUNT], y[8 * COUNT], expected[8 * COUNT];
  for (size_t i = 0; i < sizeof x; ++i) x[i] = (uint8_t)(0x38 + i % 11 % 8);  // ordinary numbers in every type
  const simdrop_mask mask = {.p = 1 / 3.0, .seed = 13, .stream = 14, .offset = 77};
  for (simdrop_dtype dtype = 0; dtype < simdrop_dtype_count(); ++dtype) {
    assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
    assert_int_equal(simdrop_forward(&mask, dtype, COUNT, x, expected, NULL), SIMDROP_OK);
    FOR_EACH_BACKEND(backend) {
      assert_int_equal(simdrop_forward(&mask, dtype, COUNT, x, y, NULL), SIMDROP_OK);
      check_bytes(expected, y, COUNT * simdrop_dtype_size(dtype), "%s: %s", backend, simdrop_dtype_name(dtype));
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_best_way_is_found),
    cmocka_unit_test(short_calls_learn_too),
    cmocka_unit_test(learning_is_cheap),
    cmocka_unit_test(mistakes_are_mended),
    cmocka_unit_test(nothing_changes_for_nothing),
    cmocka_unit_test(without_times),
    cmocka_unit_test(duels),
    cmocka_unit_test(judgements),
    cmocka_unit_test(threads_learn_together),
    cmocka_unit_test(kinds_of_calls),
    cmocka_unit_test(stores),
    cmocka_unit_test(what_is_asked_for_is_done),
    cmocka_unit_test(populating),
    cmocka_unit_test(a_system_that_refuses),
    cmocka_unit_test(fresh_outputs),
    cmocka_unit_test(outputs_of_rows),
#if defined(__linux__)
    cmocka_unit_test(fused_outputs),
#endif
    cmocka_unit_test(fresh_no_more),
    cmocka_unit_test(fresh_inputs),
    cmocka_unit_test(no_flag_of_dropped),
    cmocka_unit_test(every_way_gives_the_same),
    cmocka_unit_test(chunks_of_every_type),
  };
  return RUN_TESTS(argc, argv, tests);
}
