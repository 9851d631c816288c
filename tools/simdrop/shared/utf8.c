// The first byte says how many follow, and what the second may be.
#include "shared/utf8.h"

size_t utf8_length(const char *text, size_t size) {
  static const struct {
    unsigned char first, last, second_first, second_last;  // ranges of the first two bytes; further ones are 0x80 to 0xbf
    size_t length;
  } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
               {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
               {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
  const unsigned char *const bytes = (const unsigned char *)text;
  if (size == 0) return 0;
  if (bytes[0] < 0x80) return 1;
  size_t form = 0;
  while (form < sizeof forms / sizeof forms[0] && (bytes[0] < forms[form].first || bytes[0] > forms[form].last)) ++form;
  if (form == sizeof forms / sizeof forms[0] || size < 2) return 0;
  if (bytes[1] < forms[form].second_first || bytes[1] > forms[form].second_last) return 0;
  for (size_t k = 2; k < forms[form].length; ++k)
    if (k >= size || bytes[k] < 0x80 || bytes[k] > 0xbf) return 0;
  return forms[form].length;
}

size_t utf8_encode(uint32_t code, char bytes[UTF8_SIZE_MAX]) {
  static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};  // of the first byte, by length
  const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t k = length; k-- > 1; code >>= 6) bytes[k] = (char)(0x80 | (code & 0x3f));
  bytes[0] = (char)(marks[length] | code);
  return length;
}
