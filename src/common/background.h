// Work that a mask producer does a little of between its planes: applying the chunk before. Producing is bound by
// multiplications and applying by memory; taking turns in short steps lets the processor do both at once
// (docs/measurements.md has the measurement).
#ifndef SIMDROP_COMMON_BACKGROUND_H
#define SIMDROP_COMMON_BACKGROUND_H

#include <stddef.h>

// Elements that are applied at a time, unless there is a reason for more.
#define SIMDROP_TURN_ELEMENTS 256

typedef struct simdrop_background {
  void (*run)(void *context, size_t begin, size_t end);  // handles elements begin .. end - 1
  void *context;
  size_t turn;         // elements at a time, at the least
  size_t lead;         // steps end this many elements after multiples of 64
  size_t done, count;  // elements handled so far, and in all
} simdrop_background;

// Handles about `elements` more, a multiple of 64.
static inline void simdrop_background_step(simdrop_background *background, size_t elements) {
  const size_t begin = background->done;
  if (begin == background->count) return;
  size_t end = begin + elements;
  if (begin == 0) end += background->lead;
  if (end > background->count) end = background->count;
  background->run(background->context, begin, end);
  background->done = end;
}

static inline void simdrop_background_finish(simdrop_background *background) {
  if (background->done < background->count) background->run(background->context, background->done, background->count);
  background->done = background->count;
}

#endif
