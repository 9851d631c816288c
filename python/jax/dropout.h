// What simdrop/_xla.so exports; python/simdrop/jax finds it by ctypes.
#ifndef SIMDROP_PYTHON_JAX_DROPOUT_H
#define SIMDROP_PYTHON_JAX_DROPOUT_H

#include "xla_ffi.h"

#define EXPORTED __attribute__((visibility("default")))

// The handler of the custom call "simdrop_dropout": y = dropout(x), or that of each example of a batch.
//   operands    x: f16, bf16, f32, f64, f8e4m3fn or f8e5m2, row-major
//               words: u32, of x's batch_rank first extents and a last one of 2, the key, or of 6: key, stream, offset; each is
//               two words, the upper one first
//               p: f32 or f64, of x's batch_rank first extents; left out where the attribute has it
//   result      y: as x
//   attributes  batch_rank: s64, the axes of x that tell examples apart
//               index_strides: s64 array, of every other axis
//               p: f64; left out where the operand has it
//               stream, offset: s64 with the bits of u64; not looked at where there are 6 words
EXPORTED xla_error *simdrop_xla_dropout(xla_call *call);

// Use the backend with this name, NULL for the best: as simdrop_backend_select, for the library in this object. Returns its
// status.
EXPORTED int simdrop_xla_use_backend(const char *name);

// The name of the backend in use.
EXPORTED const char *simdrop_xla_backend(void);

// How many pieces of calls XLA's pool has taken off the threads that called, since the process began.
EXPORTED uint64_t simdrop_xla_pieces_helped(void);

#endif
