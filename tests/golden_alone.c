// Prints a line for each backend and kind of golden data, and two about the machine: for machines without cmocka. Exit status 1
// if anything is not golden, or a backend that the machine promises does not run.
#include <stdio.h>

#include "golden.h"
#include "promises.h"

static int check(const char *backend, const char *what, const char *problem) {
  if (problem == NULL) {
    printf("ok %s: %s\n", backend, what);
  } else {
    printf("FAILED %s: %s: %s\n", backend, what, problem);
  }
  return problem != NULL;
}

int main(void) {
  const uint16_t one = 1;
  int failed = 0, tested = 0;
  printf("machine: %s-endian, %zu-bit pointers\n", *(const unsigned char *)&one == 1 ? "little" : "big", 8 * sizeof(void *));
  printf("backends:");
  for (size_t i = 0; i < simdrop_backend_count(); ++i)
    if (simdrop_backend_supported(i)) printf(" %s", simdrop_backend_name(i));
  printf("\n");
  if (no_promises() != NULL) printf("skipped the backends that the machine promises: %s\n", no_promises());
  for (size_t i = 0; i < simdrop_backend_count(); ++i) {
    const char *const backend = simdrop_backend_name(i);
    if (!simdrop_backend_compiled(i) || !is_chosen_backend(backend)) continue;
    if (is_missed(i)) {
      failed |= check(backend, "detection", "the machine has all that it needs, and it is said not to run");
      continue;
    }
    if (!simdrop_backend_supported(i)) {
      printf("skipped %s: not supported by this machine\n", backend);
      continue;
    }
    if (simdrop_backend_select(backend) != SIMDROP_OK) {
      failed |= check(backend, "selection", "it is supported, and cannot be selected");
      continue;
    }
    ++tested;
    failed |= check(backend, "golden masks", golden_masks_problem());
    failed |= check(backend, "golden digests of 2^20 elements", golden_calls_problem());
    failed |= check(backend, "golden digests of layouts", golden_layouts_problem());
    failed |= check(backend, "golden digests of chains", golden_chains_problem());
    failed |= check(backend, "golden digests of norms", golden_norms_problem());
    failed |= check(backend, "golden digests of softmax", golden_softmaxes_problem());
    failed |= check(backend, "golden digests of dropout's relatives", golden_variants_problem());
  }
  if (tested == 0) failed |= check("no backend", "SIMDROP_TEST_BACKENDS", "none of these can run");
  return failed;
}
