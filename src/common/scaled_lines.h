// Scaling elements between the rounds of a mask producer, a few lines of memory at a time, or taking those of f32 through a
// chain without an activation: the words of a backend that has lines. A processor runs ahead by a few hundred instructions. If
// so many multiplications follow one another, few lines are on their way meanwhile, and memory waits; if each round is followed
// by its share of the lines, the mask costs little (docs/performance.md has the figures).
#ifndef SIMDROP_COMMON_SCALED_LINES_H
#define SIMDROP_COMMON_SCALED_LINES_H

#include <stdalign.h>

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"

#ifdef SIMD_HAS_LINES

enum {
  // Rounds of so many lanes for each sixteen elements, which are a line of f32: eight blocks have 64 of them, and take 56 such
  // rounds for their dense planes and about nine for those that are left undecided, so that both come to an end together (f32,
  // p = 0.1, AVX2: with twice as many lines to a round, and none in the second half, nothing was gained; AVX-512: four lines at
  // a time took 1.02 times as long; bf16 from memory: with a third more lines to a round 1.07 times).
  LINE_LANES = 8
};

typedef union line_constants {
  simd_line_f32 f32;
  simd_line_f16 f16;
  simd_line_bf16 bf16;
} line_constants;

// What a chain's lines need beside. What is not there are lines of -0, which change nothing when they are added.
typedef struct chain_line {
  const float *bias, *bias_begin, *bias_end;  // the next line's; and of all columns
  const float *residual;                      // the next line's
  size_t residual_step;                       // elements from one to the next
} chain_line;

typedef struct scaled_lines {
  simdrop_line_kind kind;
  bool non_temporal;
  const char *x;  // the next line
  char *y;
  size_t left;               // whole lines
  const uint8_t *decisions;  // the next line's
  const line_constants *constants;
  chain_line chain;  // if that is the kind
} scaled_lines;

static ALWAYS_INLINE size_t line_element_size(simdrop_line_kind kind) {
  return kind == SIMDROP_LINES_SCALE_F16 || kind == SIMDROP_LINES_SCALE_BF16 ? sizeof(uint16_t) : sizeof(float);
}

static ALWAYS_INLINE size_t line_elements(simdrop_line_kind kind) { return SIMDROP_CACHE_LINE / line_element_size(kind); }

static ALWAYS_INLINE void set_constants(simdrop_line_kind kind, line_constants *constants, simdrop_multiplier factor,
                                        unsigned shift) {
  switch (kind) {
    case SIMDROP_LINES_SCALE_F32:
    case SIMDROP_LINES_CHAIN_F32: constants->f32 = simd_set_line_f32(factor, shift); return;
    case SIMDROP_LINES_SCALE_F16: constants->f16 = simd_set_line_f16(factor, shift); return;
    case SIMDROP_LINES_SCALE_BF16: constants->bf16 = simd_set_line_bf16(factor, shift); return;
  }
}

// The elements before the first whole line are left to `run`. What stays the same is in memory: as members of what is in
// registers, compilers would keep both there or neither.
static ALWAYS_INLINE scaled_lines begin_lines(simdrop_interleave *interleave, simdrop_line_kind kind, bool non_temporal,
                                              line_constants *constants) {
  simdrop_decisions *const decisions = interleave->lines->decisions;
  simdrop_operands *const operands = interleave->lines->operands;
  const char *const x = (const char *)operands->x;
  char *const y = (char *)operands->y;
  const size_t size = line_element_size(kind), lead = elements_to_alignment(y, size, interleave->count);
  const size_t first = decisions->first + lead;
  if (lead > 0) interleave->run(interleave->context, 0, lead);
  interleave->done = lead;
  // Whether `run` has taken them with it or not.
  decisions->first = first;
  operands->x = x + lead * size;
  operands->y = y + lead * size;
  set_constants(kind, constants, operands->factor, first % 8);
  return (scaled_lines){
      .kind = kind,
      .non_temporal = non_temporal,
      .x = x + lead * size,
      .y = y + lead * size,
      .left = (interleave->count - lead) / line_elements(kind),
      .decisions = (const uint8_t *)decisions->words + first / 8,
      .constants = constants,
  };
}

static ALWAYS_INLINE chain_line begin_chain(const simdrop_chain_lines *work, size_t lead) {
  alignas(64) static const float minus_zeros[] = {-0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F,
                                                  -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F, -0.0F};
  const size_t line = sizeof minus_zeros / sizeof *minus_zeros;
  const float *const bias = (const float *)work->operands.input.bias, *const residual = (const float *)work->operands.residual;
  const float *const bias_begin = bias == NULL ? minus_zeros : bias - work->column;
  return (chain_line){
      .bias = bias == NULL ? minus_zeros : bias,
      .bias_begin = bias_begin,
      .bias_end = bias_begin + (bias == NULL ? line : work->columns),
      .residual = residual == NULL ? minus_zeros : residual + lead,
      .residual_step = residual == NULL ? 0 : line,
  };
}

