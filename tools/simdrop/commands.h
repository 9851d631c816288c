// The subcommands: small ones are one file each, the others a folder. argv[0] is the command's name; the result is the exit
// status.
#ifndef SIMDROP_TOOL_COMMANDS_H
#define SIMDROP_TOOL_COMMANDS_H

#include "apply/apply.h"
#include "bench/bench.h"
#include "verify/verify.h"

int run_info(int argc, char **argv);
int run_mask(int argc, char **argv);

#endif
