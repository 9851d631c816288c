// Sums in float, or in double for f64.
#include "fused/computed.h"

#include <string.h>

#include "common/element_types.h"

double simdrop_take_lanes(simdrop_dtype dtype, simdrop_lanes *lanes) {
  double sum;
  if (dtype == SIMDROP_F64) {
    for (size_t half = SIMDROP_SUM_LANES / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) lanes->f64[i] += lanes->f64[i + half];
    sum = lanes->f64[0];
  } else {
    for (size_t half = SIMDROP_SUM_LANES / 2; half > 0; half /= 2)
      for (size_t i = 0; i < half; ++i) lanes->f32[i] += lanes->f32[i + half];
    sum = (double)lanes->f32[0];
  }
  memset(lanes, 0, sizeof *lanes);
  return sum;
}

void simdrop_take_group(simdrop_dtype dtype, size_t columns, char *sums, void *group) {
  if (sums != NULL && dtype == SIMDROP_F64) {
    double *const totals = (double *)sums;
    for (size_t c = 0; c < columns; ++c) totals[c] += ((const double *)group)[c];
  } else if (sums != NULL) {
    float *const totals = (float *)sums;
    for (size_t c = 0; c < columns; ++c) totals[c] += ((const float *)group)[c];
  }
  memset(group, 0, columns * simdrop_computed_size(dtype));
}
