// What the tests share: see support.h.
#include "support.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "promises.h"

int use_filter(int argc, char **argv, const struct CMUnitTest *tests, size_t count) {
  if (argc < 2) return 0;
  if (strpbrk(argv[1], "*?") == NULL) {
    size_t i = 0;
    while (i < count && strcmp(tests[i].name, argv[1]) != 0) ++i;
    if (i == count) {
      fprintf(stderr, "no test is called %s\n", argv[1]);
      return 2;
    }
  }
  cmocka_set_test_filter(argv[1]);
  return 0;
}

bool full_effort(void) {
  const char *const effort = getenv("SIMDROP_TEST_EFFORT");
  return effort == NULL || strcmp(effort, "quick") != 0;
}

bool thorough_effort(void) {
  const char *const effort = getenv("SIMDROP_TEST_EFFORT");
  return effort != NULL && strcmp(effort, "thorough") == 0;
}

const char *next_backend(const char *previous) {
  static bool told;
  size_t index = 0;
  if (previous != NULL)
    while (simdrop_backend_name(index++) != previous) continue;
  if (!told) {
    for (size_t i = 0; i < simdrop_backend_count(); ++i) {
      if (is_missed(i)) fail_msg("%s is left out, and the machine has all that it needs", simdrop_backend_name(i));
      if (!simdrop_backend_supported(i))
        print_message("%s skipped: %s\n", simdrop_backend_name(i),
                      simdrop_backend_compiled(i) ? "not supported by this machine" : "not compiled in");
    }
    told = true;
  }
  while (index < simdrop_backend_count() &&
         !(simdrop_backend_supported(index) && is_chosen_backend(simdrop_backend_name(index))))
    ++index;
  const char *const name = simdrop_backend_name(index);
  if (previous == NULL) assert_non_null(name);                 // otherwise nothing would be tested
  assert_int_equal(simdrop_backend_select(name), SIMDROP_OK);  // NULL after the last
  if (name != NULL) assert_string_equal(simdrop_backend_current(), name);
  return name;
}

const double some_probabilities[12] = {0, 0x1p-32, 1e-3, 0.1, 0.25, 0.3, 1.0 / 3, 0.5, 0.9, 0.99, 1 - 0x1p-32, 1};

static void print_hex(const char *label, const uint8_t *bytes, size_t size) {
  char text[3 * 16 + 1] = "";
  for (size_t i = 0; i < size && i < 16; ++i) snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
  print_error("  %s %s\n", label, text);
}

void check_bytes(const void *expected, const void *found, size_t size, const char *format, ...) {
  if (size == 0 || memcmp(expected, found, size) == 0) return;
  const uint8_t *const a = expected, *const b = found;
  size_t at = 0;
  while (a[at] == b[at]) ++at;
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  const size_t from = at & ~(size_t)7;
  print_hex("expected:", a + from, size - from);
  print_hex("found:   ", b + from, size - from);
  fail_msg("%s: byte %zu of %zu is %02x, not %02x", message, at, size, b[at], a[at]);
}

void check_filled(const void *found, size_t size, uint8_t value, const char *format, ...) {
  const uint8_t *const bytes = found;
  size_t at = 0;
  while (at < size && bytes[at] == value) ++at;
  if (at == size) return;
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  fail_msg("%s: byte %zu of %zu was overwritten with %02x", message, at, size, bytes[at]);
}

size_t read_known_answers(known_answer **answers) {
  static const char *const names[] = {"philox4x32_10_kat.txt", "philox4x32_10_carry.txt"};
  enum {
    ROOM = 1000
  };
  size_t count = 0;
  *answers = allocate(ROOM * sizeof **answers);
  for (size_t i = 0; i < LENGTH(names); ++i) {
    data_file *const file = open_data(names[i]);
    for (const char *line; (line = next_line(file)) != NULL; ++count) {
      assert_true(count < ROOM);
      known_answer *const a = &(*answers)[count];
      const int read = sscanf(line,
                              "philox4x32 10 %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32
                              " %" SCNx32 " %" SCNx32 " %" SCNx32,
                              &a->counter[0], &a->counter[1], &a->counter[2], &a->counter[3], &a->key[0], &a->key[1],
                              &a->words[0], &a->words[1], &a->words[2], &a->words[3]);
      assert_int_equal(read, 10);
    }
    close_data(file);
  }
  return count;
}

enum {
  THREADS_MAX = 16,
};

typedef struct thread_work {
  simdrop_task *task;
  void *task_context;
  size_t piece;
} thread_work;

static void *run_thread(void *argument) {
  const thread_work *const work = argument;
  work->task(work->task_context, work->piece);
  return NULL;
}

static void note_call(executor_calls *calls, size_t count) {
  if (calls == NULL) return;
  ++calls->calls;
  calls->pieces = count;
  if (count > calls->most_pieces) calls->most_pieces = count;
}

void run_on_threads(void *context, size_t count, simdrop_task *task, void *task_context) {
  note_call(context, count);
  assert_true(count <= THREADS_MAX);
  pthread_t threads[THREADS_MAX];
  thread_work work[THREADS_MAX];
  for (size_t i = 0; i < count; ++i) {
    work[i] = (thread_work){task, task_context, count - 1 - i};
    assert_int_equal(pthread_create(&threads[i], NULL, run_thread, &work[i]), 0);
  }
  for (size_t i = 0; i < count; ++i) assert_int_equal(pthread_join(threads[i], NULL), 0);
}

void run_backwards(void *context, size_t count, simdrop_task *task, void *task_context) {
  note_call(context, count);
  while (count > 0) task(task_context, --count);
}
