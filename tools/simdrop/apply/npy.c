// The .npy header is a Python dictionary in text. Nothing in it is taken on trust: neither lengths, nor signs, nor that the
// product of the shape fits in 64 bits.
#include "apply/npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply/python_literal.h"
#include "shared/input.h"
#include "shared/report.h"
#include "shared/utf8.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6

#define PROBLEM_SIZE 200

static bool fail(char *problem, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(problem, PROBLEM_SIZE, format, arguments);
  va_end(arguments);
  return false;
}

static bool is_big_endian(void) {
  const uint16_t one = 1;
  return *(const unsigned char *)&one == 0;
}

// What a descr says behind its byte order: a letter, a letter and a size in bytes, or a name, which takes no byte order.
static bool find_type(const char *code, bool ordered, npy_type *type) {
  static const struct {
    const char *code;
    npy_type type;
    bool is_name;
  } types[] = {{"e", NPY_F2, false},
               {"f", NPY_F4, false},
               {"d", NPY_F8, false},
               {"H", NPY_U2, false},
               {"B", NPY_U1, false},
               {"f1", NPY_F8E5M2, false},
               {"f2", NPY_F2, false},
               {"f4", NPY_F4, false},
               {"f8", NPY_F8, false},
               {"u1", NPY_U1, false},
               {"u2", NPY_U2, false},
               {"V1", NPY_V1, false},
               {"V2", NPY_V2, false},
               {"half", NPY_F2, true},
               {"float16", NPY_F2, true},
               {"single", NPY_F4, true},
               {"float32", NPY_F4, true},
               {"double", NPY_F8, true},
               {"float", NPY_F8, true},
               {"float64", NPY_F8, true},
               {"bfloat16", NPY_BF16, true},
               {"float8_e4m3fn", NPY_F8E4M3FN, true},
               {"float8_e5m2", NPY_F8E5M2, true},
               {"ushort", NPY_U2, true},
               {"uint16", NPY_U2, true},
               {"ubyte", NPY_U1, true},
               {"uint8", NPY_U1, true}};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i) {
    if (strcmp(code, types[i].code) != 0 || (ordered && types[i].is_name)) continue;
    *type = types[i].type;
    return true;
  }
  return false;
}

// NumPy takes the size as strtol does, so that "f 4" and "f04" are f4.
static void normalize_size(char *code, size_t size) {
  char *end;
  const long bytes = code[0] != '\0' ? strtol(code + 1, &end, 10) : 0;
  if (bytes >= 1 && bytes <= 8 && *end == '\0') snprintf(code + 1, size - 1, "%ld", bytes);
}

static bool read_type(const python_literal *descr, npy_header *header, char *problem) {
  static const size_t sizes[] = {[NPY_F2] = 2, [NPY_F4] = 4,       [NPY_F8] = 8,     [NPY_BF16] = 2, [NPY_U2] = 2,
                                 [NPY_V2] = 2, [NPY_F8E4M3FN] = 1, [NPY_F8E5M2] = 1, [NPY_U1] = 1,   [NPY_V1] = 1};
  if (descr->kind == PYTHON_LIST) return fail(problem, "it holds a structured array, not floating-point numbers");
  if (descr->kind == PYTHON_TUPLE) return fail(problem, "its elements are arrays themselves, not floating-point numbers");
  if (descr->kind != PYTHON_STRING) return fail(problem, "its descr is not a string");
  char text[40], code[40];
  const size_t length = descr->length < sizeof text ? descr->length : sizeof text - 1;
  memcpy(text, descr->text, length);
  text[length] = '\0';
  const bool whole = strlen(text) == descr->length, ordered = text[0] != '\0' && strchr("<>=|", text[0]) != NULL;
  snprintf(code, sizeof code, "%s", text + ordered);
  normalize_size(code, sizeof code);
  if (whole && find_type(code, ordered, &header->type)) {
    const bool silent = text[0] != '<' && text[0] != '>';
    header->element_size = sizes[header->type];
    header->big_endian = header->element_size > 1 && (text[0] == '>' || (silent && header->type != NPY_V2 && is_big_endian()));
    return true;
  }
  if (strncmp(code, "float8", 6) == 0)
    return fail(problem, "it holds 8-bit floating-point numbers (dtype '%s') other than float8_e4m3fn and float8_e5m2", text);
  if (strchr(code, 'O') != NULL) return fail(problem, "it holds Python objects (dtype '%s'), not floating-point numbers", text);
  return fail(problem, "its dtype '%s' is none of float16, float32, float64, bfloat16, float8_e4m3fn and float8_e5m2", text);
}

