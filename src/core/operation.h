// From a call, which is what is asked for, to an operation: a call is checked once, whole, before anything is written.
#ifndef SIMDROP_CORE_OPERATION_H
#define SIMDROP_CORE_OPERATION_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "engine/operation.h"
#include "layout/plan.h"

#define SIMDROP_RETURN_IF_ERROR(expression)          \
  do {                                               \
    const simdrop_status status_of_ = (expression);  \
    if (status_of_ != SIMDROP_OK) return status_of_; \
  } while (0)

typedef enum simdrop_verb {
  SIMDROP_MASK_BITS,       // write the decisions, packed
  SIMDROP_MASK_BYTES,      // or a byte each
  SIMDROP_FORWARD,         // apply drawn decisions, and write them packed where there is a place for them,
  SIMDROP_FORWARD_BYTES,   // or a byte each, for which there must be one
  SIMDROP_APPLY_BITS,      // apply stored ones
  SIMDROP_ALPHA_FORWARD,   // alpha dropout by drawn ones,
  SIMDROP_ALPHA_BACKWARD,  // and its gradient
  SIMDROP_GAUSSIAN,        // multiply by normal numbers about 1
  SIMDROP_NORMALS,         // write normal numbers,
  SIMDROP_UNIFORMS         // or uniform ones: F32, and there is no x
} simdrop_verb;

// What is asked for, as it was handed over: nothing of it has been looked at.
typedef struct simdrop_call {
  simdrop_verb verb;
  simdrop_dtype dtype;
  const simdrop_mask *mask;      // of every verb but apply_bits, which has
  double p;                      // the probability alone,
  const double *scale;           // or a scale that needs none, unless NULL
  size_t n;                      // elements that follow one another, or
  const simdrop_layout *layout;  // those of a layout
  // No two that an operation has side by side: compilers would load both at once, and wait until both stores before are done.
  const void *x;
  uint8_t *decisions;  // that are written: bits or bytes, alone or beside y
  void *y;
  const uint8_t *stored;  // that are applied
} simdrop_call;

// Of a call on a layout, the operation; core/check_call.h has the same for a call on n elements. A call without elements is
// right whatever its arrays are; `operation->n` is then 0, and nothing else of it counts. The call's mask and layout are not
// looked at again: they may lie in the output.
simdrop_status simdrop_check_layout_call(const simdrop_call *call, simdrop_operation *operation);

// The order in which a layout's elements are gone through for the operation's work.
void simdrop_plan_work(const simdrop_operation *operation, const simdrop_layout *layout, simdrop_layout_plan *plan);

// Whether y has a layout's elements in row-major order of its axes, without gaps: where their decisions are.
bool simdrop_has_row_major_output(const simdrop_layout *layout);

// A piece has at least this many elements: docs/measurements.md, "Threads".
#define SIMDROP_PIECE_ELEMENTS ((size_t)32768)

// Does an operation on elements that follow one another: in pieces on the executor's threads, unless that is NULL or there are
// too few elements to gain from it.
void simdrop_run(const simdrop_executor *executor, const simdrop_operation *operation);

// The same for whatever can be done with elements begin .. end - 1 of n: each piece but the last is a multiple of `grain`
// elements, and has `least` of them if there are as many.
typedef void simdrop_range_task(void *context, size_t begin, size_t end);
void simdrop_run_ranges(const simdrop_executor *executor, size_t n, size_t grain, size_t least, simdrop_range_task *task,
                        void *context);

// The same in so many pieces, and how many a call on n elements is cut into: 1 without an executor.
void simdrop_run_pieces(const simdrop_executor *executor, size_t pieces, size_t n, size_t grain, simdrop_range_task *task,
                        void *context);
size_t simdrop_pieces_of(const simdrop_executor *executor, size_t n);

// Checks a call on a layout and does it, in the same way.
simdrop_status simdrop_submit_layout(const simdrop_executor *executor, const simdrop_call *call);

#endif
