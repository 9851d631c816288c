// The vector backends' kernels of norms, in the words of the backend's arithmetic.h (included before this file).
#ifndef SIMDROP_COMMON_NORM_BODY_H
#define SIMDROP_COMMON_NORM_BODY_H

#include <string.h>

#include "common/bits.h"
#include "common/consumer_parts.h"
#include "common/kernel_table.h"
#include "common/operand_body.h"
#include "common/row_sums_body.h"

// Elements whose numbers are summed at once: the sums of lanes are in memory between them.
enum {
  NORM_BLOCK = 256
};

#define NORM_CONVERTS_f32 false
#define NORM_CONVERTS_f64 false
#define NORM_CONVERTS_f16 true
#define NORM_CONVERTS_bf16 true

#define TYPE f32
#include "common/norm_typed_body.h"
#define TYPE f64
#include "common/norm_typed_body.h"
#define TYPE f16
#include "common/norm_typed_body.h"
#define TYPE bf16
#include "common/norm_typed_body.h"

#endif
