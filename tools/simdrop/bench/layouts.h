// The layouts that simdrop bench measures, in one list, and what each is compared with.
#ifndef SIMDROP_TOOL_BENCH_LAYOUTS_H
#define SIMDROP_TOOL_BENCH_LAYOUTS_H

#include "bench/kernels.h"

typedef struct bench_layout {
  const char *name;
  const char *shape;           // for people: which tensor
  const char *reference_name;  // "scale": a plain loop y = x * s; "forward": simdrop_forward; "row memcpy": memcpy of each row
  bench_run *reference;
  // Fills in the layout, and the mask's offset, for as many elements as fit in c->n, at least one sample.
  void (*prepare)(bench_case *c);
} bench_layout;

extern const bench_layout bench_layouts[];
extern const int bench_layout_count;
extern const char *const bench_layout_names[];  // in the same order, ends with NULL

// simdrop_forward_layout of the case's layout.
bench_run bench_run_layout;

size_t bench_layout_elements(const simdrop_layout *layout);

// Elements that x and y need; views have gaps.
size_t bench_layout_extent(const simdrop_layout *layout);

#endif
