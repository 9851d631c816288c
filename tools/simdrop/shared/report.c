// One sentence on stderr.
#include "shared/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/console.h"
#include "shared/descriptors.h"
#include "shared/utf8.h"

// Replaces control characters, those of U+0080 to U+009F in every form too, which some terminals obey.
void report_hide_controls(char *text) {
  char *to = text;
  for (size_t length; *text != '\0'; text += length) {
    length = utf8_length(text, UTF8_SIZE_MAX);
    const unsigned char first = (unsigned char)*text, second = (unsigned char)text[1];
    const bool control = length == 0 ? first < 0xa0 : first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
    if (length == 0) length = 1;
    if (control) {
      *to++ = '?';
    } else {
      memmove(to, text, length);
      to += length;
    }
  }
  *to = '\0';
}

static void report(const char *format, va_list arguments) {
  char sentence[3 * PATH_MAX] = "simdrop: ";  // names of files, and what is said of them
  const size_t prefix = strlen(sentence);
  vsnprintf(sentence + prefix, sizeof sentence - prefix - 1, format, arguments);  // room for the newline
  report_hide_controls(sentence);
  size_t length = strlen(sentence);
  sentence[length++] = '\n';
  console_flush();
  descriptor_write(STDERR_FILENO, sentence, length);
}

void report_error(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report(format, arguments);
  va_end(arguments);
}

void report_note(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  report(format, arguments);
  va_end(arguments);
}
