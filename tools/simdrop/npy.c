// The .npy header is a Python dictionary in text: this parses the literals that can stand in it, and nothing is taken on
// trust: neither lengths, nor signs, nor that the product of the shape fits in 64 bits.
#include "npy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "report.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6

// The text still to be parsed, and the first thing found wrong with it.
typedef struct parser {
  const char *at, *end;
  char problem[160];
} parser;

static bool fail(parser *p, const char *problem) {
  if (p->problem[0] == '\0') snprintf(p->problem, sizeof p->problem, "%s", problem);
  return false;
}

static void skip_space(parser *p) {
  while (p->at < p->end && memchr(" \t\n\r\f", *p->at, 5) != NULL) ++p->at;
}

// True and past it if the next character, after space, is this one.
static bool accept(parser *p, char c) {
  skip_space(p);
  if (p->at == p->end || *p->at != c) return false;
  ++p->at;
  return true;
}

static bool parse_string(parser *p, size_t size, char *text) {
  skip_space(p);
  if (p->at == p->end || (*p->at != '\'' && *p->at != '"')) return fail(p, "its header is not the dictionary of a .npy file");
  const char quote = *p->at++;
  const char *const close = memchr(p->at, quote, (size_t)(p->end - p->at));
  if (close == NULL) return fail(p, "its header ends within a string");
  const size_t length = (size_t)(close - p->at);
  if (length >= size || memchr(p->at, '\\', length) != NULL || memchr(p->at, '\0', length) != NULL)
    return fail(p, "its header holds a string that no .npy file has");
  memcpy(text, p->at, length);
  text[length] = '\0';
  p->at = close + 1;
  return true;
}

static bool parse_boolean(parser *p, bool *value) {
  skip_space(p);
  const size_t left = (size_t)(p->end - p->at);
  *value = left >= 4 && memcmp(p->at, "True", 4) == 0;
  const size_t length = *value ? 4 : 5;
  if (!*value && (left < 5 || memcmp(p->at, "False", 5) != 0)) return fail(p, "its fortran_order is neither True nor False");
  p->at += length;
  return true;
}

static bool parse_dimension(parser *p, uint64_t *dimension) {
  uint64_t value = 0;
  skip_space(p);
  if (p->at < p->end && *p->at == '-') return fail(p, "its shape has a negative length");
  if (p->at == p->end || *p->at < '0' || *p->at > '9') return fail(p, "its shape is not a tuple of whole numbers");
  for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; ++p->at) {
    const unsigned digit = (unsigned)(*p->at - '0');
    if (value > ((uint64_t)INT64_MAX - digit) / 10) return fail(p, "its shape has a length past 2^63");
    value = value * 10 + digit;
  }
  *dimension = value;
  return true;
}

static bool parse_shape(parser *p, npy_header *header) {
  bool comma = true;
  header->rank = 0;
  if (!accept(p, '(')) return fail(p, "its shape is not a tuple");
  while (!accept(p, ')')) {
    if (!comma) return fail(p, "its shape is not a tuple of whole numbers");
    if (header->rank == NPY_RANK_MAX) return fail(p, "its shape has more than 64 dimensions");
    if (!parse_dimension(p, &header->shape[header->rank++])) return false;
    comma = accept(p, ',');
  }
  return header->rank != 1 || comma || fail(p, "its shape is a number, not a tuple");
}

static bool parse_type(parser *p, npy_header *header) {
  static const struct {
    const char *name;
    npy_type type;
    size_t size;
  } types[] = {{"f2", NPY_F2, 2}, {"f4", NPY_F4, 4}, {"f8", NPY_F8, 8}, {"u2", NPY_U2, 2}, {"V2", NPY_V2, 2}};
  char descr[32], problem[160];
  skip_space(p);
  if (p->at < p->end && *p->at == '[') return fail(p, "it holds a structured array, not floating-point numbers");
  if (!parse_string(p, sizeof descr, descr)) return false;
  const char order = descr[0];
  for (size_t i = 0; order != '\0' && i < sizeof types / sizeof types[0]; ++i) {
    if (strcmp(descr + 1, types[i].name) != 0) continue;
    if (order == '>') break;
    if (order != '<' && order != '=' && order != '|') break;
    header->type = types[i].type;
    header->element_size = types[i].size;
    return true;
  }
  const bool object = strchr(descr, 'O') != NULL;
  snprintf(problem, sizeof problem,
           object         ? "it holds Python objects (dtype '%s'), not floating-point numbers"
           : order == '>' ? "its dtype '%s' is big-endian; only little-endian files are read"
                          : "its dtype '%s' is none of float16, float32 and float64 ('<f2', '<f4', '<f8')",
           descr);
  return fail(p, problem);
}

// One "key: value"; seen has a bit for each of the three keys.
static bool parse_item(parser *p, npy_header *header, unsigned *seen) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  char key[32];
  unsigned index = 0;
  if (!parse_string(p, sizeof key, key)) return false;
  while (index < 3 && strcmp(key, keys[index]) != 0) ++index;
  if (index == 3) return fail(p, "its header has a key other than descr, fortran_order and shape");
  if (*seen >> index & 1) return fail(p, "its header gives a key twice");
  *seen |= 1u << index;
  if (!accept(p, ':')) return fail(p, "its header is not the dictionary of a .npy file");
  switch (index) {
    case 0: return parse_type(p, header);
    case 1: return parse_boolean(p, &header->fortran_order);
    default: return parse_shape(p, header);
  }
}

static bool parse_dictionary(parser *p, npy_header *header) {
  unsigned seen = 0;
  bool comma = true;
  if (!accept(p, '{')) return fail(p, "its header is not the dictionary of a .npy file");
  while (!accept(p, '}')) {
    if (!comma) return fail(p, "its header is not the dictionary of a .npy file");
    if (!parse_item(p, header, &seen)) return false;
    comma = accept(p, ',');
  }
  skip_space(p);
  if (p->at != p->end) return fail(p, "its header has text behind the dictionary");
  return seen == 7 || fail(p, "its header lacks one of descr, fortran_order and shape");
}

static bool count_elements(parser *p, npy_header *header) {
  header->count = 1;
  for (int i = 0; i < header->rank; ++i)
    if (header->shape[i] == 0) header->count = 0;
  for (int i = 0; header->count > 0 && i < header->rank; ++i) {
    if (header->count > (uint64_t)INT64_MAX / header->element_size / header->shape[i])
      return fail(p, "its shape has more elements than a file can hold");
    header->count *= header->shape[i];
  }
  return true;
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
  *header = (npy_header){.raw = NULL};
  if (!read_preamble(descriptor, name, header, &length)) return false;
  const size_t preamble = header->raw_size;
  if (!append_raw(descriptor, name, header, length)) return false;
  parser p = {(const char *)header->raw + preamble, (const char *)header->raw + header->raw_size, ""};
  if (parse_dictionary(&p, header) && count_elements(&p, header)) return true;
  report_error("cannot use %s: %s", name, p.problem);
  return false;
}

void npy_header_free(npy_header *header) {
  free(header->raw);
  header->raw = NULL;
}

void npy_format_shape(const npy_header *header, size_t size, char *text) {
  size_t used = (size_t)snprintf(text, size, "(");
  for (int i = 0; i < header->rank && used < size; ++i)
    used += (size_t)snprintf(text + used, size - used, "%s%" PRIu64, i == 0 ? "" : ", ", header->shape[i]);
  if (used < size) snprintf(text + used, size - used, header->rank == 1 ? ",)" : ")");
}
