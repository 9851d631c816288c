// What the tests share: cmocka with its includes, the loop over backends, and comparisons that say where two arrays differ.
#ifndef SIMDROP_TESTS_SUPPORT_H
#define SIMDROP_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <simdrop/simdrop.h>

#include "plain.h"

// Runs the tests of one file: `program` alone runs all, `program NAME` (a pattern with * and ?) only those that match it.
// A pattern that matches nothing is a failure.
#define RUN_TESTS(argc, argv, tests) (use_filter(argc, argv, tests, LENGTH(tests)) || cmocka_run_group_tests(tests, NULL, NULL))
int use_filter(int argc, char **argv, const struct CMUnitTest *tests, size_t count);

// SIMDROP_TEST_EFFORT=quick shortens the long loops for emulators; unset or "full" runs them whole.
bool full_effort(void);

// SIMDROP_TEST_EFFORT=thorough is full effort, and goes through what takes many minutes besides.
bool thorough_effort(void);

// FOR_EACH_BACKEND(name) { ... } runs its body with every backend that runs here selected, best first, and goes back to the
// default choice after the last. Says once which ones cannot run, and why.
#define FOR_EACH_BACKEND(name) for (const char *name = NULL; (name = next_backend(name)) != NULL;)
const char *next_backend(const char *previous);

// Executors of the tests: each piece on a thread of its own, or all on this one. The last begins first, so that none can count
// on another. The context is what they were asked for, or NULL.
typedef struct executor_calls {
  size_t calls, pieces, most_pieces;  // pieces are the last call's
} executor_calls;
void run_on_threads(void *context, size_t count, simdrop_task *task, void *task_context);
void run_backwards(void *context, size_t count, simdrop_task *task, void *task_context);

// The probabilities that the kernels are tried with: bounds, powers of two, and all sorts between.
extern const double some_probabilities[12];

// Fails, with the message and the first place where the two differ, unless they are equal.
void check_bytes(const void *expected, const void *found, size_t size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

// Fails unless all bytes have this value.
void check_filled(const void *found, size_t size, uint8_t value, const char *format, ...) __attribute__((format(printf, 4, 5)));

// A line of philox4x32_10_*.txt.
typedef struct known_answer {
  uint32_t counter[4], key[2], words[4];
} known_answer;
// Reads both files; the caller frees *answers.
size_t read_known_answers(known_answer **answers);

#endif
