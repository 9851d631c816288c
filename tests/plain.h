// What the tests share that needs no cmocka, so that programs for machines without it can share it too. What goes wrong here
// ends the program with a sentence.
#ifndef SIMDROP_TESTS_PLAIN_H
#define SIMDROP_TESTS_PLAIN_H

#include <simdrop/simdrop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/element_types.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])
#define PACKED(n) ((n) / 8 + ((n) % 8 != 0))

// The types, in the order of simdrop_dtype.
extern const simdrop_dtype all_dtypes[SIMDROP_ELEMENT_TYPE_COUNT];
const char *dtype_name(simdrop_dtype dtype);

// A fixed sequence of random numbers, so that a failure comes back; splitmix64 (Steele, Lea, Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014).
uint64_t next_random(uint64_t *state);

// The bits of an element of so many bytes.
uint64_t read_element(size_t size, const void *element);
void write_element(size_t size, uint64_t bits, void *element);

// Element k of a type that is computed in, as a number, and the other way round: exact, and rounded by way of a float.
double read_value(simdrop_dtype dtype, const void *elements, ptrdiff_t k);
void write_value(simdrop_dtype dtype, void *elements, ptrdiff_t k, double value);

// Values of all kinds: NaNs of both sorts, infinities, zeros, subnormals, largest and smallest values, whole and random ones.
void fill_values(simdrop_dtype dtype, size_t n, uint64_t *random, void *x);

// malloc that ends the program instead of returning NULL.
void *allocate(size_t size);

// Whether the tests are for this backend: SIMDROP_TEST_BACKENDS names those that they are for, with spaces between; unset, all.
bool is_chosen_backend(const char *name);

// The probability at which outputs of this type are compared: p, but for f16 where SIMDROP_TEST_F16_ROUNDING=no says that an
// emulated processor rounds to f16 wrongly: there one of which the scale is a power of two, so that nothing is rounded.
double comparable_probability(simdrop_dtype dtype, double p);

// How many elements a layout has.
size_t count_of(const simdrop_layout *layout);

// Where element number k, in row-major order, lies and which index decides it.
typedef struct element_place {
  ptrdiff_t x, y;
  uint64_t index;
} element_place;
element_place find_place(const simdrop_layout *layout, uint64_t offset, size_t k);

// The elements before and after the first that an array with these strides needs.
typedef struct reach {
  size_t before, after;
} reach;
reach find_reach(const simdrop_layout *layout, const ptrdiff_t *strides);

// Lines of a file of tests/data that are not comments; returns NULL at the end. Close with close_data.
typedef struct data_file data_file;
data_file *open_data(const char *name);
char *next_line(data_file *file);
void close_data(data_file *file);

#endif
