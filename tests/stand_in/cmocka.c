// See cmocka.h here.
#include "cmocka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
  FAILED = 1,
  SKIPPED = 2
};

static jmp_buf end_of_test;
static const char *filter;

void cmocka_set_test_filter(const char *pattern) { filter = pattern; }

// A pattern with * and ?.
static bool matches(const char *pattern, const char *name) {
  if (*pattern == '*') return matches(pattern + 1, name) || (*name != '\0' && matches(pattern, name + 1));
  if (*name == '\0') return *pattern == '\0';
  return (*pattern == '?' || *pattern == *name) && matches(pattern + 1, name + 1);
}

// How the test ended: 0, FAILED or SKIPPED.
static int run_one(const struct CMUnitTest *test) {
  void *state = test->state;
  switch (setjmp(end_of_test)) {
    case 0: test->run(&state); return 0;
    case SKIPPED: return SKIPPED;
    default: return FAILED;
  }
}

int stand_in_run(const struct CMUnitTest *tests, size_t count) {
  static const char *const ends[] = {"OK", "FAILED", "SKIPPED"};
  int ran = 0, failed = 0;
  for (size_t i = 0; i < count; ++i) {
    if (filter != NULL && !matches(filter, tests[i].name)) continue;
    const int end = run_one(&tests[i]);
    ++ran;
    failed += end == FAILED;
    printf("[ %s ] %s\n", ends[end], tests[i].name);
    fflush(stdout);
  }
  printf("%d tests, %d failed\n", ran, failed);
  return ran == 0 ? 1 : failed;
}

void print_message(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}

void print_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}

void stand_in_fail(const char *file, int line, const char *format, ...) {
  va_list arguments;
  printf("%s:%d: ", file, line);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  longjmp(end_of_test, FAILED);
}

void stand_in_skip(void) { longjmp(end_of_test, SKIPPED); }

void stand_in_integers(const char *file, int line, int equal, uintmax_t a, uintmax_t b) {
  if ((a == b) != (equal != 0))
    stand_in_fail(file, line, "%#llx %s %#llx", (unsigned long long)a, equal ? "is not" : "is", (unsigned long long)b);
}

void stand_in_range(const char *file, int line, uintmax_t value, uintmax_t least, uintmax_t most) {
  if (value < least || value > most)
    stand_in_fail(file, line, "%#llx is not in %#llx to %#llx", (unsigned long long)value, (unsigned long long)least,
                  (unsigned long long)most);
}

void stand_in_strings(const char *file, int line, int equal, const char *a, const char *b) {
  if ((strcmp(a, b) == 0) != (equal != 0)) stand_in_fail(file, line, "\"%s\" %s \"%s\"", a, equal ? "is not" : "is", b);
}

void stand_in_memory(const char *file, int line, const void *a, const void *b, size_t size) {
  if (memcmp(a, b, size) != 0) stand_in_fail(file, line, "the %zu bytes differ", size);
}
