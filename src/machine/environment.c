// Environment variables, which programs with raised privileges must not take from their caller.
#include "machine/environment.h"

#include <stdlib.h>
#if defined(SIMDROP_HAVE_ISSETUGID)
#include <unistd.h>
#elif defined(SIMDROP_HAVE_GETAUXVAL)
#include <sys/auxv.h>
#endif

const char *simdrop_environment(const char *name) {
#if defined(SIMDROP_HAVE_SECURE_GETENV)
  return secure_getenv(name);
#elif defined(SIMDROP_HAVE_ISSETUGID)
  return issetugid() ? NULL : getenv(name);
#elif defined(SIMDROP_HAVE_GETAUXVAL)
  return getauxval(AT_SECURE) != 0 ? NULL : getenv(name);  // Android, whose issetugid is gone
#elif defined(_WIN32) || defined(__wasi__)
  return getenv(name);  // no program has privileges that its caller lacks
#else
  (void)name;
  return NULL;  // a program with raised privileges could not be told apart
#endif
}
