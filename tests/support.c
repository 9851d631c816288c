// What the tests share: see support.h.
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int use_filter(int argc, char **argv, const struct CMUnitTest *tests, size_t count) {
  if (argc < 2) return 0;
  if (strpbrk(argv[1], "*?") == NULL) {
    size_t i = 0;
    while (i < count && strcmp(tests[i].name, argv[1]) != 0) ++i;
    if (i == count) {
      fprintf(stderr, "no test is called %s\n", argv[1]);
      return 2;
    }
  }
  cmocka_set_test_filter(argv[1]);
  return 0;
}

bool full_effort(void) {
  const char *const effort = getenv("SIMDROP_TEST_EFFORT");
  return effort == NULL || strcmp(effort, "quick") != 0;
}

const char *next_backend(const char *previous) {
  static bool told;
  size_t index = 0;
  if (previous != NULL)
    while (simdrop_backend_name(index++) != previous) continue;
  if (!told) {
    for (size_t i = 0; i < simdrop_backend_count(); ++i)
      if (!simdrop_backend_supported(i))
        print_message("%s skipped: %s\n", simdrop_backend_name(i),
                      simdrop_backend_compiled(i) ? "not supported by this machine" : "not compiled in");
    told = true;
  }
  while (index < simdrop_backend_count() && !simdrop_backend_supported(index)) ++index;
  const char *const name = simdrop_backend_name(index);
  assert_int_equal(simdrop_backend_select(name), SIMDROP_OK);  // NULL after the last
  if (name != NULL) assert_string_equal(simdrop_backend_current(), name);
  return name;
}

const simdrop_dtype all_dtypes[4] = {SIMDROP_F32, SIMDROP_F64, SIMDROP_F16, SIMDROP_BF16};

const char *dtype_name(simdrop_dtype dtype) {
  static const char *const names[4] = {"f32", "f64", "f16", "bf16"};
  return names[dtype];
}

const double some_probabilities[12] = {0, 0x1p-32, 1e-3, 0.1, 0.25, 0.3, 1.0 / 3, 0.5, 0.9, 0.99, 1 - 0x1p-32, 1};

uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

// The bits of one value: sign, exponent and fraction, each from a choice of the nasty and the random.
static uint64_t make_value(int exponent_bits, int fraction_bits, uint64_t random) {
  const uint64_t top = (UINT64_C(1) << exponent_bits) - 1, fraction_mask = (UINT64_C(1) << fraction_bits) - 1;
  const uint64_t sign = random & 1, kind = random >> 1 & 7, detail = random >> 4 & 7, payload = random >> 7 & fraction_mask;
  uint64_t exponent = (random ^ random >> 53) % (top + 1), fraction = payload;
  if (kind == 0) {  // the nasty ones
    const uint64_t quiet = UINT64_C(1) << (fraction_bits - 1);
    const uint64_t nasty[8][2] = {
        {0, 0},                                        // zero
        {0, 1},                                        // smallest subnormal
        {0, fraction_mask},                            // largest subnormal
        {1, 0},                                        // smallest normal
        {top - 1, fraction_mask},                      // largest
        {top, 0},                                      // infinity
        {top, quiet | payload},                        // quiet NaN
        {top, (payload & (quiet - 1)) | (quiet >> 1)}  // signalling NaN
    };
    exponent = nasty[detail][0];
    fraction = nasty[detail][1];
  } else if (kind < 6) {  // values about 1, of which a few have short fractions, so that ties occur
    exponent = top / 2 - 3 + detail;
    if (kind == 1) fraction = payload & (fraction_mask << (fraction_bits > 10 ? fraction_bits - 10 : 2));
  }
  return (sign << exponent_bits | exponent) << fraction_bits | (fraction & fraction_mask);
}

void fill_values(simdrop_dtype dtype, size_t n, uint64_t *random, void *x) {
  for (size_t k = 0; k < n; ++k) {
    const uint64_t draw = next_random(random);
    if (dtype == SIMDROP_F64) {
      const uint64_t value = make_value(11, 52, draw);
      memcpy((char *)x + 8 * k, &value, 8);
    } else if (dtype == SIMDROP_F32) {
      const uint32_t value = (uint32_t)make_value(8, 23, draw);
      memcpy((char *)x + 4 * k, &value, 4);
    } else {
      const uint16_t value = (uint16_t)(dtype == SIMDROP_F16 ? make_value(5, 10, draw) : make_value(8, 7, draw));
      memcpy((char *)x + 2 * k, &value, 2);
    }
  }
}

static void print_hex(const char *label, const uint8_t *bytes, size_t size) {
  char text[3 * 16 + 1] = "";
  for (size_t i = 0; i < size && i < 16; ++i) snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
  print_error("  %s %s\n", label, text);
}

void check_bytes(const void *expected, const void *found, size_t size, const char *format, ...) {
  if (size == 0 || memcmp(expected, found, size) == 0) return;
  const uint8_t *const a = expected, *const b = found;
  size_t at = 0;
  while (a[at] == b[at]) ++at;
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  const size_t from = at & ~(size_t)7;
  print_hex("expected:", a + from, size - from);
  print_hex("found:   ", b + from, size - from);
  fail_msg("%s: byte %zu of %zu is %02x, not %02x", message, at, size, b[at], a[at]);
}

void check_filled(const void *found, size_t size, uint8_t value, const char *format, ...) {
  const uint8_t *const bytes = found;
  size_t at = 0;
  while (at < size && bytes[at] == value) ++at;
  if (at == size) return;
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  fail_msg("%s: byte %zu of %zu was overwritten with %02x", message, at, size, bytes[at]);
}

void *allocate(size_t size) {
  void *const memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) fail_msg("no memory for %zu bytes", size);
  return memory;
}

struct data_file {
  FILE *stream;
  char line[8192];
};

data_file *open_data(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", SIMDROP_TEST_DATA, name);
  data_file *const file = allocate(sizeof *file);
  file->stream = fopen(path, "r");
  if (file->stream == NULL) fail_msg("cannot open %s", path);
  return file;
}

char *next_line(data_file *file) {
  while (fgets(file->line, sizeof file->line, file->stream) != NULL)
    if (file->line[0] != '#' && file->line[0] != '\n') return file->line;
  return NULL;
}

void close_data(data_file *file) {
  fclose(file->stream);
  free(file);
}

size_t read_known_answers(known_answer **answers) {
  static const char *const names[] = {"philox4x32_10_kat.txt", "philox4x32_10_carry.txt"};
  enum {
    ROOM = 1000
  };
  size_t count = 0;
  *answers = allocate(ROOM * sizeof **answers);
  for (size_t i = 0; i < LENGTH(names); ++i) {
    data_file *const file = open_data(names[i]);
    for (const char *line; (line = next_line(file)) != NULL; ++count) {
      assert_true(count < ROOM);
      known_answer *const a = &(*answers)[count];
      const int read = sscanf(line,
                              "philox4x32 10 %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32
                              " %" SCNx32 " %" SCNx32 " %" SCNx32,
                              &a->counter[0], &a->counter[1], &a->counter[2], &a->counter[3], &a->key[0], &a->key[1],
                              &a->words[0], &a->words[1], &a->words[2], &a->words[3]);
      assert_int_equal(read, 10);
    }
    close_data(file);
  }
  return count;
}
