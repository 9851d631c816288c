// K10: digests of masks and outputs of 2^20 elements and of layouts, the same on every machine: see golden.h.
//
// data/golden_digests.txt and data/golden_layouts.txt were written once, by the reference and not by the library:
// `test_golden_digest --write` and `--write-layouts`. What they have never changes, and a new type gets new lines; in the full
// effort the reference is asked again.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "oracle.h"
#include "support.h"

enum {
  N = GOLDEN_ELEMENTS
};

typedef struct arrays {
  uint32_t *u;
  uint8_t *kept, *bits;
  void *x, *y;
} arrays;

static arrays allocate_arrays(void) {
  return (arrays){allocate(sizeof(uint32_t) * N), allocate(N), allocate(PACKED(N)), allocate(8 * N), allocate(8 * N)};
}

static void free_arrays(arrays *a) {
  free(a->u);
  free(a->kept);
  free(a->bits);
  free(a->x);
  free(a->y);
}

// The reference's digests: of the mask, and of each type's outputs.
static void reference_digests(size_t i, arrays *a, uint64_t digests[GOLDEN_DIGESTS]) {
  const simdrop_mask mask = golden_call(i);
  oracle_u(mask.seed, mask.stream, mask.offset, N, a->u);
  oracle_kept(mask.p, N, a->u, a->kept);
  oracle_pack(N, a->kept, a->bits);
  digests[0] = digest_bytes(a->bits, PACKED(N));
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    golden_values(all_dtypes[d], N, a->x);
    oracle_apply(mask.p, all_dtypes[d], N, a->kept, a->x, a->y);
    digests[1 + d] = digest_values(all_dtypes[d], N, a->y);
  }
}

// The same of a layout: its elements in row-major order, each with the decision of its index.
static void reference_layout_digests(size_t i, arrays *a, uint64_t digests[GOLDEN_DIGESTS]) {
  const golden_layout golden = golden_layout_of(i);
  const simdrop_layout *const layout = &golden.layout;
  const size_t last = (size_t)find_place(layout, 0, golden.count - 1).index;  // the largest: no index stride is negative
  uint8_t *const drawn = allocate(last + 1);
  assert_true(last < N && golden.count <= N);
  oracle_u(golden.mask.seed, golden.mask.stream, golden.mask.offset, last + 1, a->u);
  oracle_kept(golden.mask.p, last + 1, a->u, drawn);
  for (size_t k = 0; k < golden.count; ++k) a->kept[k] = drawn[find_place(layout, 0, k).index];
  free(drawn);
  digests[0] = digest_bytes(a->kept, golden.count);
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    const size_t size = simdrop_dtype_size(all_dtypes[d]);
    char *const row_major = allocate(golden.count * size), *const x = a->x, *const y = a->y;
    golden_values(all_dtypes[d], golden.count, x);
    for (size_t k = 0; k < golden.count; ++k)
      memcpy(row_major + k * size, x + ((ptrdiff_t)golden.x_first + find_place(layout, 0, k).x) * (ptrdiff_t)size, size);
    oracle_apply(golden.mask.p, all_dtypes[d], golden.count, a->kept, row_major, row_major);
    for (size_t k = 0; k < golden.count; ++k)
      memcpy(y + ((ptrdiff_t)golden.y_first + find_place(layout, 0, k).y) * (ptrdiff_t)size, row_major + k * size, size);
    digests[1 + d] = digest_values(all_dtypes[d], golden.count, y);
    free(row_major);
  }
}

// A line for each call or layout with those of its digests that its lines of this part of the file have.
static void print_lines(const char *const *words, uint64_t (*digests)[GOLDEN_DIGESTS], size_t count, size_t begin, size_t end) {
  for (size_t i = 0; i < count; ++i) {
    printf("%s", words[i]);
    for (size_t d = begin; d < end; ++d) printf(" %016" PRIx64, digests[i][d]);
    printf("\n");
  }
}

static void print_file(const char *what, const char *head, const char *const *words, uint64_t (*digests)[GOLDEN_DIGESTS],
                       size_t count) {
  printf("%s# %s mask f32 f64 f16 bf16\n", head, what);
  print_lines(words, digests, count, 0, GOLDEN_FIRST_DIGESTS);
  printf("# %s f8e4m3fn f8e5m2\n", what);
  print_lines(words, digests, count, GOLDEN_FIRST_DIGESTS, GOLDEN_DIGESTS);
}

static void write_golden(void) {
  arrays a = allocate_arrays();
  uint64_t digests[GOLDEN_CALLS][GOLDEN_DIGESTS];
  char texts[GOLDEN_CALLS][32];
  const char *words[GOLDEN_CALLS];
  for (size_t i = 0; i < GOLDEN_CALLS; ++i) {
    reference_digests(i, &a, digests[i]);
    snprintf(texts[i], sizeof texts[i], "%.17g", golden_call(i).p);
    words[i] = texts[i];
  }
  print_file(
      "p",
      "# FNV-1a digests (64 bits) of 2^20 elements: the packed mask, and forward's output in little-endian bytes. Written "
      "once by\n# the tests' reference (test_golden_digest --write), which also says which seed, stream, offset and values "
      "these are.\n",
      words, digests, GOLDEN_CALLS);
  free_arrays(&a);
}

