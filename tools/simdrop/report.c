// One sentence on stderr.
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "descriptors.h"

static void report(const char *format, va_list arguments) {
  char sentence[2048] = "simdrop: ";
  const size_t prefix = strlen(sentence);
  vsnprintf(sentence + prefix, sizeof sentence - prefix - 1, format, arguments);  // room for the newline
  for (char *c = sentence; *c != '\0'; ++c)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  strcat(sentence, "\n");
  console_flush();
  descriptor_write(STDERR_FILENO, sentence, strlen(sentence));
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
