// Operands of the fused kernels, of which there may be none, or one element for all: operand_<type> and its functions, for each
// type that is computed in. No vectors, but once for each target of Highway as the bodies that include it.
#ifndef SIMDROP_COMMON_OPERAND_BODY_H
#define SIMDROP_COMMON_OPERAND_BODY_H

#include <stdbool.h>
#include <string.h>

#include "common/consumer_parts.h"
#include "common/element_types.h"

// An operand's elements: its own, or where it is not there, or one for all, 64 copies that are read for every word. What
// changes nothing when it is added is -0, and when it is multiplied by, 1.
#define OPERAND_DEFINE_(argument, name, NAME, element, bits, converts)                                            \
  typedef struct operand_##name {                                                                                 \
    const element *elements;                                                                                      \
    size_t mask; /* of places: all ones, or 0 */                                                                  \
  } operand_##name;                                                                                               \
  static NEVER_INLINE operand_##name repeat_operand_##name(element value, element *copies) {                      \
    for (size_t i = 0; i < WORD_ELEMENTS; ++i) copies[i] = value;                                                 \
    return (operand_##name){copies, 0};                                                                           \
  }                                                                                                               \
  static ALWAYS_INLINE operand_##name operand_of_##name(const void *elements, bool is_shared, element if_missing, \
                                                        element *copies) {                                        \
    const element *const own = (const element *)elements;                                                         \
    if (own != NULL && !is_shared) return (operand_##name){own, SIZE_MAX};                                        \
    return repeat_operand_##name(own == NULL ? if_missing : *own, copies);                                        \
  }                                                                                                               \
  static ALWAYS_INLINE const element *operand_at_##name(const operand_##name *operand, size_t k) {                \
    return operand->elements + (k & operand->mask);                                                               \
  }
SIMDROP_COMPUTED_TYPES(OPERAND_DEFINE_, )
#undef OPERAND_DEFINE_

#endif
