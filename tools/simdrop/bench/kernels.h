// The kernels that simdrop bench measures, in one list: a new kernel is one line here. And what they are compared with.
#ifndef SIMDROP_TOOL_BENCH_KERNELS_H
#define SIMDROP_TOOL_BENCH_KERNELS_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "bench/copies.h"

// One combination to measure, with its buffers: x and y of n elements each, bits of n bits, n bytes.
typedef struct bench_case {
  simdrop_mask mask;
  simdrop_dtype dtype;
  size_t n, element_size;
  double scale;
  uint64_t threshold;
  void *x, *y;
  uint8_t *bits, *bytes;
  size_t copy_bytes;                 // of the memcpy that a kernel is compared with,
  size_t copy_bits;                  // and how many bits of it an element has
  const bench_way *way;              // the quickest known to move as many bytes
  bool is_fresh;                     // whether each call writes to memory that nobody has touched; y is NULL then
  bool writes_bits;                  // besides y
  simdrop_layout layout;             // of at most n elements, for the layouts
  const simdrop_executor *executor;  // NULL: one thread
  size_t pieces;                     // that the library cuts a call into
} bench_case;

// Does the same thing so many times.
typedef void bench_run(const bench_case *c, uint64_t repetitions);

// The compiler must take all memory as read and changed here, so no call can be left out or moved.
#define BENCH_BARRIER() __asm__ volatile("" ::: "memory")

// X(identifier, name, what it runs with, 1 if it draws a mask of the library, arrays of elements moved, of mask bits, of mask
//   bytes, the call on one thread, the call on the case's executor)
// The bytes moved follow from the three counts. Rows of the library repeat for each backend and p; memcpy for neither.
#define BENCH_KERNELS(X)                                                                                                     \
  X(memcpy, "memcpy", BENCH_COPY, 0, 2, 0, 0, memcpy(c->y, c->x, c->n * c->element_size), bench_copy(c, 1))                  \
  X(copy, "copy", BENCH_COPY, 0, 2, 0, 0, bench_copy_quickest(c, 1), bench_copy_quickest(c, 1))                              \
  X(philox_32bit, "philox-32bit", BENCH_BASELINE, 0, 2, 0, 0, run_baseline(c, 0, c->n), run_baseline_pieces(c))              \
  X(forward, "forward", BENCH_LIBRARY, 1, 2, 0, 0, simdrop_forward(&c->mask, c->dtype, c->n, c->x, c->y, NULL),              \
    simdrop_parallel_forward(c->executor, &c->mask, c->dtype, c->n, c->x, c->y, NULL))                                       \
  X(forward_bits, "forward-bits", BENCH_LIBRARY, 1, 2, 1, 0, simdrop_forward(&c->mask, c->dtype, c->n, c->x, c->y, c->bits), \
    simdrop_parallel_forward(c->executor, &c->mask, c->dtype, c->n, c->x, c->y, c->bits))                                    \
  X(forward_bytes, "forward-bytes", BENCH_LIBRARY, 1, 2, 0, 1,                                                               \
    simdrop_forward_bytes(&c->mask, c->dtype, c->n, c->x, c->y, c->bytes),                                                   \
    simdrop_parallel_forward_bytes(c->executor, &c->mask, c->dtype, c->n, c->x, c->y, c->bytes))                             \
  X(forward_in_place, "forward-in-place", BENCH_LIBRARY, 1, 2, 0, 0,                                                         \
    simdrop_forward(&c->mask, c->dtype, c->n, c->y, c->y, NULL),                                                             \
    simdrop_parallel_forward(c->executor, &c->mask, c->dtype, c->n, c->y, c->y, NULL))                                       \
  X(backward, "backward", BENCH_LIBRARY, 1, 2, 0, 0, simdrop_backward(&c->mask, c->dtype, c->n, c->x, c->y),                 \
    simdrop_parallel_backward(c->executor, &c->mask, c->dtype, c->n, c->x, c->y))                                            \
  X(apply_bits, "apply-bits", BENCH_LIBRARY, 0, 2, 1, 0, simdrop_apply_bits(c->mask.p, c->dtype, c->n, c->bits, c->x, c->y), \
    simdrop_parallel_apply_bits(c->executor, c->mask.p, c->dtype, c->n, c->bits, c->x, c->y))                                \
  X(mask_bits, "mask-bits", BENCH_LIBRARY, 1, 0, 1, 0, simdrop_mask_bits(&c->mask, c->n, c->y),                              \
    simdrop_parallel_mask_bits(c->executor, &c->mask, c->n, c->y))                                                           \
  X(mask_bytes, "mask-bytes", BENCH_LIBRARY, 1, 0, 0, 1, simdrop_mask_bytes(&c->mask, c->n, c->y),                           \
    simdrop_parallel_mask_bytes(c->executor, &c->mask, c->n, c->y))

typedef enum bench_group {
  BENCH_COPY,      // memcpy, and the quickest copy there is: depend neither on the backend nor on p
  BENCH_BASELINE,  // does not depend on the backend; f32 and f64 only
  BENCH_LIBRARY
} bench_group;

typedef struct bench_kernel {
  const char *name;
  bench_group group;
  bool draws;
  int element_arrays, bit_arrays, byte_arrays;
  bench_run *run, *run_parallel;
} bench_kernel;

extern const bench_kernel bench_kernels[];
extern const int bench_kernel_count;
extern const char *const bench_kernel_names[];  // in the same order, ends with NULL

// Bytes read and written by one call.
double bench_bytes(const bench_kernel *kernel, const bench_case *c);

// True if input and output are one array.
bool bench_is_in_place(const bench_kernel *kernel);

// Sets what the kernel's calls write to, and the memcpy that it is compared with: of its tensor, or of its mask if it has none.
void bench_set_outputs(const bench_kernel *kernel, bench_case *c);

// What kernels are compared with, cut into pieces as the library cuts its calls.
bench_run bench_copy;              // memcpy of copy_bytes from x to y
bench_run bench_copy_quickest;     // the same in the case's way
bench_run bench_rewrite_quickest;  // copy_bytes of y in the case's way
bench_run bench_scale;             // y = x * scale; f16 and bf16: as f32, over the same bytes
bench_run bench_scale_in_place;    // y = y * scale, likewise

#endif
