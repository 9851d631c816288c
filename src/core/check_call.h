// What can be wrong with a call, and its way from there. Functions that a compiler inlines: where a call is made its verb is
// known, and what other verbs need is left out of its checks, which a short call would notice.
#ifndef SIMDROP_CORE_CHECK_CALL_H
#define SIMDROP_CORE_CHECK_CALL_H

#include "core/operation.h"
#include "engine/driver.h"
#include "engine/parameters.h"
#include "engine/store_policy.h"

static inline size_t packed_size(size_t n) { return n / 8 + (n % 8 != 0); }

static inline bool overlaps(const void *a, size_t a_size, const void *b, size_t b_size) {
  const uintptr_t a_begin = (uintptr_t)a, b_begin = (uintptr_t)b;
  return a_begin <= b_begin ? b_begin - a_begin < a_size : a_begin - b_begin < b_size;
}

static inline simdrop_status check_mask(const simdrop_mask *mask, size_t n) {
  if (mask == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (!simdrop_is_probability(mask->p)) return SIMDROP_ERROR_PROBABILITY;
  if (mask->flags != 0) return SIMDROP_ERROR_FLAGS;
  if (n > 0 && n - 1 > UINT64_MAX - mask->offset) return SIMDROP_ERROR_INDEX_OVERFLOW;
  return SIMDROP_OK;
}

// Where the decisions come from: a mask that is drawn, or a probability and stored bits.
static inline simdrop_status check_decisions(const simdrop_call *call, size_t n) {
  if (call->verb == SIMDROP_GAUSSIAN && call->mask != NULL && call->mask->p >= 1) return SIMDROP_ERROR_PROBABILITY;
  if (call->verb != SIMDROP_APPLY_BITS) return check_mask(call->mask, n);
  if (call->scale != NULL) return simdrop_is_scale(*call->scale) ? SIMDROP_OK : SIMDROP_ERROR_SHAPE;
  return simdrop_is_probability(call->p) ? SIMDROP_OK : SIMDROP_ERROR_PROBABILITY;
}

static inline bool has_elements(const simdrop_call *call) {
  return call->verb != SIMDROP_MASK_BITS && call->verb != SIMDROP_MASK_BYTES;
}

// Numbers without elements.
static inline bool are_numbers(const simdrop_call *call) {
  return call->verb == SIMDROP_NORMALS || call->verb == SIMDROP_UNIFORMS;
}

static inline bool is_alpha(const simdrop_call *call) {
  return call->verb == SIMDROP_ALPHA_FORWARD || call->verb == SIMDROP_ALPHA_BACKWARD;
}

// Bytes of an element, 0 if the verb does not take the type.
static inline size_t element_size_of(const simdrop_call *call) {
  const bool computes = is_alpha(call) || call->verb == SIMDROP_GAUSSIAN;
  return computes && !simdrop_is_computed(call->dtype) ? 0 : simdrop_element_size(call->dtype);
}

// Whether the decisions have no place that the verb cannot do without, beside x and y.
static inline bool lacks_decisions(const simdrop_call *call) {
  return (call->verb == SIMDROP_APPLY_BITS && call->stored == NULL) ||
         (call->verb == SIMDROP_FORWARD_BYTES && call->decisions == NULL);
}

// Bytes of n decisions, stored or written beside y.
static inline size_t decisions_size(const simdrop_call *call, size_t n) {
  return call->verb == SIMDROP_FORWARD_BYTES ? n : packed_size(n);
}

// Arrays of n elements of `size` bytes; x and y may be equal, or apart. The decisions must not meet what is written; those that
// are written must not meet x either.
static inline simdrop_status check_arrays(const simdrop_call *call, size_t size, size_t n) {
  if (n == 0) return SIMDROP_OK;
  if ((call->x == NULL && !are_numbers(call)) || call->y == NULL) return SIMDROP_ERROR_NULL_POINTER;
  if (lacks_decisions(call)) return SIMDROP_ERROR_NULL_POINTER;
  // No type has longer elements; a short call would notice the division by a size that is not known.
  if (n > SIZE_MAX / sizeof(double) && n > SIZE_MAX / size) return SIMDROP_ERROR_SIZE_OVERFLOW;
  const size_t bytes = n * size, decisions = decisions_size(call, n);
  if (are_numbers(call)) return SIMDROP_OK;
  if (call->x != call->y && overlaps(call->x, bytes, call->y, bytes)) return SIMDROP_ERROR_OVERLAP;
  if (call->stored != NULL && overlaps(call->stored, decisions, call->y, bytes)) return SIMDROP_ERROR_OVERLAP;
  if (call->decisions == NULL) return SIMDROP_OK;
  const bool meets =
      overlaps(call->decisions, decisions, call->x, bytes) || overlaps(call->decisions, decisions, call->y, bytes);
  return meets ? SIMDROP_ERROR_OVERLAP : SIMDROP_OK;
}

static inline simdrop_work work_of(const simdrop_call *call, double p, uint64_t threshold) {
  if (call->verb == SIMDROP_MASK_BITS) return SIMDROP_WORK_BITS;
  if (call->verb == SIMDROP_MASK_BYTES) return SIMDROP_WORK_BYTES;
  if (call->scale != NULL) return SIMDROP_WORK_SCALE;
  if (call->verb == SIMDROP_NORMALS) return SIMDROP_WORK_NORMALS;
  if (call->verb == SIMDROP_UNIFORMS) return SIMDROP_WORK_UNIFORMS;
  if (threshold == SIMDROP_CERTAIN) return SIMDROP_WORK_ZERO;
  if (call->verb == SIMDROP_GAUSSIAN) return threshold == 0 ? SIMDROP_WORK_COPY : SIMDROP_WORK_GAUSSIAN;
  if (call->verb == SIMDROP_ALPHA_FORWARD) return threshold == 0 ? SIMDROP_WORK_COPY : SIMDROP_WORK_AFFINE;
  if (call->verb == SIMDROP_ALPHA_BACKWARD) return threshold == 0 ? SIMDROP_WORK_COPY : SIMDROP_WORK_SCALE;
  if (p != 0) return SIMDROP_WORK_SCALE;  // a threshold of 0 too, for a tiny p: every element is kept, and scaled by 1
  return call->stored == NULL ? SIMDROP_WORK_COPY : SIMDROP_WORK_SELECT;
}

static inline simdrop_rule rule_of(const simdrop_call *call) {
  if (call->scale != NULL) return SIMDROP_RULE_GIVEN;
  if (call->verb == SIMDROP_GAUSSIAN) return SIMDROP_RULE_GAUSSIAN;
  return is_alpha(call) ? SIMDROP_RULE_ALPHA : SIMDROP_RULE_DROPOUT;
}

// Field by field: short calls would wait for a copy of the whole.
static inline void make_operation(const simdrop_call *call, size_t size, size_t n, simdrop_operation *operation) {
  double p = call->p;
  operation->seed = operation->stream = operation->index = 0;
  if (call->verb != SIMDROP_APPLY_BITS) {
    p = call->mask->p;
    operation->seed = call->mask->seed;
    operation->stream = call->mask->stream;
    operation->index = call->mask->offset;
  }
  operation->threshold = simdrop_threshold(p);
  operation->work = work_of(call, p, operation->threshold);
  // -0 would leave its sign where elements are dropped.
  if (call->scale != NULL) operation->scale = *call->scale > 0 ? *call->scale : 0;
  operation->rule = rule_of(call);
  operation->dtype = call->dtype;
  operation->size = (uint32_t)size;
  operation->store = SIMDROP_STORE_CACHED;
  operation->stored = operation->work == SIMDROP_WORK_ZERO ? NULL : call->stored;
  operation->n = n;
  operation->x = (const char *)call->x;
  operation->y = (char *)call->y;
  operation->bits = call->verb == SIMDROP_FORWARD ? call->decisions : NULL;
  operation->bytes = call->verb == SIMDROP_FORWARD_BYTES ? call->decisions : NULL;
  if (has_elements(call)) {
    operation->store = simdrop_store_for(operation);
  } else {
    operation->y = (char *)call->decisions;
  }
}

static inline simdrop_status simdrop_check_call(const simdrop_call *call, simdrop_operation *operation) {
  SIMDROP_RETURN_IF_ERROR(check_decisions(call, call->n));
  size_t size = call->verb == SIMDROP_MASK_BYTES;
  if (has_elements(call)) {
    size = element_size_of(call);
    if (size == 0) return SIMDROP_ERROR_DTYPE;
    SIMDROP_RETURN_IF_ERROR(check_arrays(call, size, call->n));
  } else if (call->n > 0 && call->decisions == NULL) {
    return SIMDROP_ERROR_NULL_POINTER;
  }
  make_operation(call, size, call->n, operation);
  return SIMDROP_OK;
}

// Checks a call on elements that follow one another and does it, on the executor's threads unless that is NULL.
static inline simdrop_status simdrop_submit(const simdrop_executor *executor, const simdrop_call *call) {
  simdrop_operation operation;
  SIMDROP_RETURN_IF_ERROR(simdrop_check_call(call, &operation));
  if (operation.n == 0) return SIMDROP_OK;
  if (executor == NULL) {
    simdrop_drive(&operation);
  } else {
    simdrop_run(executor, &operation);
  }
  return SIMDROP_OK;
}

#endif
