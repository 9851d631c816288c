// The functions of f64_math.h by FMA alone, one at a time: for processors that have that without AVX2.

// sleef.h has them for some compilers only.
double Sleef_expd1_u10purecfma(double a);
double Sleef_erfcd1_u15purecfma(double a);

#define SLEEF_SET purecfma
#define SLEEF_LANES 1
#define SLEEF_BUNDLE SIMDROP_SLEEF_BUNDLE_purecfma

static inline double sleef_load(const double *from) { return *from; }
static inline void sleef_store(double *to, double a) { *to = a; }
static inline double sleef_exp(double a) { return Sleef_expd1_u10purecfma(a); }
static inline double sleef_erfc(double a) { return Sleef_erfcd1_u15purecfma(a); }

#include "sleef/f64_body.h"
