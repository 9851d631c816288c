// UTF-8, as RFC 3629 has it: no surrogates, no longer forms than needed, nothing above U+10FFFF.
#ifndef SIMDROP_TOOL_SHARED_UTF8_H
#define SIMDROP_TOOL_SHARED_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_SIZE_MAX 4

// How many bytes the character takes that the text begins with; 0 if it begins with none. A text that ends with a zero byte may
// give any larger size.
size_t utf8_length(const char *text, size_t size);

// The bytes of a code point below 0x110000; a lone surrogate gets the three bytes that the scheme has for it. Returns how many.
size_t utf8_encode(uint32_t code, char bytes[UTF8_SIZE_MAX]);

#endif
