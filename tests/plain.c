// What the tests share that needs no cmocka: see plain.h.
#include "plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/float16.h"

#define DTYPE(argument, name, NAME, element, bits, converts) SIMDROP_##NAME,
const simdrop_dtype all_dtypes[] = {SIMDROP_ELEMENT_TYPES(DTYPE, )};
#undef DTYPE

const char *dtype_name(simdrop_dtype dtype) {
#define NAME_OF(argument, name, NAME, element, bits, converts) #name,
  static const char *const names[] = {SIMDROP_ELEMENT_TYPES(NAME_OF, )};
#undef NAME_OF
  return names[dtype];
}

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

uint64_t read_element(size_t size, const void *element) {
  uint8_t bits8;
  uint16_t bits16;
  uint32_t bits32;
  uint64_t bits64;
  switch (size) {
    case 1: memcpy(&bits8, element, 1); return bits8;
    case 2: memcpy(&bits16, element, 2); return bits16;
    case 4: memcpy(&bits32, element, 4); return bits32;
    default: memcpy(&bits64, element, 8); return bits64;
  }
}

void write_element(size_t size, uint64_t bits, void *element) {
  const uint8_t bits8 = (uint8_t)bits;
  const uint16_t bits16 = (uint16_t)bits;
  const uint32_t bits32 = (uint32_t)bits;
  switch (size) {
    case 1: memcpy(element, &bits8, 1); break;
    case 2: memcpy(element, &bits16, 2); break;
    case 4: memcpy(element, &bits32, 4); break;
    default: memcpy(element, &bits, 8); break;
  }
}

double read_value(simdrop_dtype dtype, const void *elements, ptrdiff_t k) {
  switch (dtype) {
    case SIMDROP_F32: return (double)((const float *)elements)[k];
    case SIMDROP_F64: return ((const double *)elements)[k];
    case SIMDROP_F16: return (double)simdrop_float_from_f16(((const uint16_t *)elements)[k]);
    default: return (double)simdrop_float_from_bf16(((const uint16_t *)elements)[k]);
  }
}

void write_value(simdrop_dtype dtype, void *elements, ptrdiff_t k, double value) {
  switch (dtype) {
    case SIMDROP_F32: ((float *)elements)[k] = (float)value; break;
    case SIMDROP_F64: ((double *)elements)[k] = value; break;
    case SIMDROP_F16: ((uint16_t *)elements)[k] = simdrop_f16_from_float((float)value); break;
    default: ((uint16_t *)elements)[k] = simdrop_bf16_from_float((float)value); break;
  }
}

void fill_values(simdrop_dtype dtype, size_t n, uint64_t *random, void *x) {
  static const struct {
    int exponent, fraction;
  } bits[] = {[SIMDROP_F32] = {8, 23}, [SIMDROP_F64] = {11, 52},    [SIMDROP_F16] = {5, 10},
              [SIMDROP_BF16] = {8, 7}, [SIMDROP_F8E4M3FN] = {4, 3}, [SIMDROP_F8E5M2] = {5, 2}};
  const size_t size = (size_t)(1 + bits[dtype].exponent + bits[dtype].fraction) / 8;
  for (size_t k = 0; k < n; ++k)
    write_element(size, make_value(bits[dtype].exponent, bits[dtype].fraction, next_random(random)), (char *)x + size * k);
}

void *allocate(size_t size) {
  void *const memory = malloc(size > 0 ? size : 1);
  if (memory == NULL) {
    fprintf(stderr, "no memory for %zu bytes\n", size);
    exit(1);
  }
  return memory;
}

bool is_chosen_backend(const char *name) {
  const char *const chosen = getenv("SIMDROP_TEST_BACKENDS");
  if (chosen == NULL) return true;
  char padded_list[256], padded_name[64];
  snprintf(padded_list, sizeof padded_list, " %s ", chosen);
  snprintf(padded_name, sizeof padded_name, " %s ", name);
  return strstr(padded_list, padded_name) != NULL;
}

double comparable_probability(simdrop_dtype dtype, double p) {
  const char *const rounding = getenv("SIMDROP_TEST_F16_ROUNDING");
  if (dtype != SIMDROP_F16 || p == 1 || rounding == NULL || strcmp(rounding, "no") != 0) return p;
  const float scale = (float)(1 / (1 - p));
  uint32_t bits;
  memcpy(&bits, &scale, sizeof bits);
  const bool is_power = (bits & 0x7fffff) == 0;
  return is_power ? p : p < 0.5 ? 0.5 : 0.75;
}

size_t count_of(const simdrop_layout *layout) {
  size_t count = 1;
  for (int a = 0; a < layout->rank; ++a) count *= layout->dims[a];
  return count;
}

element_place find_place(const simdrop_layout *layout, uint64_t offset, size_t k) {
  element_place place = {0, 0, offset};
  for (int a = layout->rank - 1; a >= 0; --a) {
    const size_t i = k % layout->dims[a];
    k /= layout->dims[a];
    place.x += (ptrdiff_t)i * layout->x_strides[a];
    place.y += (ptrdiff_t)i * layout->y_strides[a];
    place.index += i * layout->index_strides[a];
  }
  return place;
}

reach find_reach(const simdrop_layout *layout, const ptrdiff_t *strides) {
  reach e = {0, 1};
  for (int a = 0; a < layout->rank; ++a) {
    const ptrdiff_t steps = ((ptrdiff_t)layout->dims[a] - 1) * strides[a];
    if (steps < 0) {
      e.before += (size_t)-steps;
    } else {
      e.after += (size_t)steps;
    }
  }
  return e;
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
  if (file->stream == NULL) {
    fprintf(stderr, "cannot open %s\n", path);
    exit(1);
  }
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