static bool read_shape(const python_literal *shape, npy_header *header, char *problem) {
  header->rank = 0;
  if (shape->kind == PYTHON_INTEGER) return fail(problem, "its shape is a number, not a tuple");
  if (shape->kind != PYTHON_TUPLE) return fail(problem, "its shape is not a tuple");
  for (const python_literal *length = shape->first; length != NULL; length = length->next) {
    if (length->kind != PYTHON_INTEGER) return fail(problem, "its shape is not a tuple of whole numbers");
    if (length->negative && length->integer > 0) return fail(problem, "its shape has a negative length");
    if (length->integer > INT64_MAX) return fail(problem, "its shape has a length past 2^63");
    if (header->rank == NPY_RANK_MAX) return fail(problem, "its shape has more than 64 dimensions");
    header->shape[header->rank++] = length->integer;
  }
  return true;
}

static bool read_order(const python_literal *order, npy_header *header, char *problem) {
  header->fortran_order = order->boolean;
  return order->kind == PYTHON_BOOLEAN || fail(problem, "its fortran_order is neither True nor False");
}

// Of a key that comes twice, the last one counts.
static bool read_dictionary(const python_literal *dictionary, npy_header *header, char *problem) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  const python_literal *values[3] = {NULL};
  if (dictionary->kind != PYTHON_DICTIONARY) return fail(problem, "its header is not the dictionary of a .npy file");
  for (const python_literal *key = dictionary->first; key != NULL; key = key->next->next) {
    int k = 0;
    while (k < 3 && !python_is_string(key, keys[k])) ++k;
    if (k == 3) return fail(problem, "its header has a key other than descr, fortran_order and shape");
    values[k] = key->next;
  }
  for (int k = 0; k < 3; ++k)
    if (values[k] == NULL) return fail(problem, "its header lacks one of descr, fortran_order and shape");
  return read_type(values[0], header, problem) && read_order(values[1], header, problem) &&
         read_shape(values[2], header, problem);
}

static bool count_elements(npy_header *header, char *problem) {
  header->count = 1;
  for (int i = 0; i < header->rank; ++i)
    if (header->shape[i] == 0) header->count = 0;
  for (int i = 0; header->count > 0 && i < header->rank; ++i) {
    if (header->count > (uint64_t)INT64_MAX / header->element_size / header->shape[i])
      return fail(problem, "its shape has more elements than a file can hold");
    header->count *= header->shape[i];
  }
  return true;
}

// The text of a header in UTF-8; versions 1 and 2 have Latin-1. NULL if there is no memory.
static char *decode(const unsigned char *raw, size_t size, bool latin_1, size_t *decoded) {
  char *const text = malloc(2 * size + 1);
  *decoded = 0;
  for (size_t i = 0; text != NULL && i < size; ++i) {
    if (latin_1) {
      *decoded += utf8_encode(raw[i], text + *decoded);
    } else {
      text[(*decoded)++] = (char)raw[i];
    }
  }
  return text;
}

// Python 2 wrote the shape's numbers with an L on some machines; NumPy puts up with that in versions 1 and 2.
static bool read_text(const unsigned char *raw, size_t raw_size, unsigned version, npy_header *header, char *problem) {
  size_t size;
  char *const text = decode(raw, raw_size, version < 3, &size);
  if (text == NULL) return fail(problem, "there is no memory for its header");
  python_document document;
  python_literal_read(text, size, version < 3, &document);
  const bool read = document.root != NULL
                        ? read_dictionary(document.root, header, problem) && count_elements(header, problem)
                        : fail(problem, "its header is not the dictionary of a .npy file: %s (at character %zu)",
                               document.problem, document.position);
  python_document_free(&document);
  free(text);
  return read;
}

