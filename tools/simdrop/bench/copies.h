// Ways of moving bytes that could be the quickest of a machine: which one is depends on it, and so simdrop bench tries them
// all. Two arrays are added where a kernel reads two and writes a third.
#ifndef SIMDROP_TOOL_BENCH_COPIES_H
#define SIMDROP_TOOL_BENCH_COPIES_H

#include <stdbool.h>
#include <stddef.h>

typedef enum bench_stores {
  BENCH_STORES_MEMCPY,        // the C library decides
  BENCH_STORES_ORDINARY,      // into the caches
  BENCH_STORES_NON_TEMPORAL,  // past them
  BENCH_STORES_POPULATED      // into the caches, after memory without pages was given them in one go
} bench_stores;

// The names are those of simdrop_memory_name, where the library has that way.
typedef struct bench_way {
  const char *name;
  bench_stores stores;
  size_t pages;  // that are worked off in turns
  size_t ahead;  // bytes until what is asked for; 0: nothing is
  bool at_ends;  // it is asked for only where it lies in the next page
} bench_way;

typedef struct bench_ways {
  const bench_way *ways;
  size_t count;
} bench_ways;

#define BENCH_MOST_WAYS 9

// Of copying, memcpy first: to memory that is there, or to such as nobody has touched yet.
bench_ways bench_ways_to_copy(bool is_fresh);

// Of reading and writing an array in place.
bench_ways bench_ways_to_rewrite(void);

// Of adding one array to another into a third.
bench_ways bench_ways_to_add(void);

// x and y are different arrays, or one. Where they are one, a part of the first and last 64 bytes may be left out.
void bench_move_bytes(const bench_way *way, const void *x, void *y, size_t bytes);

// y = x + r, taken as floats whatever they are; a part of the last float may be left out. y is another array.
void bench_add_bytes(const bench_way *way, const void *x, const void *r, void *y, size_t bytes);

#endif
