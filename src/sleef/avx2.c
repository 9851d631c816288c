// The functions of f64_math.h by AVX2 with FMA.
#include <immintrin.h>
#include <sleef.h>

#define SLEEF_SET avx2
#define SLEEF_LANES 4
#define SLEEF_BUNDLE SIMDROP_SLEEF_BUNDLE_avx2

static inline __m256d sleef_load(const double *from) { return _mm256_loadu_pd(from); }
static inline void sleef_store(double *to, __m256d a) { _mm256_storeu_pd(to, a); }
static inline __m256d sleef_exp(__m256d a) { return Sleef_expd4_u10avx2(a); }
static inline __m256d sleef_erfc(__m256d a) { return Sleef_erfcd4_u15avx2(a); }

#include "sleef/f64_body.h"
