// What the library is and does on this machine: version, backends, ways of going through memory, functions in double.
#include "example.h"

#include <string.h>

static void version(void) {
  //! [simdrop_version_number]
  // The library that is linked is at least as new as the headers that this was compiled with.
  expect(simdrop_version_number() >= SIMDROP_VERSION_NUMBER);
  //! [simdrop_version_number]

  //! [simdrop_version_string]
  printf("compiled with simdrop %s, runs with %s\n", SIMDROP_VERSION_STRING, simdrop_version_string());
  //! [simdrop_version_string]
  expect(strcmp(simdrop_version_string(), SIMDROP_VERSION_STRING) == 0);
}

static void backends(void) {
  //! [simdrop_backend_count]
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    const char *what = "not in this library";
    if (simdrop_backend_compiled(i)) what = simdrop_backend_supported(i) ? "runs here" : "needs another processor";
    printf("%-16s %s\n", simdrop_backend_name(i), what);
  }
  //! [simdrop_backend_count]

  //! [simdrop_backend_name]
  size_t scalar = 0;  // the number of a backend, by its name
  while (simdrop_backend_name(scalar) != NULL && strcmp(simdrop_backend_name(scalar), "scalar") != 0) ++scalar;
  expect(scalar < simdrop_backend_count());
  //! [simdrop_backend_name]

  //! [simdrop_backend_compiled]
  expect(simdrop_backend_compiled(scalar) == 1);  // it is in every library
  //! [simdrop_backend_compiled]

  //! [simdrop_backend_supported]
  expect(simdrop_backend_supported(scalar) == 1);                   // and runs on every machine
  expect(simdrop_backend_supported(simdrop_backend_count()) == 0);  // no such number
  //! [simdrop_backend_supported]

  //! [simdrop_backend_current]
  printf("%s is in use\n", simdrop_backend_current());
  //! [simdrop_backend_current]

  //! [simdrop_backend_select]
  check(simdrop_backend_select("scalar"));  // to find out whether a result depends on the backend: none does
  expect(strcmp(simdrop_backend_current(), "scalar") == 0);
  expect(simdrop_backend_select("mmx") == SIMDROP_ERROR_UNKNOWN_BACKEND);
  expect(strcmp(simdrop_backend_current(), "scalar") == 0);
  //! [simdrop_backend_select]

  //! [simdrop_backend_reason]
  expect(simdrop_backend_reason() == SIMDROP_CHOICE_SELECTED);
  check(simdrop_backend_select(NULL));  // the best one again
  if (simdrop_backend_reason() == SIMDROP_CHOICE_ENVIRONMENT_REFUSED) printf("SIMDROP_BACKEND was passed over\n");
  //! [simdrop_backend_reason]
}

static void memory(void) {
  //! [simdrop_memory_count]
  for (size_t i = 0; i < simdrop_memory_count(); ++i) printf("%s ", simdrop_memory_name(i));
  printf("\n");
  //! [simdrop_memory_count]

  //! [simdrop_memory_name]
  expect(strcmp(simdrop_memory_name(0), "learned") == 0);
  expect(simdrop_memory_name(simdrop_memory_count()) == NULL);
  //! [simdrop_memory_name]

  //! [simdrop_memory_select]
  check(simdrop_memory_select("pages-4"));  // to measure this way
  expect(simdrop_memory_select("pages-3") == SIMDROP_ERROR_UNKNOWN_MEMORY);
  //! [simdrop_memory_select]

  //! [simdrop_memory_current]
  expect(strcmp(simdrop_memory_current(), "pages-4") == 0);
  check(simdrop_memory_select(NULL));
  expect(strcmp(simdrop_memory_current(), "learned") == 0);
  //! [simdrop_memory_current]
}

static void functions_in_double(void) {
  //! [simdrop_f64_functions]
  const char *functions = simdrop_f64_functions();
  if (functions != NULL) {
    printf("GELU, SiLU and softmax of F64 use %s\n", functions);
  } else {
    printf("GELU, SiLU and softmax of F64 are SIMDROP_ERROR_NOT_BUILT here\n");
  }
  //! [simdrop_f64_functions]

  //! [simdrop_sleef_version]
  const char *sleef = simdrop_sleef_version();
  printf("SLEEF: %s\n", sleef != NULL ? sleef : "none");
  //! [simdrop_sleef_version]
  expect(functions == NULL || sleef != NULL);
}

int main(void) {
  version();
  backends();
  memory();
  functions_in_double();
  return 0;
}