// With a bias, lines begin where one of its own does.
static ALWAYS_INLINE scaled_lines begin_chain_lines(simdrop_interleave *interleave, bool non_temporal,
                                                    line_constants *constants) {
  const simdrop_chain_lines *const work = interleave->lines->chain;
  const float *const x = (const float *)work->operands.input.x;
  float *const y = (float *)work->operands.y;
  const size_t lead = work->operands.input.bias != NULL ? 0 : elements_to_alignment(y, sizeof *y, interleave->count);
  const size_t first = work->first + lead;
  if (lead > 0) interleave->run(interleave->context, 0, lead);
  interleave->done = lead;
  set_constants(SIMDROP_LINES_CHAIN_F32, constants, (simdrop_multiplier){.value = work->operands.scale}, first % 8);
  return (scaled_lines){
      .kind = SIMDROP_LINES_CHAIN_F32,
      .non_temporal = non_temporal,
      .x = (const char *)(x + lead),
      .y = (char *)(y + lead),
      .left = (interleave->count - lead) / line_elements(SIMDROP_LINES_CHAIN_F32),
      .decisions = (const uint8_t *)work->words + first / 8,
      .constants = constants,
      .chain = begin_chain(work, lead),
  };
}

static ALWAYS_INLINE void do_chain_line(scaled_lines *lines) {
  chain_line *const chain = &lines->chain;
  simd_chain_line_f32(&lines->constants->f32, lines->decisions, (const float *)lines->x, chain->bias, chain->residual,
                      (float *)lines->y, lines->non_temporal);
  chain->residual += chain->residual_step;
  chain->bias += line_elements(lines->kind);
  if (chain->bias == chain->bias_end) chain->bias = chain->bias_begin;
}

static ALWAYS_INLINE void do_line(scaled_lines *lines) {
  const uint8_t *const decisions = lines->decisions;  // one word past the last that is needed may be read
  const line_constants *const constants = lines->constants;
  const bool non_temporal = lines->non_temporal;
  switch (lines->kind) {
    case SIMDROP_LINES_SCALE_F32:
      simd_scale_line_f32(&constants->f32, decisions, (const float *)lines->x, (float *)lines->y, non_temporal);
      return;
    case SIMDROP_LINES_SCALE_F16:
      simd_scale_line_f16(&constants->f16, decisions, (const uint16_t *)lines->x, (uint16_t *)lines->y, non_temporal);
      return;
    case SIMDROP_LINES_SCALE_BF16:
      simd_scale_line_bf16(&constants->bf16, decisions, (const uint16_t *)lines->x, (uint16_t *)lines->y, non_temporal);
      return;
    case SIMDROP_LINES_CHAIN_F32: do_chain_line(lines); return;
  }
}

// After a round of one vector, of so many lanes since the first of some that are drawn together.
static ALWAYS_INLINE void scale_lines(scaled_lines *lines, int lanes) {
  if (lines == NULL) return;
  const int line_lanes = LINE_LANES * (int)(line_elements(lines->kind) / 16);
  const bool is_due = lanes / line_lanes > (lanes - SIMD_LANES) / line_lanes;
  if (!is_due || lines->left == 0) return;
  if (lines->non_temporal) prefetch_page(lines->y, SIMDROP_CACHE_LINE, SIMDROP_PAGE_BYTES);
  do_line(lines);
  lines->x += SIMDROP_CACHE_LINE;
  lines->y += SIMDROP_CACHE_LINE;
  lines->decisions += line_elements(lines->kind) / 8;
  --lines->left;
}

// The interleaved work goes on behind the last line.
static ALWAYS_INLINE void end_lines(const scaled_lines *lines, simdrop_interleave *interleave) {
  const size_t all = (interleave->count - interleave->done) / line_elements(lines->kind);
  const size_t done = (all - lines->left) * line_elements(lines->kind);
  interleave->done += done;
  if (lines->kind == SIMDROP_LINES_CHAIN_F32) return;
  interleave->lines->decisions->first += done;
  interleave->lines->operands->x = lines->x;
  interleave->lines->operands->y = lines->y;
}

#else

typedef struct scaled_lines scaled_lines;

static inline void scale_lines(scaled_lines *lines, int lanes) { (void)lines, (void)lanes; }

#endif
#endif
