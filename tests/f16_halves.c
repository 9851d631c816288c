// Whether VCVTPS2PH rounds halves to even, as every processor does: Bochs 2.7 rounds them up. Exit status 1 if it does not.
#include <immintrin.h>

int main(void) {
  static volatile const float below_even = 1 + 0x1p-11f, below_odd = 1 + 0x3p-11f;  // 1 + 2^-10 is odd, 1 and 1 + 2^-9 are even
  const int ones = 0x3c00;
  return _cvtss_sh(below_even, _MM_FROUND_TO_NEAREST_INT) != ones ||
         _cvtss_sh(below_odd, _MM_FROUND_TO_NEAREST_INT) != ones + 2;
}
