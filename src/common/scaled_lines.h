// Scaling elements of f32 between the rounds of a mask producer, a few lines of memory at a time: the words of a
// backend that has lines. A processor runs ahead by a few hundred instructions. If so many multiplications follow one another,
// few lines are on their way meanwhile, and memory waits; if each round is followed by its share of the lines, the mask costs
// little (docs/performance.md has the figures).
#ifndef SIMDROP_COMMON_SCALED_LINES_H
#define SIMDROP_COMMON_SCALED_LINES_H

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"

#ifdef SIMD_HAS_LINES

enum {
  LINE_ELEMENTS = SIMDROP_CACHE_LINE / sizeof(float),
  // Rounds of so many lanes for each line: eight blocks have 64 lines, and take 56 such rounds for their dense planes and about
  // nine for those that are left undecided, so that both come to an end together (AVX2, p = 0.1: with twice as many lines to a
  // round, and none in the second half, nothing was gained; AVX-512: four lines at a time took 1.02 times as long).
  LINE_LANES = 8
};

typedef struct scaled_lines {
  const float *x;
  float *y;
  size_t next, end;          // elements: the next line's first, and where there is no whole line any more
  const uint8_t *decisions;  // the next line's
  const simd_line_f32 *line;
  bool non_temporal;
} scaled_lines;

// The elements before the first whole line are scaled at once. What stays the same is in memory: as members of what is in
// registers, compilers would keep both there or neither.
static ALWAYS_INLINE scaled_lines begin_lines(const simdrop_interleave *interleave, bool non_temporal, simd_line_f32 *line) {
  const simdrop_decisions *const decisions = interleave->lines->decisions;
  const simdrop_operands *const operands = interleave->lines->operands;
  const float *const x = (const float *)operands->x;
  float *const y = (float *)operands->y;
  const size_t lead = elements_to_alignment(y, sizeof *y, interleave->count), first = decisions->first + lead;
  if (lead > 0) {
    const uint64_t bits = simdrop_bits_from(decisions->words, decisions->first) & low_bits(lead);
    simd_scale_part_f32(lead, bits, x, y, simd_set_scale_f32(operands->factor));
  }
  *line = simd_set_line_f32(operands->factor, first % 8);
  return (scaled_lines){
      .x = x,
      .y = y,
      .next = lead,
      .end = lead + (interleave->count - lead) / LINE_ELEMENTS * LINE_ELEMENTS,
      .decisions = (const uint8_t *)decisions->words + first / 8,
      .line = line,
      .non_temporal = non_temporal,
  };
}

// After a round of so many lanes since the first of some that are drawn together.
static ALWAYS_INLINE void scale_lines(scaled_lines *lines, int lanes) {
  if (lines == NULL || lanes % LINE_LANES != 0 || lines->next == lines->end) return;
  if (lines->non_temporal) prefetch_page(lines->y + lines->next, SIMDROP_CACHE_LINE, SIMDROP_PAGE_BYTES);
  uint32_t decisions;  // one word of decisions past the last that is needed may be read
  memcpy(&decisions, lines->decisions, sizeof decisions);
  simd_scale_line_f32(lines->line, decisions, lines->x + lines->next, lines->y + lines->next, lines->non_temporal);
  lines->next += LINE_ELEMENTS;
  lines->decisions += LINE_ELEMENTS / 8;
}

// The interleaved work goes on behind the last line.
static ALWAYS_INLINE void end_lines(const scaled_lines *lines, simdrop_interleave *interleave) {
  simdrop_operands *const operands = interleave->lines->operands;
  interleave->lines->decisions->first += lines->next;
  operands->x = lines->x + lines->next;
  operands->y = lines->y + lines->next;
  interleave->done = lines->next;
}

#else

typedef struct scaled_lines scaled_lines;

static inline void scale_lines(scaled_lines *lines, int lanes) { (void)lines, (void)lanes; }

#endif
#endif
