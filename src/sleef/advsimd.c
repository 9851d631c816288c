// The functions of f64_math.h by Advanced SIMD.
#include <arm_neon.h>
#include <sleef.h>

#define SLEEF_SET advsimd
#define SLEEF_LANES 2
#define SLEEF_BUNDLE SIMDROP_SLEEF_BUNDLE_advsimd

static inline float64x2_t sleef_load(const double *from) { return vld1q_f64(from); }
static inline void sleef_store(double *to, float64x2_t a) { vst1q_f64(to, a); }
static inline float64x2_t sleef_exp(float64x2_t a) { return Sleef_expd2_u10advsimd(a); }
static inline float64x2_t sleef_erfc(float64x2_t a) { return Sleef_erfcd2_u15advsimd(a); }

#include "sleef/f64_body.h"
