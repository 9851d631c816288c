// Whether a layout can be followed: sizes, indices, and which bytes meet.
#ifndef SIMDROP_LAYOUT_CHECK_H
#define SIMDROP_LAYOUT_CHECK_H

#include <simdrop/simdrop.h>

// The number of elements, of any number of axes.
simdrop_status simdrop_count_elements(int rank, const size_t *dims, size_t *count);

// The same, and that a layout can have so many axes.
simdrop_status simdrop_check_shape(int rank, const size_t *dims, size_t *count);

// The same for a layout, and that no index passes 2^64 - 1.
simdrop_status simdrop_check_layout(const simdrop_layout *layout, uint64_t offset, size_t *count);

// For a layout of at least one element: that the places of x and y, in elements, fit PTRDIFF_MAX.
simdrop_status simdrop_check_reach(const simdrop_layout *layout);

// For a layout of at least one element: that x and y can lie in memory, that no two elements of y meet, and that x and y are
// the same elements or have no byte in common.
simdrop_status simdrop_check_layout_arrays(const simdrop_layout *layout, size_t size, const void *x, const void *y);

// For a layout whose array has passed that: that no element of it, with these strides, has a byte in common with the `bytes`
// bytes from bits on, of which there is one at the least.
simdrop_status simdrop_check_layout_bits(const simdrop_layout *layout, const ptrdiff_t *strides, size_t size, const void *array,
                                         const void *bits, size_t bytes);

#endif
