// The functions of f64_math.h by AVX-512.
#include <immintrin.h>
#include <sleef.h>

#define SLEEF_SET avx512f
#define SLEEF_LANES 8
#define SLEEF_BUNDLE SIMDROP_SLEEF_BUNDLE_avx512f

static inline __m512d sleef_load(const double *from) { return _mm512_loadu_pd(from); }
static inline void sleef_store(double *to, __m512d a) { _mm512_storeu_pd(to, a); }
static inline __m512d sleef_exp(__m512d a) { return Sleef_expd8_u10avx512f(a); }
static inline __m512d sleef_erfc(__m512d a) { return Sleef_erfcd8_u15avx512f(a); }

#include "sleef/f64_body.h"
