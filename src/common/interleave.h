// Work that a mask producer does a little of between its planes: applying the chunk before. Producing is bound by
// multiplications and applying by memory; interleaved in short steps, the two keep the processor busy at once
// (docs/measurements.md has the figures).
#ifndef SIMDROP_COMMON_INTERLEAVE_H
#define SIMDROP_COMMON_INTERLEAVE_H

#include <stdbool.h>
#include <stddef.h>

// Elements that are applied at a time, unless there is a reason for more.
#define SIMDROP_INTERLEAVE_ELEMENTS 256

typedef enum simdrop_line_kind {
  SIMDROP_LINES_SCALE_F32,
  SIMDROP_LINES_SCALE_F16,
  SIMDROP_LINES_SCALE_BF16,  // of which no product is a tie
  SIMDROP_LINES_CHAIN_F32,
} simdrop_line_kind;

// What the work is where elements of one type, one after the other, are scaled by decisions in words, one each, or go through
// a chain without an activation. A producer that can may do some of it in place of calls of `run`, a few lines of memory at a
// time, between its rounds. What is scaled is from the next element on, and goes on with it; a chain is from the first one on.
typedef struct simdrop_line_work {
  simdrop_line_kind kind;
  struct simdrop_decisions *decisions;
  struct simdrop_operands *operands;
  const struct simdrop_chain_lines *chain;  // in place of these two, if that is the kind
  bool non_temporal;
} simdrop_line_work;

typedef struct simdrop_interleave {
  void (*run)(void *context, size_t begin, size_t end);  // handles elements begin .. end - 1
  void *context;
  size_t step;                     // elements at a time, at the least
  size_t first_extra;              // elements that the first step has more than multiples of 64
  size_t done, count;              // elements handled so far, and in all
  const simdrop_line_work *lines;  // or NULL
} simdrop_interleave;

// Handles about `elements` more, a multiple of 64.
static inline void simdrop_interleave_step(simdrop_interleave *interleave, size_t elements) {
  const size_t begin = interleave->done;
  if (begin == interleave->count) return;
  size_t end = begin + elements;
  if (begin == 0) end += interleave->first_extra;
  if (end > interleave->count) end = interleave->count;
  interleave->run(interleave->context, begin, end);
  interleave->done = end;
}

static inline void simdrop_interleave_finish(simdrop_interleave *interleave) {
  if (interleave->done < interleave->count) interleave->run(interleave->context, interleave->done, interleave->count);
  interleave->done = interleave->count;
}

#endif
