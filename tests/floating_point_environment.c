// Loads shared libraries, and says whether the floating-point environment is as it was: exit status 0, or 1 with a line.
#include <dlfcn.h>
#include <stdio.h>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>

static unsigned long environment(void) { return _mm_getcsr(); }
#elif defined(__aarch64__)
static unsigned long environment(void) {
  unsigned long fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return fpcr;
}
#else
static unsigned long environment(void) { return 0; }
#endif

int main(int argc, char **argv) {
  const unsigned long before = environment();
  for (int i = 1; i < argc; ++i) {
    if (dlopen(argv[i], RTLD_NOW) == NULL) {
      printf("%s\n", dlerror());
      return 1;
    }
    if (environment() != before) {
      printf("%s: the control word was %lx, and is %lx\n", argv[i], before, environment());
      return 1;
    }
  }
  return 0;
}
