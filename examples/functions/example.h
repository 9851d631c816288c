// What these examples share. Each file has one family of functions, a few lines a function; all of them are run as tests.
#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <simdrop/simdrop.h>

#include <stdio.h>
#include <stdlib.h>

// Ends the program unless a call did what it was asked for.
static inline void check(simdrop_status status) {
  if (status == SIMDROP_OK) return;
  fprintf(stderr, "simdrop: %s\n", simdrop_status_string(status));
  exit(1);
}

// What must be true of a result, in every build.
#define expect(condition)                                                                 \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "%s:%d: it is not true that %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                            \
    }                                                                                     \
  } while (0)

#endif
