// Softmax with dropout and its gradient, element by element: the definition. docs/fused.md has it in formulas.
#include "common/softmax.h"

#include <math.h>
#include <string.h>

#include "scalar/backend.h"
#include "scalar/computed.h"
#include "scalar/math.h"

static float exp_float(const simdrop_softmax_row *row, float x) {
  (void)row;
  return scalar_exp(x);
}

static double exp_double(const simdrop_softmax_row *row, double x) {
  row->f64_exp(1, &x);
  return x;
}

#define TYPE f32
#define COMPUTED float
#include "scalar/softmax_body.h"
#define TYPE f64
#define COMPUTED double
#include "scalar/softmax_body.h"
#define TYPE f16
#define COMPUTED float
#include "scalar/softmax_body.h"
#define TYPE bf16
#define COMPUTED float
#include "scalar/softmax_body.h"
