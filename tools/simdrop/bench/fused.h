// The fused functions and the variants that simdrop bench measures, in one list: a new one is one line here. They take a part
// of the case that is rows of so many columns.
#ifndef SIMDROP_TOOL_BENCH_FUSED_H
#define SIMDROP_TOOL_BENCH_FUSED_H

#include "bench/kernels.h"

#define BENCH_CHAIN_COLUMNS 1024
#define BENCH_SOFTMAX_COLUMNS 512

// Statuses say whether there is such a function, type and p.
typedef simdrop_status bench_fused_call(const bench_case *c, const simdrop_executor *executor);

// X(identifier, name, what it draws, what it moves, columns; 0: it takes any number of elements)
#define BENCH_FUSED_KERNELS(X)                                                                                       \
  X(chain, "chain", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_CHAIN_COLUMNS)                                               \
  X(chain_gelu, "chain-gelu", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_CHAIN_COLUMNS)                                     \
  X(chain_backward, "chain-backward", BENCH_DRAWS_MASK, BENCH_COPIES, BENCH_CHAIN_COLUMNS)                           \
  X(gelu_backward, "gelu-backward", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_CHAIN_COLUMNS)                               \
  X(norm, "norm", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_CHAIN_COLUMNS)                                                 \
  X(norm_backward, "norm-backward", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_CHAIN_COLUMNS)                               \
  X(softmax, "softmax", BENCH_DRAWS_MASK, BENCH_COPIES, BENCH_SOFTMAX_COLUMNS)                                       \
  X(softmax_backward, "softmax-backward", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_SOFTMAX_COLUMNS)                       \
  X(softmax_backward_statistics, "softmax-backward-statistics", BENCH_DRAWS_MASK, BENCH_ADDS, BENCH_SOFTMAX_COLUMNS) \
  X(tile, "tile", BENCH_DRAWS_MASK, BENCH_REWRITES, BENCH_CHAIN_COLUMNS)                                             \
  X(tile_numbered, "tile-numbered", BENCH_DRAWS_MASK, BENCH_REWRITES, BENCH_CHAIN_COLUMNS)                           \
  X(tile_bits, "tile-bits", BENCH_DRAWS_MASK, BENCH_REWRITES, BENCH_CHAIN_COLUMNS)                                   \
  X(alpha, "alpha", BENCH_DRAWS_MASK, BENCH_COPIES, 0)                                                               \
  X(gaussian, "gaussian", BENCH_DRAWS_NUMBERS, BENCH_COPIES, 0)                                                      \
  X(concrete, "concrete", BENCH_DRAWS_NUMBERS, BENCH_COPIES, 0)                                                      \
  X(concrete_backward, "concrete-backward", BENCH_DRAWS_NUMBERS, BENCH_ADDS, 0)                                      \
  X(dropconnect, "dropconnect", BENCH_DRAWS_MASK, BENCH_READS, BENCH_CHAIN_COLUMNS)                                  \
  X(dropblock, "dropblock", BENCH_DRAWS_BLOCKS, BENCH_COPIES, BENCH_CHAIN_COLUMNS)                                   \
  X(moments, "moments", BENCH_DRAWS_NOTHING, BENCH_UPDATES, 0)

#define BENCH_DECLARE_FUSED(identifier, name, draws, moves, columns) bench_fused_call bench_##identifier;
BENCH_FUSED_KERNELS(BENCH_DECLARE_FUSED)

// How many bit planes a block of 128 elements takes for the mask that says where DropBlock's blocks begin, which has fewer
// elements than the images.
double bench_planes_of_blocks(const bench_case *c);

#endif
