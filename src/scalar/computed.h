// What the scalar backend's kernels share: elements' values as it computes with them, and decisions.
#ifndef SIMDROP_SCALAR_COMPUTED_H
#define SIMDROP_SCALAR_COMPUTED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/element_types.h"
#include "common/float16.h"

// Exact.
static inline float scalar_value_f32(float element) { return element; }
static inline double scalar_value_f64(double element) { return element; }
static inline float scalar_value_f16(uint16_t element) { return simdrop_float_from_f16(element); }
static inline float scalar_value_bf16(uint16_t element) { return simdrop_float_from_bf16(element); }

// Rounded to nearest even.
static inline float scalar_element_f32(float value) { return value; }
static inline double scalar_element_f64(double value) { return value; }
static inline uint16_t scalar_element_f16(float value) { return simdrop_f16_from_float(value); }
static inline uint16_t scalar_element_bf16(float value) { return simdrop_bf16_from_float(value); }

static inline bool scalar_is_kept(const uint64_t *words, size_t k) { return words[k / 64] >> (k % 64) & 1; }

#endif
