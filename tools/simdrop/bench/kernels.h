// The kernels that simdrop bench measures, in one list: a new kernel is one line here. And what they are compared with.
#ifndef SIMDROP_TOOL_BENCH_KERNELS_H
#define SIMDROP_TOOL_BENCH_KERNELS_H

#include <simdrop/simdrop.h>

#include <stdbool.h>

#include "bench/copies.h"

// One combination to measure, with its buffers: x and y of n elements each, other too if a kernel reads two arrays, bits of n
// bits, n bytes. Two statistics for each row, and, if a kernel updates them, two sums for each element, first all of the one
// and then all of the other, are numbers of bench_number_size.
typedef struct bench_case {
  simdrop_mask mask;
  simdrop_dtype dtype;
  size_t n, element_size;
  double scale;
  uint64_t threshold;
  void *x, *y, *other;
  uint8_t *bits, *bytes;
  void *statistics, *sums;
  size_t copy_bytes;                 // of the memcpy that a kernel is compared with,
  size_t copy_bits;                  // and how many bits of it an element has
  const bench_way *way;              // the quickest known to move as many bytes
  bool is_fresh;                     // whether each call writes to memory that nobody has touched; y is NULL then
  bool writes_bits;                  // besides y
  simdrop_layout layout;             // of at most n elements, for the layouts
  simdrop_matrix matrix;             // of n elements, for the kernels that take rows
  const simdrop_executor *executor;  // NULL: one thread
  size_t pieces;                     // that the library cuts a call into
} bench_case;

// Does the same thing so many times.
typedef void bench_run(const bench_case *c, uint64_t repetitions);

// The compiler must take all memory as read and changed here, so no call can be left out or moved.
#define BENCH_BARRIER() __asm__ volatile("" ::: "memory")

// X(identifier, name, what it runs with, what it draws, what elements it moves, arrays of mask bits, of mask bytes, the call on
//   one thread, the call on the case's executor)
// The bytes moved follow from what is moved. Rows of the library repeat for each backend and p; memcpy for neither. The fused
// functions have a list of their own (fused.h).
#define BENCH_KERNELS(X)                                                                                                      \
  X(memcpy, "memcpy", BENCH_COPY, BENCH_DRAWS_NOTHING, BENCH_COPIES, 0, 0, memcpy(c->y, c->x, c->n * c->element_size),        \
    bench_copy(c, 1))                                                                                                         \
  X(copy, "copy", BENCH_COPY, BENCH_DRAWS_NOTHING, BENCH_COPIES, 0, 0, bench_copy_quickest(c, 1), bench_copy_quickest(c, 1))  \
  X(philox_32bit, "philox-32bit", BENCH_BASELINE, BENCH_DRAWS_NOTHING, BENCH_COPIES, 0, 0, run_baseline(c, 0, c->n),          \
    run_baseline_pieces(c))                                                                                                   \
  X(forward, "forward", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_COPIES, 0, 0,                                                  \
    simdrop_forward(&c->mask, c->dtype, c->n, c->x, c->y, NULL),                                                              \
    simdrop_parallel_forward(c->executor, &c->mask, c->dtype, c->n, c->x, c->y, NULL))                                        \
  X(forward_bits, "forward-bits", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_COPIES, 1, 0,                                        \
    simdrop_forward(&c->mask, c->dtype, c->n, c->x, c->y, c->bits),                                                           \
    simdrop_parallel_forward(c->executor, &c->mask, c->dtype, c->n, c->x, c->y, c->bits))                                     \
  X(forward_bytes, "forward-bytes", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_COPIES, 0, 1,                                      \
    simdrop_forward_bytes(&c->mask, c->dtype, c->n, c->x, c->y, c->bytes),                                                    \
    simdrop_parallel_forward_bytes(c->executor, &c->mask, c->dtype, c->n, c->x, c->y, c->bytes))                              \
  X(forward_in_place, "forward-in-place", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_REWRITES, 0, 0,                              \
    simdrop_forward(&c->mask, c->dtype, c->n, c->y, c->y, NULL),                                                              \
    simdrop_parallel_forward(c->executor, &c->mask, c->dtype, c->n, c->y, c->y, NULL))                                        \
  X(backward, "backward", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_COPIES, 0, 0,                                                \
    simdrop_backward(&c->mask, c->dtype, c->n, c->x, c->y),                                                                   \
    simdrop_parallel_backward(c->executor, &c->mask, c->dtype, c->n, c->x, c->y))                                             \
  X(apply_bits, "apply-bits", BENCH_LIBRARY, BENCH_DRAWS_NOTHING, BENCH_COPIES, 1, 0,                                         \
    simdrop_apply_bits(c->mask.p, c->dtype, c->n, c->bits, c->x, c->y),                                                       \
    simdrop_parallel_apply_bits(c->executor, c->mask.p, c->dtype, c->n, c->bits, c->x, c->y))                                 \
  X(mask_bits, "mask-bits", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_MOVES_NONE, 1, 0, simdrop_mask_bits(&c->mask, c->n, c->y), \
    simdrop_parallel_mask_bits(c->executor, &c->mask, c->n, c->y))                                                            \
  X(mask_bytes, "mask-bytes", BENCH_LIBRARY, BENCH_DRAWS_MASK, BENCH_MOVES_NONE, 0, 1,                                        \
    simdrop_mask_bytes(&c->mask, c->n, c->y), simdrop_parallel_mask_bytes(c->executor, &c->mask, c->n, c->y))

