// simdrop verify for the tool, and for test programs that put another implementation in the library's place.
#ifndef SIMDROP_TOOL_VERIFY_VERIFY_H
#define SIMDROP_TOOL_VERIFY_VERIFY_H

#include "verify/source.h"

#define EXIT_FAULTY 1  // exit status when a test fails

int run_verify(int argc, char **argv);

// The same on an implementation with this name; on the library's backends if functions is NULL.
int verify_command(int argc, char **argv, const dropout_functions *functions, const char *name);

#endif
