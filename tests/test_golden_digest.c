// K10: digests of masks and outputs of 2^20 elements, the same on every machine. They are FNV-1a of 64 bits over the bytes of
// the packed mask, and over the values' bytes in little-endian order.
//
// data/golden_digests.txt was written once, by the reference and not by the library: `test_golden_digest --write`. It is never
// to change; in the full effort the reference is asked again.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "support.h"

enum {
  N = 1 << 20
};

static uint64_t add_byte(uint64_t digest, uint8_t byte) { return (digest ^ byte) * UINT64_C(0x100000001b3); }

static uint64_t digest_bytes(const uint8_t *bytes, size_t size) {
  uint64_t digest = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < size; ++i) digest = add_byte(digest, bytes[i]);
  return digest;
}

static uint64_t digest_values(simdrop_dtype dtype, const void *values) {
  uint64_t digest = UINT64_C(0xcbf29ce484222325);
  const size_t size = simdrop_dtype_size(dtype);
  for (size_t k = 0; k < N; ++k) {
    uint64_t value;
    if (size == 8) {
      value = ((const uint64_t *)values)[k];
    } else if (size == 4) {
      value = ((const uint32_t *)values)[k];
    } else {
      value = ((const uint16_t *)values)[k];
    }
    for (size_t i = 0; i < size; ++i) digest = add_byte(digest, (uint8_t)(value >> 8 * i));
  }
  return digest;
}

static const double probabilities[] = {0.1, 0.5, 0.9};

static simdrop_mask mask_of(size_t i) {
  return (simdrop_mask){probabilities[i], UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210),
                        (UINT64_C(1) << 39) - N / 2 - 5};
}

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

static void fill_x(simdrop_dtype dtype, void *x) {
  uint64_t random = 40 + (uint64_t)dtype;
  fill_values(dtype, N, &random, x);
}

// The reference's digests: of the mask, and of the four types' outputs.
static void reference_digests(size_t i, arrays *a, uint64_t digests[5]) {
  const simdrop_mask mask = mask_of(i);
  oracle_u(mask.seed, mask.stream, mask.offset, N, a->u);
  oracle_kept(mask.p, N, a->u, a->kept);
  oracle_pack(N, a->kept, a->bits);
  digests[0] = digest_bytes(a->bits, PACKED(N));
  for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
    fill_x(all_dtypes[d], a->x);
    oracle_apply(mask.p, all_dtypes[d], N, a->kept, a->x, a->y);
    digests[1 + d] = digest_values(all_dtypes[d], a->y);
  }
}

static void read_golden(size_t i, uint64_t digests[5]) {
  data_file *const file = open_data("golden_digests.txt");
  const char *line = NULL;
  for (size_t k = 0; k <= i; ++k) line = next_line(file);
  assert_non_null(line);
  double p;
  assert_int_equal(sscanf(line, "%lf %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &p, &digests[0], &digests[1],
                          &digests[2], &digests[3], &digests[4]),
                   6);
  assert_true(p == probabilities[i]);
  close_data(file);
}

static void write_golden(void) {
  arrays a = allocate_arrays();
  printf(
      "# FNV-1a digests (64 bits) of 2^20 elements: the packed mask, and forward's output in little-endian bytes. Written once "
      "by\n");
  printf(
      "# the tests' reference (test_golden_digest --write), which also says which seed, stream, offset and values these "
      "are.\n");
  printf("# p mask f32 f64 f16 bf16\n");
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    uint64_t digests[5];
    reference_digests(i, &a, digests);
    printf("%.17g", probabilities[i]);
    for (size_t d = 0; d < LENGTH(digests); ++d) printf(" %016" PRIx64, digests[d]);
    printf("\n");
  }
  free_arrays(&a);
}

static void library(void **state) {
  (void)state;
  arrays a = allocate_arrays();
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    const simdrop_mask mask = mask_of(i);
    uint64_t golden[5];
    read_golden(i, golden);
    for (size_t d = 0; d < LENGTH(all_dtypes); ++d) {
      fill_x(all_dtypes[d], a.x);
      FOR_EACH_BACKEND(backend) {
        assert_int_equal(simdrop_forward(&mask, all_dtypes[d], N, a.x, a.y, a.bits), SIMDROP_OK);
        if (digest_values(all_dtypes[d], a.y) != golden[1 + d])
          fail_msg("%s: outputs of %s at p = %g differ from the golden ones", backend, dtype_name(all_dtypes[d]), mask.p);
        if (digest_bytes(a.bits, PACKED(N)) != golden[0])
          fail_msg("%s: mask at p = %g differs from the golden one", backend, mask.p);
      }
    }
  }
  free_arrays(&a);
}

static void reference(void **state) {
  (void)state;
  if (!full_effort()) {
    print_message("reference skipped: SIMDROP_TEST_EFFORT=quick\n");
    skip();
  }
  arrays a = allocate_arrays();
  for (size_t i = 0; i < LENGTH(probabilities); ++i) {
    uint64_t golden[5], digests[5];
    read_golden(i, golden);
    reference_digests(i, &a, digests);
    for (size_t d = 0; d < LENGTH(digests); ++d) assert_int_equal(digests[d], golden[d]);
  }
  free_arrays(&a);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--write") == 0) {
    write_golden();
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(library),
      cmocka_unit_test(reference),
  };
  return RUN_TESTS(argc, argv, tests);
}
