// TestU01's SmallCrush (L'Ecuyer and Simard, ACM Transactions on Mathematical Software 33(4), 2007) on 32-bit words from
// standard input, least significant byte first. Compiled by scripts/batteries.sh where TestU01 is installed. If a p-value is
// outside [1e-10, 1 - 1e-10], or the input ends too soon, a line says so that begins with "smallcrush: ", and the exit status
// is 1 or 2.
#include <bbattery.h>
#include <stdio.h>
#include <stdlib.h>
#include <unif01.h>

#define SUSPECT 1e-10

static unsigned int next_word(void) {
  unsigned char bytes[4];
  if (fread(bytes, 1, sizeof bytes, stdin) != sizeof bytes) {
    printf("smallcrush: standard input ended too soon\n");
    exit(2);
  }
  return bytes[0] | (unsigned)bytes[1] << 8 | (unsigned)bytes[2] << 16 | (unsigned)bytes[3] << 24;
}

int main(void) {
  char name[] = "standard input";
  unif01_Gen *const generator = unif01_CreateExternGenBits(name, next_word);
  int suspect = 0;
  bbattery_SmallCrush(generator);
  for (int i = 0; i < bbattery_NTests; ++i)
    if (bbattery_pVal[i] >= 0 && (bbattery_pVal[i] < SUSPECT || bbattery_pVal[i] > 1 - SUSPECT)) suspect = 1;
  unif01_DeleteExternGenBits(generator);
  if (suspect) printf("smallcrush: a p-value is outside [1e-10, 1 - 1e-10]\n");
  return suspect;
}
