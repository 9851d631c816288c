// One sentence on stderr.
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void report_error(const char *format, ...) {
  char sentence[2048] = "simdrop: ";
  const size_t prefix = strlen(sentence);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(sentence + prefix, sizeof sentence - prefix - 1, format, arguments);  // room for the newline
  va_end(arguments);
  for (char *c = sentence; *c != '\0'; ++c)
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
  strcat(sentence, "\n");
  fflush(stdout);
  fputs(sentence, stderr);
}