// Reads exactly size bytes of the header to its end.
static bool append_raw(int descriptor, const char *name, npy_header *header, size_t size) {
  unsigned char *const grown = realloc(header->raw, header->raw_size + size);
  if (grown == NULL) {
    report_error("there is no memory for the header of %s", name);
    return false;
  }
  header->raw = grown;
  const ptrdiff_t got = input_read(descriptor, name, header->raw + header->raw_size, size);
  if (got < 0) return false;
  if ((size_t)got < size) {
    const bool foreign = memcmp(header->raw, MAGIC,
                                header->raw_size + (size_t)got < MAGIC_SIZE ? header->raw_size + (size_t)got : MAGIC_SIZE) != 0;
    report_error(foreign || header->raw_size + (size_t)got == 0
                     ? "%s is not a .npy file: it does not begin with the NumPy magic"
                     : "%s is truncated: it ends within its header",
                 name);
    return false;
  }
  header->raw_size += size;
  return true;
}

// Magic, version and the length of the dictionary: 2 bytes of length in version 1, 4 since version 2.
static bool read_preamble(int descriptor, const char *name, npy_header *header, size_t *length) {
  if (!append_raw(descriptor, name, header, MAGIC_SIZE + 2)) return false;
  const unsigned char *const raw = header->raw;
  const unsigned major = raw[MAGIC_SIZE], minor = raw[MAGIC_SIZE + 1];
  if (memcmp(raw, MAGIC, MAGIC_SIZE) != 0) {
    report_error("%s is not a .npy file: it does not begin with the NumPy magic", name);
    return false;
  }
  if (major < 1 || major > 3 || minor != 0) {
    report_error("%s has .npy format version %u.%u; 1.0, 2.0 and 3.0 are read", name, major, minor);
    return false;
  }
  const size_t width = major == 1 ? 2 : 4;
  if (!append_raw(descriptor, name, header, width)) return false;
  *length = 0;
  for (size_t i = 0; i < width; ++i) *length |= (size_t)header->raw[MAGIC_SIZE + 2 + i] << (8 * i);
  if (*length > NPY_HEADER_MAX) {
    report_error("%s has a header of %zu bytes; at most %u are read", name, *length, NPY_HEADER_MAX);
    return false;
  }
  return true;
}

bool npy_read_header(int descriptor, const char *name, npy_header *header) {
  size_t length;
  char problem[PROBLEM_SIZE];
  *header = (npy_header){.raw = NULL};
  if (!read_preamble(descriptor, name, header, &length)) return false;
  const size_t preamble = header->raw_size;
  if (!append_raw(descriptor, name, header, length)) return false;
  if (read_text(header->raw + preamble, length, header->raw[MAGIC_SIZE], header, problem)) return true;
  report_error("cannot use %s: %s", name, problem);
  return false;
}

void npy_header_free(npy_header *header) {
  free(header->raw);
  header->raw = NULL;
}

static void swap2(void *elements, size_t n) {
  uint16_t *const x = elements;
  for (size_t i = 0; i < n; ++i) x[i] = (uint16_t)(x[i] << 8 | x[i] >> 8);
}

static void swap4(void *elements, size_t n) {
  uint32_t *const x = elements;
  for (size_t i = 0; i < n; ++i) x[i] = x[i] << 24 | (x[i] & 0xff00) << 8 | (x[i] >> 8 & 0xff00) | x[i] >> 24;
}

static uint64_t swapped8(uint64_t x) {
  x = (x & UINT64_C(0x00ff00ff00ff00ff)) << 8 | (x >> 8 & UINT64_C(0x00ff00ff00ff00ff));
  x = (x & UINT64_C(0x0000ffff0000ffff)) << 16 | (x >> 16 & UINT64_C(0x0000ffff0000ffff));
  return x << 32 | x >> 32;
}

static void swap8(void *elements, size_t n) {
  uint64_t *const x = elements;
  for (size_t i = 0; i < n; ++i) x[i] = swapped8(x[i]);
}

void npy_swap_elements(const npy_header *header, void *elements, size_t n) {
  if (header->element_size == 1 || header->big_endian == is_big_endian()) return;
  switch (header->element_size) {
    case 2: swap2(elements, n); break;
    case 4: swap4(elements, n); break;
    default: swap8(elements, n); break;
  }
}

void npy_format_shape(const npy_header *header, size_t size, char *text) {
  size_t used = (size_t)snprintf(text, size, "(");
  for (int i = 0; i < header->rank && used < size; ++i)
    used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, i == 0 ? "" : ", ", header->shape[i]);
  if (used < size) snprintf(text + used, size - used, header->rank == 1 ? ",)" : ")");
}