typedef enum bench_group {
  BENCH_COPY,      // memcpy, and the quickest copy there is: depend neither on the backend nor on p
  BENCH_BASELINE,  // does not depend on the backend; f32 and f64 only
  BENCH_LIBRARY,
  BENCH_FUSED  // of the library too, but not for every type and p
} bench_group;

typedef enum bench_draws {
  BENCH_DRAWS_NOTHING,
  BENCH_DRAWS_MASK,     // of the library
  BENCH_DRAWS_NUMBERS,  // 32 random bits for each element
  BENCH_DRAWS_BLOCKS    // a mask of where DropBlock's blocks begin, which becomes a stored one
} bench_draws;

// Of elements, and so what it is compared with.
typedef enum bench_moves {
  BENCH_MOVES_NONE,  // only a mask is written, and compared with a copy of it
  BENCH_COPIES,      // one array is read and another written
  BENCH_REWRITES,    // input and output are one array
  BENCH_ADDS,        // two are read and a third is written
  BENCH_READS,       // one is read, and an element for each row is written
  BENCH_UPDATES      // one is read, and the sums are read and written
} bench_moves;

typedef struct bench_kernel {
  const char *name;
  bench_group group;
  bench_draws draws;
  bench_moves moves;
  int bit_arrays, byte_arrays;
  size_t columns;  // of the rows that it takes; 0: any number of elements
  bench_run *run, *run_parallel;
  simdrop_status (*call)(const bench_case *c, const simdrop_executor *executor);  // one call, of BENCH_FUSED only
} bench_kernel;

extern const bench_kernel bench_kernels[];
extern const int bench_kernel_count;
extern const char *const bench_kernel_names[];  // in the same order, ends with NULL

// Of the numbers that the library computes with for this type: float, of f64 double.
size_t bench_number_size(simdrop_dtype dtype);

// BENCH_COPIES, BENCH_REWRITES or BENCH_ADDS: what is most like what the kernel moves.
bench_moves bench_compared_moves(const bench_kernel *kernel);

// Bytes read and written by one call.
double bench_bytes(const bench_kernel *kernel, const bench_case *c);

// Sets what the kernel's calls write to, and the memcpy that it is compared with: of its tensor, or of its mask if it has none.
// For a kernel that takes rows, the case becomes its whole rows, or one row if that is longer.
void bench_set_outputs(const bench_kernel *kernel, bench_case *c);

// Why the library has no such kernel for the case's type and p; NULL if it has.
const char *bench_missing(const bench_kernel *kernel, const bench_case *c);

// What kernels are compared with, cut into pieces as the library cuts its calls.
bench_run bench_copy;              // memcpy of copy_bytes from x to y
bench_run bench_copy_quickest;     // the same in the case's way
bench_run bench_rewrite_quickest;  // copy_bytes of y in the case's way
bench_run bench_add_quickest;      // y = x + other in the case's way, over copy_bytes of each
bench_run bench_scale;             // y = x * scale; f16 and bf16: as f32, over the same bytes
bench_run bench_scale_in_place;    // y = y * scale, likewise
bench_run bench_dropout;           // simdrop_forward of the case
bench_run bench_dropout_in_place;  // the same in place

#endif
