// Text on standard output and standard error. It is gathered in memory and written by console_flush, because stdio loses what a
// non-blocking pipe or socket does not take at once.
#ifndef SIMDROP_TOOL_SHARED_CONSOLE_H
#define SIMDROP_TOOL_SHARED_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

#include "shared/report.h"

FILE *console_out(void);
FILE *console_error(void);

// To standard output.
void console_print(const char *format, ...) PRINTF_LIKE(1, 2);

// Writes what both have gathered, which also happens at exit; false if not all of standard output could be written, now or
// before, with the errno of that.
bool console_flush(void);

#endif
