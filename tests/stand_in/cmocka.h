// Stands in for cmocka (SIMDROP_TEST_STAND_IN) where there is no package of it: what the tests here use of its interface, under
// its names. Failures end a test by longjmp, and may come from the thread that runs the tests alone.
#ifndef SIMDROP_TESTS_STAND_IN_CMOCKA_H
#define SIMDROP_TESTS_STAND_IN_CMOCKA_H

#include <stddef.h>
#include <stdint.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
  int (*set_up)(void **state), (*tear_down)(void **state);  // cmocka's; NULL here
  void *state;
};

#define cmocka_unit_test(function) \
  { #function, function, NULL, NULL, NULL }
#define cmocka_unit_test_prestate(function, state) \
  { #function, function, NULL, NULL, state }

// Both in the order of cmocka's; set-up and tear-down of a group are not there.
#define cmocka_run_group_tests(tests, set_up, tear_down) stand_in_run(tests, sizeof(tests) / sizeof(tests)[0])
void cmocka_set_test_filter(const char *pattern);
int stand_in_run(const struct CMUnitTest *tests, size_t count);

#define STAND_IN_PRINTF(at, first) __attribute__((format(printf, at, first)))

void print_message(const char *format, ...) STAND_IN_PRINTF(1, 2);
void print_error(const char *format, ...) STAND_IN_PRINTF(1, 2);
void stand_in_fail(const char *file, int line, const char *format, ...) STAND_IN_PRINTF(3, 4) __attribute__((noreturn));
void stand_in_skip(void) __attribute__((noreturn));
void stand_in_integers(const char *file, int line, int equal, uintmax_t a, uintmax_t b);
void stand_in_range(const char *file, int line, uintmax_t value, uintmax_t least, uintmax_t most);
void stand_in_strings(const char *file, int line, int equal, const char *a, const char *b);
void stand_in_memory(const char *file, int line, const void *a, const void *b, size_t size);

#define fail_msg(...) stand_in_fail(__FILE__, __LINE__, __VA_ARGS__)
#define skip() stand_in_skip()
#define assert_true(condition) ((condition) ? (void)0 : stand_in_fail(__FILE__, __LINE__, "%s", #condition))
#define assert_false(condition) assert_true(!(condition))
#define assert_null(pointer) assert_true((pointer) == NULL)
#define assert_non_null(pointer) assert_true((pointer) != NULL)
#define assert_ptr_equal(a, b) assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b) assert_true((const void *)(a) != (const void *)(b))
#define assert_int_equal(a, b) stand_in_integers(__FILE__, __LINE__, 1, (uintmax_t)(a), (uintmax_t)(b))
#define assert_int_not_equal(a, b) stand_in_integers(__FILE__, __LINE__, 0, (uintmax_t)(a), (uintmax_t)(b))
#define assert_in_range(value, least, most) \
  stand_in_range(__FILE__, __LINE__, (uintmax_t)(value), (uintmax_t)(least), (uintmax_t)(most))
#define assert_string_equal(a, b) stand_in_strings(__FILE__, __LINE__, 1, a, b)
#define assert_string_not_equal(a, b) stand_in_strings(__FILE__, __LINE__, 0, a, b)
#define assert_memory_equal(a, b, size) stand_in_memory(__FILE__, __LINE__, a, b, size)

#endif