static void write_golden_layouts(void) {
  arrays a = allocate_arrays();
  uint64_t digests[GOLDEN_LAYOUTS][GOLDEN_DIGESTS];
  const char *words[GOLDEN_LAYOUTS];
  for (size_t i = 0; i < GOLDEN_LAYOUTS; ++i) {
    reference_layout_digests(i, &a, digests[i]);
    words[i] = golden_layout_of(i).name;
  }
  print_file(
      "layout",
      "# FNV-1a digests (64 bits) of layouts: the mask, a byte for each element in row-major order, and forward's output "
      "as it lies\n# in memory, in little-endian bytes. Written once by the tests' reference (test_golden_digest "
      "--write-layouts); golden.c says\n# which layouts, masks and values these are.\n",
      words, digests, GOLDEN_LAYOUTS);
  free_arrays(&a);
}

static void library(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_calls_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

static void library_layouts(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_layouts_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

static void library_chains(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_chains_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

// There is no second implementation of the functions to the last bit, and so the scalar backend is the reference; test_chain.c
// compares it with functions in double.
static void write_golden_chains(void) {
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  printf(
      "# FNV-1a digests (64 bits) of the chain: type, activation, and of y, the bits, dx, sums of columns and sums of rows. "
      "Written once by\n# the scalar backend (test_golden_digest --write-chains); golden.c says which calls these are.\n");
  for (size_t i = 0; i < GOLDEN_CHAINS; ++i) {
    uint64_t digests[GOLDEN_CHAIN_DIGESTS];
    golden_chain_digests(golden_chain_of(i), digests);
    printf("%s %d", dtype_name(golden_chain_of(i).dtype), (int)golden_chain_of(i).activation);
    for (size_t k = 0; k < GOLDEN_CHAIN_DIGESTS; ++k) printf(" %016" PRIx64, digests[k]);
    printf("\n");
  }
}

static void library_norms(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_norms_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

// The scalar backend is the reference, as above; test_norm.c has the definition once more, to the last bit.
static void write_golden_norms(void) {
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  printf(
      "# FNV-1a digests (64 bits) of norms: type, LayerNorm (0) or RMSNorm (1), and of h, y, the statistics, dh, dx, and the "
      "gradients of gamma,\n# beta and the bias. Written once by the scalar backend (test_golden_digest --write-norms); "
      "golden.c "
      "says which calls these are.\n");
  for (size_t i = 0; i < GOLDEN_NORMS; ++i) {
    uint64_t digests[GOLDEN_NORM_DIGESTS];
    golden_norm_digests(golden_norm_of(i), digests);
    printf("%s %d", dtype_name(golden_norm_of(i).dtype), (int)golden_norm_of(i).kind);
    for (size_t k = 0; k < GOLDEN_NORM_DIGESTS; ++k) printf(" %016" PRIx64, digests[k]);
    printf("\n");
  }
}

static void library_softmaxes(void **state) {
  (void)state;
  FOR_EACH_BACKEND(backend) {
    const char *const problem = golden_softmaxes_problem();
    if (problem != NULL) fail_msg("%s: %s", backend, problem);
  }
}

// The scalar backend is the reference, as above; test_softmax.c compares it with the formulas in double.
static void write_golden_softmaxes(void) {
  assert_int_equal(simdrop_backend_select("scalar"), SIMDROP_OK);
  printf(
      "# FNV-1a digests (64 bits) of softmax with dropout: type, with masks or without, and of y, the probabilities, the\n"
      "# statistics, dx from the probabilities and from the statistics. Written once by the scalar backend "
      "(test_golden_digest\n"
      "# --write-softmaxes); golden.c says which calls these are.\n");
  for (size_t i = 0; i < GOLDEN_SOFTMAXES; ++i) {
    uint64_t digests[GOLDEN_SOFTMAX_DIGESTS];
    golden_softmax_digests(golden_softmax_of(i), digests);
    printf("%s %d", dtype_name(golden_softmax_of(i).dtype), (int)golden_softmax_of(i).has_masks);
    for (size_t k = 0; k < GOLDEN_SOFTMAX_DIGESTS; ++k) printf(" %016" PRIx64, digests[k]);
    printf("\n");
  }
}

static void reference(void **state) {
  (void)state;
  if (!full_effort()) {
    print_message("reference skipped: SIMDROP_TEST_EFFORT=quick\n");
    skip();
  }
  arrays a = allocate_arrays();
  uint64_t golden[GOLDEN_DIGESTS], digests[GOLDEN_DIGESTS];
  for (size_t i = 0; i < GOLDEN_CALLS; ++i) {
    read_golden_call(i, golden);
    reference_digests(i, &a, digests);
    for (size_t d = 0; d < LENGTH(digests); ++d) assert_int_equal(digests[d], golden[d]);
  }
  for (size_t i = 0; i < GOLDEN_LAYOUTS; ++i) {
    read_golden_layout(i, golden);
    reference_layout_digests(i, &a, digests);
    for (size_t d = 0; d < LENGTH(digests); ++d) assert_int_equal(digests[d], golden[d]);
  }
  free_arrays(&a);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--write") == 0) {
    write_golden();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "--write-layouts") == 0) {
    write_golden_layouts();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "--write-chains") == 0) {
    write_golden_chains();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "--write-norms") == 0) {
    write_golden_norms();
    return 0;
  }
  if (argc > 1 && strcmp(argv[1], "--write-softmaxes") == 0) {
    write_golden_softmaxes();
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(library),       cmocka_unit_test(library_layouts),   cmocka_unit_test(library_chains),
      cmocka_unit_test(library_norms), cmocka_unit_test(library_softmaxes), cmocka_unit_test(reference),
  };
  return RUN_TESTS(argc, argv, tests);
}
